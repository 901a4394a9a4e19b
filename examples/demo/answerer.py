"""One release at work: retrieve, rank, write as the prompt asks, check the output.

Decides how an answer came out: ok, unsupported (nothing retrieved carries it) or a schema error.
It counts nothing and serves nobody: the application does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from examples.demo.index import VectorIndex
from examples.demo.language import detect_language, split_parts
from examples.demo.model import AnswerModel
from examples.demo.prompts import Draft, Prompt, write_output
from examples.demo.schema import Answer, SchemaViolation, check_output


class Result(StrEnum):
    """How an answer came out; `error` is a release that could not be loaded."""

    OK = "ok"
    UNSUPPORTED = "unsupported"
    SCHEMA_ERROR = "schema_error"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result; no answer when the output broke the schema."""

    result: Result
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Run-time parameters of a release: shortlist length, and confidence below which an answer
    counts as unsupported."""

    top: int = 6
    min_confidence: float = 0.2


@dataclass(frozen=True, slots=True)
class Answerer:
    """Model, prompt, index and parameters of one release, loaded."""

    model: AnswerModel
    prompt: Prompt
    index: VectorIndex
    parameters: Parameters

    def answer(self, question: str) -> Outcome:
        """Answer one message, which may hold several questions."""
        drafts = [self._draft(part) for part in split_parts(question)]
        try:
            answer = check_output(write_output(self.prompt, question, drafts))
        except SchemaViolation:
            return Outcome(Result.SCHEMA_ERROR, None)
        is_supported = answer.confidence >= self.parameters.min_confidence
        return Outcome(Result.OK if is_supported else Result.UNSUPPORTED, answer)

    def _draft(self, part: str) -> Draft:
        ranked = self.model.rank(part, self.index, self.parameters.top)
        best = ranked[0]
        return Draft(
            question=part,
            sentences=best.sentences[: self.prompt.max_sentences],
            sources=tuple(r.article.id for r in ranked),
            confidence=best.probability,
            language=detect_language(part),
        )
