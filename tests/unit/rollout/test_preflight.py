"""Pre-flight: what it finds decides before any user gets the release, and nothing else does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import LatchCause
from goaround.incident.opening import opening
from goaround.rollout.observed import Checked, Problem
from tests.unit.rollout.build import DIGEST_B, UID, A, B, C, a_problem, writes
from tests.unit.rollout.flights import live
from tests.unit.rollout.world import World, good, nothing

HASH, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
PREFLIGHT: Json = {
    "goldenSet": {"configMapRef": {"name": "golden"}},
    "endpoint": {"endpointRef": "app"},
    "deadlineSeconds": 600,
}
DOWN = Problem(Reason.ENDPOINT_UNAVAILABLE, "the endpoint takes no connection")


def before_take_off() -> World:
    """A live release, and another one in pre-flight."""
    world = live(A)
    world.wants(B, preflight=PREFLIGHT).settle(nothing)
    assert world.stage is Stage.PREFLIGHT
    return world


def tells(world: World, **changes: object) -> World:
    flown = world.status.candidate
    assert flown is not None
    world.checked = replace(Checked(flown.digest, flown.attempt), **changes)  # type: ignore[arg-type]
    return world


def found(verdict: PreflightVerdict, **changes: object) -> PreflightStatus:
    told = PreflightStatus(verdict=verdict, message="what was found", passed=47, total=50)
    return told.but(**changes)


def passes(world: World) -> World:
    return tells(world, golden=HASH, found=found(PreflightVerdict.PASSED)).settle(nothing)


def fails(world: World) -> World:
    verdict = found(PreflightVerdict.FAILED, regressions=["refund"])
    return tells(world, golden=HASH, found=verdict).settle(nothing)


def test_nobody_gets_a_release_whose_pre_flight_has_no_verdict() -> None:
    world = before_take_off().wait(300, nothing)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    condition = world.condition(ConditionType.PREFLIGHT_PASSED)
    assert condition is not None
    assert (condition.status, condition.reason) == ("Unknown", Reason.RUNNING)


def test_a_release_that_passes_takes_off_and_the_pass_is_told() -> None:
    world = passes(before_take_off())
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert EventReason.PREFLIGHT_PASSED in {t.reason for t in world.status.history}
    condition = world.condition(ConditionType.PREFLIGHT_PASSED)
    assert condition is not None
    assert condition.status == "True"


def test_a_regression_rejects_it_before_any_user_and_quarantines_its_digest() -> None:
    world = fails(before_take_off())
    assert (world.stage, world.weight, world.status.split.stable) == (Stage.REJECTED, 0, 100)
    latch = world.status.latches[0]
    assert (latch.cause, latch.weight, latch.digest) == (LatchCause.REJECTED, 0, DIGEST_B)
    assert latch.contained_at is not None
    assert world.observed(nothing).quarantined_at(DIGEST_B) == 1
    assert world.records[DIGEST_B].quarantined_attempt == 1


def test_a_rejection_opens_one_incident_of_the_lowest_harm() -> None:
    world = fails(before_take_off())
    assert world.incidents == {world.status.latches[0].incident}
    assert opening(world.feature, world.status.latches[0]).severity == "P3"


def test_what_was_rejected_stays_down_and_flies_again_by_a_retry_of_that_attempt() -> None:
    world = fails(before_take_off())
    assert world.wait(3600, nothing).stage is Stage.REJECTED
    world.checked = None
    assert world.signs(DIGEST_B, 1).settle(nothing).stage is Stage.PREFLIGHT
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 2
    assert (passes(world).stage, world.weight) == (Stage.RAMPING, 10)


def test_what_was_rejected_is_rejected_still_under_another_plan() -> None:
    world = fails(before_take_off())
    told = len(world.status.history)
    world.wants(B, preflight=PREFLIGHT | {"deadlineSeconds": 900}).wait(60, nothing)
    assert (world.stage, world.weight) == (Stage.REJECTED, 0)
    assert len(world.status.history) == told
    world.wants(A).settle(nothing)
    world.wants(B, preflight=PREFLIGHT).wait(60, nothing)
    assert world.stage is Stage.REJECTED


def test_a_verdict_on_another_attempt_says_nothing() -> None:
    world = before_take_off()
    tells(world, found=found(PreflightVerdict.PASSED), attempt=7).settle(nothing)
    assert world.stage is Stage.PREFLIGHT


def test_an_endpoint_that_is_down_holds_and_says_so_and_ends_without_blame() -> None:
    world = tells(before_take_off(), problem=DOWN).settle(nothing)
    assert world.status.hold == DOWN.message
    condition = world.condition(ConditionType.PREFLIGHT_PASSED)
    assert condition is not None
    assert (condition.status, condition.reason) == ("Unknown", Reason.ENDPOINT_UNAVAILABLE)
    world.wait(601, nothing)
    assert world.stage is Stage.INCONCLUSIVE
    assert world.observed(nothing).quarantined_at(DIGEST_B) == 0


def test_a_set_too_small_to_prove_anything_ends_without_blame() -> None:
    world = before_take_off()
    tells(world, golden=HASH, found=found(PreflightVerdict.TOO_FEW)).settle(nothing)
    assert world.stage is Stage.INCONCLUSIVE


def test_the_deadline_stands_still_while_people_stop_the_flight() -> None:
    world = before_take_off()
    world.braked = "Braked: lunch"
    world.settle(nothing).wait(3600, nothing)
    assert world.stage is Stage.PREFLIGHT
    world.braked = None
    world.settle(nothing).wait(590, nothing)
    assert world.stage is Stage.PREFLIGHT
    assert world.wait(20, nothing).stage is Stage.INCONCLUSIVE


def test_a_regression_rejects_also_while_braked() -> None:
    world = before_take_off()
    world.braked = "Braked: lunch"
    assert fails(world).stage is Stage.REJECTED


def test_a_pass_while_braked_waits_for_the_brake_alone() -> None:
    world = before_take_off()
    world.braked = "Braked: lunch"
    assert passes(world).stage is Stage.PREFLIGHT
    world.braked = None
    assert world.settle(nothing).stage is Stage.RAMPING


def test_a_kill_ends_it() -> None:
    world = before_take_off().kill().settle(nothing)
    assert world.stage is Stage.KILLED


def test_a_revert_to_last_known_good_needs_no_pre_flight() -> None:
    world = before_take_off().wants(A, preflight=PREFLIGHT).settle(nothing)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)


def test_another_release_starts_a_pre_flight_of_its_own() -> None:
    world = before_take_off().wants(C, preflight=PREFLIGHT).settle(nothing)
    assert world.stage is Stage.PREFLIGHT
    assert world.status.preflight is not None
    assert world.status.candidate is not None
    assert world.status.preflight.digest == world.status.candidate.digest


def test_an_adopted_release_needs_none() -> None:
    world = World().wants(A, preflight=PREFLIGHT).settle(nothing)
    assert world.stage is Stage.CRUISING


def test_the_golden_set_is_part_of_the_plan_and_learning_it_is_no_new_attempt() -> None:
    world = before_take_off()
    before = world.status.plan_digest
    tells(world, golden=HASH).settle(nothing)
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 1
    assert world.status.plan_digest == world.status.candidate.plan_digest != before


@pytest.mark.parametrize("when", ["before its verdict", "at ten percent"])
def test_another_golden_set_starts_pre_flight_anew(when: str) -> None:
    world = tells(before_take_off(), golden=HASH).settle(nothing)
    if when == "at ten percent":
        passes(world)
    tells(world, golden=OTHER).settle(nothing)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 2


def test_a_set_that_cannot_be_read_any_more_changes_nothing_in_the_air() -> None:
    world = passes(before_take_off())
    tells(world, golden=None).settle(good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_status_names_the_pin_until_it_is_seen_to_be_gone() -> None:
    world = before_take_off()
    assert world.status.preflight is not None
    assert world.status.preflight.pin == "chat-golden-pin"
    world.kill().settle(nothing)
    assert world.status.preflight is not None
    assert world.status.preflight.pin is not None
    gone = names.pin_of(UID, DIGEST_B, 1)
    world.checked = Checked(DIGEST_B, 1, pin_gone=gone)
    world.settle(nothing)
    assert world.status.preflight is not None
    assert world.status.preflight.pin is None


def test_a_pin_of_an_older_attempt_that_is_gone_says_nothing_of_this_one() -> None:
    world = tells(before_take_off(), pin_gone=names.pin_of(UID, DIGEST_B, 7)).settle(nothing)
    assert world.status.preflight is not None
    assert world.status.preflight.pin is not None


def test_a_pin_that_is_gone_is_named_on_while_another_run_may_make_it_again() -> None:
    world = tells(before_take_off(), pin_gone=names.pin_of(UID, DIGEST_B, 1)).settle(nothing)
    assert world.status.preflight is not None
    assert world.status.preflight.pin is not None


def test_a_plan_that_must_be_mended_is_told_first() -> None:
    world = before_take_off()
    world.problems = (a_problem(),)
    world.settle(nothing)
    assert world.condition(ConditionType.STALLED) is not None


def test_waiting_asks_to_be_looked_at_at_the_deadline_and_not_before() -> None:
    world = before_take_off()
    plan = world.plan(nothing)
    assert plan.wake_at is not None
    assert plan.wake_at - world.now > timedelta(seconds=500)
    assert writes(plan.first) == []
