"""Asking one query for many features, and finding the one that spoils it.

Decides how features are cut into queries, when a failed query is split in halves, and when to stop
because the provider itself is failing. Refuses to let one poisoned feature blind its neighbours,
and to hammer a provider that is down.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from goaround.world.prom_decode import decode
from goaround.world.prom_http import PrometheusHttp
from goaround.world.prom_types import (
    Provider,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
)
from goaround.world.promql import FeatureKey, count_expression, lookbacks, parse_selector

# Prometheus refuses more than 11,000 points per series.
_MAX_STEPS: Final = 1000
# Statuses that one heavy feature can cause in a query for many; 502 and 504 are a proxy's own.
_SPLITTABLE_STATUSES: Final = frozenset({413, 414, 422, 500, 503})
_SPLITTABLE_REASONS: Final = frozenset({UnreadableReason.TOO_LARGE, UnreadableReason.PARTIAL})
_OUTAGES: Final = frozenset({UnreadableReason.TIMEOUT, UnreadableReason.REFUSED})
# What the search in one chunk may cost, and how long it goes on while nothing at all succeeds.
_MAX_QUERIES: Final = 64
_MAX_QUERIES_WITHOUT_SUCCESS: Final = 15
_MAX_SUSPECTS: Final = 2000
# Generous sizes in an answer (head of a row; one point), to cut chunks that fit into `max_bytes`.
_ROW_BYTES: Final = 300
_POINT_BYTES: Final = 40
_PARTS: Final = 2

Answers = dict[FeatureKey, Read]


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks, but for the features: hashable, so that equal questions can be joined."""

    shape: Shape
    ends: range
    variants: tuple[str, ...]


