"""What the operator proposes and asks for: severity by trend and by impact, gaps, removals."""

import pytest

from goaround.api.feature import Signal
from goaround.api.reasons import ConditionType
from goaround.api.status import SignalStatus
from tests.unit.incident.build import AT
from tests.unit.incident.life import DAY, HOUR, MINUTE, Life

DRIFT, READY = ConditionType.DRIFT_DETECTED, ConditionType.FALLBACK_READY


def drifting() -> Life:
    return Life("P4").looks().shows(DRIFT, "True").looks()


def test_a_p4_whose_trend_lasts_three_days_counts_as_a_p3() -> None:
    life = drifting().at(3 * DAY - MINUTE)
    assert (life.status.severity, life.incident.spec.severity) == ("P4", "P4")
    life.at(3 * DAY + MINUTE)
    assert (life.status.severity, life.incident.spec.severity) == ("P3", "P4")
    assert life.status.milestones.raised_at == AT + 3 * DAY
    assert life.due("engineer").days == 4
    assert life.status.system_actions["corrective-action"].done is False


def test_a_trend_that_ends_in_time_raises_nothing() -> None:
    life = drifting().at(2 * DAY).shows(DRIFT, "False").looks()
    assert life.at(9 * DAY).status.severity == "P4"
    assert life.status.milestones.raised_at is None


def test_a_planned_action_is_what_a_trend_asks_for() -> None:
    life = drifting().at(4 * DAY)
    item = {"name": "retrain", "title": "retrain", "owner": "tom", "due": "2026-12-24T09:00:00Z"}
    assert life.says(actionItems=[item]).looks().status.system_actions["corrective-action"].done


def test_what_counted_as_a_p3_when_it_was_over_stays_one() -> None:
    life = drifting().at(4 * DAY).says(requestedPhase="Resolved").looks()
    life.shows(DRIFT, "False").looks()
    assert (life.phase, life.status.severity) == ("Resolved", "P3")


def test_a_trend_that_ended_before_the_end_leaves_a_p4() -> None:
    life = drifting().at(4 * DAY).shows(DRIFT, "False").looks()
    assert life.status.severity == "P4"
    assert life.says(requestedPhase="Resolved").looks().status.severity == "P4"


def test_no_way_back_is_to_be_closed_within_a_week() -> None:
    life = Life("P2").shows(READY, "False").looks()
    asked = life.status.system_actions["close-fallback-gap"]
    assert asked.title == "close the gap behind chat: as it was seen"
    assert (asked.due, asked.done) == (AT + 7 * DAY, False)
    life.at(2 * DAY)
    assert life.status.system_actions["close-fallback-gap"].due == AT + 7 * DAY
    life.shows(READY, "True").looks()
    assert life.status.system_actions["close-fallback-gap"].done


def test_what_is_asked_is_done_when_people_adopt_it() -> None:
    life = Life("P2").shows(READY, "False").looks()
    item = {"name": "close-fallback-gap", "title": "x", "owner": "t", "due": "2026-12-01T09:00:00Z"}
    assert life.says(actionItems=[item]).looks().status.system_actions["close-fallback-gap"].done


def test_a_filter_is_to_be_taken_out_when_it_ends() -> None:
    ends = (AT + DAY).isoformat()
    life = Life("P2").says(containment={"action": "Filter", "filter": "urls", "expiresAt": ends})
    assert life.looks().status.system_actions["remove-filter"].due == AT + DAY
    later = {"action": "Filter", "filter": "urls", "expiresAt": (AT + 2 * DAY).isoformat()}
    life.says(containment=later).looks()
    assert life.status.system_actions["remove-filter"].due == AT + 2 * DAY
    assert life.says(containment=None).looks().status.system_actions["remove-filter"].done


@pytest.mark.parametrize(
    ("impact", "told"),
    [
        ({"harm": "Money"}, "spec.impact.harm is Money"),
        ({"dataExposure": "Confirmed"}, "Confirmed"),
    ],
)
def test_harm_proposes_a_p1_and_nothing_more_once_it_is_one(
    impact: dict[str, str], told: str
) -> None:
    life = Life("P2").says(impact=impact).looks()
    (line,) = life.status.proposals
    assert line.startswith("raise to P1")
    assert told in line
    assert life.says(severity="P1", severityReason="harm").looks().status.proposals == []


def test_a_broken_core_function_proposes_a_p2() -> None:
    life = Life("P3").looks()
    assert life.feature is not None
    acceptance = life.feature.spec.acceptance
    empty = Signal.model_validate({"name": "empty", "preset": "empty-answer-rate"})
    spec = life.feature.spec.but(acceptance=acceptance.but(signals=[*acceptance.signals, empty]))
    bad = SignalStatus(name="empty", verdict="Bad", message="8 % are empty")
    status = life.feature.status.but(signals=[bad])
    life.feature = life.feature.but(spec=spec, status=status)
    (line,) = (p for p in life.looks().status.proposals if p.startswith("raise"))
    assert line == "raise to P2: empty is out of bounds, which breaks the core function"


@pytest.mark.parametrize(("bad", "told"), [("60", 1), ("50", 0), (None, 0)])
def test_worse_than_a_contract_promises_proposes_a_p2(bad: str | None, told: int) -> None:
    life = Life("P3").policy(contractual=[{"signal": "errors", "share": "0.05"}])
    assert life.feature is not None
    seen = SignalStatus(name="errors", verdict="Undecided", message="x", total="1000", bad=bad)
    life.feature = life.feature.but(status=life.feature.status.but(signals=[seen]))
    found = life.looks().status.proposals
    assert found == told * ["raise to P2: errors is worse than the 0.05 that is promised"]


def test_regulatory_clocks_run_where_a_feature_names_them() -> None:
    life = Life("P1").policy(regimes=["gdpr", "eu-ai-act-widespread"]).looks()
    assert life.due("regulatory-gdpr").days == 3
    assert life.due("regulatory-eu-ai-act-widespread").days == 2
    life.at(HOUR).says(regulatory={"reported": ["gdpr"]}).looks().at(3 * DAY)
    assert (life.state("regulatory-gdpr"), life.state("regulatory-eu-ai-act-widespread")) == (
        *("Met", "Missed"),
    )


def test_regulatory_clocks_are_off_by_default_and_for_what_is_small() -> None:
    assert "regulatory-gdpr" not in Life("P1").looks().status.deadlines
    small = Life("P3").policy(regimes=["gdpr"]).looks()
    assert small.state("regulatory-gdpr") == "none"
    aware = (AT + HOUR).isoformat()
    small.at(2 * HOUR).says(regulatory={"awareAt": aware}).looks()
    assert small.due("regulatory-gdpr") > 3 * DAY


def test_a_regime_stays_when_the_feature_forgets_it() -> None:
    life = Life("P1").policy(regimes=["ndb"]).looks().policy()
    assert life.looks().state("regulatory-ndb") == "Pending"


def test_a_regime_of_the_house_has_the_administrators_time() -> None:
    life = Life("P1", regimes={"board": 6 * HOUR}).policy(regimes=["board", "x"])
    assert life.looks().due("regulatory-board").seconds // 3600 == 6
    assert life.status.proposals == [
        "chat names regimes without a time: x; ask the administrator to add them to "
        "incidents.regimes"
    ]
