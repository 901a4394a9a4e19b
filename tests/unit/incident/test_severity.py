"""Severity: Safety → P1; many users or a release past its ramp → P2; else P3; no proof → P4."""

from typing import Any

import pytest

from goaround.api.incident import Severity
from goaround.api.status import LatchCause
from goaround.incident.severity import severity
from tests.unit.incident.build import a_kill, a_latch

RULES: list[tuple[dict[str, Any], Severity, str]] = [
    ({}, Severity.P3, "10 % of users were on the release (below 50 %)"),
    ({"weight": 49}, Severity.P3, "49 % of users were on the release (below 50 %)"),
    ({"weight": 50}, Severity.P2, "50 % of users were on the release (50 % or more)"),
    ({"stage": "Holding", "weight": 100}, Severity.P2, "100 % of users were on the release"),
    ({"stage": "Cruising", "weight": 98}, Severity.P2, "the release was Cruising at 98 % of users"),
    ({"stage": "Live", "weight": 0}, Severity.P2, "the release was Live at 0 % of users"),
    ({"layer": "Safety"}, Severity.P1, "a signal of layer Safety was breached: errors"),
    ({"layer": "Safety", "stage": "Live", "weight": 100}, Severity.P1, "layer Safety"),
    ({"cause": LatchCause.NO_PROOF, "weight": 100}, Severity.P4, "no proof of harm"),
    ({"cause": LatchCause.NO_PROOF, "stage": "Cruising"}, Severity.P4, "no proof of harm"),
]


@pytest.mark.parametrize(("changes", "level", "why"), RULES)
def test_the_first_rule_that_matches_gives_the_severity(
    changes: dict[str, Any], level: Severity, why: str
) -> None:
    found, reason = severity(a_latch(**changes), None)
    assert found is level
    assert why in reason


@pytest.mark.parametrize(
    ("limit", "level"),
    [(None, Severity.P3), (1210, Severity.P3), (1209, Severity.P2), (1, Severity.P2)],
)
def test_exposure_over_its_limit_is_a_p2(limit: int | None, level: Severity) -> None:
    assert severity(a_latch(), limit)[0] is level


def test_exposure_that_is_not_known_is_not_over_a_limit() -> None:
    assert severity(a_latch(exposed_requests=None), 1)[0] is Severity.P3


def test_a_kill_of_what_served_everybody_is_a_p2() -> None:
    assert severity(a_kill(), None)[0] is Severity.P2


def test_a_kill_before_anybody_was_served_is_a_p3() -> None:
    assert severity(a_kill(stage="Preflight", weight=0), None)[0] is Severity.P3


def test_an_outage_is_a_p2_that_blames_no_release() -> None:
    level, why = severity(a_latch(cause=LatchCause.OUTAGE, weight=0), None)
    assert level is Severity.P2
    assert "no release caused" in why
