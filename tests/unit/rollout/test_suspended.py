"""Suspended by Git or held by whoever is on call: nothing goes up, everything comes down."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from goaround.api import names
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import ALL_FALLBACK, Split
from goaround.rollout.observed import Checked
from tests.unit.rollout.asking import waiting
from tests.unit.rollout.build import CRUISE, DIGEST_B, HOLD, STEP_DEADLINE, A, B, C, a_spec
from tests.unit.rollout.flights import STARTS, fly_to_live, halfway, live, ramping, rolled_back
from tests.unit.rollout.world import World, bad, good, nothing, undecided, unreadable

Stop = Callable[[World], World]


def by_git(world: World) -> World:
    return world.wants(world.spec.release, suspend=True)


def by_on_call(world: World) -> World:
    return world.held()


def let_go(world: World) -> World:
    world.annotations.clear()
    return world.wants(world.spec.release)


both = pytest.mark.parametrize("stop", [by_git, by_on_call])


@both
def test_a_flight_stays_where_it_is_and_says_why(stop: Stop) -> None:
    world = stop(ramping()).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    ready, said = world.condition(ConditionType.READY), world.condition(ConditionType.SUSPENDED)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.SUSPENDED)
    assert said is not None
    assert "nothing goes up until then" in said.message
    assert world.condition(ConditionType.STALLED) is None
    assert world.condition(ConditionType.RECONCILING) is not None


@both
def test_it_goes_on_at_once_when_it_is_let_go(stop: Stop) -> None:
    world = let_go(stop(ramping()).wait(HOLD + 10, good)).wait(10, good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)
    assert world.condition(ConditionType.SUSPENDED) is None


def test_it_says_suspended_no_longer_although_nothing_can_be_read() -> None:
    world = let_go(by_git(ramping()).wait(60)).wait(10, nothing)
    assert world.status.hold is None
    assert world.wait(10, unreadable).stage is Stage.HOLDING


@both
def test_the_clock_of_its_deadlines_stands_still(stop: Stop) -> None:
    world = stop(ramping()).wait(60)
    assert world.status.step is not None
    due = world.status.step.deadline_at
    world.wait(3 * STEP_DEADLINE)
    assert world.weight == 10
    let_go(world).wait(10)
    late = world.status.step.deadline_at - due
    assert late >= timedelta(seconds=3 * STEP_DEADLINE + 10)
    assert late < timedelta(seconds=3 * STEP_DEADLINE + 11)


def test_the_clock_stands_still_for_a_flight_whose_plan_changes_meanwhile() -> None:
    world = by_git(ramping())
    world.wants(B, suspend=True, ramp={"steps": [{"weightPercent": w} for w in (20, 100)]})
    assert world.wait(HOLD).stage is Stage.HOLDING
    assert world.wait(3 * STEP_DEADLINE).weight == 10


@both
def test_harm_is_found_and_the_release_comes_back(stop: Stop) -> None:
    world = stop(halfway()).wait(60).wait(60, bad)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    failed = world.condition(ConditionType.STALLED)
    assert failed is not None
    assert failed.reason == Reason.ROLLED_BACK


@both
def test_a_release_that_is_asked_for_meanwhile_waits(stop: Stop) -> None:
    world = stop(live())
    suspend = {"suspend": True} if world.spec.suspend else {}
    world.wants(B, **suspend).wait(60)
    assert (world.stage, world.status.split, world.status.candidate) == (
        Stage.LIVE, Split(stable=100), None)  # fmt: skip
    assert world.status.summary is not None
    assert "waits: Suspended" in world.status.summary
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.SUSPENDED)
    world.annotations.clear()
    fly_to_live(world.wants(B))


@both
def test_it_waits_also_before_the_first_release(stop: Stop) -> None:
    world = stop(World()).wait(60)
    assert (world.stage, world.status.split) == (None, ALL_FALLBACK)
    assert world.condition(ConditionType.SUSPENDED) is not None
    assert let_go(world).wait(60).stage is Stage.CRUISING


@both
def test_what_is_live_is_ready_and_says_that_nothing_may_go_up(stop: Stop) -> None:
    world = stop(live()).wait(60)
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert ready.status == "True"
    assert world.condition(ConditionType.SUSPENDED) is not None


def test_beside_what_was_rolled_back_it_is_stalled_as_before() -> None:
    world = by_git(rolled_back()).wait(60)
    assert world.condition(ConditionType.STALLED) is not None
    assert world.condition(ConditionType.SUSPENDED) is not None


def test_what_was_rolled_back_may_be_followed_by_another_release_that_waits() -> None:
    world = rolled_back().wants(C, suspend=True).wait(60)
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert ready.reason == Reason.SUSPENDED
    assert world.condition(ConditionType.STALLED) is None


def test_a_kill_that_is_over_stays_until_it_may_go_up() -> None:
    world = halfway().kill().wait(60).held()
    world.switches.clear()
    assert world.wait(60).status.split == ALL_FALLBACK
    world.annotations.clear()
    assert world.wait(60).status.split.stable > 0


@pytest.mark.parametrize("start", STARTS)
@both
def test_in_every_stage_nobody_gets_more_than_before(start: str, stop: Stop) -> None:
    world = stop(STARTS[start]())
    before = world.status
    world.wait(CRUISE + 10, good)
    assert world.weight <= before.split.candidate
    assert world.status.split.fallback >= before.split.fallback or before.stage is None


def test_a_git_revert_is_a_way_down_and_waits_for_nobody() -> None:
    world = halfway().held().wants(A).wait(10)
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))


def checked(verdict: PreflightVerdict) -> World:
    """Held at 0 %, in the middle of a pre-flight that comes to this verdict."""
    golden = {"goldenSet": {"configMapRef": {"name": "golden"}}, "endpoint": {"endpointRef": "app"}}
    world = live().wants(B, preflight=golden | {"deadlineSeconds": 600}).settle(nothing)
    world.held().settle(nothing).wait(3600, nothing)
    assert world.stage is Stage.PREFLIGHT
    found = PreflightStatus(verdict=verdict, message="9 of 10 cases")
    world.checked = Checked(digest=DIGEST_B, attempt=1, golden="sha256:" + "1" * 64, found=found)
    return world.wait(10).wait(10)


def test_preflight_goes_on_at_no_users_and_the_first_step_waits() -> None:
    world = checked(PreflightVerdict.PASSED)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    assert EventReason.PREFLIGHT_PASSED in {t.reason for t in world.status.history}
    world.annotations.clear()
    assert world.wait(10).weight == 10


def test_preflight_that_fails_rejects_also_while_suspended() -> None:
    assert checked(PreflightVerdict.FAILED).stage is Stage.REJECTED


def test_no_promotion_and_no_approval_wins_over_it() -> None:
    world = waiting().held().decides(Decision.APPROVE).decides(Decision.PROMOTE)
    assert world.wait(10, good).weight == 50
    world.annotations.clear()
    assert world.wait(10, good).weight == 100


def test_in_mode_observe_a_new_release_waits_and_nothing_lands() -> None:
    world = World(spec=a_spec(A, mode="Observe")).settle().held()
    assert world.wait(CRUISE + 10, good).stage is Stage.HOLDING
    assert world.status.last_known_good is None
    world.annotations.clear()
    world.wait(CRUISE + 10, good).held().wants(B, mode="Observe").wait(60)
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    world.annotations.clear()
    assert world.wait(10).weight == 100


def test_both_are_named_and_both_have_to_go() -> None:
    world = by_git(ramping()).held("  the index\n is rebuilt ").wait(10)
    assert world.status.hold is not None
    assert "spec.suspend is true" in world.status.hold
    assert "says: the index is rebuilt (kubectl annotate aif chat" in world.status.hold
    world.annotations.clear()
    assert "spec.suspend" in (world.wait(10).status.hold or "")


@pytest.mark.parametrize("reason", ["", "x" * 100_000])
def test_no_reason_and_a_very_long_one_hold_as_well(reason: str) -> None:
    world = ramping().held(reason).wait(10, undecided)
    assert (world.stage, len(world.status.hold or "") < 500) == (Stage.HOLDING, True)
    assert names.HOLD in (world.status.hold or "")
