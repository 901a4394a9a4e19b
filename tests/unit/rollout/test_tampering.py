"""A status that no operator wrote is repaired from what knows better, and told once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, KnownRelease, Split
from goaround.rollout.tampered import needs_records
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, DIGEST_C, B, C, a_record
from tests.unit.rollout.flights import (
    STARTS,
    cruising,
    halfway,
    inconclusive,
    killed,
    live,
    live_twice,
    preflight,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import World, good, undecided


def forged(world: World, **changes: object) -> World:
    """Somebody with rights on status writes it."""
    world.status = AIFeatureStatus.model_validate(world.status.but(**changes).wire())
    return world


def seen_live(world: World) -> World:
    """Records are read live, as the operator does once it doubts."""
    assert needs_records(world.observed())
    world.confirmed = True
    world.look(undecided)
    return world


def told(world: World) -> list[str]:
    return [t.message for t in world.status.history if t.reason == EventReason.STATUS_TAMPERED]


def known(world: World) -> str | None:
    good_one = world.status.last_known_good
    return good_one.digest if good_one is not None else None


@pytest.mark.parametrize("start", sorted(STARTS))
def test_no_status_of_our_own_is_ever_doubted(start: str) -> None:
    world = STARTS[start]()
    world.confirmed = True
    for _ in range(3):
        world.wait(60, undecided)
    assert told(world) == []


def test_what_is_not_what_it_is_called_does_not_fly() -> None:
    world = halfway()
    flown = world.status.candidate
    assert flown is not None
    forged(world, candidate=flown.but(release=C)).look(undecided)
    flown = world.status.candidate
    assert flown is not None
    assert (world.weight, flown.release, flown.attempt) == (0, B, 1)
    assert "its content is another" in told(world)[0]


def test_after_it_the_release_of_spec_starts_from_the_ground() -> None:
    world = halfway()
    flown = world.status.candidate
    assert flown is not None
    forged(world, candidate=flown.but(release=C)).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, world.weight, flown.digest) == (Stage.RAMPING, 10, DIGEST_B)


@pytest.mark.parametrize(
    ("start", "most"),
    [
        (ramping, 10),
        (halfway, 50),
        (live, 0),
        (preflight, 0),
        (rolled_back, 0),
        (inconclusive, 0),
    ],
)
def test_a_candidate_gets_no_more_than_its_stage_allows(
    start: Callable[[], World], most: int
) -> None:
    world = forged(start(), split=Split(candidate=100))
    world.look(undecided)
    assert world.weight <= max(most, 10 if start is preflight else 0)
    assert "100 % on the candidate" in told(world)[0]
    assert len(told(world.wait(60, undecided))) == 1


def test_who_holds_back_users_at_the_last_step_is_not_doubted() -> None:
    world = cruising()
    before = world.status.split
    forged(world, split=Split(stable=1, candidate=99)).look(undecided)
    assert told(world) == []
    assert before.candidate <= 100


def test_a_kill_cannot_be_written_away() -> None:
    world = forged(killed(), split=Split(candidate=100))
    world.look(good)
    assert world.status.split == Split(fallback=100)
    assert len(told(world)) == 1


def test_a_last_known_good_that_never_landed_is_replaced_by_what_did() -> None:
    world = live_twice()
    false = KnownRelease(digest=DIGEST_C, release=C, since=world.now)
    forged(world, last_known_good=false)
    seen_live(world)
    assert known(world) == DIGEST_B
    assert world.status.previous_good is not None
    assert world.status.previous_good.digest == DIGEST_A
    assert "of which there is no record; by the records it is" in told(world)[0]
    assert len(told(world.wait(60))) == 1


def test_nor_is_one_believed_whose_record_says_that_it_only_flew() -> None:
    world = rolled_back()
    false = KnownRelease(digest=DIGEST_B, release=B, since=world.now)
    seen_live(forged(world, last_known_good=false, stage=Stage.LIVE))
    assert known(world) == DIGEST_A
    assert "never landed by its record" in told(world)[0]


def test_nor_one_that_is_quarantined() -> None:
    world = live_twice()
    world.records[DIGEST_B] = a_record(B, good_since=world.now, quarantined_attempt=2)
    seen_live(world)
    assert known(world) == DIGEST_A
    assert "quarantined by its record" in told(world)[0]


def test_nor_one_whose_content_was_exchanged() -> None:
    world = live_twice()
    true = world.status.last_known_good
    assert true is not None
    seen_live(forged(world, last_known_good=true.but(release=C)))
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.release == B


def test_records_that_were_merely_heard_repair_nothing() -> None:
    world = live_twice()
    heard = world.records.pop(DIGEST_B)
    world.look(undecided)
    assert (known(world), told(world)) == (DIGEST_B, [])
    world.records[DIGEST_B] = heard
    assert not needs_records(world.observed())


def test_without_any_record_nothing_is_known_better() -> None:
    world = live()
    world.records.clear()
    assert not needs_records(world.observed())


def test_what_flew_beside_a_false_last_known_good_starts_again() -> None:
    world = halfway()
    false = KnownRelease(digest=DIGEST_C, release=C, since=world.now)
    seen_live(forged(world, last_known_good=false))
    assert (known(world), world.weight) == (DIGEST_A, 0)
    world.now += timedelta(seconds=1)
    assert world.wait(60).weight == 10
    assert world.status.latches == []


def test_a_kill_goes_on_while_last_known_good_is_set_right() -> None:
    world = killed()
    false = KnownRelease(digest=DIGEST_C, release=C, since=world.now)
    seen_live(forged(world, last_known_good=false))
    assert (world.stage, known(world)) == (Stage.KILLED, DIGEST_A)
    assert world.status.split == Split(fallback=100)


def test_forged_conditions_are_made_anew_in_silence() -> None:
    world = rolled_back()
    lie = [c.but(status="True") if c.type == "Ready" else c for c in world.status.conditions]
    plan = forged(world, conditions=lie).look(undecided)
    assert plan.urgent
    assert [c.status for c in world.status.conditions if c.type == "Ready"] == ["False"]
