"""What a flight's evidence says in one pass, in the words of status.

A signal may have two bounds; it gets one verdict, the worse of the two, and both lines.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from goaround.api.kinds import AIFeature
from goaround.api.status import EvidenceState, SignalStatus
from goaround.evidence.judge import Judgement, TestState, Verdict, report
from goaround.evidence.plan import level, signal_of
from goaround.rollout import observed
from goaround.rollout.observed import Judged
from goaround.runtime.flight import Flight, at
from goaround.runtime.memory import kept

WORST_FIRST = (Verdict.BAD, Verdict.UNKNOWN, Verdict.UNDECIDED, Verdict.GOOD)
LEAST_GRACE_SECONDS = 10
MISSING_REQUESTS = 12.0
"""So many expected requests that did not come are no accident: exp(-12) per gap, and a long ramp
with one request in ten seconds has a thousand gaps."""
DOUBT = "; stable is as bad in the same time: nobody is blamed until the two can be told apart"


def judged(
    feature: AIFeature, flight: Flight, *, now: float, lag: float, next_at: datetime | None
) -> Judged:
    """What the evidence says in this pass."""
    told = _reports(feature, flight)
    states = flight.main.states
    outage, log = None, flight.log
    if log.outage_since is not None:
        outage = observed.Outage(since=at(log.outage_since), line=log.line)
    return Judged(
        digest=flight.identity[0],
        attempt=flight.identity[1],
        signals=tuple(_signals(feature, told)),
        evidence=tuple(_packed(feature, flight)),
        breach=_breach(flight, told, lag),
        outage=outage,
        accepted=bool(told) and all(j.verdict is Verdict.GOOD for j in told if j.gate),
        samples=int(min((s.step_total for s in states), default=0)),
        total=int(max((s.arm.total for s in states), default=0)),
        exposed=_exposed(flight, states),
        through=at(flight.last_t),
        heard_all=flight.heard >= flight.read_to.keys(),
        unreadable=_unreadable(flight, now=now),
        silent_since=_silent_since(feature, flight),
        deaf_since=at(log.deaf_since) if log.deaf_since is not None else None,
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
    told = [
        report(
            test,
            state,
            breach,
            level=needs,
            min_samples=least,
            readable=signal_of(test.signal) not in flight.faults,
            reason=fault.message if (fault := flight.faults.get(signal_of(test.signal))) else "",
        )
        for test, state in flight.main.pairs
    ]
    return [_doubtful(j) if j.name in flight.doubted else j for j in told]


def _doubtful(j: Judgement) -> Judgement:
    return replace(j, line=j.line.removesuffix(" -> breach") + DOUBT)


def _exposed(flight: Flight, states: Sequence[TestState]) -> int:
    """Requests since trouble began, as the test that saw most of it counts them."""
    culprits = flight.main.breach.culprits if flight.main.breach is not None else ()
    blamed = [s.run.arm.total or s.arm.total for t, s in flight.main.pairs if t.signal in culprits]
    return int(max(blamed or [s.run.arm.total for s in states], default=0))


def _packed(feature: AIFeature, flight: Flight) -> list[EvidenceState]:
    names = [s.name for s in feature.spec.acceptance.signals]
    return kept((*flight.main.pairs, *flight.outage.pairs), flight.log, names)


def _silent_since(feature: AIFeature, flight: Flight) -> datetime | None:
    """Since when the candidate owes an answer, counted in windows in which stable had requests.

    None where few would have reached it anyway: with little traffic, quiet is not blind.
    """
    split, log = feature.status.split, flight.log
    expected = log.unanswered * split.candidate / split.stable if split.stable else 0.0
    if expected < MISSING_REQUESTS:
        return None
    return at(flight.last_t - log.quiet_windows * flight.interval)


def _breach(flight: Flight, told: Sequence[Judgement], lag: float) -> observed.Breach | None:
    breach = flight.main.breach
    if flight.main.proven_end is None or breach is None:
        return None
    main = next(name for name in breach.culprits if name not in flight.doubted)
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
    if not any(now - fault.since >= grace for fault in flight.faults.values()):
        return None
    # the first one in the order of spec, so that it does not depend on which read failed first
    name = next(name for name in flight.read_to if name in flight.faults)
    return f"signal {name}: {flight.faults[name].message}"


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
