"""The desk where evidence is read: beside the passes, never inside one.

Decides when which windows are read; a read that ends offers the feature again. A slow provider so
delays nobody's kill, nobody else's evidence, and no rollback that is already proven.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Latch
from goaround.evidence import grid
from goaround.evidence.judge import Counts, ImpossibleCounts, Window
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Judged
from goaround.runtime.flight import Fault, Flight, begin, identity, judged, newest_traffic
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import (
    FeatureKey,
    PrometheusReader,
    Provider,
    Read,
    Shape,
    Unreadable,
)

log = logging.getLogger("goaround.desk")

DOWN = {Stage.ROLLED_BACK, Stage.INCONCLUSIVE, Stage.KILLED}
WATCH_SECONDS = 3600
CATCH_UP = 1000


@dataclass(slots=True)
class Watch:
    """Traffic after a way down, until nobody is on the release any more."""

    latched_at: datetime
    last_t: int
    exposed: float
    seen: Judged | None = None


@dataclass(slots=True)
class Case:
    """One feature at the desk."""

    flight: Flight | None = None
    watch: Watch | None = None
    reading: asyncio.Task[None] | None = None
    retry_at: float = 0.0
    step_began: float = 0.0
    faults: int = 0
    alpha: float = field(default=0.01)


class Desk:
    """Reads windows for features and judges them. `news` is called when there is something new."""

    def __init__(
        self,
        readers: Mapping[str, PrometheusReader],
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
        if case.flight is None or case.flight.identity != identity(feature):
            case.flight = begin(feature)
        case.watch = None
        if (flight := case.flight) is None or feature.status.step is None:
            return None
        case.step_began = feature.status.step.since.timestamp()
        case.alpha = float(feature.spec.acceptance.alpha)
        next_at = None
        if flight.proven_end is None:
            next_at = self._read_due(feature, case, provider, flight.last_t, now)
        return judged(feature, flight, now=now, lag=provider.lag_seconds, next_at=next_at)

    def _watched(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        latch = feature.status.latches[0]
        if case.watch is None or case.watch.latched_at != latch.at:
            case.watch = _watch(feature, latch, provider)
        case.flight = None
        watch = case.watch
        next_at = self._read_due(feature, case, provider, watch.last_t, now)
        seen = watch.seen or Judged(digest=latch.digest or "", attempt=latch.attempt)
        return Judged(
            digest=seen.digest,
            attempt=seen.attempt,
            exposed=int(watch.exposed),
            traffic=seen.traffic,
            next_at=next_at,
        )

    def _read_due(
        self, feature: AIFeature, case: Case, provider: Provider, last_t: int, now: float
    ) -> datetime | None:
        """Start the read that is due; else say when the next one is."""
        if case.reading is not None and not case.reading.done():
            return None
        interval = feature.spec.ramp.interval_seconds
        ends = grid.ends(last_t, now, provider.lag_seconds, interval)[:CATCH_UP]
        if not ends or now < case.retry_at:
            due = grid.due(last_t, interval, provider.lag_seconds)
            return datetime.fromtimestamp(max(due, case.retry_at), UTC)
        case.reading = asyncio.create_task(self._read(feature, case, provider, ends))
        return None

    async def _read(self, feature: AIFeature, case: Case, provider: Provider, ends: range) -> None:
        reader, meta = self._readers[provider.name], feature.metadata
        shapes = {
            s.name: Shape(s.ratio.bad, s.ratio.total, feature.spec.ramp.interval_seconds)
            for s in feature.spec.acceptance.signals
        }
        distinct = list(dict.fromkeys(shapes.values()))
        where = FeatureKey(meta.namespace, meta.name)
        answers = await asyncio.gather(*(reader.read(where, s, ends) for s in distinct))
        by_shape = dict(zip(distinct, answers, strict=True))
        self._apply(feature, case, {name: by_shape[shape] for name, shape in shapes.items()})
        self._news(Key(FEATURES.plural, meta.namespace, meta.name))

    def _apply(self, feature: AIFeature, case: Case, reads: Mapping[str, Read]) -> None:
        now = self._wall().timestamp()
        windows: dict[str, list[Window]] = {}
        faults: dict[str, str] = {}
        for name, read in reads.items():
            try:
                windows[name] = _windows(read)
            except (_Fault, ImpossibleCounts) as err:
                faults[name] = str(err)
        result = "failed" if faults else "ok"
        self._metrics.reads.labels(feature.spec.acceptance.provider, result).inc()
        case.faults = case.faults + 1 if faults else 0
        pause = min(2.0 ** min(case.faults, 4), 15.0) if faults else 0.0
        case.retry_at = now + pause if faults else 0.0
        if case.flight is not None:
            _fault(case.flight, faults, now)
            case.flight.feed(windows, step_began=case.step_began, alpha=case.alpha)
        elif case.watch is not None:
            _saw(case.watch, windows, feature.spec.ramp.interval_seconds)


class _Fault(Exception):
    """A signal could not be read; the text says why."""


def _windows(read: Read) -> list[Window]:
    if isinstance(read, Unreadable):
        raise _Fault(read.message)
    return [
        Window(end=w.end, arms={a: Counts(c.total, c.bad) for a, c in w.arms.items()})
        for w in read.windows
    ]


def _fault(flight: Flight, faults: Mapping[str, str], now: float) -> None:
    """What cannot be read now, with the time since when it could not."""
    known = flight.faults
    flight.faults = {
        name: Fault(message, known[name].since if name in known else now)
        for name, message in faults.items()
    }


def _watch(feature: AIFeature, latch: Latch, provider: Provider) -> Watch:
    interval = feature.spec.ramp.interval_seconds
    proven = latch.proven_at
    start = proven.timestamp() - provider.lag_seconds if proven is not None else None
    last_t = int((start if start is not None else latch.at.timestamp()) // interval) * interval
    return Watch(latched_at=latch.at, last_t=last_t, exposed=float(latch.exposed_requests or 0))


def _saw(watch: Watch, windows: Mapping[str, list[Window]], interval: int) -> None:
    """Count what still reached the release, window by window."""
    if not windows:
        return
    ends = sorted({w.end for some in windows.values() for w in some})
    for end in ends:
        counts = [
            w.arms["candidate"].total
            for some in windows.values()
            for w in some
            if w.end == end and "candidate" in w.arms
        ]
        watch.exposed += max(counts, default=0.0)
    watch.last_t = ends[-1] if ends else watch.last_t
    seen = newest_traffic(windows, interval)
    if seen is not None:
        watch.seen = Judged(digest="", attempt=0, traffic=seen)
