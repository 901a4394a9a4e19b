"""A flag replica reads one named release record per text, once, and goes on where it cannot."""

import asyncio

from goaround.api.base import Json
from goaround.api.content import hash_of
from goaround.api.kinds import RECORDS
from goaround.delivery.flagstate import FlagState
from goaround.delivery.selector import Selector
from goaround.runtime.flag_texts import follow
from goaround.world.kube import Refused
from tests.crash.clock import VirtualTimeLoop
from tests.unit.delivery import builders as b
from tests.unit.runtime.bench import MemoryApi, in_virtual_time

HELLO = "Answer politely."
RECORD = f"chat-{b.short_digest('v41')}"
GET = f"get controllerrevisions/{RECORD}"


def by_reference() -> Json:
    body = b.feature_body()
    place = {"name": "prompts", "key": "v41", "hash": hash_of(HELLO)}
    body["status"]["lastKnownGood"]["release"]["prompt"] = {"configMapRef": place}
    return body


def a_record(text: str = HELLO) -> Json:
    meta = {"name": RECORD, "namespace": "shop"}
    return {"metadata": meta, "data": {"texts": {hash_of(HELLO): text}}}


def replica(body: Json) -> FlagState:
    state = FlagState(on_change=lambda _: None)
    state.list_features([body])
    state.list_switches([])
    return state


def served(state: FlagState) -> bool:
    return HELLO in state.snapshot(Selector("shop", "chat")).text


def test_a_record_is_read_once_and_its_text_is_served() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), replica(by_reference())
        api.put(RECORDS, a_record())
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(10)
        assert (served(state), state.listed, api.calls) == (True, True, [GET])
        task.cancel()

    in_virtual_time(test)


def test_a_record_that_cannot_be_read_keeps_nobody_else_waiting() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), replica(by_reference())
        api.fault = lambda _: Refused("no right")
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(1)
        assert (served(state), state.listed) == (False, True)
        api.fault = lambda _: None
        api.put(RECORDS, a_record())
        await asyncio.sleep(3)
        assert served(state)
        task.cancel()

    in_virtual_time(test)


def test_a_text_that_does_not_have_its_hash_is_not_served() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), replica(by_reference())
        api.put(RECORDS, a_record("Answer rudely."))
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(1)
        assert "Answer" not in state.snapshot(Selector("shop", "chat")).text
        task.cancel()

    in_virtual_time(test)


def test_nothing_is_asked_where_nothing_is_by_reference() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        api, state = MemoryApi(), replica(b.feature_body())
        task = asyncio.create_task(follow(api, state))
        await asyncio.sleep(5)
        assert (api.calls, state.listed) == ([], True)
        task.cancel()

    in_virtual_time(test)
