"""What the operator remembers of a live release between passes: it is watched for ever.

Decides which windows are watched, and when what is known is shown in status: once an hour, at once
on harm, and never without traffic. A cache of status plus windows, like a flight; reads no clock.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason
from goaround.api.status import EvidenceState, SignalStatus
from goaround.evidence import day, grid, live
from goaround.evidence.day import Day
from goaround.evidence.judge import STABLE, Breach, Counts, TestSpec, TestState, Window
from goaround.evidence.live import Detector
from goaround.evidence.model import NOTHING
from goaround.evidence.plan import SLICE, signal_of, slice_of, tests_of
from goaround.evidence.state import StateUnreadable, pack, unpack
from goaround.runtime.flight import AHEAD_SECONDS, Fault, Windows, by_end
from goaround.runtime.memory import fitting, folded, unfolded

BEGINS = {
    EventReason.PROMOTED,
    EventReason.RESTORED,
    EventReason.REBUILT,
    EventReason.KILL_RELEASED,
    EventReason.SUPERSEDED,
    EventReason.ROLLED_BACK,
    EventReason.INCONCLUSIVE,
}
"""After these, last-known-good serves everybody."""

DAY = ".day"
CHECKPOINT_SECONDS = 3600
Identity = tuple[str, tuple[TestSpec, ...], int]


@dataclass(slots=True)
class Lookout:
    """The watch over one release that serves everybody.

    proven_end: end of the window that proved harm; nothing is read after it. breach: of the
    detector that proved it, or of the one that knows most. stirred: there was traffic since what
    is shown was gathered.
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
    days: dict[str, Day] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    proven_end: int | None = None
    stirred: bool = False
    speaks: Detector = field(init=False)
    breach: Breach = field(init=False)

    def __post_init__(self) -> None:
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

    def _feed_one(self, now: Mapping[str, Window], end: int) -> None:
        of_tests = {
            spec.signal: now[name] for spec in self.specs if (name := signal_of(spec.signal)) in now
        }
        self.stirred |= any(w.arms[STABLE].total > 0 for w in now.values() if STABLE in w.arms)
        for name in self.days.keys() & now.keys():
            self.days[name] = day.counted(self.days[name], end, self._harm(name, now[name]))
        self.detectors = tuple(live.advanced(self.specs, d, of_tests) for d in self.detectors)
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

    def _conclude(self, end: int | None) -> None:
        found = [(live.judged(self.specs, d, self.identity[2]), d) for d in self.detectors]
        elder = min(found, key=lambda one: one[1].began)
        self.breach, self.speaks = next((one for one in found if one[0].breached), elder)
        if self.breach.breached and self.proven_end is None:
            self.proven_end = end if end is not None else self.last_t

    def is_due(self) -> bool:
        """Whether what is shown in status is out of date."""
        if self.proven_end is not None or (self.worse is None) != (self.shown_worse is None):
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

    def _packed(self) -> list[EvidenceState]:
        tests = [
            (_kept_as(spec, d.which), folded(pack(state)))
            for d in self.detectors
            for spec, state in zip(self.specs, d.states, strict=True)
        ]
        days = [(name + DAY, day.packed(known)) for name, known in self.days.items()]
        # the slices of a signal come last: without their past they begin anew after a crash
        tests.sort(key=lambda test: SLICE in test[0])
        return fitting([*days, *tests])


def identity(feature: AIFeature) -> Identity | None:
    """What is watched, by which tests, within which budget; None where nothing can be."""
    spec, good = feature.spec, feature.status.last_known_good
    if good is None:
        return None
    tests = tests_of(spec, digest=good.digest, attempt=0, with_stable=False)
    specs = live.live_tests(tests, spec.watch.interval_seconds)
    return (good.digest, specs, spec.watch.false_fallbacks_per_year) if specs else None


def begin(
    feature: AIFeature, who: Identity, now: float, before: Lookout | None, *, scrape: float
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
    kept = {e.name: e.state for e in feature.status.evidence}
    _, specs, _ = who
    detectors = tuple(
        Detector(
            which,
            tuple(_recalled(s, kept.get(_kept_as(s, which), ""), start, now) for s in specs),
        )
        for which in range(live.DETECTORS)
    )
    states = [(s, state) for d in detectors for s, state in zip(specs, d.states, strict=True)]
    read_to: dict[str, int] = {}
    for spec, state in states:
        name = signal_of(spec.signal)
        read_to[name] = min(state.last_t, read_to.get(name, state.last_t))
    known = any(_kept_as(s, which) in kept for s in specs for which in range(live.DETECTORS))
    return Lookout(
        identity=who,
        detectors=detectors,
        interval=interval,
        offset=zlib.crc32(feature.metadata.uid.encode()) % CHECKPOINT_SECONDS,
        read_to=read_to,
        shown_evidence=tuple(feature.status.evidence) if known else (),
        shown_signals=tuple(feature.status.signals) if known else (),
        shown_to=min(read_to.values()) if known else None,
        days={
            signal_of(s.signal): day.unpacked(kept.get(signal_of(s.signal) + DAY, ""))
            for s in specs
            if s.arm == STABLE and slice_of(signal_of(s.signal)) is None
        },
    )


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
