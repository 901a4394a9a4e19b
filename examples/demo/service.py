"""What a customer gets for one question on one arm.

Decides between the release's answer and the legacy one: whatever fails, the customer still gets a
valid answer, and the result says what failed. It counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from examples.demo.answerer import Result
from examples.demo.catalogue import Catalogue, Release, UnknownVersion
from examples.demo.fallback import legacy_answer
from examples.demo.schema import Answer

FALLBACK_DIGEST = "fallback"
UNREADABLE_DIGEST = "unreadable"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer served; `release` is the digest that was asked, whoever answered in the end."""

    answer: Answer
    result: Result
    release: str
    is_legacy: bool


def reply_to(question: str, payload: Mapping[str, object] | None, catalogue: Catalogue) -> Reply:
    """Answer with the release in `payload`; `None` means the legacy logic is what shall serve."""
    if payload is None:
        return Reply(legacy_answer(question), Result.OK, FALLBACK_DIGEST, is_legacy=True)
    try:
        release = Release.model_validate(payload)
    except ValidationError:
        return Reply(legacy_answer(question), Result.ERROR, UNREADABLE_DIGEST, is_legacy=True)
    try:
        outcome = catalogue.answerer(release).answer(question)
    except UnknownVersion:
        return Reply(legacy_answer(question), Result.ERROR, release.release, is_legacy=True)
    if outcome.answer is None:
        return Reply(legacy_answer(question), outcome.result, release.release, is_legacy=True)
    return Reply(outcome.answer, outcome.result, release.release, is_legacy=False)
