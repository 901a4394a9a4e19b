"""What people said before launch is held against what the risk tier asks for; gaps are told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from goaround.api.conditions import Condition
from goaround.api.drift import BaselineStatus, DriftStatus
from goaround.api.reasons import ConditionType, Reason
from goaround.api.watch import SignalBaseline
from goaround.rollout.accountable import unchecked
from goaround.rollout.observed import Baselined, Drifted
from tests.unit.rollout.build import CREATED, DIGEST_A, NOW, A, a_signal
from tests.unit.rollout.flights import live
from tests.unit.rollout.world import World, live_good

SAID = {
    "inputLike": "a question about an order",
    "returns": "its state",
    "because": "the order system says so",
    "guardrails": "the answer never holds an address",
}
EXPLAINED, COVERED = ConditionType.EXPLAINABILITY_PRESENT, ConditionType.FAILURE_MODES_COVERED
BASELINE = ConditionType.BASELINE_ESTABLISHED


def said(kind: ConditionType, **parts: Any) -> Condition | None:
    return live().wants(A, **parts).wait(60, live_good).condition(kind)


@pytest.mark.parametrize("tier", ["Limited", "High"])
def test_an_explanation_that_is_asked_for_and_missing_is_told(tier: str) -> None:
    found = said(EXPLAINED, riskTier=tier)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NOT_GIVEN)
    assert "spec.explainability" in found.message


def test_one_that_is_there_is_told_too() -> None:
    found = said(EXPLAINED, riskTier="Limited", explainability=SAID)
    assert found is not None
    assert found.status == "True"


@pytest.mark.parametrize("tier", [{}, {"riskTier": "Minimal"}])
def test_where_the_tier_asks_for_nothing_nothing_is_told(tier: dict[str, str]) -> None:
    world = live().wants(A, **tier).wait(60, live_good)
    assert world.condition(EXPLAINED) is None
    assert world.condition(COVERED) is None


def test_every_failure_mode_with_its_signal_is_covered() -> None:
    found = said(COVERED, failureModes=[{"class": "Latency", "signal": "errors"}])
    assert found is not None
    assert (found.status, found.message) == ("True", "Latency by errors")


def test_the_gaps_are_named() -> None:
    modes = [
        {"class": "Latency", "signal": "errors"},
        {"class": "Bias"},
        {"class": "DataDrift", "signal": "nowhere"},
    ]
    found = said(COVERED, failureModes=modes)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NO_SIGNAL)
    assert "Bias has no signal" in found.message
    assert "DataDrift names signal nowhere" in found.message
    assert "Latency" not in found.message


def test_no_failure_mode_at_all_is_a_gap_where_the_tier_asks() -> None:
    found = said(COVERED, riskTier="Limited")
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NOT_GIVEN)


def watched(established: datetime | None, **watch: int) -> Condition | None:
    """What is said of the baseline of a live release, a minute on."""
    bound = {**a_signal("errors"), "vsBaseline": {"worseByFactor": "2"}}
    signals = {"scope": "all", "signals": [bound, a_signal("toxic", "Safety")]}
    world = live().wants(A, acceptance=signals, watch=watch)
    rows = (a_row(established),) if established is not None else ()
    world.baselined = Baselined(DIGEST_A, known=rows)
    return world.wait(60, live_good).condition(BASELINE)


def a_row(at: datetime) -> SignalBaseline:
    began = at - timedelta(days=1)
    return SignalBaseline(
        name="errors", digest=DIGEST_A, began_at=began, established_at=at, total="9", bad="1"
    )


def test_a_baseline_that_is_young_enough_is_established() -> None:
    found = watched(CREATED)
    assert found is not None
    assert (found.status, found.reason) == ("True", Reason.ESTABLISHED)


def test_one_that_is_missing_is_told() -> None:
    found = watched(None)
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NO_BASELINE)
    assert "signal errors" in found.message


@pytest.mark.parametrize(("days", "status"), [(91, "True"), (93, "False")])
def test_a_baseline_is_stale_after_92_days(days: int, status: str) -> None:
    found = watched(NOW - timedelta(days=days))
    assert found is not None
    assert found.status == status
    assert status == "True" or "older than 7948800 s" in found.message


def test_the_age_is_the_feature_s_to_choose() -> None:
    found = watched(NOW - timedelta(days=3), baselineMaxAgeSeconds=86400)
    assert found is not None
    assert found.reason == Reason.BASELINE_STALE


def test_the_baseline_of_inputs_ages_too() -> None:
    drift = {"inputs": [{"name": "n", "histogram": "h{$match}", "reference": "Baseline"}]}
    world = live().wants(A, drift=drift)
    at = NOW - timedelta(days=100)
    known = BaselineStatus(established_at=at, began_at=at)
    seen = DriftStatus(digest=DIGEST_A, verdict="Quiet", observed_at=world.now, baseline=known)
    world.drift = Drifted(DIGEST_A, status=seen)
    found = world.wait(60, live_good).condition(BASELINE)
    assert found is not None
    assert "inputs is of" in found.message


def test_where_nothing_is_held_against_a_baseline_none_is_spoken_of() -> None:
    world: World = live()
    assert world.wait(60, live_good).condition(BASELINE) is None


ACCOUNTABLE = ConditionType.ACCOUNTABILITY_STATED
CONTACT = {"sector": "Health", "contact": "compliance"}
LINK = "https://wiki.example.com/runbook"


def test_high_risk_asks_who_talks_to_the_regulator() -> None:
    found = said(ACCOUNTABLE, riskTier="High")
    assert found is not None
    assert (found.status, found.reason) == ("False", Reason.NOT_GIVEN)
    assert "regulatory.contact" in found.message
    named = said(ACCOUNTABLE, riskTier="High", regulatory=CONTACT)
    assert named is None


@pytest.mark.parametrize(("days", "is_told"), [(91, False), (93, True)])
def test_a_runbook_that_nobody_went_through_in_a_quarter_is_told(days: int, is_told: bool) -> None:
    at = (NOW - timedelta(days=days)).isoformat()
    found = said(ACCOUNTABLE, runbook={"link": LINK, "reviewedAt": at})
    assert (found is not None) is is_told


def test_a_runbook_without_a_date_was_never_gone_through() -> None:
    found = said(ACCOUNTABLE, runbook={"link": LINK})
    assert found is not None
    assert "never reviewed" in found.message


def test_a_neighbour_with_neither_check_nor_waiver_is_named() -> None:
    rests = [{"name": "crm", "kind": "Tool"}, {"name": "faq", "kind": "VectorStore"}]
    tool = {"name": "crm", "neighbour": "Tool", "endpoint": {"endpointRef": "crm"}}
    waiver = {"neighbour": "Storage", "reason": "read-only"}
    checks: dict[str, Any] = {"contracts": [tool]}
    world = live().wants(A, dependencies=rests, preflight=checks | {"waivers": [waiver]})
    assert unchecked(world.spec) == []
    world = world.wants(A, dependencies=rests, preflight=checks)
    assert unchecked(world.spec) == ["Storage"]


def test_where_nothing_is_asked_nothing_of_it_is_told() -> None:
    assert live().settle(live_good).condition(ACCOUNTABLE) is None
