"""What the operator remembers of one flight between passes: states of the tests, and traffic.

A cache of status plus windows: dropped at any time, it is rebuilt from the checkpoint in status and
the windows since. Nothing here reads a clock or waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from goaround.api.kinds import AIFeature
from goaround.api.status import AIFeatureStatus, EvidenceState, SignalStatus
from goaround.evidence import grid
from goaround.evidence.judge import (
    Breach,
    Judgement,
    Progress,
    TestSpec,
    TestState,
    Window,
    advance_all,
    combine,
    new_state,
    report,
)
from goaround.evidence.plan import level, tests_of
from goaround.evidence.state import StateUnreadable, pack, unpack
from goaround.rollout import observed
from goaround.rollout.observed import Judged, Traffic

Identity = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a signal cannot be read, and since when (unix seconds)."""

    message: str
    since: float


@dataclass(slots=True)
class Flight:
    """The evidence of one digest and attempt."""

    identity: Identity
    specs: tuple[TestSpec, ...]
    states: tuple[TestState, ...]
    breach: Breach
    proven_end: int | None = None
    faults: dict[str, Fault] = field(default_factory=dict)
    traffic: Traffic | None = None

    @property
    def last_t(self) -> int:
        """Everything up to here has been judged."""
        return min(s.last_t for s in self.states)

    def feed(
        self, windows: Mapping[str, Sequence[Window]], *, step_began: float, alpha: float
    ) -> None:
        """Judge what was read, window by window; a breach stays."""
        if self.proven_end is None:
            progress: Progress = advance_all(
                self.specs, self.states, windows, step_began=step_began, alpha=alpha
            )
            self.states, self.breach = progress.states, progress.breach
            self.proven_end = progress.proven_end
        self.traffic = newest_traffic(windows, self.specs[0].interval) or self.traffic


def identity(feature: AIFeature) -> Identity | None:
    flown = feature.status.candidate
    return (flown.digest, flown.attempt, flown.plan_digest) if flown is not None else None


def begin(feature: AIFeature) -> Flight | None:
    """The flight that status speaks of, from its checkpoint or from the start of its step."""
    status = feature.status
    if status.candidate is None or status.step is None or (who := identity(feature)) is None:
        return None
    began = status.step.since.timestamp()
    kept = {e.name: e.state for e in status.evidence}
    specs = tests_of(feature.spec, digest=status.candidate.digest, attempt=status.candidate.attempt)
    states = tuple(_state(spec, kept.get(spec.signal), began) for spec in specs)
    alpha = float(feature.spec.acceptance.alpha)
    return Flight(identity=who, specs=specs, states=states, breach=combine(specs, states, alpha))


def _state(spec: TestSpec, kept: str | None, began: float) -> TestState:
    if kept is not None:
        try:
            return unpack(spec, kept)
        except StateUnreadable:
            pass  # never repaired: a wrong state starts new evidence
    return new_state(spec, grid.first_window_start(began, spec.interval), began)


def newest_traffic(windows: Mapping[str, Sequence[Window]], interval: int) -> Traffic | None:
    """Requests by arm in the newest window: the largest count that any signal saw."""
    last = [some[-1] for some in windows.values() if some]
    if not last:
        return None
    end = max(w.end for w in last)
    arms = {arm for w in last for arm in w.arms}
    return Traffic(
        start=_at(end - interval),
        end=_at(end),
        requests={
            arm: max(w.arms[arm].total for w in last if arm in w.arms and w.end == end)
            for arm in arms
            if any(arm in w.arms and w.end == end for w in last)
        },
    )


def judged(
    feature: AIFeature, flight: Flight, *, now: float, lag: float, next_at: datetime | None
) -> Judged:
    """What the evidence says in this pass."""
    status, spec = feature.status, feature.spec
    step = status.step.index if status.step is not None else 0
    attempt = flight.identity[1]
    least = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)].min_samples
    needs = level(spec, step=step, attempt=attempt)
    told = [
        report(
            test,
            state,
            flight.breach,
            level=needs,
            min_samples=least,
            readable=test.signal not in flight.faults,
            reason=fault.message if (fault := flight.faults.get(test.signal)) else "",
        )
        for test, state in zip(flight.specs, flight.states, strict=True)
    ]
    return Judged(
        digest=flight.identity[0],
        attempt=attempt,
        signals=tuple(_shown(j) for j in told),
        evidence=tuple(
            EvidenceState(name=t.signal, state=pack(s))
            for t, s in zip(flight.specs, flight.states, strict=True)
        ),
        breach=_breach(flight, told, lag),
        accepted=all(j.verdict == "Good" for j in told if j.gate),
        samples=int(min(s.step_total for s in flight.states)),
        total=int(max(s.arm.total for s in flight.states)),
        exposed=int(max(s.run.arm.total for s in flight.states)),
        through=_at(flight.last_t),
        unreadable=_unreadable(status, flight, now=now),
        traffic=flight.traffic,
        next_at=next_at,
    )


def _breach(flight: Flight, told: Sequence[Judgement], lag: float) -> observed.Breach | None:
    if flight.proven_end is None:
        return None
    main = flight.breach.culprits[0]
    judgement = next(j for j in told if j.name == main)
    return observed.Breach(
        signal=main,
        line=judgement.line,
        proven_at=_at(flight.proven_end + lag),
        started_at=_at(judgement.started) if judgement.started is not None else None,
    )


def _unreadable(status: AIFeatureStatus, flight: Flight, *, now: float) -> str | None:
    """A fault that lasts; a single failed read only costs its windows' time."""
    grace = max(3 * flight.specs[0].interval, 10)
    for name, fault in flight.faults.items():
        if now - fault.since >= grace:
            return f"signal {name}: {fault.message}"
    return None


def _shown(j: Judgement) -> SignalStatus:
    return SignalStatus(
        name=j.name,
        verdict=j.verdict,
        message=j.line[:512],
        e_value=_number(j.e_value),
        accept_e_value=_number(j.accept_e),
        total=_number(j.total),
        bad=_number(j.bad),
    )


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
