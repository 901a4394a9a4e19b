"""The demo's releases, good and bad, over the load's own mix of questions.

Decides that bad versions are bad by what they do and good ones are good. No wall-clock time is
asserted: work is counted in word comparisons.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from examples.demo.answerer import Answerer, Result
from examples.demo.catalogue import Catalogue, UnknownVersion
from examples.demo.corpus import everyday_questions, training_questions
from examples.demo.questions import BankQuestion, Kind, draw, question_bank
from tests.unit.demo.builders import release

CATALOGUE = Catalogue()
QUESTIONS = 600


def asked(number: int = QUESTIONS) -> list[BankQuestion]:
    rng = random.Random(20)
    return [draw(rng) for _ in range(number)]


def shares(answerer: Answerer) -> dict[Result, float]:
    counts = Counter(answerer.answer(q.text).result for q in asked())
    return {result: counts[result] / QUESTIONS for result in Result}


def recall(answerer: Answerer) -> float:
    """Share of labelled articles among the first three sources, single questions only."""
    single = [q for q in question_bank() if q.kind is not Kind.MULTI_PART]
    found = 0
    for question in single:
        answer = answerer.answer(question.text).answer
        found += answer is not None and question.articles[0] in answer.sources[:3]
    return found / len(single)


GOOD = [
    {},
    {"prompt": "v41", "index": "2026-10-05"},
    {"model": "2026-11-09", "prompt": "v43"},
]


@pytest.mark.parametrize("parts", GOOD, ids=str)
def test_a_good_release_hardly_ever_breaks_the_schema_or_lacks_support(
    parts: dict[str, str],
) -> None:
    result = shares(CATALOGUE.answerer(release(**parts)))
    assert result[Result.SCHEMA_ERROR] < 0.01
    assert result[Result.UNSUPPORTED] < 0.03


@pytest.mark.parametrize("parts", GOOD, ids=str)
def test_a_good_release_names_the_right_source_among_three(parts: dict[str, str]) -> None:
    assert recall(CATALOGUE.answerer(release(**parts))) > 0.8


def test_the_bad_prompt_breaks_the_schema_for_a_fifth_of_the_load() -> None:
    result = shares(CATALOGUE.answerer(release(prompt="v43-bad")))
    assert 0.15 <= result[Result.SCHEMA_ERROR] <= 0.30


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much does express cost?", Result.OK),
        ('I read "Express" on your site. How much does express cost?', Result.SCHEMA_ERROR),
        ("How much does express cost? Do you deliver to Norway?", Result.SCHEMA_ERROR),
        ("Auf der Seite steht „Express“. Was kostet Express?", Result.OK),
    ],
)
def test_the_bad_prompt_fails_by_the_form_of_the_question(question: str, expected: Result) -> None:
    bad = CATALOGUE.answerer(release(prompt="v43-bad"))
    assert [bad.answer(question).result for _ in range(3)] == [expected] * 3


def test_an_index_of_another_embedding_finds_the_wrong_articles_and_says_so() -> None:
    wrong = CATALOGUE.answerer(release(index="2026-11-27-otherembed"))
    good = shares(CATALOGUE.answerer(release()))[Result.UNSUPPORTED]
    result = shares(wrong)
    assert result[Result.UNSUPPORTED] > max(0.5, 10 * good)
    assert result[Result.SCHEMA_ERROR] == 0
    assert recall(wrong) < 0.3


def test_the_slow_model_does_more_than_ten_times_the_work_and_answers_as_well() -> None:
    fast = CATALOGUE.answerer(release())
    slow = CATALOGUE.answerer(release(model="2026-11-16-slow"))
    before = fast.model.comparisons, slow.model.comparisons
    questions = [q for q in asked(40) if q.kind is Kind.PLAIN]
    for question in questions:
        fast.answer(question.text)
    answers = [(question, slow.answer(question.text).answer) for question in questions]
    work_of_fast = fast.model.comparisons - before[0]
    assert slow.model.comparisons - before[1] > 10 * work_of_fast > 0
    assert all(answer and q.articles[0] in answer.sources for q, answer in answers)


def test_the_answer_is_in_the_language_of_the_question() -> None:
    answerer = CATALOGUE.answerer(release())
    for question in question_bank():
        answer = answerer.answer(question.text).answer
        assert answer is not None
        assert answer.language == question.articles[0].rpartition(".")[2]


def test_a_question_of_two_parts_gets_one_answer_with_the_sources_of_both() -> None:
    outcome = CATALOGUE.answerer(release()).answer(
        "Two questions:\n1. How much does express cost?\n2. How long is a gift card valid?"
    )
    assert outcome.answer is not None
    assert {"express-delivery.en", "gift-card.en"} <= set(outcome.answer.sources)
    assert "9.90" in outcome.answer.answer
    assert "three years" in outcome.answer.answer


def test_two_catalogues_train_the_same_model() -> None:
    one, other = Catalogue().answerer(release()), CATALOGUE.answerer(release())
    texts = [q.text for q in question_bank()[::7]]
    assert [one.answer(t) for t in texts] == [other.answer(t) for t in texts]


@pytest.mark.parametrize(
    "parts", [{"model": "2027-01-01"}, {"prompt": "../v42"}, {"index": "none"}], ids=str
)
def test_an_unknown_version_is_refused(parts: dict[str, str]) -> None:
    with pytest.raises(UnknownVersion):
        CATALOGUE.answerer(release(**parts))


def test_the_model_never_saw_the_questions_of_the_load() -> None:
    learned = {q.question for q in training_questions()}
    assert learned.isdisjoint(q.question for q in everyday_questions())
