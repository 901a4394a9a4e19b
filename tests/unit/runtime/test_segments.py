"""Segments of the evidence binder on an API server: written once, never in anybody's way."""

import asyncio

from goaround.api import names
from goaround.api.base import Json
from goaround.api.canonical import BEGINNING
from goaround.api.kinds import FEATURES, RECORDS
from goaround.rollout.chain import Segment, hash_of
from goaround.rollout.observed import Record
from goaround.rollout.planned import WriteSegment
from goaround.runtime import records, segments
from goaround.runtime.sight import consumers_of
from goaround.world.kube import Refused
from tests.crash.clock import VirtualTimeLoop
from tests.unit.rollout.build import a_record
from tests.unit.rollout.flights import live
from tests.unit.runtime.bench import MemoryApi, feature_body, in_virtual_time
from tests.unit.runtime.operator_kit import on, running, stage

DATA: Json = {"v": 1, "number": 3, "prev": BEGINNING, "flight": "ab", "outcome": "Live"}


def written() -> Json:
    return segments.body("chat", WriteSegment("chat-evidence-3", 3, DATA))


def test_a_segment_is_read_back_with_the_hash_of_what_is_stored() -> None:
    found = segments.read(written())
    assert found == Segment("chat-evidence-3", 3, BEGINNING, hash_of(DATA), "ab")


def test_a_segment_is_never_taken_for_a_release_record_nor_a_record_for_a_segment() -> None:
    assert records.record(written()) is None
    known = next(iter(live().records.values()))
    body = {
        "metadata": {"name": known.name, "labels": {names.FEATURE_LABEL: "chat"}},
        "data": {"digest": known.digest, "release": known.release.wire()},
    }
    assert segments.read(body) == a_record(known.release, name=known.name)
    assert isinstance(segments.read(body), Record)


def test_what_only_carries_the_label_is_neither() -> None:
    body = written() | {"data": {"number": "three"}}
    assert segments.read(body) is None
    assert segments.read(written() | {"data": None}) is None


def short_flight() -> Json:
    body = feature_body()
    body["spec"]["ramp"] = {"cruiseSeconds": 20}
    return body


def test_a_landing_leaves_one_segment_and_its_anchor() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, short_flight())
        async with running(loop, api):
            await asyncio.sleep(120)
        (stored,) = await api.list(RECORDS, label=names.EVIDENCE_LABEL)
        log = api.body(FEATURES, "shop", "chat")["status"]["evidenceLog"]
        assert stored["data"]["outcome"] == "Adopted"
        assert log == {"length": 1, "head": hash_of(stored["data"])}

    in_virtual_time(test)


def test_a_binder_that_may_not_be_written_stops_nothing_and_is_written_later() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, short_flight())
        api.fault = on("create controllerrevisions/chat-evidence", Refused("quota exceeded"))
        async with running(loop, api):
            await asyncio.sleep(120)
            assert stage(api) == "Live"
            assert await api.list(RECORDS, label=names.EVIDENCE_LABEL) == []
            landing = api.body(FEATURES, "shop", "chat")["status"]["evidenceLog"]["landing"]
            assert landing["adopted"] is True
            api.fault = lambda call: None
            await asyncio.sleep(120)
        assert len(await api.list(RECORDS, label=names.EVIDENCE_LABEL)) == 1

    in_virtual_time(test)


def test_consumers_are_looked_at_when_what_feeds_them_is_killed() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        search, chat = feature_body("search"), feature_body("chat")
        consumer = {"name": "answers", "owner": "shop", "featureRef": {"name": "chat"}}
        search["spec"]["consumers"] = [consumer]
        search["spec"]["killSwitch"] = {"engaged": True}
        api.put(FEATURES, chat)
        async with running(loop, api) as operator:
            await asyncio.sleep(5)
            operator.controller.heard(FEATURES, api.put(FEATURES, search))
            await asyncio.sleep(5)
        found = api.body(FEATURES, "shop", "chat")["status"]["conditions"]
        told = [c["message"] for c in found if c["type"] == "UpstreamIncident"]
        assert told[0].startswith("search is killed, its fallback serves.")

    in_virtual_time(test)


def test_a_spec_that_nobody_checked_names_no_consumers() -> None:
    assert consumers_of({}) == []
    assert consumers_of({"spec": {"consumers": ["x", {"name": "y"}, {"featureRef": None}]}}) == []
