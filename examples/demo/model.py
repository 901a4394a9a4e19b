"""The answer model: ranks articles and their sentences by learned weights.

Decides which article answers a question, which of its sentences say so, and how sure that is. Two
logistic regressions are fitted at start-up on the labelled training questions; nothing is random.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.demo.corpus import Article, Labelled
from examples.demo.embedding import Embedding
from examples.demo.index import Hit, VectorIndex
from examples.demo.language import detect_language, words
from examples.demo.overlap import Overlap

Weights = NDArray[np.float64]
Features = tuple[float, ...]
_TRAINING_HITS = 12
_RIDGE = 0.05
_NEWTON_STEPS = 25


@dataclass(frozen=True, slots=True)
class Ranked:
    """One article with the probability that it answers, and its sentences, best first."""

    article: Article
    probability: float
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    words: tuple[str, ...]
    vector: NDArray[np.float32]
    language: str


class Library:
    """The articles as the model reads them: words and sentence vectors, prepared once."""

    def __init__(self, articles: Sequence[Article], encoder: Embedding) -> None:
        self.articles = tuple(articles)
        self.encoder = encoder
        self.titles = [frozenset(words(a.title)) for a in articles]
        self.bodies = [frozenset(words(a.text)) for a in articles]
        self.sentences = [[frozenset(words(s)) for s in a.sentences] for a in articles]
        self.vectors = [np.stack([encoder.encode(s) for s in a.sentences]) for a in articles]

    def question(self, text: str) -> _Question:
        return _Question(words(text), self.encoder.encode(text), detect_language(text))


def fit_logistic(features: Sequence[Features], labels: Sequence[bool]) -> Weights:
    """Ridge-penalised logistic regression by Newton's method; the first feature is the constant."""
    x = np.asarray(features, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    penalty = np.full(x.shape[1], _RIDGE)
    penalty[0] = 1e-6
    weights = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        gradient = x.T @ (y - p) - penalty * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        weights = weights + np.linalg.solve(hessian, gradient)
    return weights


def _probability(weights: Weights, features: Features) -> float:
    score = sum(w * f for w, f in zip(weights.tolist(), features, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


class AnswerModel:
    """Weights plus a way of comparing words.

    `exhaustive` ranks every sentence of every article instead of the index's shortlist.
    """

    def __init__(self, library: Library, overlap: Overlap, *, exhaustive: bool) -> None:
        self._library = library
        self._overlap = overlap
        self._exhaustive = exhaustive
        self._article_weights: Weights = np.zeros(6)
        self._sentence_weights: Weights = np.zeros(3)

    @property
    def comparisons(self) -> int:
        """Word comparisons done since the model was made: the measure of its work."""
        return self._overlap.comparisons

    def train(self, questions: Sequence[Labelled], index: VectorIndex) -> None:
        """Fit both regressions on labelled questions and the shortlists of `index`."""
        article_rows: list[tuple[Features, bool]] = []
        sentence_rows: list[tuple[Features, bool]] = []
        for labelled in questions:
            question = self._library.question(labelled.question)
            for hit in index.search(question.vector, _TRAINING_HITS):
                is_right = self._library.articles[hit.position].id == labelled.article
                article_rows.append((self._article_features(question, hit), is_right))
                if is_right:
                    rows = enumerate(self._sentence_features(question, hit.position))
                    sentence_rows += [(f, n == labelled.sentence) for n, f in rows]
        self._article_weights = fit_logistic(*zip(*article_rows, strict=True))
        self._sentence_weights = fit_logistic(*zip(*sentence_rows, strict=True))

    def adopt(self, other: AnswerModel) -> None:
        """Take over the weights of a trained model."""
        self._article_weights = other._article_weights
        self._sentence_weights = other._sentence_weights

    def rank(self, text: str, index: VectorIndex, top: int) -> tuple[Ranked, ...]:
        """The articles that may answer `text`, most probable first; at most `top` of them."""
        question = self._library.question(text)
        everything = self._exhaustive
        hits = index.cosines(question.vector) if everything else index.search(question.vector, top)
        ranked = sorted((self._ranked(question, hit) for hit in hits), key=lambda r: -r.probability)
        return tuple(ranked[:top])

    def _ranked(self, question: _Question, hit: Hit) -> Ranked:
        probability = _probability(self._article_weights, self._article_features(question, hit))
        article = self._library.articles[hit.position]
        features = self._sentence_features(question, hit.position)
        scores = [_probability(self._sentence_weights, f) for f in features]
        order = sorted(range(len(scores)), key=lambda n: -scores[n])
        return Ranked(article, probability, tuple(article.sentences[n] for n in order))

    def _article_features(self, question: _Question, hit: Hit) -> Features:
        library = self._library
        nearest_sentence = float((library.vectors[hit.position] @ question.vector).max())
        return (
            1.0,
            hit.cosine,
            nearest_sentence,
            self._overlap.share(question.words, library.titles[hit.position]),
            self._overlap.share(question.words, library.bodies[hit.position]),
            float(library.articles[hit.position].language == question.language),
        )

    def _sentence_features(self, question: _Question, position: int) -> list[Features]:
        cosines = (self._library.vectors[position] @ question.vector).tolist()
        return [
            (1.0, cosine, self._overlap.share(question.words, sentence))
            for cosine, sentence in zip(cosines, self._library.sentences[position], strict=True)
        ]
