"""A timeline that cannot be written is in nobody's way: the incident goes on, and says so."""

import asyncio
from collections import Counter

import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS
from goaround.api.names import NOTE, timeline_name
from goaround.world.kube import Refused, Unavailable
from goaround.world.timelines import FILE
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, in_virtual_time
from tests.unit.runtime.operator_kit import running
from tests.unit.runtime.test_timelines import SPEC

NAME = "heard-of-it"


def an_api() -> MemoryApi:
    api = MemoryApi()
    meta: Json = {"name": NAME, "namespace": "shop", "uid": "i", "generation": 1}
    meta |= {"annotations": {NOTE: "red"}, "creationTimestamp": "2026-11-21T09:00:00Z"}
    spec = SPEC | {"roles": {"commander": "ana"}, "containment": None}
    api.put(INCIDENTS, {"metadata": meta, "spec": spec})
    return api


def status(api: MemoryApi) -> Json:
    found: Json = api.body(INCIDENTS, "shop", NAME).get("status") or {}
    return found


@pytest.mark.parametrize("error", [Refused("forbidden"), Unavailable("no space left")])
def test_phases_and_roles_do_not_wait_for_it_and_notes_do(error: Exception) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = an_api()
        api.fault = lambda call: error if "configmaps" in call and "get" not in call else None
        async with running(loop, api):
            await asyncio.sleep(10)
            assert status(api)["phase"] == "Detected"
            assert "assignedAt" in status(api)["milestones"]
            waits = [c for c in status(api)["conditions"] if c["type"] == "TimelineWaiting"]
            assert str(error) in waits[0]["message"]
            assert NOTE in api.body(INCIDENTS, "shop", NAME)["metadata"]["annotations"]
            api.fault = lambda _: None
            await asyncio.sleep(40)
            assert "TimelineWaiting" not in {c["type"] for c in status(api)["conditions"]}
            text = api.body(CONFIG_MAPS, "shop", timeline_name(NAME))["data"][FILE]
            assert text.count('"text":"red"') == 1
            assert NOTE not in api.body(INCIDENTS, "shop", NAME)["metadata"]["annotations"]

    in_virtual_time(test)


def test_it_is_tried_again_every_half_minute_and_not_more_often() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = an_api()
        api.fault = lambda call: Refused("forbidden") if call.startswith("create conf") else None
        async with running(loop, api):
            await asyncio.sleep(300)
            tries = [c for c in api.calls if c.startswith("create configmaps")]
            ends = Counter(c.rpartition("-")[2] for c in tries)
            writes = [c for c in api.calls if c.startswith("patch aiincidents")]
        assert ends.keys() == {"timeline", "note"}
        assert max(ends.values()) <= 14
        assert len(writes) <= 4

    in_virtual_time(test)
