"""The legacy logic and what customers get when a release fails.

Decides that a customer always gets an answer of the schema, whatever the flag carries.
"""

from __future__ import annotations

import pytest

from examples.demo.answerer import Result
from examples.demo.catalogue import Catalogue
from examples.demo.fallback import legacy_answer
from examples.demo.questions import question_bank
from examples.demo.schema import SchemaViolation, check_output
from examples.demo.service import reply_to
from tests.unit.demo.builders import STABLE_DIGEST, payload

CATALOGUE = Catalogue()
ODD = ["", "?", '"', "\n\n", "{}", "ß" * 2000, "<answer as text>", "\x00"]


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
    reply = reply_to(question, payload(), CATALOGUE)
    assert reply.result in (Result.OK, Result.UNSUPPORTED)
    assert not reply.is_legacy


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
    reply = reply_to("How long does the refund take?", broken, CATALOGUE)
    assert reply.result is Result.ERROR
    assert reply.is_legacy
    assert reply.answer == legacy_answer("How long does the refund take?")


def test_a_schema_error_serves_the_legacy_answer_and_blames_the_release() -> None:
    question = 'I read "Refunds" on your site. How long does the refund take?'
    reply = reply_to(question, payload(prompt="v43-bad"), CATALOGUE)
    assert reply.result is Result.SCHEMA_ERROR
    assert reply.release == STABLE_DIGEST
    assert reply.answer == legacy_answer(question)


def test_parameters_may_be_strings_and_steer_the_release() -> None:
    strict = payload(parameters={"minConfidence": "0.99", "topK": "1"})
    reply = reply_to("How much does express cost?", strict, CATALOGUE)
    assert reply.result is Result.UNSUPPORTED
    assert len(reply.answer.sources) == 1


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
