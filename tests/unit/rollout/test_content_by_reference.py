"""What flies is what the record holds: texts by reference, edits in place, ConfigMaps that go."""

from dataclasses import replace

import pytest

from goaround.api.content import hash_of
from goaround.api.digest import release_digest
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.rollout.contents import UNREAD
from goaround.rollout.observed import Contents
from tests.unit.rollout.build import HOLD, A, writes
from tests.unit.rollout.texts import CHANGED, HELLO, MAP, a_contract, by_reference, gone, read
from tests.unit.rollout.world import World, bad, good, live_bad, live_good

V1, V2 = by_reference("v1"), by_reference("v2")


def flying() -> World:
    """v1 is good, v2 at its first step, each with its text in its record."""
    world = live()
    world.contents = read(v1=HELLO, v2="Answer briefly.")
    world.wants(V2).settle(good)
    assert world.stage is Stage.RAMPING
    return world


def live() -> World:
    world = World(contents=read(v1=HELLO))
    world.wants(V1).settle(good)
    world.wait(3601, good)
    assert world.stage is Stage.LIVE
    return world


def test_the_text_goes_into_the_record_before_the_release_takes_off() -> None:
    world = World(contents=read(v1=HELLO)).wants(V1)
    (first,) = writes(world.look().first)
    assert first.texts == {hash_of(HELLO): HELLO}
    assert world.status.candidate is not None
    assert world.status.candidate.digest == first.digest == release_digest(first.release)
    assert [ref.hash for ref in first.release.refs] == [hash_of(HELLO)]


def test_two_texts_under_one_name_are_two_releases() -> None:
    one, other = (World(contents=read(v1=text)).wants(V1) for text in (HELLO, CHANGED))
    assert one.look().status.release_digest != other.look().status.release_digest


def test_a_hash_in_spec_changes_no_digest() -> None:
    pinned = by_reference("v1", hash=hash_of(HELLO))
    one, other = (World(contents=read(v1=HELLO)).wants(r) for r in (V1, pinned))
    assert one.look().status.release_digest == other.look().status.release_digest


def test_nothing_takes_off_before_its_text_was_read() -> None:
    world = World().wants(V1).settle()
    assert (world.stage, world.status.candidate) == (None, None)
    assert world.status.hold == UNREAD
    assert not world.records


def test_a_missing_config_map_keeps_a_release_on_the_ground_and_says_so() -> None:
    world = live()
    world.contents = gone("v2")
    world.wants(V2).settle(live_good)
    assert world.status.live == world.status.last_known_good.digest[7:19]  # type: ignore[union-attr]
    stalled = world.condition(ConditionType.STALLED)
    assert stalled is not None
    assert stalled.reason == Reason.CONTENT_MISSING
    assert "create it" in stalled.message


def test_a_text_other_than_the_pinned_one_does_not_fly() -> None:
    pinned = by_reference("v1", hash=hash_of(HELLO))
    world = World(contents=read(v1=CHANGED)).wants(pinned).settle()
    assert world.status.candidate is None
    assert "take the hash out" in (world.status.summary or "")


def test_an_edit_in_flight_holds_under_the_old_digest() -> None:
    world = flying()
    before = world.status.candidate
    world.contents = read(v1=HELLO, v2=CHANGED)
    world.wait(HOLD + 1, good)
    assert (world.stage, world.weight, world.status.candidate) == (Stage.HOLDING, 10, before)
    changed = world.condition(ConditionType.CANDIDATE_CHANGED)
    assert changed is not None
    assert changed.reason == Reason.EDITED_IN_PLACE
    assert f"ConfigMap {MAP}, key v2" in changed.message


def test_a_flight_goes_on_when_the_text_is_put_back() -> None:
    world = flying()
    world.contents = read(v1=HELLO, v2=CHANGED)
    world.wait(HOLD + 1, good)
    world.contents = read(v1=HELLO, v2="Answer briefly.")
    world.wait(10, good)
    assert world.weight == 50
    assert world.condition(ConditionType.CANDIDATE_CHANGED) is None


@pytest.mark.parametrize("now", [gone("v2"), read(v1=HELLO, v2=CHANGED), Contents(), None])
def test_no_text_stands_in_the_way_down(now: Contents | None) -> None:
    world = flying()
    world.contents = now
    world.wait(10, bad)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    killed = flying()
    killed.contents = now
    assert killed.kill().wait(1).stage is Stage.KILLED


