"""What a flight's evidence says in one pass, in the words of status.

A signal may have two bounds; it gets one verdict, the worse of the two, and both lines.
"""

from collections.abc import Sequence
from datetime import datetime

from goaround.api.kinds import AIFeature
from goaround.api.status import EvidenceState, SignalStatus
from goaround.evidence.judge import Judgement, TestState, Verdict, report
from goaround.evidence.plan import level, signal_of
from goaround.evidence.state import pack
from goaround.rollout import observed
from goaround.rollout.observed import Judged
from goaround.runtime.flight import Flight, at

WORST_FIRST = (Verdict.BAD, Verdict.UNKNOWN, Verdict.UNDECIDED, Verdict.GOOD)
LEAST_GRACE_SECONDS = 10


def judged(
    feature: AIFeature, flight: Flight, *, now: float, lag: float, next_at: datetime | None
) -> Judged:
    """What the evidence says in this pass."""
    told = _reports(feature, flight)
    states = flight.main.states
    outage = None
    if flight.outage_since is not None:
        outage = observed.Outage(since=at(flight.outage_since), line=flight.outage_line)
    return Judged(
        digest=flight.identity[0],
        attempt=flight.identity[1],
        signals=tuple(_signals(feature, told)),
        evidence=tuple(_packed(flight)),
        breach=_breach(flight, told, lag),
        outage=outage,
        accepted=bool(told) and all(j.verdict is Verdict.GOOD for j in told if j.gate),
        samples=int(min((s.step_total for s in states), default=0)),
        total=int(max((s.arm.total for s in states), default=0)),
        exposed=_exposed(flight, states),
        through=at(flight.last_t),
        unreadable=_unreadable(flight, now=now),
        silent_since=at(flight.silent_since) if flight.silent_since is not None else None,
        deaf_since=at(flight.deaf_since) if flight.deaf_since is not None else None,
        traffic=flight.traffic,
        next_at=next_at,
    )


def _reports(feature: AIFeature, flight: Flight) -> list[Judgement]:
    status, spec = feature.status, feature.spec
    step = status.step.index if status.step is not None else 0
    least = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)].min_samples
    needs = level(spec, step=step, attempt=flight.identity[1])
    breach = flight.main.breach
    if breach is None:
        return []
    return [
        report(
            test,
            state,
            breach,
            level=needs,
            min_samples=least,
            readable=signal_of(test.signal) not in flight.faults,
            reason=fault.message if (fault := flight.faults.get(signal_of(test.signal))) else "",
        )
        for test, state in zip(flight.main.specs, flight.main.states, strict=True)
    ]


def _exposed(flight: Flight, states: Sequence[TestState]) -> int:
    """Requests since trouble began, as the test that saw most of it counts them."""
    culprits = flight.main.breach.culprits if flight.main.breach is not None else ()
    blamed = [
        s.run.arm.total or s.arm.total
        for t, s in zip(flight.main.specs, states, strict=True)
        if t.signal in culprits
    ]
    return int(max(blamed or [s.run.arm.total for s in states], default=0))


def _packed(flight: Flight) -> list[EvidenceState]:
    pairs = [
        *zip(flight.main.specs, flight.main.states, strict=True),
        *zip(flight.outage.specs, flight.outage.states, strict=True),
    ]
    return [EvidenceState(name=t.signal, state=pack(s)) for t, s in pairs]


def _breach(flight: Flight, told: Sequence[Judgement], lag: float) -> observed.Breach | None:
    breach = flight.main.breach
    if flight.main.proven_end is None or breach is None:
        return None
    main = breach.culprits[0]
    judgement = next(j for j in told if j.name == main)
    return observed.Breach(
        signal=signal_of(main),
        line=judgement.line,
        proven_at=at(flight.main.proven_end + lag),
        started_at=at(judgement.started) if judgement.started is not None else None,
    )


def _unreadable(flight: Flight, *, now: float) -> str | None:
    """A fault that lasts; a single failed read only costs its windows' time."""
    grace = max(3 * flight.interval, LEAST_GRACE_SECONDS)
    for name, fault in flight.faults.items():
        if now - fault.since >= grace:
            return f"signal {name}: {fault.message}"
    return None


def _signals(feature: AIFeature, told: Sequence[Judgement]) -> list[SignalStatus]:
    found: list[SignalStatus] = []
    for signal in feature.spec.acceptance.signals:
        mine = [j for j in told if signal_of(j.name) == signal.name]
        if mine:
            found.append(_shown(signal.name, mine))
        else:
            reason = "compares with last-known-good, and there is none"
            found.append(
                SignalStatus(
                    name=signal.name, verdict="NotApplicable", message=f"{signal.name}: {reason}"
                )
            )
    return found


def _shown(name: str, mine: Sequence[Judgement]) -> SignalStatus:
    first = min(mine, key=lambda j: WORST_FIRST.index(j.verdict))
    harms = [j.e_value for j in mine if j.e_value is not None]
    proofs = [j.accept_e for j in mine if j.accept_e is not None]
    return SignalStatus(
        name=name,
        verdict=first.verdict,
        message="; ".join(j.line for j in mine)[:512],
        e_value=_number(sum(harms)) if harms else None,
        accept_e_value=_number(min(proofs)) if proofs else None,
        total=_number(first.total),
        bad=_number(first.bad),
    )


def _number(value: float) -> str:
    return f"{value:.6g}"
