"""Features beside one another, with workers at work: poison, pauses, rest, keys, kill switches."""

import asyncio

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, KILL_SWITCHES, Kind
from goaround.runtime.engine import Operator
from goaround.world.kube import Body, Conflict, Refused, Unavailable
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, feature_body, in_virtual_time
from tests.unit.runtime.operator_kit import CHAT, PATCH, bench, of, on, running, stage


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


def test_a_feature_that_rests_is_written_once_an_hour_at_most_and_not_told_of_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        body = feature_body()
        body["spec"]["ramp"] = {"cruiseSeconds": 20}
        api.put(FEATURES, body)
        async with running(loop, api):
            await asyncio.sleep(120)
            assert stage(api) == "Live"
            await asyncio.sleep(120)  # what is live was seen for the first time
            api.calls.clear()
            await asyncio.sleep(7200)
            assert 1 <= len(of(api, PATCH)) <= 2
            assert {call for call in api.calls if not call.startswith("list ")} == {PATCH}

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


@pytest.mark.parametrize("first", ["a", "b"])
@pytest.mark.parametrize("heard", ["one after the other", "together"])
def test_of_two_features_of_one_second_one_wins_in_whatever_order_they_are_seen(
    first: str, heard: str
) -> None:
    second = "b" if first == "a" else "a"

    async def test(loop: VirtualTimeLoop) -> None:
        api = MemoryApi()
        bodies = {name: keyed(name, OLDER) for name in ("a", "b")}
        # the name that sorts first has the higher uid
        for name, uid in (("a", "uid-2"), ("b", "uid-1")):
            bodies[name]["metadata"]["uid"] = uid
        async with running(loop, api) as operator:
            operator.controller.heard(FEATURES, api.put(FEATURES, bodies[first]))
            if heard == "one after the other":
                await asyncio.sleep(1)
            operator.controller.heard(FEATURES, api.put(FEATURES, bodies[second]))
            await asyncio.sleep(2)
            assert (reason(api, "a"), reason(api, "b")) == ("FlagKeyTaken", None)
            assert stage(api, "b") == "Cruising"

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
