"""The desk where evidence is read: beside the passes, never inside one.

Decides when which windows are read; a read that ends offers the feature again. A slow provider so
delays nobody's kill, nobody else's evidence, and no rollback that is already proven.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Latch
from goaround.evidence import grid
from goaround.evidence.judge import CANDIDATE, Counts, ImpossibleCounts, Window
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Judged, Traffic
from goaround.runtime.flight import (
    AHEAD_SECONDS,
    Fault,
    Flight,
    begin,
    identity,
    newest_traffic,
    total,
)
from goaround.runtime.judging import judged
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import (
    FeatureKey,
    Provider,
    Read,
    Shape,
    Unreadable,
)

log = logging.getLogger("goaround.desk")

DOWN = {Stage.ROLLED_BACK, Stage.INCONCLUSIVE, Stage.KILLED}
WATCH_SECONDS = 3600
CATCH_UP = 1000
LONGEST_PAUSE = 15.0


class Reader(Protocol):
    """Whoever reads counts of one provider, as `PrometheusReader` does."""

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read: ...


@dataclass(slots=True)
class Watch:
    """Traffic after a way down, until nobody is on the release any more."""

    latched_at: datetime
    read_to: dict[str, int]
    exposed: float
    counted_to: int
    traffic: Traffic | None = None


@dataclass(slots=True)
class Case:
    """One feature at the desk."""

    flight: Flight | None = None
    watch: Watch | None = None
    reading: asyncio.Task[None] | None = None
    step_began: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    retry_at: dict[str, float] = field(default_factory=dict)


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
        case.flight, case.watch = None, None
        return None

    def forget(self, namespace: str, name: str) -> None:
        """The feature is gone."""
        for key in [k for k in self._cases if k[1:] == (namespace, name)]:
            case = self._cases.pop(key)
            if case.reading is not None:
                case.reading.cancel()

    async def close(self) -> None:
        """Stop reading."""
        running = [c.reading for c in self._cases.values() if c.reading is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _case(self, feature: AIFeature) -> Case:
        meta = feature.metadata
        return self._cases.setdefault((meta.uid, meta.namespace, meta.name), Case())

    def _flying(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        known = case.flight
        ahead = known is not None and known.last_t > now + AHEAD_SECONDS
        if known is None or ahead or known.identity != identity(feature):
            case.flight = begin(feature, now)
        case.watch = None
        if (flight := case.flight) is None or feature.status.step is None:
            return None
        case.step_began = feature.status.step.since.timestamp()
        next_at = None
        if flight.main.proven_end is None:
            next_at = self._read_due(feature, case, provider, flight.read_to, now)
        return judged(feature, flight, now=now, lag=provider.lag_seconds, next_at=next_at)

    def _watched(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        latch = feature.status.latches[0]
        if case.watch is None or case.watch.latched_at != latch.at:
            case.watch = _watch(feature, latch, provider)
        case.flight = None
        watch = case.watch
        next_at = self._read_due(feature, case, provider, watch.read_to, now)
        return Judged(
            digest=latch.digest or "",
            attempt=latch.attempt,
            exposed=int(watch.exposed),
            traffic=watch.traffic,
            next_at=next_at,
        )

    def _read_due(
        self,
        feature: AIFeature,
        case: Case,
        provider: Provider,
        read_to: Mapping[str, int],
        now: float,
    ) -> datetime | None:
        """Start the reads that are due; else say when the next one is."""
        if case.reading is not None and not case.reading.done():
            return None
        interval, lag = feature.spec.ramp.interval_seconds, provider.lag_seconds
        due = {
            name: ends
            for name, last_t in read_to.items()
            if feature.spec.signal(name) is not None
            and now >= case.retry_at.get(name, 0.0)
            and (ends := grid.ends(last_t, now, lag, interval)[:CATCH_UP])
        }
        if due:
            case.reading = asyncio.create_task(self._read(feature, case, provider, due))
            return None
        next_at = min(
            max(grid.due(last_t, interval, lag), case.retry_at.get(name, 0.0))
            for name, last_t in read_to.items()
        )
        return datetime.fromtimestamp(next_at, UTC)

    async def _read(
        self, feature: AIFeature, case: Case, provider: Provider, due: Mapping[str, range]
    ) -> None:
        meta = feature.metadata
        try:
            reads = await self._answers(feature, provider, due)
            self._apply(feature, case, reads)
        except Exception:
            # the task's top: whatever breaks here must hold the feature, not blind it in silence
            log.exception("reading failed", extra={"feature": f"{meta.namespace}/{meta.name}"})
            now = self._wall().timestamp()
            for name in due:
                _failed(case, name, "reading failed; the operator's log says why", now)
        self._news(Key(FEATURES.plural, meta.namespace, meta.name))

    async def _answers(
        self, feature: AIFeature, provider: Provider, due: Mapping[str, range]
    ) -> Mapping[str, Read]:
        reader, where = self._readers[provider.name], FeatureKey(*feature.key)
        asked = {name: (_shape(feature, name), ends) for name, ends in due.items()}
        distinct = list(dict.fromkeys(asked.values()))
        answers = await asyncio.gather(*(reader.read(where, s, e) for s, e in distinct))
        answered = dict(zip(distinct, answers, strict=True))
        return {name: answered[what] for name, what in asked.items()}

    def _apply(self, feature: AIFeature, case: Case, reads: Mapping[str, Read]) -> None:
        now = self._wall().timestamp()
        windows: dict[str, list[Window]] = {}
        for name, read in reads.items():
            try:
                windows[name] = _windows(read)
            except (_Fault, ImpossibleCounts) as err:
                _failed(case, name, str(err), now)
            else:
                _succeeded(case, name)
        provider, ok = feature.spec.acceptance.provider, len(windows) == len(reads)
        self._metrics.reads.labels(provider, "ok" if ok else "failed").inc()
        self._metrics.provider_up.labels(provider).set(1 if windows else 0)
        if case.flight is not None:
            case.flight.feed(windows, step_began=case.step_began)
        elif case.watch is not None:
            _saw(case.watch, windows, feature.spec.ramp.interval_seconds)


def _shape(feature: AIFeature, signal: str) -> Shape:
    found = feature.spec.signal(signal)
    assert found is not None
    return Shape(found.ratio.bad, found.ratio.total, feature.spec.ramp.interval_seconds)


def _failed(case: Case, name: str, message: str, now: float) -> None:
    """Try this signal again after a pause; the others are read on time."""
    count = case.failures[name] = case.failures.get(name, 0) + 1
    case.retry_at[name] = now + min(2.0 ** min(count - 1, 4), LONGEST_PAUSE)
    if case.flight is not None:
        known = case.flight.faults.get(name)
        case.flight.faults[name] = Fault(message, known.since if known is not None else now)


def _succeeded(case: Case, name: str) -> None:
    case.failures.pop(name, None)
    case.retry_at.pop(name, None)
    if case.flight is not None:
        case.flight.faults.pop(name, None)


class _Fault(Exception):
    """A signal could not be read; the text says why."""


def _windows(read: Read) -> list[Window]:
    if isinstance(read, Unreadable):
        raise _Fault(read.message)
    return [
        Window(end=w.end, arms={a: Counts(c.total, c.bad) for a, c in w.arms.items()})
        for w in read.windows
    ]


def _watch(feature: AIFeature, latch: Latch, provider: Provider) -> Watch:
    interval = feature.spec.ramp.interval_seconds
    known = latch.proven_at.timestamp() - provider.lag_seconds if latch.proven_at else None
    start = int((known if known is not None else latch.at.timestamp()) // interval) * interval
    return Watch(
        latched_at=latch.at,
        read_to={s.name: start for s in feature.spec.acceptance.signals},
        exposed=float(latch.exposed_requests or 0),
        counted_to=start,
    )


def _saw(watch: Watch, windows: Mapping[str, list[Window]], interval: int) -> None:
    """Count what still reached the release, window by window."""
    for name, some in windows.items():
        watch.read_to[name] = max([watch.read_to[name], *(w.end for w in some)])
    for end in sorted({w.end for some in windows.values() for w in some}):
        if end > watch.counted_to:
            now = {n: [w for w in some if w.end == end] for n, some in windows.items()}
            watch.exposed += total(now, CANDIDATE)
            watch.counted_to = end
    watch.traffic = newest_traffic(windows, interval) or watch.traffic
