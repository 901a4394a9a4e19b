"""`FallbackReady`: whether the way back is there is found out before anybody needs it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from goaround.api.base import Json
from goaround.api.conditions import Condition
from goaround.api.feature import Release
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.rollout.observed import Indexes, IndexFound, IndexState
from tests.unit.rollout.build import A, B
from tests.unit.rollout.texts import HELLO, by_reference, read
from tests.unit.rollout.world import World, bad, good, live_bad, live_good

CHECK: Json = {
    "fallback": {"type": "Rules", "indexCheck": {"endpoint": {"endpointRef": "indexes"}}}
}


def with_index(version: str, embedding: str | None = None) -> Release:
    more = {"embedding": embedding} if embedding is not None else {}
    index: Json = {"name": "faq", "version": version} | more
    return Release.model_validate(A.wire() | {"index": index})


def said(state: IndexState, at: datetime, version: str = "1") -> Indexes:
    return Indexes({("faq", version): IndexFound(state, f"faq {state}: build it again")}, at)


def live(release: Release = A, **parts: Json) -> World:
    world = World().wants(release, **parts).settle(good)
    world.wait(3601, good)
    assert world.stage is Stage.LIVE
    return world


def ready(world: World) -> Condition:
    found = world.condition(ConditionType.FALLBACK_READY)
    assert found is not None
    return found


def test_before_anything_has_landed_only_the_fallback_stands_behind_a_release() -> None:
    world = World().settle(good)
    assert (ready(world).status, ready(world).reason) == ("False", Reason.NO_LAST_KNOWN_GOOD)
    assert world.status.way_back is None


def test_a_release_with_a_whole_record_can_be_gone_back_to() -> None:
    world = live()
    assert (ready(world).status, ready(world).reason) == ("True", Reason.AVAILABLE)
    assert "the fallback fallback (Disabled)" in ready(world).message
    back, known = world.status.way_back, world.status.last_known_good
    assert back is not None
    assert known is not None
    assert (back.digest, back.available, back.previous_available) == (known.digest, True, None)


def test_a_record_without_its_text_is_no_way_back() -> None:
    world = World(contents=read(v1=HELLO)).wants(by_reference("v1")).settle(good)
    world.wait(3601, good)
    assert ready(world).status == "True"
    world.records = {d: replace(r, holds=frozenset()) for d, r in world.records.items()}
    world.wait(60, live_good)
    assert (ready(world).status, ready(world).reason) == ("False", Reason.RECORD_INCOMPLETE)
    assert "under a key of its own" in ready(world).message
    assert world.status.way_back is not None
    assert not world.status.way_back.available


def test_an_index_that_was_deleted_is_told() -> None:
    world = live(with_index("1"), **CHECK)
    world.indexes = said(IndexState.DELETED, world.now)
    world.wait(60, live_good)
    assert (ready(world).status, ready(world).reason) == ("False", Reason.INDEX_DELETED)
    assert "build it again" in ready(world).message


def test_a_keeper_that_does_not_answer_makes_nothing_unavailable() -> None:
    world = live(with_index("1"), **CHECK)
    world.indexes = said(IndexState.THERE, world.now)
    world.wait(60, live_good)
    assert (ready(world).status, ready(world).reason) == ("True", Reason.AVAILABLE)
    world.indexes = said(IndexState.UNKNOWN, world.now)
    world.wait(60, live_good)
    assert (ready(world).status, ready(world).reason) == ("Unknown", Reason.INDEX_NOT_CHECKED)
    assert world.status.way_back is not None
    assert world.status.way_back.available


def test_a_candidate_that_embeds_otherwise_is_told_while_it_flies() -> None:
    world = live(with_index("1", "e5@2"))
    world.wants(with_index("2", "e5@3")).settle(good)
    assert (ready(world).status, ready(world).reason) == ("False", Reason.EMBEDDING_MISMATCH)
    assert "e5@3" in ready(world).message


def test_two_embeddings_are_no_fault_where_the_old_index_was_seen_beside_the_new_one() -> None:
    world = live(with_index("1", "e5@2"), **CHECK)
    world.indexes = said(IndexState.THERE, world.now)
    world.wants(with_index("2", "e5@3"), **CHECK).settle(good)
    assert ready(world).status == "True"


def test_an_index_built_anew_in_place_is_told_although_it_is_there() -> None:
    world = live(with_index("1", "e5@2"), **CHECK)
    world.indexes = said(IndexState.THERE, world.now)
    world.wants(with_index("1", "e5@3"), **CHECK).settle(good)
    assert ready(world).reason == Reason.EMBEDDING_MISMATCH


def test_the_good_release_before_is_checked_too() -> None:
    world = live().wants(B).settle(good)
    for _ in range(3):
        world.wait(3601, good)
    assert world.status.previous_good is not None
    assert world.status.way_back is not None
    assert world.status.way_back.previous_available is True
    del world.records[world.status.previous_good.digest]
    world.wait(60, live_good)
    assert world.status.way_back.previous_available is False
    assert "cannot" in ready(world).message
    assert ready(world).status == "True"


def test_a_check_that_says_nothing_new_is_written_once_a_day() -> None:
    world = live()
    times = set()
    for _ in range(15):
        world.wait(7200, live_good)
        assert world.status.way_back is not None
        times.add(world.status.way_back.verified_at)
    assert len(times) == 2


def test_nothing_but_a_date_is_no_reason_to_write() -> None:
    world = live()
    world.now += timedelta(days=2)
    plan = world.plan(live_good)
    assert plan.status.way_back != world.status.way_back
    assert not plan.urgent


@pytest.mark.parametrize("state", list(IndexState))
def test_no_way_down_asks_whether_there_is_a_way_back(state: IndexState) -> None:
    world = live(with_index("1", "e5@2"), **CHECK)
    world.wants(with_index("2", "e5@3"), **CHECK).settle(good)
    world.indexes = said(state, world.now)
    world.wait(10, bad)
    assert world.stage is Stage.ROLLED_BACK
    world.wait(10, live_bad)
    assert world.status.last_known_good is None
    assert world.kill().wait(1).stage is Stage.KILLED