def test_an_edit_of_what_is_live_is_told_and_changes_nothing_that_serves() -> None:
    world = live()
    serves = world.status.last_known_good
    world.contents = read(v1=CHANGED)
    world.wait(60, live_good)
    assert (world.stage, world.status.last_known_good) == (Stage.LIVE, serves)
    assert world.condition(ConditionType.CANDIDATE_CHANGED) is not None
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert ready.status == "True"


@pytest.mark.parametrize("now", [gone("v1"), read(v1=CHANGED), None])
def test_going_back_by_git_needs_no_config_map(now: Contents | None) -> None:
    world = flying()
    world.contents = now
    world.wants(V1).settle(live_good)
    assert world.stage is Stage.LIVE
    assert world.status.history[-1].reason == EventReason.RESTORED


def test_a_release_of_before_flies_again_from_its_record() -> None:
    world = flying()
    world.contents = read(v1=HELLO, v2="Answer briefly.")
    for _ in range(3):
        world.wait(3601, good)
    assert world.stage is Stage.LIVE
    world.contents = gone("v1")
    world.wants(V1).settle(good)
    assert world.weight == 10
    assert world.status.candidate is not None
    assert [ref.hash for ref in world.status.candidate.release.refs] == [hash_of(HELLO)]


def test_after_a_fall_from_live_another_text_is_another_release() -> None:
    world = live()
    fell = world.status.last_known_good
    world.wait(60, live_bad)
    assert world.stage is Stage.ROLLED_BACK
    world.contents = read(v1=CHANGED)
    world.wait(10).settle()
    assert fell is not None
    assert world.status.release_digest != fell.digest
    assert world.status.candidate is not None


def test_a_record_that_lacks_its_text_lets_nothing_take_off() -> None:
    world = World(contents=read(v1=HELLO)).wants(V1)
    world.look(lost=True)
    (digest,) = world.records
    world.records = {digest: replace(world.records[digest], holds=frozenset())}
    world.settle()
    assert world.status.candidate is None
    assert "Keep the record" in (world.status.hold or "")


def test_a_record_that_was_deleted_is_written_anew_only_with_its_text() -> None:
    world = flying()
    texts, kept = world.contents, dict(world.records)
    world.records, world.contents = {}, None
    world.wait(10)
    assert world.records == {}
    world.contents = texts
    world.wait(10)
    assert {d: r.holds for d, r in world.records.items()} == {d: r.holds for d, r in kept.items()}


def test_schemas_fly_with_the_release_and_a_change_of_one_is_a_new_release() -> None:
    contract = a_contract()
    texts = {"schema.json": "{}"}
    one = World(contents=read(**texts)).wants(A, contract=contract)
    (first,) = writes(one.look().first)
    assert first.release.contract is not None
    assert list(first.texts.values()) == ["{}"]
    assert first.digest != release_digest(A)


def test_a_pass_that_died_between_record_and_status_takes_off_from_the_same_text() -> None:
    world = World(contents=read(v1=HELLO)).wants(V1)
    world.look(lost=True)
    (digest,) = world.records
    world.settle()
    assert world.status.candidate is not None
    assert (world.status.candidate.digest, world.status.candidate.attempt) == (digest, 1)


def test_what_once_flew_under_a_name_does_not_take_off_before_its_text_was_read_again() -> None:
    world = flying().wants(V1).settle(live_good)
    world.contents = None
    world.wants(V2).settle(live_good)
    assert (world.status.candidate, world.status.hold) == (None, UNREAD)
    world.contents = read(v1=HELLO, v2=CHANGED)
    world.wait(5, good)
    flown = world.status.candidate
    assert flown is not None
    assert [ref.hash for ref in flown.release.refs] == [hash_of(CHANGED)]


def test_spec_does_not_roll_back_to_a_release_whose_text_is_lost() -> None:
    world = flying()
    for _ in range(4):
        world.wait(3601, good)
    serves, earlier = world.status.last_known_good, world.status.previous_good
    assert serves is not None
    assert earlier is not None
    world.records[earlier.digest] = replace(world.records[earlier.digest], holds=frozenset())
    world.wants(V2, rollbackTo=earlier.digest).settle(live_good)
    assert (world.stage, world.status.last_known_good) == (Stage.LIVE, serves)
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert ready.reason == Reason.ROLLBACK_REFUSED
    assert "its record lacks a text" in ready.message
    assert f"Good releases of this feature: {serves.digest[7:19]}." in ready.message
