"""What each kind of shape makes of the parts of an answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiohttp import web

from goaround.world.prometheus import Counts, Kind, Read, Readings, Shape, Unreadable
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    Form,
    ask,
    matrix,
    reading_from,
    reason,
    row,
    serving,
)

COUNT = replace(SHAPE, kind=Kind.COUNT)
LATENCY = Shape("h_bucket{$match}", "h_bucket{$match}", 10, kind=Kind.LATENCY, slower_than="2.5")
JUDGE = Shape("s_sum{$match}", "s_count{$match}", 10, kind=Kind.MEAN, lower_is_worse=True)
COST = replace(JUDGE, highest=4.0, lower_is_worse=False)
LOAD = Shape("max(load{$match})", "", 10, kind=Kind.QUERY)


def read_as(shape: Shape, parts: dict[str, str], **labels: str) -> Read:
    """Chat's reading when the first window has `parts`."""
    rows = [row("chat", [(ENDS[0], value)], part, **labels) for part, value in parts.items()]

    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(body=matrix(rows))

    async def run() -> Sequence[Read]:
        async with serving(handler) as stub:
            return await ask(stub.provider(), shape=shape)

    return asyncio.run(run())[0]


def counted(shape: Shape, **parts: str) -> Counts:
    read = read_as(shape, parts)
    assert isinstance(read, Readings), read
    return read.windows[0].arms["stable"]


def test_latency_counts_whoever_is_above_the_bucket() -> None:
    assert counted(LATENCY, total="100", fast="93") == Counts(total=100.0, bad=7.0)


def test_a_request_slower_than_the_first_fast_one_counts_before_there_is_a_fast_one() -> None:
    assert counted(LATENCY, total="3") == Counts(total=3.0, bad=3.0)


def test_a_restart_that_overtakes_never_counts_more_fast_requests_than_requests() -> None:
    assert counted(LATENCY, total="2", fast="9") == Counts(total=2.0, bad=0.0)


@pytest.mark.parametrize(
    ("shape", "total_score", "bad"),
    [(JUDGE, "80", 20.0), (JUDGE, "100", 0.0), (JUDGE, "0", 100.0), (COST, "100", 25.0)],
)
def test_a_score_counts_as_bad_by_its_distance_from_the_best_end(
    shape: Shape, total_score: str, bad: float
) -> None:
    assert counted(shape, sum=total_score, total="100") == Counts(total=100.0, bad=bad)


def test_scores_below_zero_are_scores() -> None:
    mood = replace(JUDGE, lowest=-1.0)
    assert counted(mood, sum="-50", total="100") == Counts(total=100.0, bad=75.0)


def test_a_few_scores_lost_in_a_restart_stay_on_the_scale() -> None:
    assert counted(JUDGE, sum="7", total="2") == Counts(total=2.0, bad=0.0)
    assert counted(COST, sum="20", total="2") == Counts(total=2.0, bad=2.0)


def test_scores_beyond_their_scale_are_no_reading_and_say_what_to_correct() -> None:
    read = read_as(JUDGE, {"sum": "4000", "total": "50"})
    assert reason(read) is Reason.BAD_ANSWER
    assert "beyond their scale 0 to 1: correct lowest and highest" in str(read)


def test_events_are_counted_over_requests() -> None:
    assert counted(COUNT, bad="2", total="1000") == Counts(total=1000.0, bad=2.0)


def test_an_event_whose_request_came_earlier_counts_once() -> None:
    assert counted(COUNT, bad="3") == Counts(total=3.0, bad=3.0)
    assert counted(COUNT, bad="3", total="1") == Counts(total=3.0, bad=3.0)


def test_more_bad_events_than_events_are_no_ratio() -> None:
    assert reason(read_as(SHAPE, {"bad": "3", "total": "1"})) is Reason.BAD_ANSWER


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "Inf"])
@pytest.mark.parametrize("shape", [SHAPE, COUNT, LATENCY, JUDGE])
def test_no_count_is_infinite_or_no_number(shape: Shape, value: str) -> None:
    assert reason(read_as(shape, {"total": value})) is Reason.NOT_A_NUMBER


@pytest.mark.parametrize("shape", [SHAPE, COUNT, LATENCY, JUDGE])
def test_no_counter_goes_below_zero(shape: Shape) -> None:
    assert reason(read_as(shape, {"total": "-1"})) is Reason.BAD_ANSWER


@pytest.mark.parametrize("shape", [SHAPE, COUNT, LATENCY, JUDGE])
def test_a_million_million_requests_are_counted_exactly(shape: Shape) -> None:
    part = {Kind.LATENCY: "fast", Kind.MEAN: "sum"}.get(shape.kind, "bad")
    some = counted(shape, **{"total": "1000000000000", part: "999999999999"})
    assert some.total == 1e12
    assert some.bad in (999_999_999_999.0, 1.0)


def test_no_traffic_is_no_arm() -> None:
    for shape in (SHAPE, COUNT, LATENCY, JUDGE, LOAD):
        read = read_as(shape, {})
        assert isinstance(read, Readings)
        assert [(w.arms, w.buckets, w.values) for w in read.windows] == [({}, {}, {})] * 2


@pytest.mark.parametrize(("text", "value"), [("0.97", 0.97), ("-3", -3.0), ("+Inf", float("inf"))])
def test_a_query_gives_its_value_at_the_end_of_the_window(text: str, value: float) -> None:
    read = read_as(LOAD, {"value": text})
    assert isinstance(read, Readings)
    assert (read.windows[0].values, read.windows[0].arms) == ({"stable": value}, {})


def test_a_quotient_of_nothing_is_no_value() -> None:
    read = read_as(LOAD, {"value": "NaN"})
    assert isinstance(read, Readings)
    assert read.windows[0].values == {}


def test_a_missing_bucket_is_no_reading_and_lists_the_bounds_there_are() -> None:
    async def handler(_: web.Request, form: Form) -> web.Response:
        if form["query"].startswith("group by (le)"):
            bounds = ("10.0", "0.5", "+Inf", "1.0")
            return web.Response(
                body=matrix({"metric": {"le": le}, "values": [[1010, "1"]]} for le in bounds)
            )
        parts = {"total": "50", "odd": "2"}
        rows = [row("chat", [(ENDS[0], v)], part) for part, v in parts.items()]
        return web.Response(body=matrix(rows))

    async def run() -> None:
        async with reading_from(handler) as (reader, stub):
            read = await reader.read(CHAT, LATENCY, ENDS)
            assert isinstance(read, Unreadable)
            assert read.reason is Reason.NO_BUCKET
            assert read.message == (
                "provider default: 2 series of stable have no bucket le='2.5'; bounds there are: "
                "0.5, 1.0, 10.0, +Inf. Take one of these"
            )
            assert len(stub.forms) == 2

    asyncio.run(run())
