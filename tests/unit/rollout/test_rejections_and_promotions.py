"""What a Reject and a Promote do, and what they may not do."""

from collections.abc import Callable

import pytest

from goaround.api.base import Json
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import Split
from goaround.rollout.observed import UNREAD, Paused
from tests.unit.rollout.asking import ANOTHER, TWO, at_half, waiting
from tests.unit.rollout.build import CRUISE, DIGEST_A, DIGEST_B, B, C, a_problem
from tests.unit.rollout.flights import adopted, live
from tests.unit.rollout.world import World, bad, good, judged, undecided, unreadable


@pytest.mark.parametrize("at", [at_half, waiting], ids=["in flight", "while asked"])
def test_a_rejection_ends_the_attempt_without_blame(at: Callable[[], World]) -> None:
    world = at().decides(Decision.REJECT).wait(10, good)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    assert world.records[DIGEST_B].quarantined_attempt is None
    assert "rejected by ann" in world.status.latches[0].message
    said, asked = world.status.sign_off, world.condition(ConditionType.AWAITING_SIGN_OFF)
    assert said is not None
    assert said.rejected_by == "ann"
    assert asked is not None
    assert (asked.status, asked.reason) == ("True", Reason.REJECTED)
    assert world.condition(ConditionType.STALLED) is not None


def test_an_adopted_release_that_was_rejected_comes_back_by_the_ramp_only() -> None:
    world = adopted().decides(Decision.REJECT).wait(10)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(fallback=100))
    world.signs(DIGEST_A, 1).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_a_rejection_counts_without_any_policy() -> None:
    world = at_half()
    world.guarded = UNREAD
    assert world.decides(Decision.REJECT, by="git").wait(10, good).stage is Stage.REJECTED


@pytest.mark.parametrize("changes", [{"digest": ANOTHER}, {"attempt": 7}])
def test_a_rejection_of_something_else_ends_nothing(changes: Json) -> None:
    assert at_half().decides(Decision.REJECT, **changes).wait(10, undecided).weight == 50


def test_what_was_rejected_stays_down_also_when_the_sign_off_is_gone() -> None:
    world = waiting().decides(Decision.REJECT).wait(10, good)
    world.sign_offs.clear()
    assert world.wait(CRUISE, good).stage is Stage.REJECTED


def test_no_kill_lets_fly_again_what_was_rejected() -> None:
    world = waiting().decides(Decision.REJECT).wait(10, good).kill().wait(60)
    world.switches.clear()
    world.wait(60)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    assert "rejected by a person" in world.status.history[-1].message
    assert world.signs(DIGEST_B, 1).wait(60).stage is Stage.RAMPING


def test_after_a_rejection_a_retry_flies_the_next_attempt() -> None:
    world = waiting().decides(Decision.REJECT).wait(10, good).signs(DIGEST_B, 1).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, flown.attempt, world.status.sign_off) == (Stage.RAMPING, 2, None)


@pytest.mark.parametrize("release", [B, C], ids=["another plan", "another release"])
def test_after_a_rejection_another_plan_or_release_flies(release: object) -> None:
    world = waiting().decides(Decision.REJECT).wait(10, good)
    steps = [{"weightPercent": w} for w in (20, 100)]
    assert world.wants(B if release is B else C, ramp={"steps": steps}).wait(60).weight == 20


def test_a_promotion_skips_the_holds_but_not_the_cruise() -> None:
    world = live().wants(B).wait(60).decides(Decision.PROMOTE).wait(10, undecided)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    (told,) = [t.message for t in world.status.history if t.reason == EventReason.STEPS_SKIPPED]
    assert "Promoted by ann" in told
    assert "stands in for evidence that is missing" in told
    assert world.wait(CRUISE - 60, good).stage is Stage.CRUISING


def test_a_promotion_stands_in_where_evidence_cannot_be_read() -> None:
    world = live().wants(B).wait(60).wait(60, unreadable)
    assert world.stage is Stage.HOLDING
    world.decides(Decision.PROMOTE).wait(10, unreadable)
    assert world.weight == 100
    told = [t.message for t in world.status.history if t.reason == EventReason.STEPS_SKIPPED]
    assert "the provider does not answer" in told[0]


def test_a_promotion_never_wins_over_proof_of_harm() -> None:
    world = live().wants(B).wait(60).decides(Decision.PROMOTE).wait(10, bad)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_a_promotion_never_wins_over_a_kill() -> None:
    world = live().wants(B).wait(60).decides(Decision.PROMOTE).kill().wait(10)
    assert (world.stage, world.weight) == (Stage.KILLED, 0)


def test_a_promotion_never_wins_over_the_brake_and_takes_effect_after_it() -> None:
    world = live().wants(B).wait(60)
    world.braked = "the brake is on"
    world.decides(Decision.PROMOTE).wait(10)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    world.braked = None
    assert world.wait(10).weight == 100


def test_a_promotion_never_wins_over_a_plan_that_is_wrong() -> None:
    world = live().wants(B).wait(60)
    world.problems = (a_problem(),)
    assert world.decides(Decision.PROMOTE).wait(10).weight == 10


def test_a_promotion_never_wins_over_a_doubt_about_harm() -> None:
    world = live().wants(B).wait(60).decides(Decision.PROMOTE)
    doubt = "harm that only users of one bucket carry"
    assert world.wait(10, lambda w: judged(w, paused=Paused(doubt))).weight == 10


def test_a_promotion_waits_until_the_flight_was_looked_at() -> None:
    world = live().wants(B).wait(60).decides(Decision.PROMOTE)
    assert world.wait(10, lambda _: None).weight == 10


def test_one_promotion_does_not_replace_two_approvers() -> None:
    world = live().wants(B, **TWO).wait(60).decides(Decision.PROMOTE).wait(10)
    assert world.weight == 10
    assert world.decides(Decision.PROMOTE, by="bob").wait(10).weight == 100


def test_a_promotion_counts_as_the_approval_of_who_gave_it() -> None:
    world = waiting(**TWO).decides(Decision.PROMOTE).decides(Decision.APPROVE, by="bob")
    assert world.wait(10, good).weight == 100


def test_a_promotion_is_not_vouched_for_without_the_policies() -> None:
    world = live().wants(B).wait(60)
    world.guarded = UNREAD
    assert world.decides(Decision.PROMOTE).wait(10).weight == 10


def test_a_promotion_of_an_adopted_release_changes_nothing() -> None:
    world = adopted().decides(Decision.PROMOTE)
    before = world.status.history
    assert world.wait(10).status.history == before


def test_a_use_that_is_prohibited_serves_nobody() -> None:
    world = live().wants(B, riskTier="Prohibited").wait(60)
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))
    assert "riskTier is Prohibited" in (world.status.kill or world.status).model_dump_json()
