"""Take-off, steps, cruise, landing: up only on evidence that covers the whole step."""

from datetime import timedelta

import pytest

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import Split
from tests.unit.rollout.build import CRUISE, HOLD, A, B, C, a_problem, with_vs_stable
from tests.unit.rollout.flights import (
    STARTS,
    cruising,
    halfway,
    live,
    live_twice,
    preflight,
    ramping,
)
from tests.unit.rollout.world import good, judged, nothing, undecided

SECONDS = timedelta(seconds=1)


def test_preflight_passes_at_no_weight_and_the_first_step_follows() -> None:
    world = preflight()
    assert world.status.split == Split(stable=100)
    world.settle()
    assert (world.stage, world.status.split) == (Stage.RAMPING, Split(stable=90, candidate=10))


def test_a_flight_climbs_10_50_100_and_lands() -> None:
    world, weights = ramping(), [10]
    for _ in range(3):
        world.wait(max(HOLD, CRUISE) + 1, good)
        weights.append(world.weight)
    assert weights == [10, 50, 100, 0]
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))


def test_a_step_needs_its_hold_time() -> None:
    assert ramping().wait(HOLD - 1, good).weight == 10


def test_hold_time_is_what_was_read_not_what_the_clock_says() -> None:
    world = ramping()
    assert world.status.step is not None
    read_to = world.status.step.since + timedelta(seconds=HOLD) - SECONDS
    world.wait(5 * HOLD, lambda w: good(w, through=read_to))
    assert world.weight == 10
    world.wait(1, lambda w: good(w, through=read_to + SECONDS))
    assert world.weight == 50


def test_evidence_that_was_read_nowhere_climbs_nowhere() -> None:
    assert ramping().wait(HOLD, lambda w: good(w, through=None)).weight == 10


def test_a_step_needs_its_samples() -> None:
    assert ramping().wait(HOLD, lambda w: good(w, samples=99)).weight == 10
    assert ramping().wait(HOLD, lambda w: good(w, samples=100)).weight == 50


def test_a_step_needs_acceptance() -> None:
    assert ramping().wait(HOLD, lambda w: judged(w, samples=10_000)).weight == 10


def test_each_step_counts_its_own_time() -> None:
    world = ramping().wait(3 * HOLD, good)
    assert world.weight == 50
    assert world.wait(HOLD - 1, good).weight == 50


def test_the_last_step_is_a_cruise_with_its_own_time() -> None:
    world = cruising()
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    assert world.wait(CRUISE - 10, good).stage is Stage.CRUISING
    assert world.wait(10, good).stage is Stage.LIVE


def test_a_cruise_without_a_request_does_not_land() -> None:
    assert cruising().wait(CRUISE, lambda w: good(w, samples=0)).stage is Stage.CRUISING


def test_a_ramp_of_one_step_is_gated_too() -> None:
    steps = {"steps": [{"weightPercent": 100, "minSamples": 100}]}
    world = live().wants(B, ramp=steps).wait(60)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    assert world.wait(CRUISE, undecided).stage is Stage.CRUISING
    assert world.wait(1, good).stage is Stage.LIVE


def test_a_landing_makes_it_last_known_good_and_keeps_the_one_before() -> None:
    status = cruising().wait(CRUISE, good).status
    assert status.last_known_good is not None
    assert status.previous_good is not None
    assert (status.last_known_good.release, status.previous_good.release) == (B, A)
    assert (status.candidate, status.step, status.evidence) == (None, None, [])


def test_a_signal_that_compares_with_stable_keeps_users_on_it_while_cruising() -> None:
    world = live().wants(B, **with_vs_stable()).wait(60)
    world.wait(HOLD, good).wait(HOLD, good)
    assert (world.stage, world.status.split) == (Stage.CRUISING, Split(stable=2, candidate=98))
    assert world.status.weight == "98% (2 held back)"
    assert world.wait(CRUISE, good).status.split == Split(stable=100)


@pytest.mark.parametrize("start", ["preflight", "ramping", "holding", "halfway", "cruising"])
def test_a_new_release_in_mid_ramp_takes_the_candidate_to_0_and_starts_again(start: str) -> None:
    world = STARTS[start]().wants(C)
    world.look()
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    assert world.status.history[-1].reason == EventReason.SUPERSEDED
    world.settle()
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, world.weight, flown.release, flown.attempt) == (Stage.RAMPING, 10, C, 1)


def test_a_release_that_made_way_flies_again_as_another_attempt() -> None:
    world = halfway().wants(C).wait(60).wants(B).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (flown.release, flown.attempt, world.weight) == (B, 2, 10)


@pytest.mark.parametrize("start", ["preflight", "ramping", "holding", "halfway", "cruising"])
def test_another_plan_in_mid_ramp_starts_the_same_release_again(start: str) -> None:
    world = STARTS[start]().wants(B, ramp={"steps": [{"weightPercent": w} for w in (5, 100)]})
    world.look()
    assert (world.stage, world.status.split) == (Stage.PREFLIGHT, Split(stable=100))
    world.settle()
    flown = world.status.candidate
    assert flown is not None
    assert (world.weight, flown.release, flown.attempt) == (5, B, 2)


def test_another_cruise_time_is_no_other_plan() -> None:
    world = halfway().wants(B, ramp={"cruiseSeconds": 60}).wait(1, undecided)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)


@pytest.mark.parametrize("start", [n for n in STARTS if n not in {"nothing", "adopted", "killed"}])
def test_a_git_revert_to_last_known_good_serves_everybody_at_once(start: str) -> None:
    world = STARTS[start]().wants(A)
    world.look(undecided)
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    assert world.status.candidate is None


def test_a_git_revert_needs_no_evidence_and_no_valid_spec() -> None:
    world = halfway().wants(A)
    world.problems = (a_problem(),)
    world.look(nothing)
    assert world.status.split == Split(stable=100)


def test_the_release_before_last_known_good_has_to_fly_again() -> None:
    world = live_twice().wants(A).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (flown.release, flown.attempt, world.weight) == (A, 2, 10)
