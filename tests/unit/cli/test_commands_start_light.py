"""A command loads what it needs, and nothing before its arguments make sense."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from goaround.cli.command import duration, positive
from goaround.cli.moments import future, past

HEAVY = ("numpy", "pydantic", "yaml", "kopf", "kubernetes", "requests", "grpc")


def loaded(code: str) -> set[str]:
    """Heavy packages that are loaded after this code, in a process of its own."""
    tell = f"import json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    told = f"{code}\n{tell}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


COMMANDS = (
    *("plan", "explain", "evidence", "kill", "revive", "status", "incident", "freeze"),
    *(
        "incident classify",
        "incident open",
        "incident show",
        "incident report",
        "incident nonsense",
    ),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command: str) -> None:
    code = f"""
from goaround.__main__ import main
try:
    main({command.split()!r} + ["--help"])
except SystemExit:
    pass
"""
    assert loaded(code) == set()


def test_a_verb_loads_the_client_of_the_cluster_and_no_more() -> None:
    code = """
from goaround.__main__ import main
main(["kill", "chat", "--reason", "why", "--kubeconfig", "/nowhere"])
"""
    assert loaded(code) <= {"pydantic", "yaml", "kubernetes", "requests"}


def test_a_plan_loads_neither_the_operator_nor_a_client_of_the_cluster() -> None:
    code = "from goaround.cli import manifest, plan, plan_text\nimport goaround.evidence.flightplan"
    assert loaded(code) == {"numpy", "pydantic", "yaml"}


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
