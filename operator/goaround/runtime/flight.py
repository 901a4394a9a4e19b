"""What the operator remembers of one flight between passes: states of the tests, and traffic.

A cache of status plus windows: dropped at any time, it is rebuilt from the checkpoint in status and
the windows since. Nothing here reads a clock or waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import AIFeature
from goaround.evidence import grid
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Breach,
    TestSpec,
    TestState,
    Window,
    accept_e_value,
    advance_all,
    combine,
    new_state,
)
from goaround.evidence.plan import OUTAGE_ALPHA, VERSUS, outage_tests, signal_of, tests_of
from goaround.evidence.state import StateUnreadable, unpack
from goaround.rollout.observed import Traffic

Identity = tuple[str, int, str]
Windows = Mapping[str, Sequence[Window]]

AHEAD_SECONDS = 300
"""A state that far in the future was written under a wrong clock: waiting for it would blind us."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a signal cannot be read, and since when (unix seconds)."""

    message: str
    since: float


@dataclass(slots=True)
class Tests:
    """Tests that are combined into one decision."""

    specs: tuple[TestSpec, ...]
    states: tuple[TestState, ...]
    alpha: float
    breach: Breach | None = None
    proven_end: int | None = None

    def __post_init__(self) -> None:
        if self.specs and self.breach is None:
            self.breach = combine(self.specs, self.states, self.alpha)
        if self.breach is not None and self.breach.breached and self.proven_end is None:
            self.proven_end = max(s.last_t for s in self.states)

    def feed(self, windows: Windows, *, step_began: float) -> None:
        """Judge what was read, window by window; a breach stays."""
        if not self.specs or self.proven_end is not None:
            return
        mine = {t.signal: windows[s] for t in self.specs if (s := signal_of(t.signal)) in windows}
        made = advance_all(self.specs, self.states, mine, step_began=step_began, alpha=self.alpha)
        self.states, self.breach, self.proven_end = made.states, made.breach, made.proven_end

    def renewed(self, at: int, step_began: float) -> "Tests":
        """The same tests without a past."""
        states = tuple(new_state(t, at, step_began) for t in self.specs)
        return Tests(specs=self.specs, states=states, alpha=self.alpha)


@dataclass(slots=True)
class Flight:
    """The evidence of one digest and attempt."""

    identity: Identity
    main: Tests
    outage: Tests
    interval: int
    read_to: dict[str, int]
    faults: dict[str, Fault] = field(default_factory=dict)
    traffic: Traffic | None = None
    outage_since: int | None = None
    outage_line: str = ""
    silent_since: int | None = None
    deaf_since: int | None = None

    @property
    def last_t(self) -> int:
        """Every signal has been read up to here."""
        return min(self.read_to.values())

    def feed(self, windows: Windows, *, step_began: float) -> None:
        """Judge what was read, one instant after the other: stable first, so that a fault which
        both arms share is seen as an outage before it is blamed on the candidate."""
        ends = sorted({w.end for some in windows.values() for w in some})
        for end in ends:
            now = {name: [w for w in some if w.end == end] for name, some in windows.items()}
            self._feed_one({n: s for n, s in now.items() if s}, end, step_began)
        self.traffic = newest_traffic(windows, self.interval) or self.traffic
        for name, some in windows.items():
            self.read_to[name] = max([self.read_to[name], *(w.end for w in some)])

    def _feed_one(self, now: Windows, end: int, step_began: float) -> None:
        self._note_silence(now, end)
        self.outage.feed(now, step_began=step_began)
        if self.outage_since is None and self.outage.proven_end is not None:
            self._outage_begins(end, step_began)
        if self.outage_since is not None:
            compared = {n: s for n, s in now.items() if self._compares(n)}
            self.main.feed(compared, step_began=step_began)
            if self._outage_over():
                self._outage_ends(end, step_began)
            return
        self.main.feed(now, step_began=step_began)

    def _compares(self, signal: str) -> bool:
        """In an outage only what is compared with stable can still be held against a release."""
        names = {t.signal for t in self.main.specs}
        return signal + VERSUS in names and signal not in names

    def _outage_begins(self, end: int, step_began: float) -> None:
        self.outage_since = end - self.interval
        breach = self.outage.breach
        culprit = signal_of(breach.culprits[0]) if breach is not None else ""
        state = next(
            s
            for t, s in zip(self.outage.specs, self.outage.states, strict=True)
            if signal_of(t.signal) == culprit
        )
        self.outage_line = (
            f"{culprit}: stable itself is at {state.run.arm.share:.1%} bad "
            f"(n={state.run.arm.total:,.0f}); no release is to blame"
        )
        self.outage = self.outage.renewed(end, step_began)

    def _outage_over(self) -> bool:
        """Stable is proven to be within its bounds again, afresh since the outage began."""
        needed = 1 / OUTAGE_ALPHA
        return self.outage.proven_end is None and all(
            accept_e_value(state) >= needed for state in self.outage.states
        )

    def _outage_ends(self, end: int, step_began: float) -> None:
        """What was gathered in the outage speaks of nobody: begin anew."""
        self.outage_since, self.outage_line = None, ""
        self.outage = self.outage.renewed(end, step_began)
        self.main = self.main.renewed(end, step_began)

    def _note_silence(self, now: Windows, end: int) -> None:
        candidate, stable = total(now, CANDIDATE), total(now, STABLE)
        if candidate > 0 or stable == 0:
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = end - self.interval
        if candidate + stable > 0:
            self.deaf_since = None
        elif self.deaf_since is None:
            self.deaf_since = end - self.interval


