"""Mode Observe: what spec asks for serves everybody; what would have been done is said once."""

from dataclasses import replace

from goaround.api.feature import Release
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import Split
from goaround.rollout.observed import Judged
from tests.unit.rollout.build import CRUISE, HOLD, A, B
from tests.unit.rollout.flights import killed, ramping, rolled_back
from tests.unit.rollout.world import World, bad, good


def observing(release: Release = A, world: World | None = None) -> World:
    return (world or World()).wants(release, mode="Observe").settle()


def said(world: World) -> list[str]:
    would = (EventReason.WOULD_HAVE_KILLED, EventReason.WOULD_HAVE_ROLLED_BACK)
    return [t.reason for t in world.status.history if t.reason in would]


def test_what_spec_asks_for_serves_everybody() -> None:
    world = observing()
    assert world.status.split == Split(candidate=100)
    assert world.wants(B, mode="Observe").wait(60).status.split == Split(candidate=100)
    assert world.status.candidate is not None
    assert world.status.candidate.release == B


def test_proof_of_harm_moves_nobody_and_is_said_once() -> None:
    world = observing()
    for _ in range(3):
        world.wait(60, bad)
    assert world.status.split == Split(candidate=100)
    assert said(world) == [EventReason.WOULD_HAVE_ROLLED_BACK]
    assert (world.status.latches, world.incidents) == ([], set())


def test_a_kill_switch_moves_nobody_and_is_said_once() -> None:
    world = observing().kill()
    for _ in range(3):
        world.wait(60)
    assert world.status.split == Split(candidate=100)
    assert said(world) == [EventReason.WOULD_HAVE_KILLED]


def test_a_kill_in_between_does_not_make_the_same_proof_a_second_one() -> None:
    world = observing().wait(60, bad).kill().wait(60, bad)
    world.switches.clear()
    world.wait(60, bad)
    assert said(world) == [EventReason.WOULD_HAVE_ROLLED_BACK, EventReason.WOULD_HAVE_KILLED]
    told = (world.status.would_have or "").split(" | ")
    assert [one.partition(":")[0] for one in told] == said(world)[:1]


def test_what_was_said_of_one_release_is_not_held_against_the_next() -> None:
    world = observing().wait(60, bad).wants(A).wait(60, good).wait(CRUISE, good).wants(B).settle()
    assert (world.stage, world.status.would_have) == (Stage.RAMPING, None)
    world.wants(B, mode="Observe").wait(60, bad)
    assert said(world)[-1:] == [EventReason.WOULD_HAVE_ROLLED_BACK]
    assert (world.status.would_have or "").startswith(EventReason.WOULD_HAVE_ROLLED_BACK)


def wordy(world: World) -> Judged | None:
    found = bad(world)
    assert found is not None
    assert found.breach is not None
    return replace(found, breach=replace(found.breach, line="x" * 512))


def test_what_would_have_been_done_fits_into_status_however_long_its_proof() -> None:
    world = observing().wait(60, wordy).kill("s" * 253)
    assert len(world.wait(60, wordy).status.would_have or "") <= 512
    assert len(said(world)) == 2


def test_a_kill_switch_that_was_there_first_moves_nobody_either() -> None:
    world = observing(world=World().kill())
    assert world.status.split == Split(candidate=100)


def test_what_would_have_gone_down_never_becomes_last_known_good() -> None:
    world = observing().wait(60, bad).wait(CRUISE, good)
    assert world.status.last_known_good is None


def test_enforced_again_a_proof_acts() -> None:
    world = observing().wait(60, bad).wants(A).wait(60, bad)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(fallback=100))


def test_enforced_again_a_switch_kills() -> None:
    world = observing().kill().wait(60).wants(A)
    world.look()
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))


def test_what_is_killed_stays_killed_until_the_switch_is_gone() -> None:
    world = observing(world=killed())
    assert world.wait(60).stage is Stage.KILLED
    world.switches.clear()
    assert world.wait(60).stage is not Stage.KILLED


def test_what_is_down_stays_down() -> None:
    world = rolled_back().wants(B, mode="Observe").wait(60)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_what_was_on_its_way_up_stays_where_it_is() -> None:
    world = ramping().wants(B, mode="Observe")
    for _ in range(3):
        world.wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert "Observe" in (world.status.hold or "")
    assert world.wants(B).wait(60, good).weight == 50


def test_a_switch_that_is_gone_keeps_nothing_from_landing() -> None:
    world = observing().kill().wait(60)
    world.switches.clear()
    world.wait(60, good).wait(CRUISE, good)
    assert world.stage is Stage.LIVE
