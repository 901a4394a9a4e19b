"""A command loads what it needs, and nothing before its arguments make sense."""

import json
import subprocess
import sys

import pytest

from goaround.cli.command import duration, positive

HEAVY = ("numpy", "pydantic", "yaml", "kopf", "kubernetes", "requests", "grpc")


def loaded(code: str) -> set[str]:
    """Heavy packages that are loaded after this code, in a process of its own."""
    tell = f"import json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    told = f"{code}\n{tell}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", ["plan", "explain", "evidence", "incident"])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = f"""
from goaround.__main__ import main
try:
    main(["{command}", "--help"])
except SystemExit:
    pass
"""
    assert loaded(code) == set()


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


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "ten"])
def test_rates_are_finite_numbers(text: str) -> None:
    with pytest.raises(Exception, match="is no number"):
        positive(text)
