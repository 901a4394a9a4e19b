"""A command loads what it needs, and nothing before its arguments make sense."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from goaround.__main__ import PEOPLE
from goaround.cli.command import duration, positive
from goaround.cli.moments import future, past

HEAVY = (
    *("numpy", "pydantic", "yaml", "kopf", "kubernetes", "requests", "grpc"),
    *("asyncio", "aiohttp", "httpx"),
)


def loaded(code: str) -> set[str]:
    """Heavy packages that are loaded after this code, in a process of its own."""
    tell = f"import json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    told = f"{code}\n{tell}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


INCIDENTS = ("", " classify", " open", " show", " report", " nonsense")
LIGHT = (
    *("status", "status chat", "history chat", "kill chat --reason why", "revive chat"),
    *("approve chat", "reject chat", "promote chat", "retry chat"),
    *("abort chat", "hold chat --reason why", "resume chat", "version"),
    *("incident list", "incident show x", "incident resolve x"),
)
NOBODY = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
}
AFTER_AN_ANSWER = ("lookup", "output", "status_page", "whoami")
"""Modules that a verb loads once the API server has answered."""


def run_all(commands: Sequence[str]) -> str:
    """Code that runs each of them; how they end does not matter."""
    return f"""
import contextlib
from goaround.__main__ import main
for command in {list(commands)!r}:
    with contextlib.suppress(SystemExit):
        main(command.split())
"""


def test_help_loads_nothing_heavy() -> None:
    commands = [*PEOPLE, *(f"incident{verb}" for verb in INCIDENTS)]
    assert loaded(run_all([f"{command} --help" for command in commands])) == set()


def test_a_verb_loads_a_kubeconfig_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(NOBODY))
    more = "\n".join(f"import goaround.cli.{name}" for name in AFTER_AN_ANSWER)
    asked = run_all([f"{command} --kubeconfig {path}" for command in LIGHT])
    assert loaded(f"{asked}\n{more}") == {"yaml"}


def test_a_plan_loads_neither_the_operator_nor_a_client_of_the_cluster() -> None:
    code = "from goaround.cli import manifest, plan, plan_text\nimport goaround.evidence.flightplan"
    assert loaded(code) - {"asyncio"} == {"numpy", "pydantic", "yaml"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("45m", 2700), ("2h", 7200), ("1.5h", 5400), ("1d", 86400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["2", "h", "-2h", "", "two hours", "1w"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="is no duration"):
        duration(text)


NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", "2026-11-21T13:00:00Z"),
        ("30m", "2026-11-21T12:30:00Z"),
        ("12:52Z", "2026-11-21T12:52:00Z"),
        ("13:52", "2026-11-20T13:52:00Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"),
    ],
)
def test_what_happened_lies_in_the_past(text: str, at: str) -> None:
    assert past(NOW)(text) == at


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", "2026-11-21T15:00:00Z"),
        ("13:52Z", "2026-11-21T13:52:00Z"),
        ("12:52", "2026-11-22T12:52:00Z"),
        ("2026-12-01", "2026-12-01T23:59:59Z"),
    ],
)
def test_what_is_due_lies_ahead_and_a_day_ends_at_its_end(text: str, at: str) -> None:
    assert future(NOW)(text) == at


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "9" * 30 + "d"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="is no time"):
        past(NOW)(text)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "ten"])
def test_rates_are_finite_numbers(text: str) -> None:
    with pytest.raises(Exception, match="is no number"):
        positive(text)
