"""Reading counts of many features from one metrics provider with few queries.

Decides which reads share a query: those of one shape, for the same windows, at the same moment.
Refuses to book anything it is not sure of: a feature gets all the windows that were asked, or one
reason why not. Judges nothing; the asked times come from the caller.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import httpx

from goaround.api.drift import DriftInput
from goaround.world.prom_breaker import Breaker
from goaround.world.prom_drift import Parts, read_drift
from goaround.world.prom_http import PrometheusHttp
from goaround.world.prom_opened import ByFeature, read_opened
from goaround.world.prom_search import Answers, FeatureSearch, Question
from goaround.world.prom_types import (
    Counts,
    Kind,
    Provider,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
    WindowReading,
)
from goaround.world.promql import FeatureKey, Labels, SelectorError

__all__ = [
    "Counts",
    "FeatureKey",
    "Kind",
    "Labels",
    "PrometheusReader",
    "Provider",
    "Read",
    "Readings",
    "Shape",
    "Unreadable",
    "UnreadableReason",
    "WindowReading",
]

_LONGEST_GATHERING = 10


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Features that share a query, and the task that will ask it when all had time to join."""

    features: set[FeatureKey]
    task: asyncio.Task[Answers]


class PrometheusReader:
    """Reads counts from one provider: `concurrency` queries of up to `chunk` features at once."""

    def __init__(
        self,
        provider: Provider,
        client: httpx.AsyncClient | None = None,
        *,
        chunk: int = 200,
        concurrency: int = 4,
        gather_seconds: float = 0.01,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` is lent: it carries no credential of the API server and is not closed here."""
        self._provider = provider
        self._http = PrometheusHttp(provider, client)
        self.breaker = Breaker(provider.name, clock)
        self._search = FeatureSearch(
            provider, self._http, self.breaker, chunk=chunk, concurrency=concurrency
        )
        self._gather_seconds = gather_seconds
        self._gatherings: dict[Question, _Gathering] = {}
        self._tasks: set[asyncio.Task[Answers]] = set()

    async def read(
        self,
        feature: FeatureKey,
        shape: Shape,
        ends: range,
        variants: Sequence[str] = ("stable", "candidate"),
    ) -> Read:
        """Counts of `feature` in the window (end - interval, end] for every one of `ends`.

        `ends` are unix seconds in steps of `shape.interval`. All windows are read, or none: the
        first problem makes the feature `Unreadable`. Asking again gives the same windows.
        """
        if not ends or ends.step != shape.interval or not variants:
            raise ValueError(
                f"asked {ends} for {variants}: give ends in steps of {shape.interval} s"
            )
        question = Question(shape, ends, tuple(variants))
        gathering = self._gatherings.get(question) or self._open(question)
        gathering.features.add(feature)
        # Shielded, because others wait for the same answers when this caller is cancelled.
        return (await asyncio.shield(gathering.task))[feature]

    async def drift(
        self, feature: FeatureKey, watched: DriftInput, ends: range, variants: Sequence[str]
    ) -> Parts | Unreadable:
        """Samples of one input of a drift watch, as `read_drift` gives them; it takes its turn with
        the counts, and is not asked of a provider that does not answer."""
        return await read_drift(
            self._search, self._provider, feature, watched, ends=ends, variants=variants
        )

    async def opened(self, features: Collection[FeatureKey], at: int) -> ByFeature | Unreadable:
        """Replicas with an open circuit breaker, likewise, of many features in one query."""
        return await read_opened(self._search, self._provider.labels, features, at)

    def _open(self, question: Question) -> _Gathering:
        features: set[FeatureKey] = set()
        task = asyncio.create_task(self._gather(question, features))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._gatherings[question] = _Gathering(features, task)
        return self._gatherings[question]

    async def _gather(self, question: Question, features: set[FeatureKey]) -> Answers:
        await self._all_joined(features)
        del self._gatherings[question]
        try:
            return await self._search.answers(question, features)
        except SelectorError as error:
            return dict.fromkeys(features, Unreadable(UnreadableReason.BAD_QUERY, str(error)))

    async def _all_joined(self, features: Collection[FeatureKey]) -> None:
        """Waits as long as others keep joining, up to ten times: under load they come slowly, and
        each query that starts without them makes it slower."""
        for _ in range(_LONGEST_GATHERING):
            before = len(features)
            await asyncio.sleep(self._gather_seconds)
            if len(features) == before:
                return

    async def aclose(self) -> None:
        """Ends what is under way, whose callers are cancelled, and closes an own client."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._gatherings.clear()
        await self._http.aclose()
