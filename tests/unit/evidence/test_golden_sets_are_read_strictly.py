"""A golden set with a fault is refused in one sentence that says where, and what to do."""

import json
import time

import pytest

from goaround.api.base import Json
from goaround.evidence.golden_assertions import Contains, Matches, kind
from goaround.evidence.golden_set import GoldenSetError, parse, require

YAML = """
version: 1
defaults:
  mustPass: true
  assertions:
  - schema: {type: object, required: [answer]}
cases:
- name: refund
  input: {question: "Where is my money?"}
  tags: [edge, "ability:refunds"]
  assertions:
  - regex: {path: /answer, pattern: "(?i)refund"}
  - mustNotContain: "guarantee"
- name: hello
  input: "Hello"
  mustPass: false
"""


def a_set(**changes: object) -> Json:
    case: Json = {"name": "one", "input": 1, "assertions": [{"exact": {"value": 1}}]}
    return {"version": 1, "cases": [case], **changes}


def a_case(**changes: object) -> Json:
    return a_set(cases=[a_set()["cases"][0] | changes])


def asserting(*assertions: Json) -> Json:
    return a_case(assertions=list(assertions))


def test_yaml_and_json_say_the_same_and_have_the_same_hash() -> None:
    one, other = parse(json.dumps(a_set())), parse(json.dumps(a_set(), indent=4))
    yaml = parse(
        "# a comment\nversion: 1\ncases:\n"
        "- {name: one, input: 1,\n   assertions: [exact: {value: 1}]}"
    )
    assert one.hash == other.hash == yaml.hash


def test_any_change_of_content_is_another_hash() -> None:
    assert parse(json.dumps(a_set())).hash != parse(json.dumps(a_case(input=2))).hash


def test_defaults_come_before_what_a_case_says_itself() -> None:
    refund, hello = parse(YAML).cases
    assert [kind(a) for a in refund.assertions] == ["schema", "regex", "mustNotContain"]
    assert (refund.must_pass, hello.must_pass) == (True, False)
    assert refund.tags == ("edge", "ability:refunds")


def test_a_text_alone_is_short_for_a_text_anywhere_in_the_answer() -> None:
    (case,) = parse(json.dumps(asserting({"mustContain": "x"}, {"regex": "y+"}))).cases
    assert case.assertions[0] == Contains("", "x")
    assert isinstance(case.assertions[1], Matches)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (a_set(version=2), "version: "),
        (a_set(casess=[]), "casess: Extra inputs"),
        (a_set(cases=[]), "cases: List should have at least 1 item"),
        (a_set(cases=a_set()["cases"] * 2), "two cases have the name one"),
        (a_case(name="Not A Name"), "case Not A Name.name"),
        (a_case(tags=["x" * 64]), "case one.tags.0"),
        (a_case(tags=list("abcdefghi")), "at most 8 items"),
        (a_case(mustPass="yes"), "case one.mustPass"),
        (a_case(assertions=[]), "case one asserts nothing"),
        (asserting({"exact": {"value": 1}, "regex": "x"}), "set exactly one"),
        (asserting({}), "set exactly one"),
        (asserting({"like": "x"}), "like: Extra inputs"),
        (asserting({"numeric": {"value": "0.9"}}), "numeric.value"),
        (asserting({"numeric": {"value": 1, "tolerance": -1}}), "tolerance"),
        (asserting({"regex": "(?=x)"}), "RE2 syntax"),
        (asserting({"regex": "x" * 513}), "at most 512 characters"),
        (asserting({"mustContain": ""}), "at least 1 character"),
        (asserting({"exact": {"path": "answer", "value": 1}}), "exact.path"),
        (asserting({"schema": {"type": "objekt"}}), "not a JSON Schema"),
        (asserting({"schema": {"$ref": "https://example.invalid/x"}}), "nothing is fetched"),
        (asserting({"schema": {"items": {"$ref": "other.json"}}}), "nothing is fetched"),
        (asserting({"schema": {"$id": "https://example.invalid/x"}}), "$id is not supported"),
        (asserting({"schema": {"patternProperties": {"(a+)+$": {}}}}), "patternProperties"),
        (asserting({"schema": {"pattern": "(?<x"}}), "RE2 syntax"),
    ],
)
def test_a_fault_is_named_with_its_place(raw: Json, told: str) -> None:
    with pytest.raises(GoldenSetError, match=r".") as refused:
        parse(json.dumps(raw))
    assert told in str(refused.value)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cases: [", "is no YAML"),
        ('{"version": 1,', "is no JSON"),
        ("version: 1\ncases:\n- {name: one, input: 2026-11-21}", "put it in quotes"),
        ("version: 1\ncases:\n- {name: one, input: .nan}", "put it in quotes"),
        ("version: 1\n1: x", "is no text"),
        ("!!python/object/apply:os.getcwd []", "is no YAML"),
        ("- 1", "the golden set: "),
        ("[" * 100_000, "more than 64 levels"),
        ("- " * 100_000 + "x", "more than 64 levels"),
        ("[" * 100_000 + "]" * 100_000, "more than 64 levels"),
        ('{"a": ' * 65 + "1" + "}" * 65, "more than 64 levels"),
        ("a: &a [*a]", "more than"),
        ('{"a": ' * 5000, "cannot be read"),
        ("x" * (512 * 1024 + 1), "the limit is 524,288"),
    ],
)
def test_what_is_no_golden_set_at_all_is_said_to_be_none(text: str, told: str) -> None:
    with pytest.raises(GoldenSetError) as refused:
        parse(text)
    assert told in str(refused.value)


def test_aliases_that_multiply_are_counted_not_expanded() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    with pytest.raises(GoldenSetError, match="more than 100,000 values"):
        parse(f"l0: &l0 [x, x, x]\n{levels}\n")


def test_the_largest_number_of_cases_is_two_hundred() -> None:
    cases = [a_set()["cases"][0] | {"name": f"c{n}"} for n in range(201)]
    assert len(parse(json.dumps(a_set(cases=cases[:200]))).cases) == 200
    with pytest.raises(GoldenSetError, match="at most 200"):
        parse(json.dumps(a_set(cases=cases)))


def test_a_set_must_have_the_cases_and_tags_that_spec_asks_for() -> None:
    golden = parse(YAML)
    require(golden, min_cases=2, tags=["edge"])
    with pytest.raises(GoldenSetError, match="it has 2 cases, minCases is 10"):
        require(golden, min_cases=10, tags=[])
    with pytest.raises(GoldenSetError, match="no case is tagged privacy, fairness"):
        require(golden, min_cases=1, tags=["edge", "privacy", "fairness"])


def test_an_expression_that_explodes_elsewhere_is_read_in_time() -> None:
    (case,) = parse(json.dumps(asserting({"regex": "(a+)+$"}))).cases
    (assertion,) = case.assertions
    assert isinstance(assertion, Matches)
    began = time.process_time()
    assert not assertion.expression.search("a" * 30 + "!")
    assert time.process_time() - began < 1
