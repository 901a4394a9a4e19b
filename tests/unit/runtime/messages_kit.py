"""Whole operators on an API server in memory, and receivers of messages on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from goaround.api.base import Json, rfc3339
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS
from goaround.runtime.channels import ChannelConfig
from goaround.runtime.config import Config
from goaround.runtime.engine import Operator, Options
from tests.unit.runtime.bench import MemoryApi

NAME = "chat-20261121-0a1b2c"
SECRET = b"0123456789abcdef0123456789abcdef"
Answer = Callable[[], Awaitable[web.Response]]


@dataclass(slots=True)
class Receiver:
    """Where it listens, what it was sent, and what it counts as new."""

    url: str = ""
    keys: list[str] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    signed: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def new(self) -> dict[str, Json]:
        """What is left when it does as it should: one message a key."""
        return dict(zip(self.keys, self.bodies, strict=True))


async def taken() -> web.Response:
    return web.Response(status=202)


@asynccontextmanager
async def receiving(answer: Answer = taken) -> AsyncIterator[Receiver]:
    found = Receiver()

    async def heard(request: web.Request) -> web.Response:
        content = await request.read()
        found.keys.append(request.headers["Idempotency-Key"])
        found.signed.append((request.headers.get("X-GoAround-Signature", ""), content))
        found.bodies.append(json.loads(content))
        return await answer()

    served = web.Application()
    served.router.add_post("/hook", heard)
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield found
    finally:
        await runner.cleanup()


def channel(url: str, secret: Path | None = None, **more: Any) -> ChannelConfig:
    named: dict[str, Any] = {"name": "ops", "audience": "Internal"} | more
    return ChannelConfig(url=url, secret_file=secret, **named)


def contained(severity: str = "P3", **spec: Any) -> Json:
    """An incident that a person opened, contained a minute ago."""
    now = datetime.now(UTC)
    return {
        "apiVersion": INCIDENTS.api_version,
        "kind": INCIDENTS.kind,
        "metadata": {
            "name": NAME,
            "namespace": "shop",
            "uid": "uid-incident",
            "generation": 1,
            "creationTimestamp": rfc3339(now - timedelta(minutes=2)),
        },
        "spec": {
            "affects": [{"name": "chat"}],
            "trigger": {"source": "Manual", "key": "support heard of it"},
            "severity": severity,
            "severityReason": "customers wrote in",
            "milestones": {"containedAt": rfc3339(now - timedelta(minutes=1))},
            **spec,
        },
    }


@asynccontextmanager
async def operating(api: MemoryApi, *channels: ChannelConfig) -> AsyncIterator[Operator]:
    """One life of an operator. It ends without a word, as by SIGKILL."""
    async with httpx.AsyncClient(trust_env=False) as http:
        config = Config(channels=list(channels), workers=1)
        made = Operator(Options(config=config, identity="test"), api, http)
        api.watch = made.controller.heard
        others = asyncio.all_tasks()
        await made.start()
        try:
            yield made
        finally:
            api.watch = lambda _, __: None
            # what is cancelled may begin something new, which no dead process would
            while alive := asyncio.all_tasks() - others:
                for task in alive:
                    task.cancel()
                await asyncio.wait(alive)


def state(api: MemoryApi, message: str = "brief-1") -> Json:
    """What the ledger says of a message; empty: nothing."""
    status = api.body(INCIDENTS, "shop", NAME).get("status") or {}
    found: Json = status.get("comms", {}).get("messages", {}).get(message, {})
    return found


def texts(api: MemoryApi) -> dict[str, str]:
    data: dict[str, str] = api.body(CONFIG_MAPS, "shop", f"{NAME}-comms")["data"]
    return data


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within 5 s: {what}")
