"""Going around without proof of harm: weight 0, no blame, no quarantine."""

from datetime import timedelta

import pytest

from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.unit.rollout.build import DIGEST_B, HOLD, RAMP_DEADLINE, STEP_DEADLINE, B, C
from tests.unit.rollout.flights import STARTS, holding, inconclusive, live, ramping
from tests.unit.rollout.world import good, judged, nothing, undecided, unreadable


def test_a_step_without_proof_ends_at_its_deadline() -> None:
    world = ramping().wait(HOLD + STEP_DEADLINE - 1, undecided)
    assert world.stage is Stage.RAMPING
    world.wait(1, undecided)
    assert (world.stage, world.status.split) == (Stage.INCONCLUSIVE, Split(stable=100))


def test_a_ramp_without_proof_ends_at_its_deadline() -> None:
    world = live().wants(B, ramp={"deadlineSeconds": 900}).wait(60).wait(HOLD, good)
    assert world.weight == 50
    assert world.wait(300, undecided).stage is Stage.INCONCLUSIVE


@pytest.mark.parametrize("start", ["ramping", "halfway", "cruising", "holding"])
def test_a_flight_is_looked_at_when_its_first_deadline_comes(start: str) -> None:
    world = STARTS[start]()
    step, flown = world.status.step, world.status.candidate
    assert step is not None
    assert flown is not None
    deadline = min(step.deadline_at, flown.deadline_at)
    assert world.plan(nothing).wake_at == deadline
    world.now = deadline
    assert world.settle(nothing).stage is Stage.INCONCLUSIVE


def test_the_deadline_of_the_ramp_wakes_a_flight_whose_step_ends_later() -> None:
    world = live().wants(B, ramp={"deadlineSeconds": 900}).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert world.plan(nothing).wake_at == flown.deadline_at


def test_a_hold_does_not_stop_the_deadline() -> None:
    world = holding()
    world.wait(HOLD + STEP_DEADLINE, unreadable)
    assert world.stage is Stage.INCONCLUSIVE
    assert "the provider does not answer" in (world.status.summary or "")


def test_it_is_never_quarantined() -> None:
    record = inconclusive().records[DIGEST_B]
    assert (record.quarantined_attempt, record.outcome) == (None, "NoProof")


def test_it_stays_down_until_somebody_acts() -> None:
    world = inconclusive()
    for _ in range(3):
        world.wait(RAMP_DEADLINE, good)
    assert (world.stage, world.weight) == (Stage.INCONCLUSIVE, 0)


def test_another_plan_lets_it_fly_again() -> None:
    world = inconclusive().wants(B, ramp={"steps": [{"weightPercent": w} for w in (5, 100)]})
    world.wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.weight, flown.attempt) == (5, 2)


def test_a_retry_lets_it_fly_again() -> None:
    world = inconclusive().signs(DIGEST_B, 1).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.weight, flown.attempt) == (10, 2)


def test_another_release_flies_at_once() -> None:
    world = inconclusive().wants(C).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_a_candidate_that_is_silent_while_stable_reports_goes_around() -> None:
    world = ramping()
    since = world.now
    world.wait(119, lambda w: judged(w, silent_since=since))
    assert world.stage is Stage.RAMPING
    world.wait(1, lambda w: judged(w, silent_since=since))
    assert (world.stage, world.status.split) == (Stage.INCONCLUSIVE, Split(stable=100))


def test_silence_is_measured_by_what_was_read() -> None:
    world = ramping()
    since, read_to = world.now, world.now + timedelta(seconds=100)
    world.wait(3600, lambda w: judged(w, silent_since=since, through=read_to))
    assert world.stage is Stage.RAMPING


def test_both_arms_silent_is_a_hold_and_no_reason_to_go_around() -> None:
    world = ramping()
    since = world.now
    world.wait(120, lambda w: judged(w, deaf_since=since))
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
