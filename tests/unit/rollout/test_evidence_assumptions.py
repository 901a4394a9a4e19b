"""What evidence rests on: a pause holds and blames nobody, and the condition says why."""

from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.rollout.observed import (
    PAUSES,
    Assumed,
    Judged,
    Paused,
)
from goaround.rollout.settle import worth_a_write
from tests.unit.rollout.flights import live, ramping
from tests.unit.rollout.world import World, bad, good, judged, nothing, undecided

WHY = f"signal errors {PAUSES}; no bucket label"
UNSOUND = Assumed(False, Reason.NO_BUCKETS, "requests carry no bucket label")
SOUND = Assumed(True, Reason.MEASURED, "clustering is measured over 20 buckets")


def paused(world: World) -> Judged | None:
    return judged(world, paused=Paused(WHY), assumed=UNSOUND)


def lingering(world: World) -> Judged | None:
    """The harm is below the level that begins a pause, and above half of it."""
    return judged(world, paused=Paused(WHY, begins=False), assumed=UNSOUND)


def on_sound_ground(world: World) -> Judged | None:
    return judged(world, assumed=SOUND)


def said(world: World) -> tuple[str, str] | None:
    found = world.condition(ConditionType.EVIDENCE_ASSUMPTIONS)
    return (found.status, found.reason) if found is not None else None


def test_harm_that_only_unmeasured_users_carry_pauses_the_climb() -> None:
    world = ramping().wait(60, paused)
    assert (world.stage, world.weight, world.status.hold) == (Stage.HOLDING, 10, WHY)


def test_a_pause_opens_no_incident() -> None:
    world = ramping()
    before = list(world.status.latches)
    assert world.wait(60, paused).status.latches == before


def test_harm_is_found_in_a_pause() -> None:
    assert ramping().wait(60, paused).wait(60, bad).stage is Stage.ROLLED_BACK


def test_a_pause_ends_when_the_harm_does() -> None:
    assert ramping().wait(60, paused).wait(60, undecided).stage is Stage.RAMPING


def test_a_pause_outlasts_a_fall_below_the_level_that_began_it() -> None:
    world = ramping().wait(60, paused)
    told = len(world.status.history)
    for evidence in (lingering, paused) * 5:
        world.wait(10, evidence)
    assert (world.stage, len(world.status.history)) == (Stage.HOLDING, told)
    assert world.wait(10, lingering).wait(10, undecided).stage is Stage.RAMPING


def test_what_has_not_reached_the_level_begins_no_pause() -> None:
    assert ramping().wait(60, lingering).stage is Stage.RAMPING


def test_another_hold_is_not_kept_by_what_would_keep_a_pause() -> None:
    world = ramping().wait(60, lambda w: judged(w, mismatch="SampleRatioMismatch: 5.0%"))
    assert world.stage is Stage.HOLDING
    assert world.wait(60, lingering).stage is Stage.RAMPING


def test_good_evidence_does_not_climb_in_a_pause() -> None:
    world = ramping().wait(3600, lambda w: good(w, paused=Paused(WHY)))
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)


def test_the_condition_tells_what_evidence_rests_on() -> None:
    assert said(ramping().wait(60, on_sound_ground)) == ("True", Reason.MEASURED)
    assert said(ramping().wait(60, paused)) == ("False", Reason.NO_BUCKETS)
    assert said(ramping().wait(60, undecided)) == ("Unknown", Reason.NO_DATA)


def test_what_was_said_stands_while_nothing_is_heard() -> None:
    world = ramping().wait(60, paused)
    world.look(nothing)
    assert said(world) == ("False", Reason.NO_BUCKETS)


def test_nothing_is_said_of_evidence_where_nothing_flies() -> None:
    assert said(live()) is None
    assert said(ramping().wait(60, paused).wait(60, bad)) is None


def test_unsound_ground_is_told_at_once_and_sound_ground_with_the_next_checkpoint() -> None:
    unknown = ramping().status
    sound = ramping().wait(0, on_sound_ground).status
    unsound = ramping().wait(0, lambda w: judged(w, assumed=UNSOUND)).status
    assert worth_a_write(unknown, unsound)
    assert not worth_a_write(unknown, unknown.but(conditions=sound.conditions))
