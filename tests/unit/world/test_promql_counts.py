"""The one expression that counts."""

from collections.abc import Iterator

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.world.prom_expression import expression as written
from goaround.world.prom_expression import lookbacks
from goaround.world.prom_matchers import escape_regex
from goaround.world.prometheus import FeatureKey, Labels, Shape

SHAPE = Shape('bad_total{$match,result="schema_error"}', "all_total{$match}", 10)


def expression(
    *features: FeatureKey, labels: Labels | None = None, variants: tuple[str, ...] = ("stable",)
) -> str:
    return written(
        SHAPE,
        labels=labels or Labels(),
        features=features,
        variants=variants,
        scrape_seconds=14,
    )


def selectors(node: object) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a parsed expression, wherever it stands."""
    match node:
        case promql_parser.VectorSelector():
            yield node
        case promql_parser.MatrixSelector():
            yield node.vector_selector
        case promql_parser.Call():
            for argument in node.args:
                yield from selectors(argument)
        case promql_parser.BinaryExpr():
            yield from selectors(node.lhs)
            yield from selectors(node.rhs)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr():
            yield from selectors(node.expr)


def test_the_expression_is_the_one_that_the_design_verified() -> None:
    pins = 'namespace="shop",ai_feature="chat"'
    arm = 'ai_variant="stable"'
    bad = f'bad_total{{{pins},{arm},result="schema_error"}}'
    total = f"all_total{{{pins},{arm}}}"
    by = "namespace, ai_feature, ai_variant, ai_bucket"

    def part(m: str, name: str) -> str:
        return (
            f"label_replace(sum by ({by}) ((last_over_time({m}[45s]) "
            f"- last_over_time({m}[945s] offset 10s)) >= 0 or last_over_time({m}[45s])) "
            "and on (namespace, ai_feature) group by (namespace, ai_feature) "
            f"(last_over_time(all_total{{{pins}}}[945s] offset 10s)), "
            f'"goaround_part", "{name}", "", "")'
        )

    assert expression(FeatureKey("shop", "chat")) == f"{part(bad, 'bad')} or {part(total, 'total')}"


def test_a_batch_is_matched_by_escaped_alternatives() -> None:
    text = expression(
        FeatureKey("b", "f.1"), FeatureKey("a", "f2"), variants=("stable", "candidate")
    )
    assert r'namespace=~"a|b",ai_feature=~"f\\.1|f2",ai_variant=~"stable|candidate"' in text


def test_features_of_one_namespace_pin_it_exactly() -> None:
    text = expression(FeatureKey("a", "f1"), FeatureKey("a", "f2"))
    assert '{namespace="a",ai_feature=~"f1|f2",' in text


@given(
    names=st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=4),
    variants=st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True).map(tuple),
)
def test_every_selector_of_every_batch_is_pinned(
    names: list[tuple[str, str]], variants: tuple[str, ...]
) -> None:
    parsed = promql_parser.parse(
        expression(*(FeatureKey(*name) for name in names), variants=variants)
    )
    found = list(selectors(parsed))
    assert [s.name for s in found] == ["bad_total"] * 3 + ["all_total"] * 5
    for selector in found:
        matchers = {m.name: m for m in selector.matchers.matchers}
        wanted = {"namespace": {n for n, _ in names}, "ai_feature": {f for _, f in names}}
        for label, values in wanted.items():
            if len(values) == 1:
                assert matchers[label].value == next(iter(values))
            else:
                assert matchers[label].value == "|".join(map(escape_regex, sorted(values)))
        assert not selector.matchers.or_matchers


def test_the_labels_are_the_providers() -> None:
    text = expression(FeatureKey("shop", "chat"), labels=Labels("ns", "app", "track", "part"))
    assert 'bad_total{ns="shop",app="chat",track="stable",result="schema_error"}' in text
    assert "sum by (ns, app, track, part)" in text
    assert "on (ns, app) group by (ns, app)" in text


@pytest.mark.parametrize(
    ("interval", "scrape", "expected"),
    [(10, 15, (48, 948)), (60, 15, (98, 998)), (1, 1, (4, 904)), (300, 0.5, (302, 1202))],
)
def test_look_backs_reach_over_the_window_and_two_scrapes(
    interval: int, scrape: float, expected: tuple[int, int]
) -> None:
    assert lookbacks(interval=interval, scrape_seconds=scrape) == expected
