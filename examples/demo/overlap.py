"""How much of a question's words a text contains: exactly (cheap) or by similarity (dear).

Decides the one feature that makes a model fast or slow, and counts the word comparisons it took, so
that a test can tell work from time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import lru_cache


def rarity(texts: Iterable[frozenset[str]]) -> dict[str, float]:
    """Inverse document frequency of every word, in nats; at least 0.1."""
    documents = list(texts)
    counts: dict[str, int] = {}
    for document in documents:
        for word in document:
            counts[word] = counts.get(word, 0) + 1
    return {word: max(0.1, math.log(len(documents) / n)) for word, n in counts.items()}


class Overlap(ABC):
    """Share of the question's weight found in a text, 0 to 1; rare words weigh more."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        # A word no article uses cannot be answered, but must not drown the words that can.
        self._unknown = sum(weights.values()) / max(1, len(weights)) / 2
        self.comparisons = 0

    def share(self, question: tuple[str, ...], text: frozenset[str]) -> float:
        """Weighted mean over the question's words of how well the text holds each; 0 if none."""
        total = found = 0.0
        for word in question:
            weight = self._weights.get(word, self._unknown)
            total += weight
            found += weight * self._best_match(word, text)
        return found / total if total else 0.0

    @abstractmethod
    def _best_match(self, word: str, text: frozenset[str]) -> float:
        """How well the text holds the word, 0 to 1; adds the comparisons it took."""


class ExactOverlap(Overlap):
    """A word counts when the same (cut) word stands in the text: one look-up."""

    def _best_match(self, word: str, text: frozenset[str]) -> float:
        self.comparisons += 1
        return float(word in text)


class SoftOverlap(Overlap):
    """Late interaction: the best likeness among all words of the text counts."""

    def _best_match(self, word: str, text: frozenset[str]) -> float:
        self.comparisons += len(text)
        return max((_likeness(word, other) for other in text), default=0.0)


@lru_cache(maxsize=8192)
def _letters(word: str) -> frozenset[str]:
    """Pairs and triples of letters, the edges of the word included."""
    padded = f" {word} "
    return frozenset(padded[n : n + k] for k in (2, 3) for n in range(len(padded) - k + 1))


def _likeness(one: str, other: str) -> float:
    """Dice coefficient of pairs and triples, squared so that chance likeness stays small."""
    a, b = _letters(one), _letters(other)
    dice = 2 * len(a & b) / (len(a) + len(b))
    return dice * dice
