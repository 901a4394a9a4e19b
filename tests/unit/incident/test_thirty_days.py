"""A month of an incident under an injected clock, and what no sequence of edits can undo."""

import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from goaround.api.incident_status import DeadlineState, Milestones
from goaround.api.reasons import ConditionType
from goaround.incident.ledger import MISSES
from tests.unit.incident.build import AT
from tests.unit.incident.life import DAY, HOUR, MINUTE, WRITTEN_UP, Life

REVERSIBLE = {"resolved_at", "calm_at", "noted_at", "reviewed_at", "raised_at", "reopened_at"}
"""What opening it again takes back, or happens again."""


def test_a_month_replays_pass_by_pass() -> None:
    life = Life("P3").looks().at(2 * HOUR)
    life.says(severity="P1", severityReason="people are harmed", roles={"commander": "ana"})
    life.looks().at(3 * HOUR).says(milestones={"containedAt": (AT + 2.5 * HOUR).isoformat()})
    for hour in range(3, 60):
        life.at(hour * HOUR).sends("internalUpdate").looks()
    life.says(requestedPhase="Recovering").looks().at(5 * DAY)
    life.says(**WRITTEN_UP, requestedPhase="Resolved").looks().at(28 * DAY)
    held = {"review": WRITTEN_UP["review"] | {"heldAt": (AT + 27 * DAY).isoformat()}}
    life.says(**held, requestedPhase="Closed").looks().at(30 * DAY)
    assert life.phase == "Closed"
    assert life.state("review") == life.state("reviewLimit") == "Late"
    assert life.state("note") == "Met"
    assert life.passes < 400
    assert len(json.dumps(life.status.wire())) < 12_000


def edits() -> st.SearchStrategy[dict[str, Any]]:
    """What people may write, sensible or not."""
    reasons = st.text("abc", min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries(
            {"severity": st.sampled_from(["P1", "P2", "P3", "P4"]), "severityReason": reasons}
        ),
        st.sampled_from(
            [
                {"roles": {"commander": "ana"}},
                {"roles": {"responders": [{"who": "tom", "level": "Senior"}]}},
                {"roles": None},
                {"channel": {"provider": "chat"}},
                {"channel": None},
                {"triage": {"outcome": "Emergency"}},
                {"triage": None},
                {"summary": WRITTEN_UP["summary"]},
                {"summary": None},
                {"rootCause": WRITTEN_UP["rootCause"]},
                {"rootCause": None},
                {"milestones": {"containedAt": AT.isoformat()}},
                {"milestones": None},
                {"containment": {"action": "None", "reason": "small"}},
                {"requestedPhase": "Resolved"},
                {"requestedPhase": "Recovering"},
                {"requestedPhase": None},
                {"regulatory": {"reported": ["gdpr"]}},
                {"regulatory": None},
            ]
        ),
    )


def known(at: Milestones) -> dict[str, object]:
    return {k: v for k, v in at.model_dump().items() if v is not None and k not in REVERSIBLE}


@settings(max_examples=15)
@given(st.lists(st.tuples(edits(), st.integers(0, 200)), min_size=3, max_size=8))
def test_no_edit_takes_back_a_milestone_or_a_miss(walk: list[tuple[dict[str, Any], int]]) -> None:
    life = Life("P2", source="Rollback").policy(regimes=["gdpr"]).looks()
    for said, minutes in walk:
        before = life.status
        life.says(**said).looks().at(life.now - AT + minutes * MINUTE)
        after = life.status
        lost = {
            n: t for n, t in known(before.milestones).items() if known(after.milestones)[n] != t
        }
        assert lost.keys() <= {"started_at"}  # which people may correct
        for name, entry in before.deadlines.items():
            found = after.deadlines.get(name)
            if entry.state in MISSES:
                late = found or after.deadlines[f"{name}Late"]
                assert late.state in MISSES
                assert late.due == entry.due
            elif entry.state is DeadlineState.MET and name != "engineer":
                assert found == entry


@settings(max_examples=10)
@given(st.lists(edits(), min_size=1, max_size=5))
def test_whatever_people_write_a_second_look_changes_nothing(walk: list[dict[str, Any]]) -> None:
    life = Life("P2").looks()
    for said in walk:
        life.says(**said).looks()
        before = life.status
        assert life.looks().status == before


def test_a_trend_that_flaps_writes_no_more_than_its_state() -> None:
    life = Life("P4").looks()
    for flap in range(50):
        life.now += MINUTE
        life.shows(ConditionType.DRIFT_DETECTED, "True" if flap % 2 else "False").looks()
    assert len(json.dumps(life.status.wire())) < 4200
