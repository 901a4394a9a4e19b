"""The schema of an answer, and the check every output passes before a customer sees it.

Decides what counts as a schema error. It refuses to guess what a broken output meant.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from examples.demo.language import Language

_MAX_ANSWER = 2000


class Answer(BaseModel):
    """What a customer gets; the contract of every release."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    answer: Annotated[str, StringConstraints(min_length=1, max_length=_MAX_ANSWER)]
    sources: list[str] = Field(max_length=10)
    confidence: float = Field(ge=0, le=1)
    language: Language


class SchemaViolation(ValueError):
    """The raw output is not one JSON object of the schema."""


def check_output(raw: str) -> Answer:
    """The answer written in `raw`; `SchemaViolation` with pydantic's reason otherwise."""
    try:
        return Answer.model_validate_json(raw)
    except ValidationError as error:
        raise SchemaViolation(error.errors()[0]["msg"]) from error
