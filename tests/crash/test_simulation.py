"""The simulated world is like the real one where it matters: time, API server, users."""

import asyncio
from datetime import UTC, datetime

import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, EVENTS, FEATURES, RECORDS
from goaround.world.kube import AlreadyExists, Conflict, NotFound, Refused
from goaround.world.prometheus import FeatureKey, Readings, Shape
from tests.crash.clock import MOST_TURNS, Stuck, VirtualTimeLoop
from tests.crash.script import NAMESPACE
from tests.crash.store import Commit, Store
from tests.crash.traffic import (
    GOOD_SHARE,
    REQUESTS_PER_SECOND,
    Conditions,
    ModelReader,
    Quality,
    Traffic,
)
from tests.crash.vocabulary import feature, release

pytestmark = pytest.mark.crash

NOW = datetime(2026, 11, 21, 9, 0, 3, tzinfo=UTC)
SHAPE = Shape('ai_requests_total{$match,result="error"}', "ai_requests_total{$match}", 10)


def a_store() -> Store:
    return Store(lambda: NOW)


def with_feature() -> tuple[Store, Json]:
    store = a_store()
    body = {"metadata": {"name": "chat"}, "spec": feature("v1").spec, "status": {"stage": "Live"}}
    return store, store.create(FEATURES, NAMESPACE, body, "people")


def patched(store: Store, patch: Json, *, status: bool = False) -> Json:
    return store.patch(FEATURES, NAMESPACE, "chat", patch=patch, status=status, author="us")


def versioned(body: Json, status: Json) -> Json:
    version = body["metadata"]["resourceVersion"]
    return {"metadata": {"resourceVersion": version}, "status": status}


# -- the clock -----------------------------------------------------------------------------------


def test_an_hour_of_sleep_passes_at_once_and_is_an_hour() -> None:
    loop = VirtualTimeLoop(NOW)
    loop.run_until_complete(asyncio.sleep(3600))
    assert 3600 <= loop.time() < 3601
    assert (loop.wall() - NOW).total_seconds() == pytest.approx(loop.time())
    loop.close()


def test_code_that_waits_for_nothing_is_found() -> None:
    loop = VirtualTimeLoop(NOW)
    waiting = loop.create_future()
    with pytest.raises(Stuck, match="nothing is due"):
        loop.run_until_complete(waiting)
    waiting.cancel()
    loop.close()


def test_code_that_spins_is_found() -> None:
    async def spin() -> None:
        for _ in range(MOST_TURNS + 10):
            await asyncio.sleep(0)

    loop = VirtualTimeLoop(NOW)
    task = loop.create_task(spin())
    with pytest.raises(Stuck, match="without a wait"):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


# -- the store -----------------------------------------------------------------------------------


def test_a_new_object_has_an_identity_and_no_status_but_that_it_was_not_seen() -> None:
    _, born = with_feature()
    assert born["status"] == {"observedGeneration": -1}
    assert born["metadata"]["generation"] == 1
    assert len(born["metadata"]["uid"]) == 36


def test_a_name_born_again_gets_another_uid_and_every_run_gives_the_same_ones() -> None:
    store, first = with_feature()
    store.delete(FEATURES, NAMESPACE, "chat", "people")
    body = {"metadata": {"name": "chat"}, "spec": feature("v1").spec}
    second = store.create(FEATURES, NAMESPACE, body, "people")
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert with_feature()[1]["metadata"]["uid"] == first["metadata"]["uid"]


def test_a_taken_name_is_refused_and_a_missing_one_is_not_found() -> None:
    store, _ = with_feature()
    with pytest.raises(AlreadyExists):
        store.create(FEATURES, NAMESPACE, {"metadata": {"name": "chat"}}, "people")
    with pytest.raises(NotFound):
        store.get(CONFIG_MAPS, NAMESPACE, "chat")


def test_a_write_on_an_old_version_conflicts() -> None:
    store, born = with_feature()
    patched(store, versioned(born, {"hold": "one"}), status=True)
    with pytest.raises(Conflict):
        patched(store, versioned(born, {"hold": "two"}), status=True)


