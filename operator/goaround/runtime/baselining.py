"""The baselines of signals at work: counts of before a take-off, read once, kept with the release.

Decides when a sample is due and which windows it is taken from. A provider that cannot tell the
past keeps no flight on the ground and no release from being watched; what a baseline does is
decided in `rollout/baselines.py`. Refuses to compare.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from goaround.api.acceptance import Signal
from goaround.api.kinds import AIFeature
from goaround.api.watch import SignalBaseline
from goaround.evidence import signal_baseline, vs_baseline
from goaround.evidence.judge import STABLE, Counts, ImpossibleCounts
from goaround.evidence.signal_baseline import Sample, measured, pack, signals_of, unpack
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Baselined, Record
from goaround.runtime.before import Ask
from goaround.runtime.queue import Key, key_of
from goaround.runtime.readings import Purpose, shape_of, understood
from goaround.world.backoff import doubling
from goaround.world.prometheus import Provider, Readings, Unreadable

log = logging.getLogger("goaround.baseline")

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
TRIES: Final = 3
"""A flight waits at its start for so many answers, no longer."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is held against a baseline: the release `digest`, which took off or landed at `since`.
    counted: the release that served as stable from `stable_since` on; absent if none did. Times
    are unix seconds."""

    digest: str
    flies: bool
    since: float
    counted: str | None
    stable_since: float


@dataclass(slots=True)
class BaselineCase:
    """What is known of one subject. recorded: as the record keeps it. tried_to: ends of windows
    that were read in vain, by signal: the sample is taken from none that ends before."""

    who: Subject
    samples: dict[str, Sample] = field(default_factory=dict)
    recorded: str | None = None
    tried_to: dict[str, float] = field(default_factory=dict)
    fault: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    task: asyncio.Task[None] | None = None

    def recall(self, recorded: str | None) -> None:
        """The record has the word; a person may take it back by removing the annotation."""
        if recorded == self.recorded:
            return
        self.recorded = recorded
        self.samples = unpack(recorded) if recorded is not None else {}

    def ends(self, feature: AIFeature, signal: Signal, provider: Provider, now: float) -> range:
        """The windows of its sample. Late truth counts for when it was predicted."""
        delay, who = signal.label_delay_seconds, self.who
        since = who.stable_since + provider.scrape_seconds + delay
        if not who.flies:
            return signal_baseline.ends_own(since, now - provider.lag_seconds)
        latest = who.since - provider.lag_seconds
        return signal_baseline.ends_before(latest, since, feature.spec.watch.interval_seconds)

    def missing(
        self, feature: AIFeature, provider: Provider, now: float
    ) -> dict[str, tuple[Signal, range]]:
        """Signals without the sample that they should have, with the windows to take it from."""
        found: dict[str, tuple[Signal, range]] = {}
        for signal in signals_of(feature.spec) if self.who.counted is not None else ():
            ends, known = self.ends(feature, signal, provider, now), self.samples.get(signal.name)
            is_there = known is not None and known.measured == measured(feature.spec, signal)
            renewed = self.who.flies and known is not None and ends and known.ended != ends[-1]
            late = ends and ends[-1] <= self.tried_to.get(signal.name, -math.inf)
            if ends and not late and (renewed or not is_there):
                found[signal.name] = signal, ends
        return found

    def took(
        self, samples: Mapping[str, Sample], asked: Mapping[str, tuple[Signal, range]]
    ) -> None:
        """What was read. Too few requests: the next day is tried, but before a take-off there is
        no other."""
        self.fault, self.failures, self.retry_at = None, 0, 0.0
        self.samples |= samples
        for name, (_, ends) in asked.items():
            again = ends[-1] if self.who.flies else ends[-1] + signal_baseline.DAY - 1
            self.tried_to[name] = again

    def failed(self, fault: str, now: float) -> None:
        """Try again after a pause."""
        self.fault = fault
        self.failures += 1
        self.retry_at = now + doubling(self.failures, FIRST_PAUSE, LONGEST_PAUSE)


class BaselineDesk:
    """Takes samples for features. `ask` reads for one; `news` is called when there is something
    new."""

    def __init__(
        self,
        ask: Callable[[AIFeature], Ask],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
    ) -> None:
        self._ask = ask
        self._news = news
        self._wall = wall
        self._cases: dict[tuple[str, str], BaselineCase] = {}

    def baselined(
        self, feature: AIFeature, provider: Provider, records: Iterable[Record], now: datetime
    ) -> Baselined | None:
        """What is known now; starts reading what is due. None where nothing asks for it."""
        if (who := subject(feature)) is None:
            self.forget(*feature.key)
            return None
        case, at = self._case(feature, who), now.timestamp()
        case.recall(next((r.signal_baseline for r in records if r.digest == who.digest), None))
        missing = case.missing(feature, provider, at)
        lag = provider.lag_seconds
        due = {name: one for name, one in missing.items() if one[1][-1] + lag <= at}
        if due and case.task is None and at >= case.retry_at:
            case.task = asyncio.create_task(self._read(feature, case, due))
        return self._told(feature, case, missing, due, now=at, lag=lag)

    def samples(self, feature: AIFeature) -> Mapping[str, Sample]:
        """What the release that is looked at is held against, by signal."""
        case = self._cases.get(feature.key)
        return case.samples if case is not None and case.who == subject(feature) else {}

    def forget(self, namespace: str, name: str) -> None:
        """The feature is gone, or not looked at any more."""
        case = self._cases.pop((namespace, name), None)
        if case is not None and case.task is not None:
            case.task.cancel()

    async def close(self) -> None:
        """Stop reading."""
        running = [case.task for case in self._cases.values() if case.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _case(self, feature: AIFeature, who: Subject) -> BaselineCase:
        known = self._cases.get(feature.key)
        if known is None or known.who != who:
            self.forget(*feature.key)
            known = self._cases[feature.key] = BaselineCase(who)
        return known

    async def _read(
        self, feature: AIFeature, case: BaselineCase, due: Mapping[str, tuple[Signal, range]]
    ) -> None:
        ask, counted = self._ask(feature), case.who.counted or case.who.digest
        try:
            found = await asyncio.gather(
                *(_sample(feature, counted, ask, wanted) for wanted in due.values())
            )
            named = zip(due, found, strict=True)
            case.took({name: one for name, one in named if one is not None}, due)
        except _NotRead as err:
            case.failed(str(err), self._wall().timestamp())
        except Exception:
            # the task's top: whatever breaks here must be told, not keep a flight on the ground
            log.exception("baseline cannot be read", extra={"feature": "/".join(feature.key)})
            case.failed("reading failed; the operator's log says why", self._wall().timestamp())
        finally:
            case.task = None
        self._news(key_of(feature))

    def _told(
        self,
        feature: AIFeature,
        case: BaselineCase,
        missing: Mapping[str, tuple[Signal, range]],
        due: Mapping[str, object],
        *,
        now: float,
        lag: float,
    ) -> Baselined:
        names = {s.name for s in signals_of(feature.spec)}
        kept = {name: sample for name, sample in case.samples.items() if name in names}
        gaps = vs_baseline.gaps(feature.spec, kept, now)
        told = {name: why + _because(case, missing.get(name), now) for name, why in gaps.items()}
        text = pack(kept) if kept else None
        waits = [ends[-1] + lag for _, ends in missing.values()] + [case.retry_at]
        next_at = min((at for at in waits if at > now), default=None)
        return Baselined(
            digest=case.who.digest,
            known=tuple(_shown(name, sample) for name, sample in sorted(kept.items())),
            gaps=told,
            pinning=case.who.flies and bool(due) and case.failures < TRIES,
            text=text if text != case.recorded else None,
            next_at=datetime.fromtimestamp(next_at, UTC) if next_at is not None else None,
        )


def subject(feature: AIFeature) -> Subject | None:
    """What is to be held against a baseline now, if anything."""
    status = feature.status
    flown, good = status.candidate, status.last_known_good
    if not signals_of(feature.spec):
        return None
    if flown is not None and in_flight(status):
        beside = (good.digest, good.since.timestamp()) if good is not None else (None, 0.0)
        return Subject(flown.digest, True, flown.since.timestamp(), *beside)
    if good is not None and is_watched(status):
        since = good.since.timestamp()
        return Subject(good.digest, False, since, good.digest, since)
    return None


class _NotRead(Exception):
    """A provider could not tell; the text says why."""


async def _sample(
    feature: AIFeature, counted: str, ask: Ask, wanted: tuple[Signal, range]
) -> Sample | None:
    """None where too few requests were counted. counted: the release. Raises _NotRead."""
    signal, ends = wanted
    answer = await ask(shape_of(feature, signal.name, ends.step), ends)
    if isinstance(answer, Unreadable):
        raise _NotRead(f"signal {signal.name}: {answer.message}")
    read = understood(feature, signal.name, answer, ends, purpose=Purpose.LIVE)
    assert isinstance(read, Readings)
    arms = [w.arms[STABLE] for w in read.windows if STABLE in w.arms]
    total, bad = math.fsum(c.total for c in arms), math.fsum(c.bad for c in arms)
    if total < signal_baseline.LEAST:
        return None
    try:
        counts = Counts(total, bad)
    except ImpossibleCounts as err:
        raise _NotRead(f"signal {signal.name}: {err}") from err
    began, how = ends[0] - ends.step, measured(feature.spec, signal)
    return Sample(counts, began, ends[-1], counted, how)


def _because(case: BaselineCase, missing: tuple[Signal, range] | None, now: float) -> str:
    if case.fault is not None:
        return f": {case.fault}"
    if missing is None:
        return ""
    ended = datetime.fromtimestamp(missing[1][-1], UTC)
    return f"; it is counted until {ended:%Y-%m-%dT%H:%MZ}" if missing[1][-1] > now else ""


def _shown(name: str, sample: Sample) -> SignalBaseline:
    return SignalBaseline(
        name=name,
        digest=sample.digest,
        began_at=datetime.fromtimestamp(sample.began, UTC),
        established_at=datetime.fromtimestamp(sample.ended, UTC),
        total=f"{sample.counts.total:.9g}",
        bad=f"{sample.counts.bad:.9g}",
    )
