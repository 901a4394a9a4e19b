"""What a tenant may write in a count field."""

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.world.promql import (
    Labels,
    Matcher,
    SelectorError,
    SelectorTemplate,
    parse_selector,
    quote,
)

SIGNS = "{}()\"'`\\,=@#: \n\x001ém"
WORDS = ["$match", "m{", "[5m]", "=~", "or", "offset", "namespace", "__name__", "sum"]
PINS = (Matcher("namespace", "=", "shop"), Matcher("ai_feature", "=", "chat"))


def test_a_selector_is_written_anew_with_its_pins_first() -> None:
    template = parse_selector('ai_requests_total{$match,result="schema_error"}')
    assert (
        template.pinned(PINS)
        == 'ai_requests_total{namespace="shop",ai_feature="chat",result="schema_error"}'
    )


@pytest.mark.parametrize(
    "template",
    [
        "m{$match}",
        "m{ $match , }",
        "  m {$match}\n",
        "m{$match} # a comment",
    ],
)
def test_spaces_and_comments_do_not_survive(template: str) -> None:
    assert parse_selector(template) == SelectorTemplate("m")


def test_all_four_operators_and_every_way_of_quoting_keep_their_meaning() -> None:
    template = parse_selector("m{a='1',b!=`2`,$match,c=~\"3|4\",d!~'\\u0035'}")
    assert template.pinned(()) == 'm{a="1",b!="2",c=~"3|4",d!~"5"}'


def test_a_label_name_that_is_not_an_identifier_is_quoted() -> None:
    template = parse_selector('m{"http.status"="500",$match}')
    assert template.pinned(()) == 'm{"http.status"="500"}'


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("m", "query has no $match: write m{$match,…}"),
        ('{a="1"}', "query has no $match: write metric_name{$match,…}"),
        ("m{$match} / n{$match}", "query has $match 2 times, exactly one is allowed"),
        ("m{$match} / n", "query is an operation on two selectors, exactly one selector"),
        ("rate(m{$match}[5m])", "query is a function"),
        ("sum(m{$match})", "query is a function"),
        ("m{$match}[5m]", "query is a range selector"),
        ("m{$match}[5m:1m]", "query is a subquery"),
        ("(m{$match})", "query is an expression in brackets"),
        ("-m{$match}", "query is not a selector"),
        ('"$match"', "query is not PromQL"),
        ("m{$match} offset 5m", "query moves in time with offset or @"),
        ("m{$match} @ 1700000000", "query moves in time with offset or @"),
        ("m{$match} @ start()", "query moves in time with offset or @"),
        ('m{$match or a="1"}', "query joins matchers with or"),
        ('{$match,__name__="m"}', "query has no metric name before the braces"),
        ('{$match,__name__=~".+"}', "query has no metric name before the braces"),
        ('m{$match,__name__="m"}', "query is not PromQL"),
        ('{"m",$match}', "query has no metric name before the braces"),
        ("job:m:rate5m{$match}", "query reads job:m:rate5m, a recorded series"),
        ('m{$match,namespace="other"}', "query matches on namespace, which $match pins"),
        ('m{$match,ai_variant=~".*"}', "query matches on ai_variant, which $match pins"),
        ("m{$match", "query is not PromQL"),
        ('m{$match,a=~"("}', "illegal regex"),
        ("m{a='$match'}", "query holds $match where it pins nothing"),
        ('m{a="1"} # $match', "query holds $match where it pins nothing"),
        ('m{$match,__goaround_match__=""}', "__goaround_match__, which is reserved"),
        ("m{$match}" + " " * 600, "query has 609 characters, the limit is 512"),
        ("", "query has no $match"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(template: str, says: str) -> None:
    with pytest.raises(SelectorError) as refusal:
        parse_selector(template)
    assert says in str(refusal.value)
    assert "__goaround_match__=" not in str(refusal.value)


def test_the_pinned_labels_are_those_of_the_provider() -> None:
    labels = Labels("kubernetes_namespace", "app", "track")
    assert parse_selector('m{$match,namespace="x"}', labels).matchers
    with pytest.raises(SelectorError, match="query matches on track, which"):
        parse_selector('m{$match,track="x"}', labels)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", 'a"', "a b", "é", "a\n"])
def test_an_administrators_label_name_must_be_an_identifier(name: str) -> None:
    with pytest.raises(SelectorError, match="is not usable"):
        Labels(feature=name)


@pytest.mark.parametrize("name", ["namespace", "__name__", "goaround_part"])
def test_pinned_labels_must_differ_from_each_other_and_from_ours(name: str) -> None:
    with pytest.raises(SelectorError, match="need four different labels"):
        Labels(feature=name)


def test_a_quoted_injection_stays_one_value() -> None:
    hostile = 'x"} or vector(1) or foo{a="'
    parsed = promql_parser.parse(SelectorTemplate("m").pinned([Matcher("a", "=", hostile)]))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [m.value for m in parsed.matchers.matchers] == [hostile]


@given(value=st.text())
def test_whatever_is_quoted_stays_one_value_of_one_selector(value: str) -> None:
    text = SelectorTemplate("m", (Matcher("z", "=", value),)).pinned([Matcher("a", "=", value)])
    parsed = promql_parser.parse(text)
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert parsed.name == "m"
    assert [(m.name, m.value) for m in parsed.matchers.matchers] == [("a", value), ("z", value)]
    assert not parsed.matchers.or_matchers


@given(name=st.text(), value=st.text())
def test_whatever_label_name_is_written_stays_one_name(name: str, value: str) -> None:
    text = SelectorTemplate("m").pinned([Matcher(name, "=", value), Matcher("b", "=", "1")])
    try:
        parsed = promql_parser.parse(text)
    except ValueError:
        return  # an empty name, for one; refused is safe
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [(m.name, m.value) for m in parsed.matchers.matchers] == [(name, value), ("b", "1")]


def test_half_a_surrogate_pair_is_not_text() -> None:
    with pytest.raises(SelectorError, match="half a surrogate pair"):
        quote("\ud800")


@given(template=st.lists(st.sampled_from([*SIGNS, *WORDS]), max_size=14).map("".join))
def test_whatever_is_accepted_pins_one_selector(template: str) -> None:
    try:
        selector = parse_selector(template)
    except SelectorError:
        return
    parsed = promql_parser.parse(selector.pinned(PINS))
    assert isinstance(parsed, promql_parser.VectorSelector)
    found = [(m.name, m.value) for m in parsed.matchers.matchers]
    assert found[:2] == [("namespace", "shop"), ("ai_feature", "chat")]
    assert not {name for name, _ in found[2:]} & {*Labels().names, "__name__"}
    assert not parsed.matchers.or_matchers
