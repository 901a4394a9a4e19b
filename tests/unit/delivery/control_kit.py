"""Lowerings, and replicas with a control port on loopback, for tests of both ends of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from goaround.api.base import Json
from goaround.delivery.control import ControlPorts, Lowering, TokenFile
from goaround.delivery.flaghttp import FlagControl, FlagHttp
from goaround.delivery.flagserver import Replica
from goaround.delivery.flagstate import FlagState
from goaround.delivery.replicas import StaticReplicas
from goaround.delivery.selector import Selector
from goaround.delivery.streams import Streams
from tests.unit.delivery import builders as b

TOKEN = "0123456789abcdef-test"
NOBODY = "http://127.0.0.1:9"
CHAT = Selector("shop", "chat")


def a_lowering(candidate: int = 0, *, version: str = "v42", **more: Any) -> Lowering:
    wanted: Json = {
        "uid": "uid-chat",
        "attempt": 1,
        "digest": b.digest(version),
        "split": {"stable": 100 - candidate, "candidate": candidate},
        "revision": 100,
    }
    return Lowering.model_validate(wanted | more)


def listed(*features: Json, switches: tuple[Json, ...] = ()) -> tuple[FlagState, list[object]]:
    """A replica's state, and the features that apps were told of since."""
    told: list[object] = []
    state = FlagState(on_change=told.append)
    state.list_features(features)
    state.list_switches(switches)
    told.clear()
    return state, told


def arms(state: FlagState) -> set[str | None]:
    """The arms that users are on."""
    core = b.core_with(state.snapshot(CHAT).text)
    return {b.evaluated(core, key).variant for key in b.KEYS[:200]}


def candidate_share(state: FlagState) -> int:
    flag = json.loads(state.snapshot(CHAT).text)["flags"].get("chat.release", {})
    if "targeting" not in flag:
        return 0
    fractional = flag["targeting"]["if"][1]["fractional"]
    return int(dict(fractional[1:])["candidate"])


@dataclass(frozen=True)
class Running:
    """A replica with all its ports on loopback."""

    state: FlagState
    url: str
    control: str


@asynccontextmanager
async def replica(
    token: Path, *features: Json, ready: bool = True, port: int = 0
) -> AsyncIterator[Running]:
    streams = Streams(10)
    state = FlagState(on_change=streams.changed)
    state.list_features(features)
    if ready:
        state.list_switches([])
    here = Replica.of("r", state, streams)
    control = FlagControl(here, TokenFile(token))
    lower = await control.start("127.0.0.1", 0)
    http = FlagHttp(here, control=lower)
    url = f"http://127.0.0.1:{await http.start('127.0.0.1', port)}"
    try:
        yield Running(state, url, f"http://127.0.0.1:{lower}/lower")
    finally:
        await http.stop()
        await control.stop()


async def posted(
    running: Running, body: str, authorization: str = f"Bearer {TOKEN}"
) -> tuple[int, Json]:
    """Status and answer; a refusal of aiohttp itself has no JSON."""
    headers = {b"Authorization": authorization.encode("latin-1")} if authorization else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(running.control, content=body, headers=headers)
    spoken = answer.headers["Content-Type"].startswith("application/json")
    return answer.status_code, answer.json() if spoken else {}


def wire(**more: Any) -> str:
    return a_lowering(**more).model_dump_json(by_alias=True)


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(test)


@asynccontextmanager
async def ports(token: Path, *urls: str, timeout: float = 1.0) -> AsyncIterator[ControlPorts]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield ControlPorts(http, StaticReplicas(urls), TokenFile(token), timeout=timeout)
