"""The retrieval index: article vectors and cosine top-k.

Decides which articles are near a query vector. It trusts the caller to encode the query with the
embedding the index was built with, as vector stores do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.demo.corpus import Article
from examples.demo.embedding import Embedding, Vector


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved article: its position in the corpus and the cosine with the query."""

    position: int
    cosine: float


class VectorIndex:
    """Unit vectors of all articles, in corpus order."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """`vectors`: (articles, dimensions), rows of length 1."""
        self._vectors = vectors

    @classmethod
    def build(
        cls, articles: Sequence[Article], embedding: Embedding, *, title_weight: int
    ) -> VectorIndex:
        """Encode every article, its title repeated `title_weight` times (0: body only)."""
        texts = [" ".join([a.title] * title_weight + list(a.sentences)) for a in articles]
        return cls(np.stack([embedding.encode(text) for text in texts]))

    def search(self, query: Vector, top: int) -> tuple[Hit, ...]:
        """The `top` articles nearest to the query, nearest first."""
        cosines = self._vectors @ query
        nearest = np.argsort(-cosines, kind="stable")[:top]
        return tuple(Hit(int(p), float(cosines[p])) for p in nearest)

    def cosines(self, query: Vector) -> tuple[Hit, ...]:
        """Every article, in corpus order."""
        return tuple(Hit(p, float(c)) for p, c in enumerate(self._vectors @ query))
