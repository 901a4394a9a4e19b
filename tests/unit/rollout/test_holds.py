"""What stops the way up, and only that: evidence that cannot be read, bad specs, brakes, clocks."""

from datetime import timedelta

import pytest

from goaround.api.digest import short
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import LatchCause, Split
from goaround.rollout.observed import Outage
from tests.unit.rollout.build import (
    DIGEST_A,
    DIGEST_B,
    DIGEST_C,
    HOLD,
    RAMP_DEADLINE,
    A,
    B,
    C,
    a_problem,
)
from tests.unit.rollout.flights import (
    STARTS,
    cruising,
    halfway,
    holding,
    live,
    preflight,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import World, bad, good, judged, nothing, undecided, unreadable

BRAKE = "the brake is on: an incident in another team"


def test_evidence_that_cannot_be_read_holds_at_the_same_weight() -> None:
    world = halfway().wait(60, unreadable)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    assert world.status.hold == "signal errors: the provider does not answer"


def test_a_hold_is_told_once() -> None:
    world = holding()
    told = len(world.status.history)
    for _ in range(5):
        world.wait(60, unreadable)
    assert len(world.status.history) == told


def test_a_hold_ends_when_evidence_can_be_read_again() -> None:
    world = holding().wait(60, undecided)
    assert (world.stage, world.weight, world.status.hold) == (Stage.RAMPING, 10, None)


def test_a_cruise_that_held_goes_on_as_a_cruise() -> None:
    world = cruising().wait(60, unreadable)
    assert (world.stage, world.weight) == (Stage.HOLDING, 100)
    assert world.wait(60, undecided).stage is Stage.CRUISING


def test_a_step_goes_on_where_it_held() -> None:
    world = holding()
    assert world.status.step is not None
    since = world.status.step.since
    world.wait(60, undecided)
    assert world.status.step is not None
    assert world.status.step.since == since


def test_harm_is_found_in_a_hold() -> None:
    assert holding().wait(60, bad).stage is Stage.ROLLED_BACK


def test_nothing_known_keeps_what_is() -> None:
    for world in (ramping(), holding(), cruising()):
        before = world.status
        world.now += timedelta(seconds=60)
        assert world.plan(nothing).status == before


def test_a_bad_spec_holds_a_flight_and_says_stalled() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    world.wait(HOLD, good)
    stalled = world.condition(ConditionType.STALLED)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert stalled is not None
    assert (stalled.reason, stalled.message) == (Reason.UNKNOWN_PROVIDER, world.problems[0].message)


def test_a_bad_spec_is_told_once_per_generation() -> None:
    world = live()
    world.problems = (a_problem(),)
    for _ in range(3):
        world.wait(60)
    world.generation += 1
    world.wait(60)
    told = [t for t in world.status.history if t.reason == EventReason.INVALID_SPEC]
    assert len(told) == 2


def test_a_bad_spec_takes_nothing_off() -> None:
    world = live().wants(B)
    world.problems = (a_problem(),)
    world.wait(60)
    assert (world.stage, world.status.candidate) == (Stage.LIVE, None)


def test_a_spec_that_turns_bad_before_the_first_step_moves_nobody() -> None:
    world = preflight()
    world.problems = (a_problem(),)
    plan = world.look()
    assert (world.stage, world.status.split) == (Stage.PREFLIGHT, Split(stable=100))
    assert plan.wake_at is not None
    assert plan.wake_at > world.now
    world.problems = ()
    assert world.settle().weight == 10


def test_a_spec_put_right_goes_on() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    world.wait(60)
    world.problems = ()
    assert world.wait(60).stage is Stage.RAMPING
    assert world.condition(ConditionType.STALLED) is None


def test_harm_is_found_under_a_bad_spec() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    assert world.wait(60).wait(60, bad).stage is Stage.ROLLED_BACK


def test_harm_in_a_signal_that_spec_lost_is_harm() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    assert world.wait(60, lambda w: bad(w, signal="gone")).stage is Stage.ROLLED_BACK


def braked(world: World) -> World:
    """The same world with the brake on."""
    world.braked = BRAKE
    return world


@pytest.mark.parametrize("start", ["preflight", "ramping", "halfway"])
def test_the_brake_stops_every_climb(start: str) -> None:
    world = STARTS[start]()
    weight = world.weight
    braked(world).wait(HOLD, good)
    assert (world.weight, world.status.hold) == (weight, BRAKE)


def test_the_brake_stops_a_take_off_and_says_when_it_looks_again() -> None:
    world = braked(live().wants(B))
    plan = world.look()
    assert (world.stage, world.status.candidate, world.status.hold) == (Stage.LIVE, None, BRAKE)
    assert plan.wake_at is not None
    assert plan.wake_at > world.now


@pytest.mark.parametrize("start", ["live", "rolled back", "inconclusive"])
def test_a_release_that_waits_for_the_brake_is_on_its_way_and_not_quarantined(start: str) -> None:
    world = braked(STARTS[start]().wants(C)).wait(60)
    reconciling = world.condition(ConditionType.RECONCILING)
    assert reconciling is not None
    assert reconciling.reason == Reason.HOLDING
    assert world.status.summary == f"{short(DIGEST_A)} serves; {short(DIGEST_C)} waits: {BRAKE}"


def test_a_retry_under_the_brake_flies_when_the_brake_is_gone() -> None:
    world = braked(rolled_back().signs(DIGEST_B, 1))
    plan = world.look()
    assert (world.stage, world.status.hold) == (Stage.ROLLED_BACK, BRAKE)
    assert plan.wake_at is not None
    world.now, world.braked = plan.wake_at, None
    assert world.settle().weight == 10


def test_a_hold_that_no_longer_stops_anything_is_not_said_any_more() -> None:
    world = braked(live().wants(B)).wait(1).wants(A)
    assert world.look().wake_at is None
    assert world.status.hold is None


def test_the_brake_never_stops_the_way_down() -> None:
    assert braked(halfway()).wait(1, bad).stage is Stage.ROLLED_BACK
    assert braked(halfway()).kill().wait(1).stage is Stage.KILLED
    assert braked(halfway()).wants(A).wait(1).status.split == Split(stable=100)


def test_the_brake_stops_the_clock_of_the_deadlines() -> None:
    world = ramping()
    assert world.status.step is not None
    deadline = world.status.step.deadline_at
    braked(world).wait(60).wait(RAMP_DEADLINE)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    world.braked = None
    world.settle()
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert world.status.step.deadline_at >= deadline + timedelta(seconds=RAMP_DEADLINE)


def test_the_next_flight_has_its_own_clock() -> None:
    world = braked(ramping()).wait(60).wait(RAMP_DEADLINE, bad)
    world.braked = None
    world.wants(C).settle()
    flown = world.status.candidate
    assert flown is not None
    assert flown.release == C
    assert flown.deadline_at == flown.since + timedelta(seconds=RAMP_DEADLINE)


def test_a_clock_that_is_far_behind_the_status_stops_the_way_up() -> None:
    world = ramping()
    world.now -= timedelta(minutes=6)
    world.settle(good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert "ClockSkew" in (world.status.hold or "")


def test_a_clock_that_is_far_behind_the_status_never_stops_the_way_down() -> None:
    world = ramping()
    world.now -= timedelta(days=400)
    world.look(bad)
    assert world.stage is Stage.ROLLED_BACK


def test_an_outage_holds_blames_nobody_and_is_latched_once() -> None:
    world = halfway()
    found = Outage(since=world.now, line="errors: stable itself is at 30 % bad")
    for _ in range(3):
        world.wait(60, lambda w: judged(w, outage=found, accepted=True, samples=1000))
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    assert [(x.cause, x.digest) for x in world.status.latches] == [(LatchCause.OUTAGE, None)]
    assert len(world.incidents) == 1
    assert world.records[DIGEST_B].quarantined_attempt is None
