"""Passes over features on an API server in memory: conflicts, absences, poison, neighbours."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, KILL_SWITCHES, Kind
from goaround.runtime.config import Config
from goaround.runtime.engine import Operator, Options
from goaround.runtime.queue import Key
from goaround.world.kube import Body, Conflict, NotFound, Refused, Unavailable
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import (
    MemoryApi,
    ScriptedReader,
    feature_body,
    in_virtual_time,
    steady,
)

CHAT = Key("aifeatures", "shop", "chat")
PATCH, GET = "patch aifeatures/chat/status", "get aifeatures/chat"
FILE = Config.model_validate(
    {"providers": [{"name": "default", "url": "http://nobody.test", "lagSeconds": 5}]}
)


@asynccontextmanager
async def bench(loop: VirtualTimeLoop, api: MemoryApi) -> AsyncIterator[Operator]:
    """All parts of an operator, none of its tasks begun; its cache heard what the API holds."""
    async with httpx.AsyncClient() as http:
        reader = ScriptedReader(steady(0))
        made = Operator(
            Options(config=FILE, identity="test"),
            api,
            http,
            clock=loop.wall,
            readers={"default": reader},
            jitter=lambda: 0.5,
        )
        api.watch = made.controller.heard
        await made.sync()
        api.calls.clear()
        try:
            yield made
        finally:
            await made.desk.close()


@asynccontextmanager
async def running(loop: VirtualTimeLoop, api: MemoryApi) -> AsyncIterator[Operator]:
    """The same with its workers at work."""
    async with bench(loop, api) as made:
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


def touched(api: MemoryApi, name: str = "chat") -> None:
    """Somebody labels the feature, and no watch has told of it yet."""
    body = api.body(FEATURES, "shop", name)
    body["metadata"]["labels"] = {"touched": body["metadata"]["resourceVersion"]}
    api.put(FEATURES, body)


def stage(api: MemoryApi, name: str = "chat") -> str | None:
    status = api.body(FEATURES, "shop", name).get("status") or {}
    found: str | None = status.get("stage")
    return found


def on(beginning: str, error: Exception) -> Callable[[str], Exception | None]:
    """A fault on every call that begins so."""
    return lambda call: error if call.startswith(beginning) else None


def of(api: MemoryApi, *calls: str) -> list[str]:
    return [call for call in api.calls if call in calls]


def test_a_first_pass_writes_the_record_before_the_status_that_relies_on_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        writes = [c.split("/")[0] for c in api.calls if c.startswith(("create", "patch"))]
        assert writes == ["create controllerrevisions", "patch aifeatures", "create events"]
        assert stage(api) == "Cruising"

    in_virtual_time(test)


def test_a_conflict_is_answered_by_one_live_read_and_a_decision_at_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            touched(api)
            await operator.controller.look_at(CHAT)
            assert of(api, PATCH, GET) == [PATCH, GET, PATCH]
        assert stage(api) == "Cruising"
        assert api.body(FEATURES, "shop", "chat")["metadata"]["labels"]

    in_virtual_time(test)


def test_only_the_third_conflict_in_a_row_backs_off() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            api.fault = lambda call: touched(api) if call == PATCH else None
            with pytest.raises(Conflict):
                await operator.controller.look_at(CHAT)
            assert of(api, PATCH, GET) == [PATCH, GET] * 3

    in_virtual_time(test)


def test_a_feature_that_was_deleted_unheard_is_forgotten_at_the_first_404() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
            assert b'feature="chat"' in operator.metrics.text()
            api.remove(FEATURES, "shop", "chat")
            operator.cache.store(FEATURES, _newer_spec(operator))
            await operator.controller.look_at(CHAT)
            assert operator.cache.get(FEATURES, "shop", "chat") is None
            assert b'feature="chat"' not in operator.metrics.text()

    in_virtual_time(test)


def _newer_spec(operator: Operator) -> Body:
    """The last that was heard: a kill in spec, which has to be written to status."""
    known = operator.cache.get(FEATURES, "shop", "chat")
    assert known is not None
    version = str(int(known["metadata"]["resourceVersion"]) + 1)
    meta = known["metadata"] | {"resourceVersion": version, "generation": 2}
    spec = known["spec"] | {"killSwitch": {"engaged": True}}
    return known | {"metadata": meta, "spec": spec}


def test_a_404_of_something_else_is_tried_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            api.fault = lambda c: (
                NotFound("no such kind") if c.startswith("create events") else None
            )
            with pytest.raises(NotFound):
                await operator.controller.look_at(CHAT)
            assert operator.cache.get(FEATURES, "shop", "chat") is not None

    in_virtual_time(test)


def test_a_removed_feature_leaves_nothing_behind() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = api.put(FEATURES, feature_body())
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
            last = api.body(FEATURES, "shop", "chat")
            operator.controller.heard(FEATURES, last, removed=True)
            await operator.controller.look_at(CHAT)
            assert b'feature="chat"' not in operator.metrics.text()
            operator.controller.heard(FEATURES, body)
            assert operator.cache.get(FEATURES, "shop", "chat") is None

    in_virtual_time(test)


UNREADABLE: list[Json] = [
    {"spec": {"release": {}}},
    {"spec": None},
    {"metadata": {"labels": ["not", "a", "map"]}},
]


@pytest.mark.parametrize("wrong", UNREADABLE)
def test_an_object_that_cannot_be_read_is_told_in_the_log_and_left_alone(
    wrong: Json, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = feature_body()
        api.put(
            FEATURES,
            {**body, **wrong, "metadata": {**body["metadata"], **wrong.get("metadata", {})}},
        )
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        assert api.calls == []

    with caplog.at_level(logging.ERROR):
        in_virtual_time(test)
    told = [r for r in caplog.records if r.getMessage() == "object cannot be read"]
    assert told
    assert vars(told[0])["object"] == "shop/chat"


def test_an_unreadable_kill_switch_stops_no_pass() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        meta = {"name": "odd", "namespace": "shop"}
        api.put(KILL_SWITCHES, {"metadata": meta, "spec": {"featureRef": 3}})
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        assert stage(api) == "Cruising"

    in_virtual_time(test)


def test_a_poisoned_object_does_not_stop_the_others() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        names = ["poison", *(f"f{n}" for n in range(20))]
        for name in names:
            api.put(FEATURES, feature_body(name))

        def fault(call: str) -> Exception | None:
            return RuntimeError("poison") if "/poison" in call and "patch" in call else None

        api.fault = fault
        async with running(loop, api) as operator:
            await asyncio.sleep(20)
            assert {stage(api, name) for name in names[1:]} == {"Cruising"}
            assert stage(api, "poison") is None
            tried = len(of(api, "patch aifeatures/poison/status"))
            assert 3 <= tried <= 12
            api.fault = lambda _: None
            await asyncio.sleep(40)
            assert stage(api, "poison") == "Cruising"
            assert operator.health.ready

    in_virtual_time(test)


@pytest.mark.parametrize("error", [Unavailable("503"), Refused("403"), Conflict("409")])
def test_a_write_that_fails_is_repeated_with_growing_pauses_until_it_succeeds(
    error: Exception,
) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        api.fault = lambda call: error if call == PATCH else None
        async with running(loop, api):
            await asyncio.sleep(30)
            assert len(of(api, PATCH)) <= 30
            api.fault = lambda _: None
            await asyncio.sleep(30)
        assert stage(api) == "Cruising"

    in_virtual_time(test)


def test_a_refused_event_delays_nothing() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        api.fault = on("create events", Refused("no events here"))
        async with bench(loop, api) as operator:
            await operator.controller.look_at(CHAT)
        assert stage(api) == "Cruising"

    in_virtual_time(test)


def test_a_feature_that_rests_is_neither_written_nor_told_of_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = feature_body()
        body["spec"]["ramp"] = {"cruiseSeconds": 20}
        api.put(FEATURES, body)
        async with running(loop, api):
            await asyncio.sleep(120)
            assert stage(api) == "Live"
            before = list(api.calls)
            await asyncio.sleep(300)
            assert api.calls == before

    in_virtual_time(test)


def keyed(name: str, born: str) -> Json:
    body = feature_body(name)
    body["metadata"]["creationTimestamp"] = born
    body["spec"]["delivery"][0]["flag"] = {"key": "shared"}
    return body


OLDER, YOUNGER = "2026-11-21T08:00:00Z", "2026-11-21T08:00:01Z"


def reason(api: MemoryApi, name: str) -> str | None:
    conditions = api.body(FEATURES, "shop", name).get("status", {}).get("conditions", [])
    return next((c["reason"] for c in conditions if c["type"] == "Stalled"), None)


@pytest.mark.parametrize("how", ["deleted", "another key"])
def test_whoever_waits_for_a_flag_key_is_looked_at_when_it_becomes_free(how: str) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, keyed("older", OLDER))
        api.put(FEATURES, keyed("younger", YOUNGER))
        async with running(loop, api) as operator:
            await asyncio.sleep(5)
            assert reason(api, "younger") == "FlagKeyTaken"
            assert stage(api, "older") == "Cruising"
            _let_go(api, operator, how)
            await asyncio.sleep(5)
        assert stage(api, "younger") == "Cruising"
        assert reason(api, "younger") is None

    in_virtual_time(test)


def _let_go(api: MemoryApi, operator: Operator, how: str) -> None:
    body = api.body(FEATURES, "shop", "older")
    if how == "deleted":
        api.remove(FEATURES, "shop", "older")
        operator.controller.heard(FEATURES, body, removed=True)
        return
    body["spec"]["delivery"][0]["flag"] = {"key": "my-own"}
    body["metadata"]["generation"] = 2
    operator.controller.heard(FEATURES, api.put(FEATURES, body))


def test_a_kill_switch_is_latched_after_its_features_say_killed() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        api.put(FEATURES, feature_body())
        spec = {"featureRef": {"name": "chat"}, "reason": "wrong answers"}
        order: list[str] = []
        async with running(loop, api) as operator:
            await asyncio.sleep(5)

            def heard(kind: Kind, body: Body) -> None:
                if kind is KILL_SWITCHES and body.get("status", {}).get("latchedAt"):
                    order.append("latched")
                if kind is FEATURES and body["status"]["stage"] == "Killed":
                    order.append("killed")
                operator.controller.heard(kind, body)

            api.watch = heard
            await api.create(KILL_SWITCHES, "shop", {"metadata": {"name": "stop"}, "spec": spec})
            await asyncio.sleep(5)
        assert order[0] == "killed"
        assert order.count("latched") == 1
        switch = api.body(KILL_SWITCHES, "shop", "stop")["status"]
        revision = api.body(FEATURES, "shop", "chat")["status"]["revision"]
        assert switch["latchedRevision"] == revision

    in_virtual_time(test)
