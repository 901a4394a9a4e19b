"""What a tenant may write in a query, and in the matchers of an arm."""

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.world.prom_matchers import Labels, Matcher, SelectorError
from goaround.world.prom_query import parse_query
from goaround.world.promql import parse_matchers, parse_selector

PINS = (Matcher("namespace", "=", "shop"), Matcher("ai_feature", "=", "chat"))
OURS = 'namespace="shop",ai_feature="chat"'


@pytest.mark.parametrize(
    ("query", "pinned"),
    [
        ("max(load{$match})", f"max(load{{{OURS}}})"),
        ("vllm:load{$match}", f"vllm:load{{{OURS}}}"),
        (
            "sum(rate(a{$match}[5m])) / sum(rate(b{x='1',$match}[5m]))",
            f'sum(rate(a{{{OURS}}}[5m])) / sum(rate(b{{{OURS},x="1"}}[5m]))',
        ),
        ("avg_over_time((a{$match} > bool 3)[10m:1m]) # why", "avg_over_time((a{"),
        ('a{$match,b="#",c="\\\\d\\"}"}', f'a{{{OURS},b="#",c="\\\\d\\"}}"}}'),
    ],
)
def test_every_selector_of_a_query_is_pinned(query: str, pinned: str) -> None:
    assert parse_query(query).pinned(PINS).startswith(pinned)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("load", "query reads load unpinned: write load{$match,…}"),
        ("a{$match} or b", "query reads b unpinned"),
        ("a{$match} + on() b{$match,$match}", "exactly one $match"),
        ('a{$match or x="1"}', "without or"),
        ("vector(1)", "query reads no series"),
        ("1", "query gives no vector"),
        ("a{$match}[5m]", "query gives no vector"),
        ("scalar(a{$match})", "query gives no vector"),
        ("a{$match}) or (b", "query gives no vector"),
        ("a{$match} offset 5m", "moves in time"),
        ("a{$match} @ end()", "moves in time"),
        ("rate(a{$match}[5m] offset 1m)", "moves in time"),
        ("max_over_time(a{$match}[5m:1m] @ 0)", "moves in time"),
        ("rate(a{$match}[25h])", "the limit is a day"),
        ("max_over_time(a{$match}[2d:1m])", "the limit is a day"),
        ("info(a{$match})", "info(), which is not allowed"),
        ("job:a:rate5m{$match}", "a recorded series"),
        ('a{$match,namespace="bank"}', "query matches on namespace, which $match pins"),
        ('a{$match,__name__=~"b.*"}', "query gives no vector (metric name"),
        ('label_replace(a{$match},"x","$1","y","$match")', "query gives no vector"),
        ("a{__goaround_match__='',$match}", "which is reserved"),
        ("a{$match} + " * 90 + "a{$match}", "the limit is 1024"),
    ],
)
def test_a_query_that_could_read_anybody_else_is_refused(query: str, told: str) -> None:
    with pytest.raises(SelectorError) as refused:
        parse_query(query)
    assert told in str(refused.value)


@given(st.text(alphabet="ab{}()[]$match=\"'`\\# ,or|0:5m@", max_size=40))
def test_no_query_that_is_taken_has_an_unpinned_selector(text: str) -> None:
    try:
        pinned = parse_query(f"a{{$match}} + {text}").pinned(PINS)
    except SelectorError:
        return
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(pinned), visit)
    for selector in found:
        values = {m.name: m.value for m in selector.matchers.matchers}
        assert values["namespace"] == "shop"
        assert values["ai_feature"] == "chat"
        assert not selector.matchers.or_matchers


def test_matchers_of_an_arm_are_parsed_and_written_anew() -> None:
    assert parse_matchers("pod=~'cand-.*', zone!=`a`") == (
        Matcher("pod", "=~", "cand-.*"),
        Matcher("zone", "!=", "a"),
    )


@pytest.mark.parametrize(
    "text",
    ["", " ", "pod", 'a="1"} or x{b="2"', 'a="1" or b="2"', 'a="1"}[5m', 'namespace="bank"', "#"],
)
def test_matchers_that_are_more_than_matchers_are_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_matchers(text)


def test_matchers_follow_the_providers_labels() -> None:
    labels = Labels(namespace="ns")
    assert parse_matchers('namespace="x"', labels)
    with pytest.raises(SelectorError, match="which \\$match pins"):
        parse_matchers('ns="x"', labels)


def test_raw_metrics_of_model_servers_have_a_colon_and_recorded_ones_are_refused() -> None:
    assert parse_selector("vllm:request_success_total{$match}").metric.startswith("vllm:")
    with pytest.raises(SelectorError, match="a recorded series"):
        parse_selector("vllm:request_success:rate5m{$match}")
