"""Who shares a query."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from goaround.world.prometheus import FeatureKey, Readings
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    Form,
    all_healthy,
    asked_features,
    features,
    healthy_provider,
    read_all,
    reading_from,
    reason,
    unread,
)


def test_features_that_ask_together_share_one_query() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            reads = await read_all(reader, features(100))
            assert unread(reads) == set()
            assert len(stub.forms) == 1
            assert asked_features(stub.forms[0]) == [f.name for f in features(100)]

    asyncio.run(run())


def test_another_shape_or_another_time_is_another_query() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            other = replace(SHAPE, bad="n{$match}")
            later = range(ENDS.start + 10, ENDS.stop + 10, 10)
            await asyncio.gather(
                reader.read(CHAT, SHAPE, ENDS),
                reader.read(CHAT, other, ENDS),
                reader.read(CHAT, SHAPE, later),
                reader.read(CHAT, SHAPE, ENDS, ("stable",)),
                reader.read(CHAT, replace(SHAPE), range(ENDS.start, ENDS.stop, 10)),
            )
            assert len(stub.forms) == 4

    asyncio.run(run())


def test_one_who_asks_after_the_query_left_gets_a_query_of_his_own() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            await read_all(reader, features(2))
            await read_all(reader, features(2))
            assert len(stub.forms) == 2

    asyncio.run(run())


def test_more_features_than_a_chunk_are_asked_in_chunks_a_few_at_a_time() -> None:
    at_once, most = 0, 0

    async def handler(_: web.Request, form: Form) -> web.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return all_healthy(form)

    async def run() -> None:
        async with reading_from(handler, chunk=10, concurrency=3) as (reader, stub):
            assert unread(await read_all(reader, features(95))) == set()
            assert [len(asked_features(f)) for f in stub.forms].count(10) == 9
            assert len(stub.forms) == 10

    asyncio.run(run())
    assert most == 3


def test_a_long_catch_up_is_asked_in_pieces_that_prometheus_accepts() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            ends = range(1000, 1000 + 2500 * 10, 10)
            read = await reader.read(FeatureKey("shop", "f0001"), SHAPE, ends)
            assert isinstance(read, Readings)
            assert [w.end for w in read.windows] == list(ends)
            assert {w.arms["stable"].total for w in read.windows} == {100.0}
            asked = [(int(f["start"]), int(f["end"])) for f in stub.forms]
            assert asked == [(1000, 10990), (11000, 20990), (21000, 25990)]

    asyncio.run(run())


def test_one_bad_piece_makes_the_whole_catch_up_unreadable_and_ends_it() -> None:
    async def handler(_: web.Request, form: Form) -> web.Response:
        return web.Response(status=422) if form["start"] == "11000" else all_healthy(form)

    async def run() -> None:
        async with reading_from(handler) as (reader, stub):
            ends = range(1000, 1000 + 2500 * 10, 10)
            assert reason(await reader.read(CHAT, SHAPE, ends)) is Reason.HTTP_STATUS
            assert len(stub.forms) == 2

    asyncio.run(run())


def test_a_long_catch_up_of_many_is_cut_so_that_answers_fit() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            ends = range(1_700_000_000, 1_700_000_000 + 500 * 10, 10)
            assert unread(await read_all(reader, features(60), ends=ends)) == set()
            asked = [name for form in stub.forms for name in asked_features(form)]
            assert sorted(asked) == [f.name for f in features(60)]

    asyncio.run(run())


def test_a_refused_selector_is_no_query_and_names_what_to_write() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, stub):
            read = await reader.read(CHAT, replace(SHAPE, bad="errors_total"), ENDS)
            assert reason(read) is Reason.BAD_QUERY
            assert "write errors_total{$match,…}" in str(read)
            assert stub.forms == []

    asyncio.run(run())


def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, _):
            first, second = (asyncio.create_task(reader.read(f, SHAPE, ENDS)) for f in features(2))
            await asyncio.sleep(0)
            first.cancel()
            assert isinstance(await second, Readings)
            assert first.cancelled()

    asyncio.run(run())


def test_closing_ends_what_is_under_way() -> None:
    async def run() -> None:
        asked = asyncio.Event()

        async def handler(_: web.Request, __: Form) -> web.Response:
            asked.set()
            await asyncio.sleep(30)
            return web.Response()

        async with reading_from(handler) as (reader, _):
            waiting = asyncio.create_task(reader.read(CHAT, SHAPE, ENDS))
            await asked.wait()
            await reader.aclose()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(run())


@pytest.mark.parametrize("ends", [range(0), range(1000, 1010, 5), range(1010, 1000, -10)])
def test_times_off_the_window_length_are_a_mistake_of_the_caller(ends: range) -> None:
    async def run() -> None:
        async with reading_from(healthy_provider) as (reader, _):
            with pytest.raises(ValueError, match="in steps of 10 s"):
                await reader.read(CHAT, SHAPE, ends)

    asyncio.run(run())
