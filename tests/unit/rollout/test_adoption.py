"""Adopt: the first release already serves, so it is taken over at 100 % and nobody is moved."""

from datetime import timedelta

import pytest

from goaround.api.reasons import Stage
from goaround.api.status import Split
from goaround.rollout.planned import WriteRecord
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_A,
    RAMP_DEADLINE,
    A,
    B,
    a_problem,
    a_record,
    a_spec,
)
from tests.unit.rollout.flights import adopted, fly_to_live
from tests.unit.rollout.world import (
    Evidence,
    World,
    bad,
    good,
    judged,
    nothing,
    undecided,
    unreadable,
)

STEPS_OF_ANOTHER_PLAN = [
    [{"weightPercent": 100, "holdSeconds": 60}],
    [{"weightPercent": w, "holdSeconds": 60} for w in (1, 5, 25, 60, 100)],
]


def test_the_first_release_serves_everybody_at_once() -> None:
    world = World()
    world.look(nothing)
    assert (world.stage, world.status.split) == (Stage.CRUISING, Split(candidate=100))
    assert world.status.live == DIGEST_A.removeprefix("sha256:")[:12]


def test_it_is_recorded_before_it_is_said() -> None:
    first = World().plan(nothing).first
    assert [e.digest for e in first if isinstance(e, WriteRecord)] == [DIGEST_A]


def test_it_is_not_last_known_good_before_its_cruise_is_over() -> None:
    world = adopted().wait(CRUISE - 1, good)
    assert (world.stage, world.status.last_known_good) == (Stage.CRUISING, None)


def test_time_and_no_breach_are_its_gate() -> None:
    world = adopted().wait(CRUISE + 1, undecided)
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.digest == DIGEST_A


def test_it_has_no_deadline() -> None:
    world = adopted()
    for _ in range(3):
        world.wait(RAMP_DEADLINE, unreadable)
    assert (world.stage, world.weight) == (Stage.HOLDING, 100)


def test_proof_of_harm_sends_it_to_the_fallback() -> None:
    world = adopted().wait(60, bad)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(fallback=100))
    assert world.status.live == "fallback"


def test_what_was_proven_harmful_comes_back_through_the_ramp() -> None:
    world = adopted().wait(60, bad).signs(DIGEST_A, 1).wait(60, undecided)
    assert (world.stage, world.status.split) == (Stage.RAMPING, Split(candidate=10, fallback=90))


def test_a_record_of_another_release_forbids_adoption() -> None:
    world = World()
    world.records[B.title] = a_record(B, attempts=1, outcome="Superseded")
    world.look(nothing)
    assert (world.stage, world.status.split) == (Stage.PREFLIGHT, Split(fallback=100))


def test_a_pass_that_died_between_record_and_status_is_repeated_as_it_was() -> None:
    undisturbed = World()
    undisturbed.look(nothing)
    world = World()
    for _ in range(3):
        world.look(nothing, lost=True)
    world.look(nothing)
    assert world.status == undisturbed.status
    assert world.records == undisturbed.records


def test_an_invalid_spec_adopts_nothing() -> None:
    world = World(problems=(a_problem(),)).settle(nothing)
    assert (world.stage, world.status.revision, world.records) == (None, 0, {})


def test_a_new_release_waits_until_the_adoption_has_landed() -> None:
    world = adopted().wants(B).wait(CRUISE / 2, good)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    world.wait(CRUISE, good)
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.release == A
    assert world.status.candidate is not None
    assert (world.status.candidate.release, world.weight) == (B, 10)


@pytest.mark.parametrize("steps", STEPS_OF_ANOTHER_PLAN, ids=["fewer", "more"])
@pytest.mark.parametrize("evidence", [good, undecided, unreadable, nothing])
def test_a_plan_with_other_steps_moves_nobody_while_an_adoption_waits(
    steps: list[object], evidence: Evidence
) -> None:
    world = adopted().wants(B, ramp={"steps": steps}).wait(CRUISE - 10, evidence)
    assert world.status.split == Split(candidate=100)


@pytest.mark.parametrize("steps", STEPS_OF_ANOTHER_PLAN, ids=["fewer", "more"])
def test_an_adoption_lands_whatever_steps_the_next_release_brings(steps: list[object]) -> None:
    world = adopted().wants(B, ramp={"steps": steps}).wait(60, unreadable).wait(CRUISE, good)
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.release == A


def test_another_plan_for_the_same_release_starts_its_adoption_again() -> None:
    world = adopted().wants(A, ramp={"cruiseSeconds": 60, "steps": [{"weightPercent": 100}]})
    world.settle(good)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, world.weight, flown.attempt) == (Stage.CRUISING, 100, 2)


def test_an_adoption_that_was_killed_comes_back_through_the_ramp() -> None:
    world = adopted().kill().wait(60)
    assert world.status.split == Split(fallback=100)
    world.switches.clear()
    world.wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, flown.adopted, flown.attempt) == (Stage.RAMPING, False, 2)
    assert world.status.split == Split(candidate=10, fallback=90)
    assert fly_to_live(world).status.last_known_good is not None


def test_a_killed_adoption_whose_record_does_not_say_so_yet_comes_back_through_the_ramp() -> None:
    world = adopted().kill()
    flying = world.records[DIGEST_A]
    world.look()
    world.switches.clear()
    world.look()
    world.records[DIGEST_A] = flying
    assert world.wait(60).status.split == Split(candidate=10, fallback=90)


def test_what_was_killed_before_anything_flew_comes_through_the_ramp() -> None:
    world = World().kill().settle(nothing)
    world.switches.clear()
    assert world.wait(60).status.split == Split(candidate=10, fallback=90)


def test_first_release_ramp_starts_at_the_first_step_against_the_fallback() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle()
    assert (world.stage, world.status.split) == (Stage.RAMPING, Split(candidate=10, fallback=90))


def test_the_cruise_of_an_adoption_is_measured_by_evidence() -> None:
    world = adopted()
    read_to = world.now + timedelta(seconds=CRUISE - 10)
    assert world.wait(2 * CRUISE, lambda w: judged(w, through=read_to)).stage is Stage.CRUISING
