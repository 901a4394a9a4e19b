"""What becomes of each kind of answer of a metrics provider."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.world.prom_decode import decode
from goaround.world.prometheus import Counts, FeatureKey, Kind, Labels, Unreadable
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    answered,
    healthy,
    matrix,
    reading,
    reason,
    row,
)

GOOD = Counts(total=100.0, bad=1.0)


def with_chat(*rows: dict[str, Any]) -> bytes:
    """Search is healthy, chat has `rows`."""
    form = {"start": str(ENDS[0]), "end": str(ENDS[-1]), "step": "10"}
    return matrix([*rows, *healthy(form, "search")])


def test_rows_become_counts_per_window_and_arm() -> None:
    chat, search = answered(
        with_chat(
            row("chat", [(1000, "10.5"), (1010, "2e1")]),
            row("chat", [(1010, "3")], part="bad"),
        )
    )
    assert chat == reading(Counts(total=10.5, bad=0.0), Counts(total=20.0, bad=3.0))
    assert search == reading(GOOD, GOOD)


def test_no_rows_are_windows_without_arms() -> None:
    chat, search = answered(with_chat())
    assert chat == reading(None, None)
    assert search == reading(GOOD, GOOD)


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
def test_what_is_not_an_amount_is_never_zero(text: str) -> None:
    chat, search = answered(with_chat(row("chat", [(1000, "1"), (1010, text)])))
    assert reason(chat) is Reason.NOT_A_NUMBER
    assert search == reading(GOOD, GOOD)


@pytest.mark.parametrize("text", ["-1", "", "1_0", " 1", "ten", "0x10", "1e999", "nan", "infinity"])
def test_what_is_not_a_count_costs_only_its_own_feature(text: str) -> None:
    chat, search = answered(with_chat(row("chat", [(1000, text)])))
    assert reason(chat) is Reason.BAD_ANSWER
    assert search == reading(GOOD, GOOD)


def test_more_bad_than_total_costs_only_its_own_feature() -> None:
    chat, search = answered(
        with_chat(row("chat", [(1000, "2")]), row("chat", [(1000, "3")], part="bad"))
    )
    assert chat == Unreadable(
        Reason.BAD_ANSWER,
        "provider default: 3 bad of 2 in all for stable in the window that ended at 1000; bad may "
        "not exceed total: check that total counts every event, bad ones included",
    )
    assert search == reading(GOOD, GOOD)


@pytest.mark.parametrize(
    "body",
    [b"<html>", matrix([], warnings=["half of it"]), matrix([{"metric": {}, "values": []}])],
    ids=["no answer", "a partial answer", "a row without labels"],
)
def test_a_fault_of_the_whole_answer_names_the_provider(body: bytes) -> None:
    for read in answered(body):
        assert isinstance(read, Unreadable)
        assert read.message.startswith("provider default: ")


def test_a_fault_in_one_features_rows_names_the_provider() -> None:
    chat, _ = answered(with_chat(row("chat", [(1000, "NaN")])))
    assert isinstance(chat, Unreadable)
    assert chat.message.startswith("provider default: a count is NaN")


def test_rounding_of_floats_is_not_more_bad_than_total() -> None:
    chat, _ = answered(
        with_chat(row("chat", [(1000, "0.3")]), row("chat", [(1000, "0.30000000000000004")], "bad"))
    )
    assert chat == reading(Counts(total=0.3, bad=0.3), None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("chat", [(1000, "1")]), row("chat", [(1000, "1")])], Reason.DUPLICATE),
        ([row("chat", [(1000, "1"), (1000, "1")])], Reason.DUPLICATE),
        ([row("chat", [(1000, "1"), (1020, "1")])], Reason.FUTURE),
        ([row("chat", [(1000, "1"), (9e15, "1")])], Reason.FUTURE),
        ([row("chat", [(990, "1")])], Reason.BAD_ANSWER),
        ([row("chat", [(1005, "1")])], Reason.BAD_ANSWER),
        ([row("chat", [(1000.5, "1")])], Reason.BAD_ANSWER),
        ([row("chat", [])], Reason.BAD_ANSWER),
        ([{**row("chat", []), "histograms": [[1000, {"count": "1"}]]}], Reason.BAD_ANSWER),
    ],
)
def test_rows_that_lie_cost_only_their_own_feature(
    rows: list[dict[str, Any]], expected: Reason
) -> None:
    chat, search = answered(with_chat(*rows))
    assert reason(chat) is expected
    assert search == reading(GOOD, GOOD)


def test_rows_that_nobody_asked_for_are_passed_over() -> None:
    other_variant = row("chat", [(1000, "NaN")])
    other_variant["metric"]["ai_variant"] = "golden"
    chat, search = answered(with_chat(row("other", [(1000, "NaN")]), other_variant))
    assert chat == reading(None, None)
    assert search == reading(GOOD, GOOD)


@pytest.mark.parametrize(
    "body",
    [
        with_chat()[:-20],
        b"",
        b"<html>",
        b"[" * 100_000,
        b"null",
        json.dumps({"status": "error", "errorType": "execution", "error": "boom"}).encode(),
        json.dumps({"status": "success"}).encode(),
        matrix([]).replace(b"matrix", b"vector"),
        matrix([{"metric": {}, "values": []}]),
        matrix([{"metric": {"namespace": 1}, "values": []}]),
        matrix([row("chat", []) | {"values": [[1000, 1]]}]),
        matrix([row("chat", []) | {"values": [["1000", "1"]]}]),
        matrix([row("chat", []) | {"values": [[1000, "1", "2"]]}]),
        matrix([row("chat", []) | {"values": {}}]),
    ],
)
def test_an_answer_that_is_not_a_matrix_is_no_reading(body: bytes) -> None:
    assert [reason(r) for r in answered(body)] == [Reason.BAD_ANSWER] * 2


def test_an_answer_with_warnings_may_be_partial_and_is_no_reading() -> None:
    assert [reason(r) for r in answered(matrix([], warnings=["store down"]))] == [
        Reason.PARTIAL
    ] * 2


def test_notes_of_prometheus_that_are_no_warnings_do_no_harm() -> None:
    assert answered(matrix([], infos=["PromQL info"])) == [reading(None, None)] * 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(values=json_values, metric=json_values, more=json_values, kind=st.sampled_from(list(Kind)))
def test_no_answer_raises(values: object, metric: object, more: object, kind: Kind) -> None:
    rows = [{"metric": metric, "values": []}, row("chat", []) | {"values": values}]
    for result in (rows, rows[1:], values):
        data = {"resultType": "matrix", "result": result}
        body = json.dumps({"status": "success", "data": data, "warnings": more}).encode()
        answer = decode(
            body,
            labels=Labels(),
            features=[CHAT],
            variants=("stable",),
            ends=range(1000, 1011, 10),
            shape=replace(SHAPE, kind=kind),
        )
        assert isinstance(answer, Unreadable) or answer.keys() == {FeatureKey("shop", "chat")}
