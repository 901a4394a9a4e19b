"""Who pays when a query fails."""

import asyncio
import math

import pytest
from aiohttp import web

from goaround.world.prometheus import FeatureKey, PrometheusReader, Readings
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    Form,
    Handler,
    all_healthy,
    asked_features,
    features,
    matrix,
    read_all,
    reading_from,
    reason,
    serving,
    unread,
)


def poisoned_by(names: set[str], poison: web.Response | None = None) -> Handler:
    """A provider that is well, unless it is asked for one of `names`."""

    async def handler(_: web.Request, form: Form) -> web.Response:
        if names & set(asked_features(form)):
            return web.Response(status=422) if poison is None else web.Response(body=poison.body)
        return all_healthy(form)

    return handler


def test_one_poisoned_feature_of_200_is_found_by_halving() -> None:
    async def run() -> None:
        async with reading_from(poisoned_by({"f0123"})) as (reader, stub):
            reads = await read_all(reader, features(200))
            assert unread(reads) == {"f0123"}
            assert reason(reads["f0123"]) is Reason.HTTP_STATUS
            assert len(stub.forms) <= 2 * math.log2(200) + 2

    asyncio.run(run())


def test_a_known_offender_is_asked_apart_until_it_is_well() -> None:
    poison = {"f0123"}

    async def run() -> None:
        async with reading_from(poisoned_by(poison)) as (reader, stub):
            await read_all(reader, features(200))
            stub.forms.clear()
            assert unread(await read_all(reader, features(200))) == {"f0123"}
            assert len(stub.forms) == 2
            poison.clear()
            assert unread(await read_all(reader, features(200))) == set()
            stub.forms.clear()
            assert unread(await read_all(reader, features(200))) == set()
            assert len(stub.forms) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    "poison",
    [
        web.Response(body=b" " * (2 << 20)),
        web.Response(body=matrix([], warnings=["mixed floats and histograms"])),
    ],
)
def test_a_feature_that_floods_or_warns_does_not_blind_its_neighbours(poison: web.Response) -> None:
    async def run() -> None:
        handler = poisoned_by({"f0007"}, poison)
        async with reading_from(handler, max_bytes=1 << 20) as (reader, _):
            assert unread(await read_all(reader, features(50))) == {"f0007"}

    asyncio.run(run())


def test_a_namespace_full_of_poison_does_not_blind_its_neighbours() -> None:
    hostile = [FeatureKey("hostile", f"x{n:02}") for n in range(60)]

    async def run() -> None:
        async with reading_from(poisoned_by({h.name for h in hostile})) as (reader, stub):
            wanted = [FeatureKey(ns, f"{ns}{n:02}") for ns in ("a", "z") for n in range(70)]
            for _ in range(2):
                reads = await read_all(reader, [*wanted, *hostile])
                assert unread(reads) == {h.name for h in hostile}
            assert len(stub.forms) <= 64 + 1 + 15

    asyncio.run(run())


def test_a_provider_that_always_fails_is_soon_left_alone() -> None:
    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(status=500)

    async def run() -> None:
        async with reading_from(handler) as (reader, stub):
            for passes in (1, 2, 3):
                assert len(unread(await read_all(reader, features(200)))) == 200
                assert len(stub.forms) <= 15 * passes

    asyncio.run(run())


@pytest.mark.parametrize("status", [307, 400, 401, 404, 429, 502, 504])
def test_what_no_feature_can_cause_is_not_searched_for(status: int) -> None:
    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(status=status, headers={"Location": "/"} if status == 307 else {})

    async def run() -> None:
        async with reading_from(handler) as (reader, stub):
            assert len(unread(await read_all(reader, features(200)))) == 200
            assert len(stub.forms) == 1

    asyncio.run(run())


def test_silence_is_not_searched_and_whoever_waits_in_line_does_not_ask() -> None:
    async def handler(_: web.Request, __: Form) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async def run() -> None:
        async with serving(handler) as stub:
            provider = stub.provider(timeout_seconds=0.3)
            reader = PrometheusReader(provider, chunk=10, concurrency=2)
            reads = await read_all(reader, features(100))
            assert {reason(r) for r in reads.values()} == {Reason.TIMEOUT}
            assert len(stub.forms) == 2
            await reader.aclose()

    asyncio.run(run())


def test_an_outage_is_forgotten_by_the_next_read() -> None:
    down = True

    async def handler(_: web.Request, form: Form) -> web.Response:
        await asyncio.sleep(30 if down else 0)
        return all_healthy(form)

    async def run() -> None:
        nonlocal down
        async with serving(handler) as stub:
            reader = PrometheusReader(stub.provider(timeout_seconds=0.3), concurrency=1)
            assert reason(await reader.read(CHAT, SHAPE, ENDS)) is Reason.TIMEOUT
            down = False
            assert isinstance(await reader.read(CHAT, SHAPE, ENDS), Readings)
            await reader.aclose()

    asyncio.run(run())
