"""A metrics provider on loopback that answers whatever a test wants, over real HTTP."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    PrometheusReader,
    Provider,
    Read,
    Readings,
    Shape,
    Unreadable,
    WindowReading,
)
from goaround.world.prometheus import UnreadableReason as Reason

Form = Mapping[str, str]
Handler = Callable[[web.Request, Form], Awaitable[web.StreamResponse]]
Json = dict[str, Any]

SHAPE = Shape('m{$match,result="bad"}', "m{$match}", 10)
CHAT = FeatureKey("shop", "chat")
SEARCH = FeatureKey("shop", "search")
ENDS = range(1000, 1011, 10)


@dataclass(slots=True)
class Stub:
    """Where it listens, and what it was asked: one form per query, in order."""

    url: str
    forms: list[Form] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def provider(self, **changes: Any) -> Provider:
        return Provider(**{"name": "default", "url": self.url, **changes})


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Stub]:
    """A server whose every POST to `/api/v1/query_range` is answered by `handler`."""
    stub = Stub("")

    async def answer(request: web.Request) -> web.StreamResponse:
        form = {k: str(v) for k, v in (await request.post()).items()}
        stub.forms.append(form)
        stub.headers.append(dict(request.headers))
        return await handler(request, form)

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/api/v1/query_range", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()


def asked_features(form: Form) -> list[str]:
    """The names that a query asks for."""
    found = re.search(r'ai_feature=~?"([^"]*)"', form["query"])
    assert found is not None
    return found.group(1).split("|")


def row(
    feature: str, values: Iterable[tuple[float, str]], part: str = "total", **labels: str
) -> Json:
    return {
        "metric": {
            "namespace": "shop",
            "ai_feature": feature,
            "ai_variant": "stable",
            "goaround_part": part,
            **labels,
        },
        "values": [list(v) for v in values],
    }


def matrix(rows: Iterable[Json], **more: Any) -> bytes:
    data = {"resultType": "matrix", "result": list(rows)}
    return json.dumps({"status": "success", "data": data, **more}).encode()


def grid(form: Form) -> range:
    return range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))


def healthy(form: Form, feature: str) -> list[Json]:
    """100 events and one bad at every asked time."""
    ends = grid(form)
    return [
        row(feature, ((t, "100") for t in ends)),
        row(feature, ((t, "1") for t in ends), part="bad"),
    ]


def all_healthy(form: Form) -> web.Response:
    return web.Response(body=matrix(r for f in asked_features(form) for r in healthy(form, f)))


def reading(*counts: Counts | None) -> Readings:
    """Windows of ENDS, with these counts of stable; None is no row."""
    return Readings(
        tuple(
            WindowReading(end, {} if c is None else {"stable": c})
            for end, c in zip(ENDS, counts, strict=True)
        )
    )


async def ask(
    provider: Provider, client: httpx.AsyncClient | None = None, shape: Shape = SHAPE
) -> Sequence[Read]:
    """The readings of chat and search, read together."""
    reader = PrometheusReader(provider, client)
    try:
        return await asyncio.gather(*(reader.read(f, shape, ENDS) for f in (CHAT, SEARCH)))
    finally:
        await reader.aclose()


def asked(handler: Handler, **provider: Any) -> Sequence[Read]:
    async def run() -> Sequence[Read]:
        async with serving(handler) as stub:
            return await ask(stub.provider(**provider))

    return asyncio.run(run())


def answered(body: bytes, status: int = 200, **headers: str) -> Sequence[Read]:
    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return asked(handler)


def reason(read: Read) -> Reason:
    assert isinstance(read, Unreadable), read
    return read.reason


@asynccontextmanager
async def reading_from(
    handler: Handler, max_bytes: int = 16 << 20, **options: Any
) -> AsyncIterator[tuple[PrometheusReader, Stub]]:
    async with serving(handler) as stub:
        reader = PrometheusReader(stub.provider(max_bytes=max_bytes), **options)
        try:
            yield reader, stub
        finally:
            await reader.aclose()


def features(count: int) -> list[FeatureKey]:
    return [FeatureKey("shop", f"f{n:04}") for n in range(count)]


async def read_all(
    reader: PrometheusReader, keys: Iterable[FeatureKey], shape: Shape = SHAPE, ends: range = ENDS
) -> dict[str, Read]:
    """What concurrent reads of `keys` give, by name."""
    asked = list(keys)
    reads = await asyncio.gather(*(reader.read(k, shape, ends) for k in asked))
    return {k.name: read for k, read in zip(asked, reads, strict=True)}


def unread(reads: dict[str, Read]) -> set[str]:
    return {name for name, read in reads.items() if not isinstance(read, Readings)}


async def healthy_provider(_: web.Request, form: Form) -> web.Response:
    return all_healthy(form)
