"""What was proven harmful does not fly until a person asks for that digest and attempt again."""

from dataclasses import replace

import pytest

from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_B,
    DIGEST_C,
    HOLD,
    NAME,
    STEP_DEADLINE,
    A,
    B,
    C,
    a_record,
    writes,
)
from tests.unit.rollout.flights import fly_to_live, live, ramping, retry_landed, rolled_back
from tests.unit.rollout.world import bad, good, undecided


def test_the_digest_is_quarantined_on_its_record() -> None:
    record = rolled_back().records[DIGEST_B]
    assert (record.quarantined_attempt, record.outcome) == (1, "Signal")


def test_git_may_go_on_asking_for_it() -> None:
    world = rolled_back()
    for _ in range(5):
        world.wait(CRUISE, good)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(stable=100))


def test_another_plan_does_not_let_it_fly() -> None:
    world = rolled_back().wants(B, ramp={"steps": [{"weightPercent": 100}]}).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_asking_for_it_later_again_is_refused_once_in_words() -> None:
    world = rolled_back().wants(C).wait(60).wants(B).wait(60)
    assert (world.stage, world.weight, world.status.candidate) == (Stage.ROLLED_BACK, 0, None)
    told = [t.message for t in world.status.history if "quarantined since attempt 1" in t.message]
    assert len(told) == 1
    assert world.wait(CRUISE, good).status.history[-1].message == told[0]


def test_a_record_alone_keeps_it_down() -> None:
    world = live().wants(B)
    world.records[DIGEST_B] = a_record(B, attempts=3, outcome="Signal", quarantined_attempt=3)
    world.wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    assert "quarantined since attempt 3" in (world.status.summary or "")


def test_a_latch_alone_keeps_it_down() -> None:
    world = rolled_back()
    world.records.pop(DIGEST_B)
    world.wants(C)
    world.look()
    world.records.pop(DIGEST_B, None)
    world.wants(B).settle()
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


@pytest.mark.parametrize(
    ("digest", "attempt", "feature"),
    [(DIGEST_B, 2, NAME), (DIGEST_C, 1, NAME), (DIGEST_B, 1, "search")],
    ids=["another attempt", "another digest", "another feature"],
)
def test_a_sign_off_of_something_else_lets_nothing_fly(
    digest: str, attempt: int, feature: str
) -> None:
    world = rolled_back().signs(digest, attempt, feature).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


@pytest.mark.parametrize("detour", [False, True], ids=["at once", "after another release"])
def test_a_retry_of_this_digest_and_attempt_flies_as_the_next_attempt(detour: bool) -> None:
    world = rolled_back()
    if detour:
        world.wants(C).wait(60).wants(B).wait(60)
    world.signs(DIGEST_B, 1).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, world.weight, flown.attempt) == (Stage.RAMPING, 10, 2)


def test_a_retry_signed_before_the_attempt_ended_lets_nothing_fly() -> None:
    world = ramping().signs(DIGEST_B, 1).wait(60, bad).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_a_retry_is_good_for_one_attempt() -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60).wait(60, bad).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    assert world.records[DIGEST_B].quarantined_attempt == 2


@pytest.mark.parametrize("end", ["without proof", "killed", "made way", "another plan"])
def test_a_retry_is_good_for_one_flight_however_that_ends(end: str) -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60)
    gentle = {"steps": [{"weightPercent": w} for w in (5, 100)]}
    match end:
        case "without proof":
            world.wait(HOLD + STEP_DEADLINE, undecided).wants(B, ramp=gentle).wait(60)
        case "killed":
            world.kill().wait(60)
            world.switches.clear()
            world.wait(60)
        case "made way":
            world.wants(C).wait(60).wants(B).wait(60)
        case "another plan":
            world.wants(B, ramp=gentle).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    assert "AISignOff Retry for attempt 2" in world.status.history[-1].message
    world.signs(DIGEST_B, 2).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, flown.attempt) == (Stage.RAMPING, 3)


def test_a_retry_whose_record_was_written_by_a_pass_that_died_flies_once() -> None:
    world = rolled_back().signs(DIGEST_B, 1)
    for _ in range(3):
        world.look(lost=True)
    world.wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, flown.attempt) == (Stage.RAMPING, 2)


def test_a_retry_does_not_clear_the_quarantine_while_it_flies() -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60)
    assert world.records[DIGEST_B].quarantined_attempt == 1


def test_a_retry_that_landed_clears_the_quarantine() -> None:
    world = retry_landed()
    assert world.records[DIGEST_B].quarantined_attempt is None
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.release == B


def test_what_landed_after_a_retry_is_never_marked_for_the_old_proof_again() -> None:
    world = fly_to_live(retry_landed().wants(C)).wants(B).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert world.records[DIGEST_B].quarantined_attempt is None


def test_what_landed_after_a_retry_flies_again_without_another() -> None:
    world = fly_to_live(retry_landed().wants(C))
    world.sign_offs.clear()
    assert world.wants(B).wait(60).weight == 10


def test_a_new_proof_after_a_landing_quarantines_anew() -> None:
    world = fly_to_live(retry_landed().wants(C)).wants(B).wait(60).wait(60, bad)
    assert world.records[DIGEST_B].quarantined_attempt == 3
    assert world.wants(C).wait(60).wants(B).wait(60).stage is Stage.ROLLED_BACK


def test_an_inconclusive_retry_stays_quarantined_whatever_the_plan() -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60).wait(HOLD + STEP_DEADLINE, undecided)
    assert world.stage is Stage.INCONCLUSIVE
    world.sign_offs.clear()
    world.wants(B, ramp={"steps": [{"weightPercent": 100}]}).wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_marks_are_asked_for_until_they_are_on_the_record() -> None:
    world = rolled_back()
    bare = replace(world.records[DIGEST_B], quarantined_attempt=None, outcome="Flying")
    for _ in range(2):
        world.records[DIGEST_B] = bare
        assert DIGEST_B in {e.digest for e in writes(world.plan().then)}
    world.look()
    assert not writes(world.plan().then)


def test_of_two_missing_marks_the_newest_attempt_stays_on_the_record() -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60).wait(60, bad)
    world.records.pop(DIGEST_B)
    world.settle()
    assert world.records[DIGEST_B].quarantined_attempt == 2


def test_the_summary_speaks_of_the_release_that_is_kept_down() -> None:
    world = rolled_back().wants(A).wait(60).kill().wait(60)
    world.switches.clear()
    world.wait(60).wants(B).wait(60)
    assert world.stage is Stage.ROLLED_BACK
    assert "errors ratio 4.1%" in (world.status.summary or "")