def test_a_status_patch_changes_status_only_and_a_spec_patch_spec_only() -> None:
    store, born = with_feature()
    patch = versioned(born, {"hold": "why"}) | {"spec": feature("v2").spec}
    after = patched(store, patch, status=True)
    assert after["spec"] == born["spec"]
    assert after["metadata"]["generation"] == 1
    moved = patched(store, {"spec": feature("v2").spec, "status": {"hold": "other"}})
    assert moved["status"]["hold"] == "why"
    assert moved["metadata"]["generation"] == 2


def test_a_patch_that_changes_nothing_makes_no_version_and_no_event() -> None:
    store, born = with_feature()
    heard: list[Commit] = []
    store.hearers.append(heard.append)
    assert patched(store, {"spec": born["spec"]})["metadata"] == born["metadata"]
    assert heard == []


def test_a_status_without_a_version_is_told_of() -> None:
    store, _ = with_feature()
    patched(store, {"status": {"hold": "why"}}, status=True)
    assert "without its version" in store.refusals[0]


@pytest.mark.parametrize(
    "status",
    [
        {"stage": "Gliding"},
        {"hold": "x" * 600},
        {"altitude": 7},
        {"split": {"stable": 60, "candidate": 60, "fallback": 0}},
    ],
)
def test_what_the_schema_would_refuse_or_drop_is_refused(status: Json) -> None:
    store, born = with_feature()
    with pytest.raises(Refused):
        patched(store, versioned(born, status), status=True)
    assert store.refusals


def test_the_content_of_a_record_cannot_be_changed_but_its_marks_can() -> None:
    store = a_store()
    body: Json = {"metadata": {"name": "chat-abc"}, "data": {"digest": "d"}, "revision": 1}
    store.create(RECORDS, NAMESPACE, body, "us")
    marks: Json = {"metadata": {"annotations": {"a": "b"}}}
    after = store.patch(RECORDS, NAMESPACE, "chat-abc", patch=marks, status=False, author="us")
    assert after["metadata"]["annotations"] == {"a": "b"}
    with pytest.raises(Refused):
        store.patch(
            RECORDS, NAMESPACE, "chat-abc", patch={"data": {"digest": "e"}}, status=False, author=""
        )


def test_an_event_that_no_server_would_take_is_refused() -> None:
    store = a_store()
    with pytest.raises(Refused):
        store.create(EVENTS, NAMESPACE, {"metadata": {"name": "chat.1"}, "type": "Error"}, "us")


def test_a_store_begins_where_another_one_ended() -> None:
    store, born = with_feature()
    other = a_store()
    other.load(store.image())
    assert other.get(FEATURES, NAMESPACE, "chat") == born
    assert other.image() == store.image()


# -- users ---------------------------------------------------------------------------------------


def serving(weight: int) -> Json:
    return {
        "split": {"stable": 100 - weight, "candidate": weight},
        "lastKnownGood": {"release": release("v1")},
        "candidate": {"release": release("v2")},
    }


def test_counts_follow_the_committed_split_within_a_window() -> None:
    now = [100.0]
    traffic = Traffic(lambda: now[0], Conditions(quality={"v2": Quality(errors=0.2)}))
    traffic.serve(serving(50))
    now[0] = 105.0
    traffic.serve(serving(0))
    counts = traffic.window(100, 110)
    assert counts["candidate"] == pytest.approx(
        (REQUESTS_PER_SECOND * 2.5, REQUESTS_PER_SECOND * 0.5)
    )
    assert counts["stable"][0] == pytest.approx(REQUESTS_PER_SECOND * 7.5)
    assert "candidate" not in traffic.window(105, 115)


def test_a_release_may_be_bad_under_load_only() -> None:
    quality = Quality(errors=0.2, from_weight=50)
    assert quality.share(10) == GOOD_SHARE
    assert quality.share(50) == 0.2


def test_a_window_that_is_read_again_says_the_same() -> None:
    loop = VirtualTimeLoop(NOW)
    traffic = Traffic(loop.time, Conditions())
    traffic.serve(serving(10))
    reader, who = ModelReader(traffic), FeatureKey(NAMESPACE, "chat")
    ends = range(10, 31, 10)
    one = loop.run_until_complete(reader.read(who, SHAPE, ends))
    other = loop.run_until_complete(reader.read(who, SHAPE, ends))
    assert isinstance(one, Readings)
    assert one == other
    loop.close()
