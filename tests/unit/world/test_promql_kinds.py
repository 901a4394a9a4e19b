"""Every expression that is made of a shape reads only whom it was asked for."""

from dataclasses import replace

import promql_parser
import pytest

from goaround.world.prom_expression import bounds_expression, expression, le_texts
from goaround.world.prometheus import FeatureKey, Kind, Labels, Shape
from tests.unit.world.test_promql_counts import selectors

ARMS = (("candidate", 'pod=~"c-.*"'), ("stable", 'pod=~"s-.*"'))
SHAPES = [
    Shape('a_total{$match,x="1"}', "b_total{$match}", 10),
    Shape("a_total{$match}", "b_total{$match}", 10, kind=Kind.COUNT),
    Shape("h_bucket{$match}", "h_bucket{$match}", 10, kind=Kind.LATENCY, slower_than="2.5"),
    Shape("s_sum{$match}", "s_count{$match}", 10, kind=Kind.MEAN),
    Shape("max(g{$match}) - min(g{$match})", "", 10, kind=Kind.QUERY),
]
VARIATIONS = [
    replace(shape, arms=arms, offset=offset)
    for shape in SHAPES
    for arms in ((), ARMS)
    for offset in (0, 3600)
]


def written(shape: Shape, *features: FeatureKey) -> str:
    return expression(
        shape,
        labels=Labels(),
        features=features or [FeatureKey("shop", "chat")],
        variants=("stable", "candidate"),
        scrape_seconds=15,
    )


@pytest.mark.parametrize("shape", VARIATIONS, ids=lambda s: f"{s.kind}-{len(s.arms)}-{s.offset}")
def test_every_selector_of_every_kind_is_pinned_to_the_namespace(shape: Shape) -> None:
    found = list(selectors(promql_parser.parse(written(shape))))
    assert found
    for selector in found:
        values = {m.name: m.value for m in selector.matchers.matchers}
        assert values["namespace"] == "shop"
        assert ("pod" in values) == bool(shape.arms)
        assert ("ai_feature" in values) == (not shape.arms)


@pytest.mark.parametrize("shape", VARIATIONS, ids=lambda s: f"{s.kind}-{len(s.arms)}-{s.offset}")
def test_an_expression_is_one_vector_that_prometheus_can_parse(shape: Shape) -> None:
    text = written(shape, FeatureKey("shop", "chat"), FeatureKey("bank", "fraud"))
    assert promql_parser.parse(f"count({text})")


def test_late_windows_are_read_that_much_earlier() -> None:
    text = written(replace(SHAPES[0], offset=60))
    assert "[48s] offset 60s)" in text
    assert "[948s] offset 70s)" in text
    assert "[48s])" not in text


def test_a_slice_narrows_what_is_counted_but_not_what_tells_that_the_feature_was_known() -> None:
    found = list(selectors(promql_parser.parse(written(replace(SHAPES[0], only=("lang", "de"))))))
    narrowed = ["lang" in {m.name for m in s.matchers.matchers} for s in found]
    assert narrowed == [True, True, True, False, True, True, True, False]


def test_a_name_with_a_dollar_stands_for_itself_in_the_answer() -> None:
    assert '"ai_feature", "a$$1"' in written(SHAPES[-1], FeatureKey("shop", "a$1"))


@pytest.mark.parametrize(
    ("bound", "texts"),
    [
        ("2.5", ("2.5", "2.5e+00")),
        ("1", ("1", "1.0", "1e+00")),
        ("1000000", ("1000000", "1000000.0", "1e+06")),
        ("0.00001", ("0.00001", "1e-05")),
    ],
)
def test_a_bound_is_found_however_the_exporter_writes_it(bound: str, texts: tuple[str]) -> None:
    assert le_texts(bound) == texts


def test_the_bounds_of_a_histogram_are_those_of_the_feature() -> None:
    chat = FeatureKey("shop", "chat")
    assert bounds_expression(SHAPES[2], labels=Labels(), feature=chat) == (
        'group by (le) (last_over_time(h_bucket{namespace="shop",ai_feature="chat"}[900s]))'
    )
