"""The question bank of the load: plain, quoted and multi-part questions in two languages.

Decides what customers ask and how often each kind occurs. The bank is the same in every run; which
question comes next is the caller's draw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from examples.demo.corpus import Article, Labelled, articles, everyday_questions


class Kind(StrEnum):
    """What is special about the way a question is written."""

    PLAIN = "plain"
    QUOTED = "quoted"
    MULTI_PART = "multi-part"


# Shares of the load; people quote the site and ask two things at once about this often.
MIX: dict[Kind, float] = {Kind.PLAIN: 0.74, Kind.QUOTED: 0.13, Kind.MULTI_PART: 0.13}


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """One message of a customer and the articles that answer it."""

    kind: Kind
    text: str
    articles: tuple[str, ...]


@cache
def question_bank() -> tuple[BankQuestion, ...]:
    """Every message of the bank, plain ones first."""
    plain = everyday_questions()
    by_id = {article.id: article for article in articles()}
    quoted = [_quoted(q, by_id[q.article], n) for n, q in enumerate(plain)]
    multi = [_multi_part(q, _partner(plain, n), n) for n, q in enumerate(plain)]
    return (*(BankQuestion(Kind.PLAIN, q.question, (q.article,)) for q in plain), *quoted, *multi)


def draw(rng: random.Random) -> BankQuestion:
    """One message, kinds in the shares of `MIX`."""
    kind = rng.choices(list(MIX), weights=list(MIX.values()))[0]
    return rng.choice(_of_kind(kind))


@cache
def _of_kind(kind: Kind) -> Sequence[BankQuestion]:
    return [q for q in question_bank() if q.kind is kind]


def _is_german(article: str) -> bool:
    return article.endswith(".de")


def _quoted(q: Labelled, article: Article, n: int) -> BankQuestion:
    """A question that quotes the site; one German writer in four uses typographic quotes."""
    if not _is_german(q.article):
        text = f'I read "{article.title}" on your site. {q.question}'
    elif n % 4 == 0:
        text = f"Auf der Seite steht „{article.title}“. {q.question}"
    else:
        text = f'Auf der Seite steht „{article.title}". {q.question}'
    return BankQuestion(Kind.QUOTED, text, (q.article,))


def _partner(plain: Sequence[Labelled], n: int) -> Labelled:
    """Another topic in the same language, a fixed distance down the list."""
    same = [q for q in plain if _is_german(q.article) == _is_german(plain[n].article)]
    return same[(same.index(plain[n]) + 37) % len(same)]


def _multi_part(first: Labelled, second: Labelled, n: int) -> BankQuestion:
    """Two questions in one message, in running text or as a list."""
    a, b = first.question, second.question
    german = _is_german(first.article)
    if n % 2:
        text = f"{'Zwei Fragen:' if german else 'Two questions:'}\n1. {a}\n2. {b}"
    else:
        text = f"{a} {'Und noch etwas:' if german else 'And one more thing:'} {b}"
    return BankQuestion(Kind.MULTI_PART, text, (first.article, second.article))
