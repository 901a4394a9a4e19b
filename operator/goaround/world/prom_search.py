"""Asking one query for many features, and finding the one that spoils it.

Decides how features are cut into queries, when a failed query is split in halves, and when to stop
because the provider itself is failing. Refuses to let one poisoned feature blind its neighbours,
and to hammer a provider that is down.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from goaround.world.prom_breaker import Breaker, is_outage
from goaround.world.prom_decode import decode, decode_values
from goaround.world.prom_expression import bounds_expression, expression, parts
from goaround.world.prom_http import PrometheusHttp
from goaround.world.prom_matchers import LE
from goaround.world.prom_scores import BY_BOUND
from goaround.world.prom_types import (
    BUCKETS,
    Provider,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
)
from goaround.world.promql import FeatureKey

# Prometheus refuses more than 11,000 points per series.
_MAX_STEPS: Final = 1000
# Statuses that one heavy feature can cause in a query for many; 502 and 504 are a proxy's own.
_SPLITTABLE_STATUSES: Final = frozenset({413, 414, 422, 500, 503})
_SPLITTABLE_REASONS: Final = frozenset({UnreadableReason.TOO_LARGE, UnreadableReason.PARTIAL})
# What the search in one chunk may cost, and how long it goes on while nothing at all succeeds.
_MAX_QUERIES: Final = 64
_MAX_QUERIES_WITHOUT_SUCCESS: Final = 15
_MAX_SUSPECTS: Final = 2000
# Generous sizes in an answer (head of a row; one point), to cut chunks that fit into `max_bytes`.
_ROW_BYTES: Final = 300
_POINT_BYTES: Final = 40
# Bounds of the buckets of scores; few histograms have more.
_BOUNDS: Final = 20
_LARGE_ANSWER: Final = 1 << 16
# Shapes whose expression grows with each feature.
_MOST_APART: Final = 10
# Missing buckets are explained to so many features per read; the others hear it at the next one.
_MOST_EXPLAINED: Final = 8

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
        self,
        provider: Provider,
        http: PrometheusHttp,
        breaker: Breaker,
        *,
        chunk: int,
        concurrency: int,
    ) -> None:
        self._provider = provider
        self._http = http
        self._breaker = breaker
        self._chunk = chunk
        self._turns = asyncio.Semaphore(concurrency)
        # Features whose query failed while their neighbours' succeeded: asked apart from then on,
        # so that a poisoned feature costs its neighbours one search, not one per pass.
        self._suspects: set[tuple[Shape, FeatureKey]] = set()
        # Shapes that answered without buckets: their rows are twenty times fewer.
        self._plain: set[Shape] = set()
        self._outages = 0
        self._outage: Unreadable | None = None

    async def answers(self, question: Question, features: Collection[FeatureKey]) -> Answers:
        """A reading of all the asked windows, or why there is none, for every one of `features`.

        Raises `SelectorError` when the shape's selectors are refused.
        """
        found: Answers = {f: Readings(()) for f in features}
        for ends in self._pieces(question):
            # Whoever could not be read in one piece needs no reading of the next.
            left = [f for f, read in found.items() if isinstance(read, Readings)]
            piece = await self._piece(replace(question, ends=ends), left)
            for feature, read in piece.items():
                found[feature] = _joined(found[feature], read)
        self._note_buckets(question.shape, found.values())
        return found | await self._explained(question, found)

    def _note_buckets(self, shape: Shape, reads: Collection[Read]) -> None:
        windows = [w for read in reads if isinstance(read, Readings) for w in read.windows]
        if any(w.buckets for w in windows):
            self._plain.discard(shape)
        elif any(w.arms or w.values for w in windows):
            self._plain.add(shape)
        if len(self._plain) > _MAX_SUSPECTS:
            self._plain.clear()

    async def _explained(self, question: Question, found: Answers) -> Answers:
        """Whoever asked for a bucket that is not there hears which ones there are."""
        lacking = {
            feature: read
            for feature, read in found.items()
            if isinstance(read, Unreadable) and read.reason is UnreadableReason.NO_BUCKET
        }
        told: Answers = {}
        for feature, read in list(lacking.items())[:_MOST_EXPLAINED]:
            query = bounds_expression(question.shape, labels=self._provider.labels, feature=feature)
            body = await self.query_range(query, question.ends[-1:])
            bounds = decode_values(body, LE) if isinstance(body, bytes) else ()
            known = ", ".join(sorted(bounds, key=_numeric)) or "unknown at the moment"
            told[feature] = replace(
                read, message=f"{read.message}; bounds there are: {known}. Take one of these"
            )
        return told

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
        fitting = self._provider.max_bytes // (self._rows(question) * per_row)
        most = self._chunk if question.shape.is_shared else min(self._chunk, _MOST_APART)
        return max(1, min(most, fitting))

    def _rows(self, question: Question) -> int:
        """Rows of one feature in an answer, at most; twenty buckets until it is known better."""
        shape = question.shape
        bucketed = shape.is_shared and shape not in self._plain
        each = len(parts(shape.kind)) * (BUCKETS if bucketed else 1)
        bounds = len(BY_BOUND) * _BOUNDS if shape.buckets else 0
        return len(question.variants) * (each + bounds)

    def _pieces(self, question: Question) -> Iterator[range]:
        """Cuts that Prometheus takes, of which one feature's answer is small enough."""
        points = self._provider.max_bytes // self._rows(question) - _ROW_BYTES
        steps = max(1, min(_MAX_STEPS, points // _POINT_BYTES))
        ends = question.ends
        return (ends[at : at + steps] for at in range(0, len(ends), steps))

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
        """One query for all of `features`."""
        query = expression(
            question.shape,
            labels=self._provider.labels,
            features=features,
            variants=question.variants,
            scrape_seconds=self._provider.scrape_seconds,
        )
        body = await self.query_range(query, question.ends)
        if isinstance(body, Unreadable):
            return body
        understand = partial(
            decode,
            body,
            labels=self._provider.labels,
            features=features,
            variants=question.variants,
            ends=question.ends,
            shape=question.shape,
        )
        # twenty rows for one: in a thread of its own, a large answer delays nobody's kill
        large = len(body) > _LARGE_ANSWER
        return self._named(await asyncio.to_thread(understand) if large else understand())

    def _named(
        self, found: Mapping[FeatureKey, Read] | Unreadable
    ) -> Mapping[FeatureKey, Read] | Unreadable:
        """What was decoded; whatever is wrong with it names the provider."""
        if isinstance(found, Unreadable):
            return found.of(self._provider.name)
        faulty = {f: read for f, read in found.items() if isinstance(read, Unreadable)}
        return {**found, **{f: read.of(self._provider.name) for f, read in faulty.items()}}

    async def query_range(self, query: str, ends: range) -> bytes | Unreadable:
        """Who waits for a turn while the provider turns out to be down does not ask."""
        outages_before = self._outages
        async with self._turns:
            if self._outage is not None and self._outages > outages_before:
                return self._outage
            if (refusal := self._breaker.enter()) is not None:
                return refusal
            body: bytes | Unreadable | None = None
            try:
                body = await self._http.query_range(query, ends)
            finally:
                self._breaker.leave(body)
            if isinstance(body, Unreadable) and is_outage(body):
                self._outages += 1
                self._outage = body
            return body


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


def _cut(features: Sequence[FeatureKey], size: int) -> Iterator[Sequence[FeatureKey]]:
    return (features[at : at + size] for at in range(0, len(features), size))


def _joined(read: Read, later: Read) -> Read:
    if isinstance(read, Unreadable) or isinstance(later, Unreadable):
        return later
    return Readings(read.windows + later.windows)


def _numeric(bound: str) -> float:
    try:
        return float(bound)
    except ValueError:
        return float("inf")
