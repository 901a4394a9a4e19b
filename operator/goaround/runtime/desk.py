"""The desk where evidence is read: beside the passes, never inside one.

Decides when which windows are read; a read that ends offers the feature again. A slow provider so
delays nobody's kill, nobody else's evidence, and no rollback that is already proven.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.reasons import Stage
from goaround.evidence import grid
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Judged
from goaround.runtime.aftermath import after
from goaround.runtime.case import Case, any_answer
from goaround.runtime.flight import AHEAD_SECONDS, begin, identity
from goaround.runtime.judging import judged
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import FeatureKey, Provider, Read, Shape

log = logging.getLogger("goaround.desk")

DOWN = {Stage.ROLLED_BACK, Stage.INCONCLUSIVE, Stage.KILLED}
WATCH_SECONDS = 3600
CATCH_UP = 1000
TOGETHER_SECONDS = 0.2
"""So long the quick answers of a round wait for the slow ones, to be judged in one pass."""


class Reader(Protocol):
    """Whoever reads counts of one provider, as `PrometheusReader` does."""

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read: ...


class Desk:
    """Reads windows for features and judges them. `news` is called when there is something new."""

    def __init__(
        self,
        readers: Mapping[str, Reader],
        providers: Mapping[str, Provider],
        *,
        news: Callable[[Key], None],
        metrics: Metrics,
        wall: Callable[[], datetime],
    ) -> None:
        self._readers = readers
        self.providers = providers
        self._news = news
        self._metrics = metrics
        self._wall = wall
        self._cases: dict[tuple[str, str, str], Case] = {}

    def judged(self, feature: AIFeature, now: datetime) -> Judged | None:
        """What is known now; starts reading what has become readable."""
        provider = self.providers.get(feature.spec.acceptance.provider)
        if provider is None:
            return None
        case = self._case(feature)
        if in_flight(feature.status):
            return self._flying(feature, case, provider, now.timestamp())
        if feature.status.stage in DOWN and feature.status.latches:
            latch = feature.status.latches[0]
            if latch.contained_at is None and (now - latch.at).total_seconds() < WATCH_SECONDS:
                return self._watched(feature, case, provider, now.timestamp())
        case.about(None, None)
        return None

    def forget(self, namespace: str, name: str) -> None:
        """The feature is gone."""
        for key in [k for k in self._cases if k[1:] == (namespace, name)]:
            self._cases.pop(key).drop()

    async def close(self) -> None:
        """Stop reading."""
        running = [task for case in self._cases.values() for task in case.rounds]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _case(self, feature: AIFeature) -> Case:
        meta = feature.metadata
        return self._cases.setdefault((meta.uid, meta.namespace, meta.name), Case())

    def _flying(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        flight = case.flight
        ahead = flight is not None and flight.last_t > now + AHEAD_SECONDS
        if flight is None or ahead or flight.identity != identity(feature):
            flight = begin(feature, now)
        case.about(flight, None)
        if flight is None or feature.status.step is None:
            return None
        case.step_began = feature.status.step.since.timestamp()
        if case.feeding:
            return None  # half a catch-up; news follows
        next_at = None
        if flight.main.proven_end is None:
            next_at = self._read_due(feature, case, provider, flight.read_to, now)
        return judged(feature, flight, now=now, lag=provider.lag_seconds, next_at=next_at)

    def _watched(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        latch, watch = feature.status.latches[0], case.watch
        signals = {s.name for s in feature.spec.acceptance.signals}
        if watch is None or watch.latch.at != latch.at or watch.read_to.keys() != signals:
            watch = after(feature, latch, provider.lag_seconds)
        case.about(None, watch)
        return watch.judged(self._read_due(feature, case, provider, watch.read_to, now))

    def _read_due(
        self,
        feature: AIFeature,
        case: Case,
        provider: Provider,
        read_to: Mapping[str, int],
        now: float,
    ) -> datetime | None:
        """Start the reads that are due; say when the next one is, unless news will come first."""
        interval, lag = feature.spec.ramp.interval_seconds, provider.lag_seconds
        waiting: dict[str, float] = {}
        due: dict[str, range] = {}
        for name, last_t in read_to.items():
            if name in case.asked or feature.spec.signal(name) is None:
                continue
            ends = grid.ends(last_t, now, lag, interval)[:CATCH_UP]
            if ends and now >= case.retry_at.get(name, 0.0):
                due[name] = ends
            else:
                again = case.retry_at.get(name, 0.0)
                waiting[name] = max(grid.due(last_t, interval, lag), again)
        if due:
            case.asked.update(due)
            task = asyncio.create_task(self._round(feature, case, provider, due))
            case.rounds.add(task)
            task.add_done_callback(case.rounds.discard)
        return datetime.fromtimestamp(min(waiting.values()), UTC) if waiting else None

    async def _round(
        self, feature: AIFeature, case: Case, provider: Provider, due: Mapping[str, range]
    ) -> None:
        """Read what is due. What is answered is judged together, and does not wait for the rest."""
        subject, reads = case.flight or case.watch, self._begun(feature, provider, due)
        waiting, enough = set(reads), asyncio.ALL_COMPLETED
        patience: float | None = TOGETHER_SECONDS
        try:
            while waiting and case.is_about(subject):
                done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=enough)
                patience, enough = None, asyncio.FIRST_COMPLETED
                answers = {name: task.result() for task in done for name in reads[task]}
                if answers and case.is_about(subject):
                    await self._take(feature, case, answers)
        except Exception:
            # the task's top: whatever breaks here must hold the feature, not blind it in silence
            log.exception("reading failed", extra={"feature": "/".join(feature.key)})
            now = self._wall().timestamp()
            for name in due:
                case.failed(name, "reading failed; the operator's log says why", now)
            self._news(_key(feature))
        finally:
            for task in reads:
                task.cancel()

    def _begun(
        self, feature: AIFeature, provider: Provider, due: Mapping[str, range]
    ) -> Mapping[asyncio.Task[Read], list[str]]:
        """One read per shape and range of windows, with the signals that it is for."""
        reader, where = self._readers[provider.name], FeatureKey(*feature.key)
        asked: dict[tuple[Shape, range], list[str]] = {}
        for name, ends in due.items():
            asked.setdefault((_shape(feature, name), ends), []).append(name)
        return {
            asyncio.create_task(_read(reader, where, shape, ends)): names
            for (shape, ends), names in asked.items()
        }

    async def _take(self, feature: AIFeature, case: Case, answers: Mapping[str, Read]) -> None:
        read = await case.take(answers, self._wall().timestamp())
        provider = feature.spec.acceptance.provider
        self._metrics.reads.labels(provider, "ok" if read == len(answers) else "failed").inc()
        self._metrics.provider_up.labels(provider).set(any_answer(answers.values()))
        self._news(_key(feature))


async def _read(reader: Reader, feature: FeatureKey, shape: Shape, ends: range) -> Read:
    return await reader.read(feature, shape, ends)


def _key(feature: AIFeature) -> Key:
    return Key(FEATURES.plural, feature.metadata.namespace, feature.metadata.name)


def _shape(feature: AIFeature, signal: str) -> Shape:
    found = feature.spec.signal(signal)
    assert found is not None
    return Shape(found.ratio.bad, found.ratio.total, feature.spec.ramp.interval_seconds)
