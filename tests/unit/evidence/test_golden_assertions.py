"""What an answer must be, decided exactly, in bounded time, and without quoting it."""

import json
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.evidence.golden_assertions import MISSING, Answer, answer, at, broken, same
from goaround.evidence.golden_schema import compiled, fits
from goaround.evidence.golden_set import parse

SAID = answer(b'{"answer": "Your refund is on its way.", "score": 0.91, "tags": ["a", null]}')


def holds(assertion: Json, found: Answer = SAID) -> bool:
    case = {"name": "one", "input": 1, "assertions": [assertion]}
    golden = parse(json.dumps({"version": 1, "cases": [case]}))
    return broken(golden.cases[0].assertions, found) is None


@pytest.mark.parametrize(
    ("assertion", "wanted"),
    [
        ({"schema": {"required": ["answer", "score"]}}, True),
        ({"schema": {"required": ["other"]}}, False),
        ({"schema": {"properties": {"answer": {"pattern": "^Your "}}}}, True),
        ({"schema": {"properties": {"answer": {"pattern": "^My "}}}}, False),
        ({"exact": {"path": "/tags/0", "value": "a"}}, True),
        ({"exact": {"path": "/tags/1", "value": None}}, True),
        ({"exact": {"path": "/tags/2", "value": None}}, False),
        ({"exact": {"path": "/score", "value": 1}}, False),
        ({"regex": {"path": "/answer", "pattern": "re[f]und"}}, True),
        ({"regex": {"path": "/nothing", "pattern": ".*"}}, False),
        ({"regex": "score"}, True),
        ({"numeric": {"path": "/score", "value": 0.9, "tolerance": 0.02}}, True),
        ({"numeric": {"path": "/score", "value": 0.9, "tolerance": 0.001}}, False),
        ({"numeric": {"path": "/answer", "value": 0.9}}, False),
        ({"mustContain": "refund"}, True),
        ({"mustContain": {"path": "/answer", "text": "score"}}, False),
        ({"mustNotContain": "guarantee"}, True),
        ({"mustNotContain": "refund"}, False),
        ({"mustNotContain": {"path": "/nothing", "text": "x"}}, False),
    ],
)
def test_an_assertion_holds_exactly_where_it_says_so(assertion: Json, wanted: bool) -> None:
    assert holds(assertion) is wanted


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'{"a":']
)
def test_what_is_no_json_has_only_text(body: bytes) -> None:
    found = answer(body)
    assert found.value is MISSING
    assert not holds({"schema": {}}, found)
    assert holds({"mustNotContain": "refund"}, found)


def test_an_answer_that_is_nested_to_no_purpose_holds_nothing() -> None:
    for depth in (100, 400, 900):
        found = answer(b"[" * depth + b"]" * depth)
        assert not holds({"exact": {"value": [[1]]}}, found)
        assert not holds({"mustContain": {"path": "/0", "text": "x"}}, found)


def test_numbers_are_equal_by_value_and_true_is_no_number() -> None:
    assert same({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same(1, True)
    assert not same([1], [1, 2])
    assert not holds({"numeric": {"value": 1}}, answer(b"true"))


@pytest.mark.parametrize(
    ("pointer", "wanted"),
    [("", {"a/b": {"~": [7]}}), ("/a~1b/~0/0", 7), ("/a~1b/~0/1", MISSING), ("/x/y", MISSING),
     ("/a~1b/~0/-", MISSING), ("/a~1b/~0/00000000000000000000", 7)],
)  # fmt: skip
def test_a_pointer_finds_what_it_names_or_nothing(pointer: str, wanted: Any) -> None:
    assert at({"a/b": {"~": [7]}}, pointer) == wanted


def test_the_first_kind_that_does_not_hold_is_named_and_nothing_of_the_answer() -> None:
    case = {"name": "one", "input": 1,
            "assertions": [{"mustContain": "refund"}, {"exact": {"value": "x"}}]}  # fmt: skip
    golden = parse(json.dumps({"version": 1, "cases": [case]}))
    assert broken(golden.cases[0].assertions, SAID) == "exact"


def test_a_local_reference_is_followed_and_may_lead_back_to_itself() -> None:
    tree = compiled({"$defs": {"t": {"type": "object", "additionalProperties": {
        "$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"})  # fmt: skip
    assert fits(tree, {"a": {"b": {}}})
    assert not fits(tree, {"a": {"b": 1}})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"$ref": "#/$defs/gone"}, 1),
        (
            {"$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
             | {"d40": {"type": "integer"}}, "$ref": "#/$defs/d0"},
            1,
        ),
        ({"uniqueItems": True}, [[n] for n in range(5000)]),
        ({"items": {"enum": ["x" * 1000] * 50}}, ["y"] * 5000),
    ],
)  # fmt: skip
def test_a_schema_that_never_ends_fits_nothing_and_ends(schema: Json, value: Any) -> None:
    assert not fits(compiled(schema), value)
