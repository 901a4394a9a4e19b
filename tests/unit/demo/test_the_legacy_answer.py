"""The legacy logic and what customers get when a release fails.

Decides that a customer always gets an answer of the schema, whatever the flag carries.
"""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from examples.client.goaround_client import Reply, SessionRelease
from examples.demo.catalogue import Catalogue
from examples.demo.fallback import legacy_answer
from examples.demo.questions import question_bank
from examples.demo.schema import SchemaViolation, check_output
from examples.demo.service import FlagSource, asking, joined
from tests.unit.demo.builders import FEATURE, NAMESPACE, STABLE_DIGEST, payload

CLIENT = joined(FlagSource(NAMESPACE, FEATURE, "127.0.0.1", 1), CollectorRegistry())
ASK = asking(Catalogue())
ODD = ["", "?", '"', "\n\n", "{}", "ß" * 2000, "<answer as text>", "\x00"]


def reply_to(question: str, value: dict[str, object]) -> Reply:
    """What a user of the release in `value` gets."""
    session = SessionRelease("user-1", "stable", "stable", "b00", value)
    return CLIENT.answer(session, {"user": "user-1", "question": question}, ASK)


@pytest.mark.parametrize("question", ODD)
def test_the_legacy_answer_is_valid_for_odd_questions(question: str) -> None:
    answer = legacy_answer(question)
    assert check_output(answer.model_dump_json()) == answer


def test_the_legacy_answer_is_valid_for_the_whole_question_bank() -> None:
    for question in question_bank():
        answer = legacy_answer(question.text)
        assert check_output(answer.model_dump_json()) == answer


@pytest.mark.parametrize("question", ODD[1:])
def test_a_good_release_keeps_the_schema_for_odd_questions(question: str) -> None:
    reply = reply_to(question, payload())
    assert reply.result in ("ok", "unsupported")
    assert reply.served_by == "release"


@pytest.mark.parametrize(
    "broken",
    [
        payload(model="2027-01-01"),
        payload(parameters={"topK": "many"}),
        {"enabled": True, "release": STABLE_DIGEST},
        {"enabled": True, "release": "x\r\ny: z"},
    ],
    ids=["unknown version", "bad parameter", "no parts", "bad digest"],
)
def test_a_release_that_cannot_be_loaded_serves_the_legacy_answer(
    broken: dict[str, object],
) -> None:
    reply = reply_to("How long does the refund take?", broken)
    assert reply.result == "error"
    assert reply.served_by == "CodeDefault"
    assert reply.output == legacy_answer("How long does the refund take?").model_dump()


def test_a_schema_error_serves_the_legacy_answer_and_blames_the_release() -> None:
    question = 'I read "Refunds" on your site. How long does the refund take?'
    reply = reply_to(question, payload(prompt="v43-bad"))
    assert reply.result == "schema_error"
    assert reply.session.release == STABLE_DIGEST
    assert reply.output == legacy_answer(question).model_dump()


def test_parameters_may_be_strings_and_steer_the_release() -> None:
    strict = payload(parameters={"minConfidence": "0.99", "topK": "1"})
    reply = reply_to("How much does express cost?", strict)
    assert reply.result == "unsupported"
    assert len(reply.output["sources"]) == 1


@pytest.mark.parametrize(
    "raw",
    [
        '{"answer": "a "quoted" word", "sources": [], "confidence": 1.0, "language": "en"}',
        '{"answer": "a", "sources": [], "confidence": 1.0}',
        '{"answer": "a", "sources": [], "confidence": 1.2, "language": "en"}',
        '{"answer": "a", "sources": [], "confidence": 1.0, "language": "fr"}',
        '{"answer": "a", "sources": [], "confidence": 1.0, "language": "en", "more": 1}',
        '{"answer": "", "sources": [], "confidence": 1.0, "language": "en"}',
        "Sure! Here is your JSON.",
    ],
)
def test_an_output_off_the_schema_is_a_violation(raw: str) -> None:
    with pytest.raises(SchemaViolation):
        check_output(raw)
