"""Section `incidents` of the administrator's file."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from goaround.api.clocks import ClockName
from goaround.api.severity import Severity
from goaround.incident.calendar import BusinessDays
from goaround.incident.seen import Settings
from goaround.runtime.config import ConfigError, parse

FULL = """
incidents:
  quietSeconds: 600
  calendar:
    timeZone: Australia/Sydney
    workdays: [Mon, Tue, Wed, Thu]
    opens: 08:30
    closes: 17:00
    holidays: [2026-12-25]
  clocks:
  - {name: contain, severity: P2, dueSeconds: 3600, targetSeconds: 1800}
  - {name: fix, severity: P3, dueBusinessDays: 2}
  - {name: leadership, severity: P2, disabled: true}
  regimes:
  - {name: board, dueSeconds: 21600}
"""


def fault(incidents: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse({"incidents": incidents}, source="operator.yaml")
    return str(caught.value)


def test_an_empty_section_is_the_documented_defaults() -> None:
    assert parse({}, source="x").incidents.settings() == Settings()


def test_all_that_may_be_said_is_what_the_passes_read() -> None:
    found = parse(yaml.safe_load(FULL), source="x").incidents.settings()
    assert found.quiet == timedelta(minutes=10)
    assert found.clocks == {
        (ClockName.CONTAIN, Severity.P2): timedelta(hours=1),
        (ClockName.FIX, Severity.P3): BusinessDays(2),
        (ClockName.LEADERSHIP, Severity.P2): None,
    }
    assert found.targets == {(ClockName.CONTAIN, Severity.P2): timedelta(minutes=30)}
    assert found.regimes == {"board": timedelta(hours=6)}
    calendar = found.calendar
    assert (calendar.opens, calendar.closes) == (510, 1020)
    assert (calendar.workdays, calendar.holidays) == (
        frozenset(range(4)),
        frozenset({date(2026, 12, 25)}),
    )
    thursday = datetime(2026, 11, 19, 6, tzinfo=UTC)  # 17:00 there
    assert calendar.after(thursday, 0) == datetime(2026, 11, 22, 21, 30, tzinfo=UTC)


def test_what_the_docs_show_is_taken() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "incident-clocks.md"
    (shown,) = re.findall(r"(?ms)^```yaml\n(incidents:.*?)^```", page.read_text(encoding="utf-8"))
    found = parse(yaml.safe_load(shown), source="x").incidents.settings()
    assert found.clocks[ClockName.FIX, Severity.P3] == BusinessDays(2)


@pytest.mark.parametrize(
    ("incidents", "told"),
    [
        ({"calendar": {"timeZone": "Mars/Base"}}, "no time zone is called 'Mars/Base'"),
        ({"calendar": {"timeZone": "../etc"}}, "no time zone is called '../etc'"),
        ({"calendar": {"opens": "18:00"}}, "opens (18:00) must be before closes (17:00)"),
        ({"calendar": {"workdays": []}}, "incidents.calendar.workdays"),
        (
            {"clocks": [{"name": "fix", "severity": "P3"}]},
            "clock fix of P3 needs exactly one of dueSeconds, dueBusinessDays and disabled: true",
        ),
        ({"clocks": [{"name": "lunch", "severity": "P3", "dueSeconds": 60}]}, "clocks.0.name"),
        (
            {"clocks": 2 * [{"name": "fix", "severity": "P3", "dueSeconds": 60}]},
            "clocks: said twice: fix of P3; say each once",
        ),
        ({"quiet": 5}, "incidents.quiet: Extra inputs are not permitted"),
    ],
)
def test_a_fault_is_told_with_its_place(incidents: object, told: str) -> None:
    assert told in fault(incidents)
