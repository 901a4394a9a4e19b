"""All parts of one operator on an API server in memory, with or without its workers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from goaround.api.kinds import FEATURES
from goaround.runtime.config import Config
from goaround.runtime.engine import Operator, Options
from goaround.runtime.queue import Key
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, ScriptedReader, steady

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
