"""A flag replica reads one named Secret while a golden run waits for it, and none otherwise."""

import asyncio
from base64 import b64encode

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import SECRETS
from goaround.delivery.flagstate import FlagState
from goaround.delivery.selector import Selector
from goaround.runtime.flag_pins import follow
from goaround.world.kube import Refused
from tests.crash.clock import VirtualTimeLoop
from tests.unit.delivery import builders as b
from tests.unit.runtime.bench import MemoryApi, in_virtual_time
from tests.unit.runtime.operator_kit import on

PIN, GET = "chat-golden-pin", "get secrets/chat-golden-pin"


def in_preflight() -> Json:
    body = b.feature_body(split=(100, 0, 0), stage="Preflight")
    body["status"]["preflight"] = {"pin": PIN}
    return body


def a_secret(attempt: int = 1) -> Json:
    words = {"candidate": "word-of-v42", "stable": "word-of-v41"}
    owner = names.pin_of("uid-chat", b.digest("v42"), attempt)
    meta = {"name": PIN, "namespace": "shop", "annotations": {names.PIN_OF: owner}}
    return {
        "metadata": meta,
        "data": {arm: b64encode(word.encode()).decode() for arm, word in words.items()},
    }


def text(state: FlagState) -> str:
    return state.snapshot(Selector("shop", "chat")).text


def seen(body: Json) -> FlagState:
    state = FlagState(on_change=lambda _: None)
    state.list_features([body])
    state.list_switches([])
    return state


def test_a_secret_that_comes_late_is_found_and_not_read_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), seen(in_preflight())
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(2)
        assert "word-of-v42" not in text(state)
        api.put(SECRETS, a_secret())
        await asyncio.sleep(1)
        assert "word-of-v42" in text(state)
        asked = api.calls.count(GET)
        await asyncio.sleep(10)
        assert api.calls.count(GET) == asked
        assert set(api.calls) == {GET}
        task.cancel()

    in_virtual_time(test)


def test_the_secret_of_another_attempt_is_not_taken() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), seen(in_preflight())
        api.put(SECRETS, a_secret(attempt=2))
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(2)
        assert "word-of-v42" not in text(state)
        task.cancel()

    in_virtual_time(test)


def test_no_secret_is_asked_for_where_nothing_waits_for_one() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), seen(b.feature_body())
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(10)
        assert api.calls == []
        task.cancel()

    in_virtual_time(test)


def test_a_replica_that_may_not_read_it_asks_rarely_and_serves_on() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), seen(in_preflight())
        api.fault = on(GET, Refused("403"))
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(60)
        assert api.calls.count(GET) <= 13
        assert b.evaluated(b.core_with(text(state)), "user-1").variant == "stable"
        task.cancel()

    in_virtual_time(test)
