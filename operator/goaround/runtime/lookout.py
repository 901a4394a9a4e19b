"""What the operator remembers of a live release between passes: it is watched for ever.

Decides which windows are watched, and when what is known is shown in status: once an hour, at once
on harm, and never without traffic. A cache of status plus windows, like a flight; reads no clock.
What is held against a baseline is watched by `alarms`, one for each signal.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason
from goaround.api.status import EvidenceState, SignalStatus
from goaround.evidence import day, grid, live, vs_baseline
from goaround.evidence.alarm import Alarm
from goaround.evidence.day import Day
from goaround.evidence.judge import STABLE, Breach, Counts, Judgement, TestSpec, TestState, Window
from goaround.evidence.live import Detector
from goaround.evidence.model import NOTHING
from goaround.evidence.plan import SLICE, signal_of, slice_of, tests_of
from goaround.evidence.state import StateUnreadable, pack, unpack
from goaround.evidence.vs_baseline import Comparison
from goaround.runtime import alarms
from goaround.runtime.flight import AHEAD_SECONDS, Fault, Windows, by_end
from goaround.runtime.memory import fitting, folded, unfolded
from goaround.runtime.noted import Noted

BEGINS = {
    EventReason.PROMOTED,
    EventReason.RESTORED,
    EventReason.REBUILT,
    EventReason.KILL_RELEASED,
    EventReason.SUPERSEDED,
    EventReason.ROLLED_BACK,
    EventReason.REJECTED,
    EventReason.SIGN_OFF_REJECTED,
    EventReason.INCONCLUSIVE,
}
"""After these, last-known-good serves everybody."""

NOT_BREACHED = Breach(-math.inf, breached=False, top="", culprits=(), alpha=0.5)
NOBODY = Detector(0, ())
DAY = ".day"
CHECKPOINT_SECONDS = 3600
Identity = tuple[str, tuple[TestSpec, ...], int]


@dataclass(slots=True)
class Lookout:
    """The watch over one release that serves everybody.

    proven_end: end of the window that proved harm; nothing is read after it. breach: of the
    detector that proved it, or of the one that knows most. stirred: there was traffic since what
    is shown was gathered. alarms: by name of test. said: what was said last, and of what
    (`watching.py`).
    """

    identity: Identity
    detectors: tuple[Detector, ...]
    interval: int
    offset: int
    read_to: dict[str, int]
    shown_evidence: tuple[EvidenceState, ...] = ()
    shown_signals: tuple[SignalStatus, ...] = ()
    shown_to: int | None = None
    shown_worse: str | None = None
    shown_beyond: frozenset[str] = frozenset()
    alarms: dict[str, Alarm] = field(default_factory=dict)
    days: dict[str, Day] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    proven_end: int | None = None
    stirred: bool = False
    said: tuple[object, list[Judgement]] | None = None
    speaks: Detector = NOBODY
    breach: Breach = NOT_BREACHED
    noted: Noted = field(default_factory=Noted)

    def __post_init__(self) -> None:
        self.noted.since = max(self.read_to.values(), default=0)
        self._conclude(None)

    @property
    def specs(self) -> tuple[TestSpec, ...]:
        return self.identity[1]

    @property
    def last_t(self) -> int:
        """Every signal has been read up to here."""
        return min(self.read_to.values())

    @property
    def pairs(self) -> list[tuple[TestSpec, TestState]]:
        """What the detector that speaks for this release knows."""
        return list(zip(self.specs, self.speaks.states, strict=True))

    def feed(self, windows: Windows) -> None:
        """Judge what was read, one instant after the other; stop at the proof of harm."""
        for end, now in by_end(windows):
            if self.proven_end is None:
                self._feed_one(now, end)
            for name in now:
                self.read_to[name] = max(self.read_to[name], end)
            self.heard |= now.keys()
            self.noted.take(now, end)
        self.noted.settle(self.last_t, self.interval)

    def _feed_one(self, now: Mapping[str, Window], end: int) -> None:
        of_tests = {
            spec.signal: now[name] for spec in self.specs if (name := signal_of(spec.signal)) in now
        }
        self.stirred |= any(w.arms[STABLE].total > 0 for w in now.values() if STABLE in w.arms)
        for name in self.days.keys() & now.keys():
            self.days[name] = day.counted(self.days[name], end, self._harm(name, now[name]))
        self.detectors = tuple(live.advanced(self.specs, d, of_tests) for d in self.detectors)
        self.alarms = alarms.advanced(self.alarms, now)
        self._conclude(end)

    def _harm(self, name: str, window: Window) -> Counts:
        counts = window.arms.get(STABLE, NOTHING)
        return next((s.harm(counts) for s in self.specs if signal_of(s.signal) == name), counts)

    @property
    def worse(self) -> str | None:
        """Signals that are worse than on the day before, with their shares; for people."""
        found = [
            f"{name} {known.now.share:.2%} today, {known.past.share:.2%} the day before"
            for name, known in self.days.items()
            if day.is_worse(known, len(self.days))
        ]
        return "; ".join(found) or None

    @property
    def beyond(self) -> frozenset[str]:
        """The tests whose signals are worse than their baseline allows."""
        return frozenset(name for name, one in self.alarms.items() if one.since is not None)

    @property
    def fell(self) -> Alarm | None:
        """A signal that is so much worse than its baseline that the release goes back."""
        return next((a for a in self.alarms.values() if a.about.acts and a.since is not None), None)

    def compare(
        self,
        feature: AIFeature,
        asked: Sequence[Comparison],
        now: float,
        start: int | None = None,
    ) -> None:
        """From now on the release is held against these; what is new begins with what is to be
        read next of its signal, else at `start`, a grid instant (default: the next one)."""
        if [one.about for one in self.alarms.values()] == list(asked):
            return
        first = grid.first_window_start(now, self.interval) if start is None else start
        readings = [signal_of(about.test.signal) for about in asked]
        begins = {name: self.read_to.get(name, first) for name in readings}
        self.alarms = alarms.wanted(asked, self.alarms, feature, begins=begins, now=now)
        mine = {*readings, *(signal_of(spec.signal) for spec in self.specs)}
        self.read_to = {name: to for name, to in self.read_to.items() if name in mine}
        for name, to in alarms.read_to(self.alarms).items():
            self.read_to[name] = min(to, self.read_to.get(name, to))
        self._conclude(None)

    def _conclude(self, end: int | None) -> None:
        if self.specs:
            found = [(live.judged(self.specs, d, self.identity[2]), d) for d in self.detectors]
            elder = min(found, key=lambda one: one[1].began)
            self.breach, self.speaks = next((one for one in found if one[0].breached), elder)
        if (self.breach.breached or self.fell is not None) and self.proven_end is None:
            self.proven_end = end if end is not None else self.last_t

    def is_due(self) -> bool:
        """Whether what is shown in status is out of date."""
        if self.proven_end is not None or (self.worse is None) != (self.shown_worse is None):
            return True
        if self.beyond != self.shown_beyond:
            return True
        if not self.stirred or self.heard < self.read_to.keys():
            return False
        return self.shown_to is None or self._hour(self.last_t) > self._hour(self.shown_to)

    def _hour(self, instant: int) -> int:
        """Features take their turns over the hour."""
        return (instant - self.offset) // CHECKPOINT_SECONDS

    def show(self, signals: tuple[SignalStatus, ...]) -> None:
        """From now on status says this, with the evidence behind it."""
        self.shown_signals, self.shown_evidence = signals, tuple(self._packed())
        self.shown_to, self.stirred, self.shown_worse = self.last_t, False, self.worse
        self.shown_beyond = self.beyond

    def _packed(self) -> list[EvidenceState]:
        tests = [
            (_kept_as(spec, d.which), folded(pack(state)))
            for d in self.detectors
            for spec, state in zip(self.specs, d.states, strict=True)
        ]
        days = [(name + DAY, day.packed(known)) for name, known in self.days.items()]
        # the slices of a signal come last: without their past they begin anew after a crash
        tests.sort(key=lambda test: SLICE in test[0])
        return fitting([*days, *tests, *alarms.packed(self.alarms)])


def identity(feature: AIFeature, asked: Sequence[Comparison] = ()) -> Identity | None:
    """What is watched, by which absolute tests, within which budget; None where neither those nor
    any that are `asked` can be."""
    spec, good = feature.spec, feature.status.last_known_good
    if good is None:
        return None
    tests = tests_of(spec, digest=good.digest, attempt=0, with_stable=False)
    budget = vs_baseline.acting_share(spec)
    specs = live.live_tests(tests, spec.watch.interval_seconds, budget)
    if not specs and not asked:
        return None
    return good.digest, specs, spec.watch.false_fallbacks_per_year


def begin(
    feature: AIFeature,
    who: Identity,
    now: float,
    before: Lookout | None,
    *,
    scrape: float,
    asked: Sequence[Comparison] = (),
) -> Lookout:
    """The watch that status speaks of: from its checkpoint, else since the last change of what is
    served. Older than both eras, nothing of it matters any more. `before`: what was watched until
    now; other tests of the same release begin now, for its past was judged by those before.
    scrape: seconds by which a counter may be older than the instant it is read at; what served
    before reported as stable, too, and its last errors are not booked to what serves now."""
    interval = feature.spec.watch.interval_seconds
    edited = before is not None and before.identity[0] == who[0] and before.identity != who
    since = now if edited else max(min(_serves_since(feature, now), now), now - live.ERA_SECONDS)
    start = grid.first_window_start(since + scrape, interval)
    specs, kept = who[1], {e.name: e.state for e in feature.status.evidence}
    detectors = _detectors(specs, kept, start, now)
    entries = {_kept_as(s, which) for s in specs for which in range(live.DETECTORS)}
    known = not kept.keys().isdisjoint(entries | {c.test.signal + alarms.KEPT for c in asked})
    begun = Lookout(
        identity=who,
        detectors=detectors,
        interval=interval,
        offset=zlib.crc32(feature.metadata.uid.encode()) % CHECKPOINT_SECONDS,
        read_to=_read_to(specs, detectors),
        shown_evidence=tuple(feature.status.evidence) if known else (),
        shown_signals=tuple(feature.status.signals) if known else (),
        days={
            signal_of(s.signal): day.unpacked(kept.get(signal_of(s.signal) + DAY, ""))
            for s in specs
            if s.arm == STABLE and slice_of(signal_of(s.signal)) is None
        },
    )
    begun.compare(feature, asked, now, start)
    if known:
        begun.shown_to, begun.shown_beyond = begun.last_t, begun.beyond
    return begun


def _detectors(
    specs: Sequence[TestSpec], kept: Mapping[str, str], start: int, now: float
) -> tuple[Detector, ...]:
    return tuple(
        Detector(
            which,
            tuple(_recalled(s, kept.get(_kept_as(s, which), ""), start, now) for s in specs),
        )
        for which in range(live.DETECTORS)
    )


def _read_to(specs: Sequence[TestSpec], detectors: Sequence[Detector]) -> dict[str, int]:
    """Up to where every test of a reading has consumed it."""
    found: dict[str, int] = {}
    for spec, state in ((s, x) for d in detectors for s, x in zip(specs, d.states, strict=True)):
        name = signal_of(spec.signal)
        found[name] = min(state.last_t, found.get(name, state.last_t))
    return found


def _serves_since(feature: AIFeature, now: float) -> float:
    told = [t.at.timestamp() for t in feature.status.history if t.reason in BEGINS]
    return told[-1] if told else now


def _recalled(spec: TestSpec, text: str, start: int, now: float) -> TestState:
    try:
        found = unpack(spec, unfolded(text))
    except StateUnreadable:
        anew = grid.first_window_start(now, spec.interval) if text else start
        return live.fresh(spec, max(anew, start))
    late = now - found.last_t > live.ERA_SECONDS
    return live.fresh(spec, start) if late or found.last_t > now + AHEAD_SECONDS else found


def _kept_as(spec: TestSpec, which: int) -> str:
    """Unlike any name of a flight's evidence: they must not be taken for each other."""
    return f"{spec.signal}.live-{which}"
