"""Users in twenty buckets: one query, twenty times the rows."""

import asyncio

from aiohttp import web

from goaround.world.prometheus import Counts, FeatureKey, Readings, WindowReading
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    Form,
    Json,
    answered,
    asked_features,
    features,
    grid,
    healthy_provider,
    matrix,
    read_all,
    reading_from,
    row,
    unread,
)

NONE = Counts(0.0, 0.0)


def bucketed(form: Form, feature: str, variants: tuple[str, ...] = ("stable",)) -> list[Json]:
    """Bucket n has 10 + n events and one bad at every asked time."""
    return [
        row(
            feature,
            ((t, str(10 + n) if part == "total" else "1") for t in grid(form)),
            part,
            ai_variant=variant,
            ai_bucket=f"b{n:02}",
        )
        for n in range(20)
        for part in ("bad", "total")
        for variant in variants
    ]


def only(*rows: Json) -> WindowReading:
    """The first window of chat in an answer of `rows`."""
    read = answered(matrix(rows))[0]
    assert isinstance(read, Readings), read
    return read.windows[0]


def of(bucket: str, part: str, value: str) -> Json:
    return row("chat", [(ENDS[0], value)], part, ai_bucket=bucket)


def test_an_arm_is_the_sum_of_its_buckets() -> None:
    form = {"start": "1000", "end": "1010", "step": "10"}
    window = only(*bucketed(form, "chat"))
    assert window.arms == {"stable": Counts(total=390.0, bad=20.0)}
    assert window.buckets == {"stable": tuple(Counts(10.0 + n, 1.0) for n in range(20))}


def test_without_the_label_there_are_no_buckets() -> None:
    window = only(row("chat", [(ENDS[0], "5")]))
    assert (window.arms, window.buckets) == ({"stable": Counts(5.0, 0.0)}, {})


def test_requests_without_a_bucket_count_in_the_arm_alone() -> None:
    window = only(of("b03", "total", "7"), of("", "total", "2"), of("b20", "total", "1"))
    assert window.arms == {"stable": Counts(10.0, 0.0)}
    assert window.buckets["stable"][3] == Counts(7.0, 0.0)
    assert window.buckets["stable"].count(NONE) == 19


def test_buckets_of_one_part_only_are_none() -> None:
    window = only(of("b03", "total", "7"), of("", "bad", "2"))
    assert window.arms == {"stable": Counts(7.0, 2.0)}
    assert window.buckets == {}


def test_a_bucket_that_has_more_bad_events_than_events_makes_all_unusable() -> None:
    rows = [of("b03", "total", "7"), of("b03", "bad", "8"), of("b04", "total", "9")]
    window = only(*rows)
    assert window.arms == {"stable": Counts(16.0, 8.0)}
    assert window.buckets == {}


def test_a_long_catch_up_with_buckets_is_cut_so_that_each_answer_fits() -> None:
    async def handler(_: web.Request, form: Form) -> web.Response:
        rows = [r for f in asked_features(form) for r in bucketed(form, f)]
        return web.Response(body=matrix(rows))

    async def run() -> None:
        async with reading_from(handler, max_bytes=1 << 20) as (reader, _):
            for _ in range(2):
                ends = range(1_700_000_000, 1_700_000_000 + 1000 * 10, 10)
                read = await reader.read(CHAT, SHAPE, ends)
                assert isinstance(read, Readings), read
                assert {w.arms["stable"].total for w in read.windows} == {390.0}

    asyncio.run(run())


def test_many_features_with_buckets_are_cut_so_that_each_answer_fits() -> None:
    async def handler(_: web.Request, form: Form) -> web.Response:
        both = ("stable", "candidate")
        rows = [r for f in asked_features(form) for r in bucketed(form, f, both)]
        return web.Response(body=matrix(rows))

    async def run() -> None:
        async with reading_from(handler, max_bytes=1 << 20) as (reader, stub):
            for _ in range(2):
                assert unread(await read_all(reader, features(100))) == set()
            asked = [FeatureKey("shop", n) for form in stub.forms for n in asked_features(form)]
            assert sorted(asked) == sorted(2 * features(100))

    asyncio.run(run())


def test_once_it_is_known_that_there_are_no_buckets_queries_are_as_large_as_before() -> None:
    async def run() -> None:
        async with reading_from(healthy_provider, max_bytes=1 << 20) as (reader, stub):
            await read_all(reader, features(200))
            first = len(stub.forms)
            await read_all(reader, features(200))
            assert first > 1
            assert len(stub.forms) == first + 1

    asyncio.run(run())
