"""Words, language and parts of a question.

Decides how text is cut into comparable words, whether it is English or German, and which
questions a customer asked at once. It refuses to understand anything: that is the model's work.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Language = Literal["en", "de"]

_WORD = re.compile(r"[a-zäöüß0-9]+")
_PART_END = re.compile(r"(?<=\?)\s+|\n+")
_STEM_LETTERS = 6
_MIN_WORDS_OF_A_PART = 3
_ENGLISH = frozenset(
    _WORD.findall(
        "the is are do does i my you your how what when where which can to of for a an in on at it "
        "and or if not have has from with this that be by will me we our any much many long there"
    )
)
_GERMAN = frozenset(
    _WORD.findall(
        "der die das ist sind ich mein meine meinen meiner mir mich ihr euch sie wie was wann wo "
        "welche welcher welchem kann zu von für ein eine einen einem einer in im auf an am es und "
        "oder wenn nicht habe hat aus mit dem den des bei beim zum zur wird wir uns viel viele "
        "lange gibt womit warum wohin nach auch noch schon"
    )
)
_STOP = _ENGLISH | _GERMAN


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Lower-case words without stop words, each cut to its first six letters, in order.

    Cutting is the poor man's stemming that serves both languages alike.
    """
    return tuple(w[:_STEM_LETTERS] for w in _WORD.findall(text.lower()) if w not in _STOP)


def detect_language(text: str) -> Language:
    """German if German function words and umlauts outnumber English ones; English on a tie."""
    found = _WORD.findall(text.lower())
    german = sum(w in _GERMAN for w in found) + sum(c in "äöüß" for c in text.lower())
    english = sum(w in _ENGLISH for w in found)
    return "de" if german > english else "en"


def split_parts(question: str) -> tuple[str, ...]:
    """The separate questions of one message; never empty.

    A part ends at a question mark followed by space, or at a line break. Pieces of fewer than
    three words ("Two questions:") are no questions.
    """
    pieces = [piece.strip() for piece in _PART_END.split(question)]
    parts = tuple(p for p in pieces if len(_WORD.findall(p.lower())) >= _MIN_WORDS_OF_A_PART)
    return parts or (question,)
