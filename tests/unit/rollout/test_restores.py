"""A feature restored without its status rebuilds itself from its release records."""

from datetime import timedelta

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, Split
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, A, B, C, a_release, writes
from tests.unit.rollout.flights import adopted, halfway, killed, live_twice, rolled_back
from tests.unit.rollout.world import World, bad


def restored(world: World) -> World:
    """The same world after a backup brought everything back but status."""
    world.status, world.told = AIFeatureStatus(), None
    world.now += timedelta(seconds=60)
    return world


def test_last_known_good_serves_everybody_again() -> None:
    world = restored(live_twice())
    world.look()
    known, before = world.status.last_known_good, world.status.previous_good
    assert known is not None
    assert before is not None
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    assert (known.release, before.release) == (B, A)
    assert world.status.history[0].reason == EventReason.REBUILT


def test_a_flight_that_was_in_the_air_starts_again_beside_last_known_good() -> None:
    world = restored(halfway()).settle()
    assert (world.stage, world.status.split) == (Stage.RAMPING, Split(stable=90, candidate=10))


def test_the_quarantine_survives() -> None:
    world = restored(rolled_back()).settle()
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(stable=100))
    assert "is quarantined since attempt 1" in (world.status.summary or "")


def test_a_kill_that_is_there_comes_first() -> None:
    world = restored(killed())
    world.look()
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))
    world.switches.clear()
    assert world.wait(60).status.last_known_good is not None


def test_what_was_good_once_and_harmful_later_is_not_gone_back_to() -> None:
    world = live_twice()
    world.wants(A).wait(60).wait(60, bad).wants(C)
    world = restored(world).settle()
    assert world.status.last_known_good is not None
    assert (world.status.last_known_good.release, world.status.previous_good) == (B, None)


def test_the_records_are_not_written_again() -> None:
    world = restored(live_twice())
    plan = world.look()
    assert writes((*plan.first, *plan.then)) == []


def test_without_a_good_record_nothing_is_rebuilt() -> None:
    world = restored(adopted()).settle()
    assert world.status.last_known_good is None
    assert EventReason.REBUILT not in {t.reason for t in world.status.history}


def test_old_records_over_the_limit_are_dropped_but_never_a_quarantine() -> None:
    world = rolled_back()
    for n in range(16):
        world.wants(a_release(f"n{n}")).wait(60)
    assert len(world.records) <= 14
    assert world.records[DIGEST_A].good_since is not None
    assert world.records[DIGEST_B].quarantined_attempt == 1
