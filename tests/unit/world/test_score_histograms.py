"""What the buckets of a mean's scores say of their squares, and which buckets say nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import promql_parser
import pytest
from aiohttp import web

from goaround.world.prom_expression import expression
from goaround.world.prometheus import Counts, FeatureKey, Kind, Labels, Read, Readings, Shape
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import ENDS, Form, Json, ask, matrix, reason, row, serving
from tests.unit.world.test_promql_counts import selectors

JUDGE = Shape(
    "s_sum{$match}",
    "s_count{$match}",
    10,
    kind=Kind.MEAN,
    buckets="s_bucket{$match}",
    lower_is_worse=True,
)
COST = replace(JUDGE, highest=4.0, lower_is_worse=False)
BOUNDS = ("0.25", "0.5", "0.75", "1.0", "+Inf")
ARMS = (("candidate", 'pod=~"c-.*"'), ("stable", 'pod=~"s-.*"'))
Held = Mapping[str, float]


def histogram(held: Held, series: Held | None = None, **labels: str) -> list[Json]:
    """Rows of cumulative counts by bound, and of how many series have it."""
    has = series if series is not None else dict.fromkeys(held, 1)
    return [
        row("chat", [(ENDS[0], f"{value:g}")], part, le=le, **labels)
        for part, some in (("scores", held), ("series", has))
        for le, value in some.items()
    ]


def cumulative(scores: Sequence[float], bounds: Sequence[str] = BOUNDS) -> Held:
    return {le: sum(score <= float(le) for score in scores) for le in bounds}


def sums(total_score: float, count: float, **labels: str) -> list[Json]:
    return [
        row("chat", [(ENDS[0], f"{value!r}")], part, **labels)
        for part, value in (("sum", total_score), ("total", count))
    ]


def read_of(shape: Shape, rows: Sequence[Json]) -> Read:
    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(body=matrix(rows))

    async def run() -> Read:
        async with serving(handler) as stub:
            return (await ask(stub.provider(), shape=shape))[0]

    return asyncio.run(run())


def counted(shape: Shape, rows: Sequence[Json]) -> Counts:
    read = read_of(shape, rows)
    assert isinstance(read, Readings), read
    return read.windows[0].arms["stable"]


def of_scores(shape: Shape, scores: Sequence[float], bounds: Sequence[str] = BOUNDS) -> Counts:
    held = cumulative(scores, bounds)
    return counted(shape, [*sums(sum(scores), len(scores)), *histogram(held)])


def test_squares_are_the_largest_that_buckets_allow_and_never_less_than_the_truth() -> None:
    rng = np.random.default_rng(1)
    for lower_is_worse in (True, False):
        for _ in range(8):
            scores = np.round(rng.beta(8, 2, 50), 3).tolist()
            told = of_scores(replace(JUDGE, lower_is_worse=lower_is_worse), scores)
            bad = [1 - score if lower_is_worse else score for score in scores]
            assert told.squares is not None
            assert told.bad == pytest.approx(sum(bad))
            assert sum(b * b for b in bad) <= told.squares + 1e-9
            assert told.squares < told.bad


def test_finer_buckets_tell_the_squares_better() -> None:
    scores = [0.62, 0.64, 0.66, 0.68] * 10
    fine = [f"{n / 20:g}" for n in range(21)]
    found = [of_scores(JUDGE, scores, (*b, "+Inf")).squares or 0.0 for b in ([], ["0.5"], fine)]
    truth = sum((1 - s) ** 2 for s in scores)
    assert found[0] > found[1] > found[2] > truth
    assert found[2] < 1.05 * truth


def test_without_buckets_nothing_changes() -> None:
    told = counted(replace(JUDGE, buckets=""), sums(80, 100))
    assert told == Counts(total=100.0, bad=20.0)


def test_scores_in_a_unit_of_their_own_are_scaled_with_their_buckets() -> None:
    told = of_scores(COST, [1.0, 1.0, 4.0], ("0", "1", "2", "4", "+Inf"))
    assert (told.total, told.bad) == (3.0, 1.5)
    assert told.squares == pytest.approx(1 + 2 / 16)


def test_buckets_of_users_stay_apart_from_buckets_of_scores() -> None:
    scores = [0.7] * 20
    held = histogram(cumulative(scores))
    rows = [*sums(7.0, 10, ai_bucket="b00"), *sums(7.0, 10, ai_bucket="b01"), *held]
    read = read_of(JUDGE, rows)
    assert isinstance(read, Readings), read
    window = read.windows[0]
    assert window.arms["stable"].squares is not None
    assert window.arms["stable"].bad == pytest.approx(6.0)
    assert [c.total for c in window.buckets["stable"][:3]] == [10.0, 10.0, 0.0]
    assert {c.squares for c in window.buckets["stable"]} == {None}


def test_bounds_are_one_however_exporters_write_them() -> None:
    both = [*sums(0.9, 2), *histogram({"0.5": 1, "+Inf": 2}, {"0.5": 2, "+Inf": 2})]
    apart = histogram({"0.5": 1, "5e-01": 0, "+Inf": 2}, {"0.5": 1, "5e-01": 1, "+Inf": 2})
    assert counted(JUDGE, [*both[:2], *apart]) == counted(JUDGE, both)


def test_a_bound_that_some_series_lack_is_left_out() -> None:
    """A pod of another version has other buckets: its low scores must not hide in a high one."""
    low, high = [0.1] * 5, [0.9] * 5
    one, other = cumulative(low), cumulative(high, ("0.5", "+Inf"))
    held = {le: n + other.get(le, 0) for le, n in one.items()}
    series = {le: 1 + (le in other) for le in one}
    mixed = counted(JUDGE, [*sums(5.0, 10), *histogram(held, series)])
    common = of_scores(JUDGE, low + high, ("0.5", "+Inf"))
    assert mixed.squares == pytest.approx(common.squares)
    assert mixed.squares is not None
    assert mixed.squares >= 5 * 0.81 + 5 * 0.01


def test_a_few_scores_that_a_restart_lost_count_as_the_worst() -> None:
    held = cumulative([0.9] * 7)
    told = counted(JUDGE, [*sums(7.2, 10), *histogram(held)])
    assert told.squares == pytest.approx(min(told.bad, 7 * 0.25**2 + 3))


def told_of(shape: Shape, rows: Sequence[Json]) -> str:
    read = read_of(shape, rows)
    assert reason(read) is Reason.BAD_ANSWER
    return str(read)


@pytest.mark.parametrize("bound", ["2.5", "-0.1", "NaN", "wide", "-Inf"])
def test_a_bound_beyond_the_scale_is_refused(bound: str) -> None:
    held = {**cumulative([0.7] * 20), bound: 20.0}
    told = told_of(JUDGE, [*sums(14, 20), *histogram(held)])
    assert f"le={bound!r}" in told
    assert "beyond the scale of the score, 0 to 1: correct lowest and highest" in told


@pytest.mark.parametrize("held", [{}, {"0.5": 20.0, "1": 20.0}])
def test_buckets_without_an_end_are_refused(held: Held) -> None:
    told = told_of(JUDGE, [*sums(14, 20), *histogram(held)])
    assert "the buckets of stable have no bound le='+Inf'" in told


def test_cumulative_counts_that_fall_are_refused() -> None:
    held = {"0.25": 40.0, "0.5": 20.0, "+Inf": 60.0}
    told = told_of(JUDGE, [*sums(40, 60), *histogram(held)])
    assert "a higher bucket of stable holds fewer scores than a lower one" in told


def test_buckets_of_another_histogram_are_refused() -> None:
    told = told_of(JUDGE, [*sums(14, 20), *histogram({"0.5": 0.0, "+Inf": 200.0})])
    assert "the buckets hold 200 scores of stable, its count says 20" in told
    assert "take sum, count and buckets from one histogram" in told


def test_two_rows_of_one_bucket_are_refused() -> None:
    rows = [*sums(14, 20), *histogram({"+Inf": 20.0}), *histogram({"+Inf": 20.0})]
    assert reason(read_of(JUDGE, rows)) is Reason.DUPLICATE


def test_an_arm_without_traffic_needs_no_buckets() -> None:
    assert counted(JUDGE, sums(0, 0)) == Counts(total=0.0, bad=0.0)
    assert counted(JUDGE, [*sums(0, 0), *histogram({"0.5": 0.0, "+Inf": 0.0})]).squares == 0


def written(shape: Shape) -> str:
    return expression(
        shape,
        labels=Labels(),
        features=[FeatureKey("shop", "chat")],
        variants=("stable", "candidate"),
        scrape_seconds=15,
    )


@pytest.mark.parametrize("shape", [JUDGE, replace(JUDGE, arms=ARMS), replace(JUDGE, offset=3600)])
def test_every_selector_of_the_buckets_is_pinned_and_prometheus_can_parse_it(shape: Shape) -> None:
    parsed = promql_parser.parse(f"count({written(shape)})")
    found = [s for s in selectors(parsed) if s.name == "s_bucket"]
    assert found
    for selector in found:
        names = {m.name for m in selector.matchers.matchers}
        assert "namespace" in names
        assert ("pod" if shape.arms else "ai_feature") in names


def test_without_buckets_the_question_is_what_it_was() -> None:
    plain, more = written(replace(JUDGE, buckets="")), written(JUDGE)
    assert more.startswith(plain)
    assert "scores" not in plain
    assert " le)" not in plain


def test_a_slice_narrows_the_buckets_too() -> None:
    parsed = promql_parser.parse(written(replace(JUDGE, only=("lang", "de"))))
    buckets = [s for s in selectors(parsed) if s.name == "s_bucket"]
    assert all("lang" in {m.name for m in s.matchers.matchers} for s in buckets)
