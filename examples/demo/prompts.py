"""Prompts: how the answer is to be worded and written down.

Decides what a prompt text asks for and obeys it to the letter, as a language model does: if the
format puts a value between quotes as plain text, quotes in that value end the string. It refuses
to repair anything; checking the output is the next room's work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from examples.demo.corpus import DATA
from examples.demo.language import Language

_SLOT = re.compile(r"<(question|answer|sources|confidence|language) as (json|text)>")
_LENGTH = re.compile(r"^Length: at most (\d+) sentences?\.$", re.MULTILINE)
_SOURCES = re.compile(r"^Sources: at most (\d+)\.$", re.MULTILINE)
_THANKS: dict[Language, str] = {"en": "Thank you for asking.", "de": "Danke für Ihre Frage."}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model has to say to one part of a question."""

    question: str
    sentences: tuple[str, ...]
    sources: tuple[str, ...]
    confidence: float
    language: Language


@dataclass(frozen=True, slots=True)
class Prompt:
    """The instructions of one prompt version."""

    max_sentences: int
    max_sources: int
    is_friendly: bool
    answers_parts_apart: bool
    form: str


def parse_prompt(text: str) -> Prompt:
    """Read the instructions of a prompt; its last line is the output format."""
    length, sources = _LENGTH.search(text), _SOURCES.search(text)
    return Prompt(
        max_sentences=int(length.group(1)) if length else 1,
        max_sources=int(sources.group(1)) if sources else 3,
        is_friendly="Tone: friendly." in text,
        answers_parts_apart="answer each part of a question on its own" in text,
        form=text.strip().splitlines()[-1],
    )


@cache
def prompt_versions() -> dict[str, str]:
    """Every prompt text in the repository, by version."""
    files = sorted((DATA / "prompts").glob("*.txt"))
    return {file.stem: file.read_text("utf-8") for file in files}


def write_output(prompt: Prompt, question: str, drafts: Sequence[Draft]) -> str:
    """The raw output for one question: the prompt's format with the drafts written in.

    One object for all parts together, or one per part if the prompt asks for that.
    """
    if prompt.answers_parts_apart:
        return "\n".join(_fill(prompt, draft) for draft in drafts)
    return _fill(prompt, _merge(question, drafts))


def _merge(question: str, drafts: Sequence[Draft]) -> Draft:
    """One draft of several; as sure as its least sure part."""
    ranks = max(len(draft.sources) for draft in drafts)
    interleaved = [d.sources[n] for n in range(ranks) for d in drafts if n < len(d.sources)]
    return Draft(
        question=question,
        sentences=tuple(dict.fromkeys(s for d in drafts for s in d.sentences)),
        sources=tuple(dict.fromkeys(interleaved)),
        confidence=min(draft.confidence for draft in drafts),
        language=drafts[0].language,
    )


def _fill(prompt: Prompt, draft: Draft) -> str:
    thanks = (_THANKS[draft.language],) if prompt.is_friendly else ()
    values: dict[str, object] = {
        "question": draft.question,
        "answer": " ".join((*thanks, *draft.sentences)),
        "sources": list(draft.sources[: prompt.max_sources]),
        "confidence": round(draft.confidence, 3),
        "language": draft.language,
    }

    def written(slot: re.Match[str]) -> str:
        value = values[slot.group(1)]
        as_json = slot.group(2) == "json"
        return json.dumps(value, ensure_ascii=False) if as_json else str(value)

    return _SLOT.sub(written, prompt.form)
