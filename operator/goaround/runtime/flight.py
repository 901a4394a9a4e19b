"""What the operator remembers of one flight between passes: states of the tests, and traffic.

A cache of status plus windows: dropped at any time, it is rebuilt from the checkpoint in status and
the windows since. Decides when a fault is an outage of both arms. Nothing here reads a clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from goaround.api.kinds import AIFeature
from goaround.evidence import grid
from goaround.evidence.alike import looks_alike
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Breach,
    Counts,
    TestSpec,
    TestState,
    Window,
    accept_e_value,
    new_state,
)
from goaround.evidence.own_past import compared, past_tests
from goaround.evidence.own_past import unpacked as unpacked_past
from goaround.evidence.plan import (
    OUTAGE_ALPHA,
    outage_tests,
    readings,
    signal_of,
    tests_of,
    undivided,
)
from goaround.evidence.sample_ratio import Ratio, counted, unpacked
from goaround.rollout.observed import Judged
from goaround.rollout.tightened import mark
from goaround.runtime.before import PAST, polls_before
from goaround.runtime.combined import Tests
from goaround.runtime.division import RATIO, Division, its_own_from
from goaround.runtime.memory import Logbook, logbook, recalled
from goaround.runtime.noted import Noted

Identity = tuple[str, int, str]
Windows = Mapping[str, Sequence[Window]]

AHEAD_SECONDS = 300
"""A state that far in the future was written under a wrong clock: waiting for it would blind us."""

DOUBT_SECONDS, LEAST_DOUBT = 120, 3
"""So long, and for so many windows, blame waits for stable to show whether it shares the fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a signal cannot be read, and since when (unix seconds)."""

    message: str
    since: float


@dataclass(slots=True)
class Flight:
    """The evidence of one digest and attempt.

    doubted: tests that prove harm, but stable looks the same in that time: nobody is blamed yet.
    heard: signals that were read since this memory began. baseline: what stable did before the
    rollout, for the signals that are only `compared` with it; None until it is known. polled: its
    polls of that time were asked how requests cluster; before that, no window is read. said: what
    was said last, and of what (`judging.py`).
    """

    identity: Identity
    main: Tests
    outage: Tests
    interval: int
    read_to: dict[str, int]
    log: Logbook
    faults: dict[str, Fault] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()
    heard: set[str] = field(default_factory=set)
    past: Tests = field(default_factory=lambda: Tests((), (), OUTAGE_ALPHA))
    baseline: Mapping[str, Counts] | None = None
    compared: tuple[str, ...] = ()
    polled: bool = True
    ratio: Ratio = field(default_factory=Ratio)
    division: Division | None = None
    said: tuple[object, Judged] | None = None
    noted: Noted = field(default_factory=Noted)
    _unnoted: dict[int, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._conclude(max((s.last_t for s in self.main.states), default=0))

    @property
    def last_t(self) -> int:
        """Every signal has been read up to here."""
        return min(self.read_to.values())

    @property
    def guards(self) -> tuple[Tests, Tests]:
        """Tests of stable itself: against absolute bounds, and against its own past."""
        return self.outage, self.past

    def learn(self, baseline: Mapping[str, Counts], step_began: float) -> None:
        """What stable did before the rollout became known: from now on it is held against it."""
        self.baseline = baseline
        guarded = {signal_of(t.signal) for t in self.outage.specs}
        specs, start = past_tests(self.main.specs, guarded, baseline), max(self.read_to.values())
        states = tuple(new_state(t, start, step_began) for t in specs)
        self.past = Tests(specs, states, OUTAGE_ALPHA)

    def measured(self, phi_w: Mapping[str, float]) -> None:
        """Clustering within one poll of stable, by reading, as it was before the rollout."""
        self.polled = True
        for tests in (self.main, *self.guards):
            tests.measured(phi_w)

    def feed(self, windows: Windows, *, step_began: float) -> None:
        """Judge what was read, one instant after the other: stable first, so that a fault which
        both arms share is seen as an outage before it is blamed on the candidate."""
        for end, now in by_end(windows):
            if self.main.proven_end is None:
                self._feed_one(now, end, step_began)
            for name in now:
                self.read_to[name] = max(self.read_to[name], end)
            self.heard |= now.keys()
            self._take_note(now, end)
            self.noted.take(now, end)
        self.noted.settle(self.last_t, self.interval)

    def _feed_one(self, now: Mapping[str, Window], end: int, step_began: float) -> None:
        newest = max(end, *self.read_to.values())
        for guard in self.guards:
            guard.advance(now, step_began=step_began)
            if guard.breach is not None and guard.breach.breached:
                self._stable_is_broken(guard, guard.breach, (end, newest), step_began=step_began)
        # in an outage, only a comparison can still hold against a release what stable breaks too
        self.main.advance(now, step_began=step_began, idle=self.log.affected)
        self._conclude(end)
        # what a comparison has proven by now stands, even if the outage ends with this window
        over = self.main.proven_end is None and self._healthy_again()
        if self.log.outage_since is not None and over:
            self._outage_ends(newest, step_began)

    def _conclude(self, end: int) -> None:
        """A breach is proven, unless all that speaks for it may be a fault of both arms. That can
        be told apart soon, or not at all: then the release comes back."""
        breach = self.main.breach
        culprits = breach.culprits if breach is not None and breach.breached else ()
        alike = {t.signal for t, s in self.main.pairs if t.signal in culprits and looks_alike(t, s)}
        since = self.log.doubted_since or end
        patient = end - since < max(DOUBT_SECONDS, LEAST_DOUBT * self.interval)
        self.doubted = frozenset(alike if patient else ())
        self.log.doubted_since = since if alike else None
        if len(self.doubted) < len(culprits) and self.main.proven_end is None:
            self.main.proven_end = end

    def _stable_is_broken(
        self, guard: Tests, breach: Breach, ends: tuple[int, int], *, step_began: float
    ) -> None:
        """An outage begins, goes on, or reaches another signal. What was proven is put aside, so
        that it can be seen afresh when stable is healthy again."""
        end, newest = ends
        if self.log.outage_since is None:
            self.log.outage_since = end - self.interval
            self.log.line = _told(breach.culprits[0], guard.pairs)
        named = {signal_of(name) for name in breach.culprits}
        guard.renew(breach.culprits, newest, step_began)
        self.main.renew(named - self.log.affected, newest, step_began)
        self.log.affected |= named

    def _healthy_again(self) -> bool:
        """Stable is proven to be within the bounds that it broke, afresh since it last did."""
        return all(
            accept_e_value(state) >= 1 / OUTAGE_ALPHA
            for guard in self.guards
            for spec, state in guard.pairs
            if signal_of(spec.signal) in self.log.affected
        )

    def _outage_ends(self, newest: int, step_began: float) -> None:
        """What was gathered in the outage speaks of nobody: begin anew."""
        self.log.outage_since, self.log.affected, self.log.line = None, frozenset(), ""
        for tests in (*self.guards, self.main):
            tests.renew([t.signal for t in tests.specs], newest, step_began)

    def _take_note(self, now: Mapping[str, Window], end: int) -> None:
        """Who was silent; only where every signal has been read, because some see little."""
        candidate, stable = self._unnoted.get(end, (0.0, 0.0))
        seen = total(now.values(), CANDIDATE), total(now.values(), STABLE)
        self._unnoted[end] = (max(seen[0], candidate), max(seen[1], stable))
        for known in sorted(e for e in self._unnoted if e <= self.last_t):
            candidate, stable = self._unnoted.pop(known)
            if known > self.log.noted_to:
                self._note_silence(candidate, stable, known)
                self._note_share(candidate, stable, known)

    def _note_share(self, candidate: float, stable: float, end: int) -> None:
        """Whether the split of this step is as configured; windows before it say nothing of it."""
        here = self.division
        if here is None or end - self.interval < here.settled:
            return
        known = self.ratio if self.ratio.step_began == here.step_began else Ratio(here.step_began)
        self.ratio = counted(known, end, (candidate, stable), here.weight, here.odds)

    def _note_silence(self, candidate: float, stable: float, end: int) -> None:
        log = self.log
        log.noted_to = end
        if candidate > 0:
            log.quiet_windows, log.unanswered = 0, 0.0
        elif stable > 0:
            log.quiet_windows, log.unanswered = log.quiet_windows + 1, log.unanswered + stable
        if candidate + stable > 0:
            log.deaf_since = None
        elif log.deaf_since is None:
            log.deaf_since = end - self.interval


def _told(culprit: str, pairs: Sequence[tuple[TestSpec, TestState]]) -> str:
    spec, state = next((t, s) for t, s in pairs if t.signal == culprit)
    seen = spec.harm(state.run.arm if state.run.arm.total else state.arm)
    return (
        f"{signal_of(culprit)}: stable itself is at {seen.share:.1%} bad (n={seen.total:,.0f}); "
        "no release is to blame"
    )


def identity(feature: AIFeature) -> Identity | None:
    flown = feature.status.candidate
    return (flown.digest, flown.attempt, flown.plan_digest + mark(feature)) if flown else None


def begin(feature: AIFeature, now: float, *, scrape: float = 0.0) -> Flight | None:
    """The flight that status speaks of, from its checkpoint or from the start of its step. scrape:
    seconds by which a counter may be older than the instant it is read at."""
    status, spec = feature.status, feature.spec
    flown, interval = status.candidate, spec.ramp.interval_seconds
    if flown is None or status.step is None or (who := identity(feature)) is None:
        return None
    began = status.step.since.timestamp()
    apart = its_own_from(feature, scrape)
    start = grid.first_window_start(max(min(began, now), apart), interval)
    beside = status.last_known_good is not None
    specs = tests_of(spec, digest=flown.digest, attempt=flown.attempt, with_stable=beside)
    specs = undivided(specs) if flown.adopted else specs
    watched = outage_tests(spec, digest=flown.digest, attempt=flown.attempt) if beside else ()
    names = readings(spec)
    kept = {e.name: e.state for e in status.evidence}
    baseline = unpacked_past(kept.get(PAST, ""), names) if PAST in kept else None
    guarded = {signal_of(t.signal) for t in watched}
    compares = past_tests(specs, guarded, baseline or {})
    known = recalled((*specs, *watched, *compares), status.evidence)

    def state(test: TestSpec) -> TestState:
        found = known.get(test.signal)
        sane = found is not None and found.last_t <= now + AHEAD_SECONDS
        return found if found is not None and sane else new_state(test, start, began)

    main = Tests(specs, tuple(map(state, specs)), float(spec.acceptance.alpha))
    outage = Tests(watched, tuple(map(state, watched)), OUTAGE_ALPHA)
    past = Tests(compares, tuple(map(state, compares)), OUTAGE_ALPHA)
    log = logbook((*specs, *watched, *compares), status.evidence, names)
    idle = log.affected if log is not None else frozenset()
    read = [s.last_t for t, s in (*main.pairs, *outage.pairs, *past.pairs) if t.signal not in idle]
    if log is None or log.noted_to > now + AHEAD_SECONDS:
        log = Logbook(noted_to=min(read, default=start))
    oldest = min([log.noted_to, *read])
    return Flight(
        who,
        main,
        outage,
        interval,
        dict.fromkeys(names, oldest),
        log,
        past=past,
        baseline=baseline,
        compared=tuple(signal_of(t.signal) for t in compared(specs, guarded)),
        polled=not polls_before(feature) or any(s.windows for s in main.states),
        ratio=unpacked(kept.get(RATIO, "")),
    )


def by_end(windows: Windows) -> list[tuple[int, dict[str, Window]]]:
    """The same windows, one instant after the other."""
    found: dict[int, dict[str, Window]] = {}
    for name, some in windows.items():
        for window in some:
            found.setdefault(window.end, {})[name] = window
    return sorted(found.items())


def total(windows: Iterable[Window], arm: str) -> float:
    """The largest count of an arm that any signal saw."""
    return max((w.arms[arm].total for w in windows if arm in w.arms), default=0.0)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