def identity(feature: AIFeature) -> Identity | None:
    flown = feature.status.candidate
    return (flown.digest, flown.attempt, flown.plan_digest) if flown is not None else None


def begin(feature: AIFeature, now: float) -> Flight | None:
    """The flight that status speaks of, from its checkpoint or from the start of its step."""
    status, spec = feature.status, feature.spec
    flown = status.candidate
    if flown is None or status.step is None or (who := identity(feature)) is None:
        return None
    began = status.step.since.timestamp()
    kept = {e.name: e.state for e in status.evidence}
    beside = status.last_known_good is not None
    specs = tests_of(spec, digest=flown.digest, attempt=flown.attempt, with_stable=beside)
    watched = outage_tests(spec, digest=flown.digest, attempt=flown.attempt) if beside else ()
    main = tuple(_state(t, kept.get(t.signal), began, now) for t in specs)
    other = tuple(_state(t, kept.get(t.signal), began, now) for t in watched)
    return Flight(
        identity=who,
        main=Tests(specs=specs, states=main, alpha=float(spec.acceptance.alpha)),
        outage=Tests(specs=watched, states=other, alpha=OUTAGE_ALPHA),
        interval=spec.ramp.interval_seconds,
        read_to=_read_to(spec, (*zip(specs, main, strict=True), *zip(watched, other, strict=True))),
    )


def _read_to(spec: AIFeatureSpec, tests: Sequence[tuple[TestSpec, TestState]]) -> dict[str, int]:
    """From where each signal is read: the oldest of its tests; all together where it has none."""
    oldest = min(state.last_t for _, state in tests)
    return {
        s.name: min(
            (state.last_t for t, state in tests if signal_of(t.signal) == s.name), default=oldest
        )
        for s in spec.acceptance.signals
    }


def _state(spec: TestSpec, kept: str | None, began: float, now: float) -> TestState:
    if kept is not None:
        try:
            state = unpack(spec, kept)
        except StateUnreadable:
            pass  # never repaired: a wrong state starts new evidence
        else:
            if state.last_t <= now + AHEAD_SECONDS:
                return state
    start = grid.first_window_start(min(began, now), spec.interval)
    return new_state(spec, start, began)


def newest_traffic(windows: Windows, interval: int) -> Traffic | None:
    """Requests by arm in the newest window: the largest count that any signal saw."""
    last = [some[-1] for some in windows.values() if some]
    if not last:
        return None
    end = max(w.end for w in last)
    newest = {str(i): [w] for i, w in enumerate(last) if w.end == end}
    arms = {arm for some in newest.values() for arm in some[0].arms}
    return Traffic(
        start=at(end - interval),
        end=at(end),
        requests={arm: total(newest, arm) for arm in arms},
    )


def total(now: Windows, arm: str) -> float:
    """The largest count of an arm that any signal saw."""
    counts = (w.arms[arm].total for some in now.values() for w in some if arm in w.arms)
    return max(counts, default=0.0)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
