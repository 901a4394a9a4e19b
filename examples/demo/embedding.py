"""Two text embeddings of the same width, one of which the query encoder of the model uses.

Decides how text becomes a unit vector. It does not check who compares which vectors: that vectors
of two embeddings have the same width and mean nothing to each other is what the broken index shows.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from examples.demo.language import words

Vector = NDArray[np.float32]
DIMENSIONS = 96
_HASH_SIZE = 4096
_GRAM_LENGTHS = (3, 4, 5)


class Embedding(Protocol):
    """Text to a unit vector of `DIMENSIONS` numbers (zero if nothing is known of the text)."""

    def encode(self, text: str) -> Vector: ...


def _grams(text: str) -> list[int]:
    """Hashed character n-grams within padded words; crc32, because `hash` differs per process."""
    padded = [f" {word} " for word in words(text)]
    return [
        zlib.crc32(word[start : start + length].encode()) % _HASH_SIZE
        for word in padded
        for length in _GRAM_LENGTHS
        for start in range(len(word) - length + 1)
    ]


def _counts(text: str) -> Vector:
    counts = np.bincount(np.asarray(_grams(text), dtype=np.int64), minlength=_HASH_SIZE)
    return counts.astype(np.float32)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0 else vector


class NgramLsa:
    """Latent semantic analysis: TF-IDF of character n-grams, projected on the leading SVD axes."""

    def __init__(self, idf: Vector, axes: NDArray[np.float32]) -> None:
        """`idf`: (hash size,); `axes`: (hash size, dimensions)."""
        self._idf = idf
        self._axes = axes

    @classmethod
    def fit(cls, texts: Sequence[str]) -> NgramLsa:
        """Learn weights and axes from `texts`; needs more texts than `DIMENSIONS`."""
        counts = np.stack([_counts(text) for text in texts])
        idf = np.log((1 + len(texts)) / (1 + np.count_nonzero(counts, axis=0))).astype(np.float32)
        weighted = np.log1p(counts) * idf
        weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
        # The SVD of few texts over many n-grams, by the eigenvectors of the small Gram matrix.
        strengths, sides = np.linalg.eigh(weighted @ weighted.T)
        leading = np.argsort(-strengths)[:DIMENSIONS]
        axes = weighted.T @ (sides[:, leading] / np.sqrt(strengths[leading]))
        return cls(idf, np.ascontiguousarray(axes, dtype=np.float32))

    def encode(self, text: str) -> Vector:
        grams = _grams(text)
        if not grams:
            return np.zeros(DIMENSIONS, dtype=np.float32)
        slots, counts = np.unique(np.asarray(grams), return_counts=True)
        weights = np.log1p(counts).astype(np.float32) * self._idf[slots]
        return _unit(weights @ self._axes[slots])


class WordProjection:
    """Whole words, each a fixed pseudo-random direction, summed."""

    def encode(self, text: str) -> Vector:
        total = np.zeros(DIMENSIONS, dtype=np.float32)
        for word in words(text):
            direction = np.random.default_rng(zlib.crc32(word.encode()))
            total += direction.standard_normal(DIMENSIONS, dtype=np.float32)
        return _unit(total)