class FeatureSearch:
    """Answers a question for any number of features, with at most `concurrency` queries at once."""

    def __init__(
        self, provider: Provider, http: PrometheusHttp, *, chunk: int, concurrency: int
    ) -> None:
        self._provider = provider
        self._http = http
        self._chunk = chunk
        self._turns = asyncio.Semaphore(concurrency)
        # Features whose query failed while their neighbours' succeeded: asked apart from then on,
        # so that a poisoned feature costs its neighbours one search, not one per pass.
        self._suspects: set[tuple[Shape, FeatureKey]] = set()
        self._outages = 0
        self._outage: Unreadable | None = None

    async def answers(self, question: Question, features: Collection[FeatureKey]) -> Answers:
        """A reading of all the asked windows, or why there is none, for every one of `features`.

        Raises `SelectorError` when the shape's selectors are refused.
        """
        found: Answers = {f: Readings(()) for f in features}
        for ends in _pieces(question.ends):
            # Whoever could not be read in one piece needs no reading of the next.
            left = [f for f, read in found.items() if isinstance(read, Readings)]
            piece = await self._piece(replace(question, ends=ends), left)
            for feature, read in piece.items():
                found[feature] = _joined(found[feature], read)
        return found

    async def _piece(self, question: Question, features: Collection[FeatureKey]) -> Answers:
        """Suspects go apart; neighbours in the alphabet go together, so that the poison of one
        namespace stays in few halves."""
        suspects = [f for f in features if (question.shape, f) in self._suspects]
        others = set(features).difference(suspects)
        size = self._chunk_size(question)
        chunks = [c for group in (others, suspects) for c in _cut(sorted(group), size)]
        found: Answers = {}
        for answers in await asyncio.gather(*(self._search(question, c) for c in chunks)):
            found.update(answers)
        return found

    def _chunk_size(self, question: Question) -> int:
        per_row = _ROW_BYTES + _POINT_BYTES * len(question.ends)
        fitting = self._provider.max_bytes // (_PARTS * len(question.variants) * per_row)
        return max(1, min(self._chunk, fitting))

    async def _search(self, question: Question, chunk: Sequence[FeatureKey]) -> Answers:
        """Asks for all of `chunk` at once, then for halves of what failed, breadth first."""
        found: Answers = {}
        lost: dict[FeatureKey, Unreadable] = {}
        asked, level = 0, [chunk]
        while level:
            results = await asyncio.gather(*(self._ask(question, part) for part in level))
            asked += len(level)
            failed = []
            for part, result in zip(level, results, strict=True):
                if isinstance(result, Unreadable):
                    failed.append((part, result))
                else:
                    found.update(result)
            limit = _MAX_QUERIES if found else _MAX_QUERIES_WITHOUT_SUCCESS
            level = []
            for part, problem in failed:
                if _is_worth_splitting(problem, part) and asked + len(level) + 2 <= limit:
                    level += _halves(part)
                else:
                    lost.update(dict.fromkeys(part, problem))
        self._remember(question.shape, found, lost)
        return found | lost

    def _remember(
        self, shape: Shape, found: Answers, lost: Mapping[FeatureKey, Unreadable]
    ) -> None:
        """Suspicion needs a neighbour that could be read: else the provider is to blame."""
        self._suspects.difference_update((shape, f) for f in found)
        if found:
            self._suspects.update((shape, f) for f, problem in lost.items() if _is_heavy(problem))
        if len(self._suspects) > _MAX_SUSPECTS:
            self._suspects.clear()  # deleted features never clear themselves

    async def _ask(
        self, question: Question, features: Sequence[FeatureKey]
    ) -> Mapping[FeatureKey, Read] | Unreadable:
        """One query. Who waits for a turn while the provider turns out to be down does not ask."""
        query = self._expression(question, features)
        outages_before = self._outages
        async with self._turns:
            if self._outage is not None and self._outages > outages_before:
                return self._outage
            body = await self._http.query_range(query, question.ends)
            if isinstance(body, Unreadable) and body.reason in _OUTAGES:
                self._outages += 1
                self._outage = body
        if isinstance(body, Unreadable):
            return body
        return decode(
            body,
            labels=self._provider.labels,
            features=features,
            variants=question.variants,
            ends=question.ends,
        )

    def _expression(self, question: Question, features: Sequence[FeatureKey]) -> str:
        shape, labels = question.shape, self._provider.labels
        lookback, long_lookback = lookbacks(
            interval=shape.interval, scrape_seconds=self._provider.scrape_seconds
        )
        return count_expression(
            parse_selector(shape.bad, labels),
            parse_selector(shape.total, labels),
            labels=labels,
            features=features,
            variants=question.variants,
            interval=shape.interval,
            lookback=lookback,
            long_lookback=long_lookback,
        )


def _is_heavy(problem: Unreadable) -> bool:
    return problem.reason in _SPLITTABLE_REASONS or problem.status in _SPLITTABLE_STATUSES


def _is_worth_splitting(problem: Unreadable, part: Sequence[FeatureKey]) -> bool:
    return len(part) > 1 and _is_heavy(problem)


def _halves(part: Sequence[FeatureKey]) -> tuple[Sequence[FeatureKey], Sequence[FeatureKey]]:
    """Cut between two namespaces where there are any: neighbours must not pay for a tenant."""
    middle = len(part) // 2
    seams = [at for at in range(1, len(part)) if part[at].namespace != part[at - 1].namespace]
    cut = min(seams, key=lambda at: abs(at - middle), default=middle)
    return part[:cut], part[cut:]


def _pieces(ends: range) -> Iterator[range]:
    return (ends[at : at + _MAX_STEPS] for at in range(0, len(ends), _MAX_STEPS))


def _cut(features: Sequence[FeatureKey], size: int) -> Iterator[Sequence[FeatureKey]]:
    return (features[at : at + size] for at in range(0, len(features), size))


def _joined(read: Read, later: Read) -> Read:
    if isinstance(read, Unreadable) or isinstance(later, Unreadable):
        return later
    return Readings(read.windows + later.windows)
