"""The support articles of Alder Lane, a fictional shop for outdoor gear, and labelled questions.

Decides what the application may know: 34 topics in English and German, three sentences each, with
one training question and three everyday questions per article. It reads one JSON file, no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from examples.demo.language import Language

DATA = Path(__file__).resolve().parent / "data"
LANGUAGES: tuple[Language, ...] = ("en", "de")


@dataclass(frozen=True, slots=True)
class Article:
    """One support article; `id` is `<topic>.<language>`."""

    id: str
    language: Language
    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join((self.title, *self.sentences))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question with the article and the sentence (0-based) that answer it."""

    question: str
    article: str
    sentence: int


@cache
def _topics() -> list[dict[str, Any]]:
    topics: list[dict[str, Any]] = json.loads((DATA / "topics.json").read_text("utf-8"))
    return topics


def _entries() -> Iterator[tuple[str, Language, dict[str, Any]]]:
    for topic in _topics():
        for language in LANGUAGES:
            yield f"{topic['topic']}.{language}", language, topic[language]


@cache
def articles() -> tuple[Article, ...]:
    """All articles, in file order."""
    return tuple(
        Article(id=key, language=language, title=entry["title"], sentences=tuple(entry["body"]))
        for key, language, entry in _entries()
    )


def _labelled(kind: str) -> tuple[Labelled, ...]:
    return tuple(
        Labelled(question=question, article=key, sentence=sentence)
        for key, _, entry in _entries()
        for question, sentence in entry[kind]
    )


@cache
def training_questions() -> tuple[Labelled, ...]:
    """The questions the model learns from; none of them is part of the load."""
    return _labelled("train")


@cache
def everyday_questions() -> tuple[Labelled, ...]:
    """The questions customers ask; the model never saw them."""
    return _labelled("ask")
