"""What the evidence of a flight says in one pass, in the words of status.

A signal may have several bounds; it gets one verdict, the worst of them, and all lines. Live
releases are judged in `watching.py`, in the same words.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from goaround.api.kinds import AIFeature
from goaround.api.status import EvidenceState, SignalStatus
from goaround.evidence import own_past
from goaround.evidence.durations import time_needed
from goaround.evidence.judge import (
    CANDIDATE,
    Breach,
    Judgement,
    TestSpec,
    TestState,
    Verdict,
    report,
)
from goaround.evidence.plan import (
    counts_requests,
    in_step,
    least_samples,
    level,
    owner_of,
    readings,
    signal_of,
    slice_of,
)
from goaround.evidence.sample_ratio import packed
from goaround.rollout import observed
from goaround.rollout.observed import Judged
from goaround.runtime.assumed import assumed, paused
from goaround.runtime.before import PAST
from goaround.runtime.division import RATIO, mismatch
from goaround.runtime.flight import Fault, Flight, at
from goaround.runtime.memory import kept

WORST_FIRST = (Verdict.BAD, Verdict.UNKNOWN, Verdict.UNDECIDED, Verdict.GOOD)
LEAST_GRACE_SECONDS = 10
MISSING_REQUESTS = 12.0
"""So many expected requests that did not come are no accident: exp(-12) per gap, and a long ramp
with one request in ten seconds has a thousand gaps."""
NOTHING_TO_COMPARE = "compares with last-known-good, and there is none"
MISSING = f" more {CANDIDATE} requests"
DOUBT = "; stable is as bad in the same time: nobody is blamed until the two can be told apart"


def judged(
    feature: AIFeature, flight: Flight, *, now: float, lag: float, next_at: datetime | None
) -> Judged:
    """What the evidence says in this pass: said anew only where there is something new to say."""
    about = _about(feature, flight, lag)
    if flight.said is None or flight.said[0] != about:
        flight.said = about, _judged(feature, flight, lag)
    why = unreadable(flight.faults, list(flight.read_to), flight.interval, now=now)
    return replace(flight.said[1], unreadable=why, next_at=next_at)


def _about(feature: AIFeature, flight: Flight, lag: float) -> object:
    """All that a judgement speaks of but the time: while it is the same, so is what is said."""
    status, tests = feature.status, (flight.main, *flight.guards)
    return (
        (feature.spec, status.step, status.split, lag),
        tuple((t.specs, t.states, t.breach, t.proven_end) for t in tests),
        (replace(flight.log), flight.ratio, flight.baseline, flight.doubted),
        (dict(flight.read_to), frozenset(flight.heard), dict(flight.faults)),
    )


def _judged(feature: AIFeature, flight: Flight, lag: float) -> Judged:
    told = _reports(feature, flight)
    states = flight.main.states
    outage, log = None, flight.log
    if log.outage_since is not None:
        outage = observed.Outage(since=at(log.outage_since), line=log.line)
    return Judged(
        digest=flight.identity[0],
        attempt=flight.identity[1],
        signals=tuple(signals(feature, told, NOTHING_TO_COMPARE)),
        evidence=tuple(_packed(feature, flight)),
        breach=_breach(flight, told, lag),
        outage=outage,
        accepted=bool(told) and all(j.verdict is Verdict.GOOD for j in told if j.gate),
        samples=_samples(feature, flight),
        total=_total(flight),
        exposed=_exposed(flight, states),
        through=at(flight.last_t),
        heard_all=flight.heard >= flight.read_to.keys(),
        mismatch=mismatch(feature, flight.ratio),
        paused=paused(flight),
        assumed=assumed(flight),
        silent_since=_silent_since(feature, flight),
        deaf_since=at(log.deaf_since) if log.deaf_since is not None else None,
        traffic=flight.noted.newest,
    )


def _samples(feature: AIFeature, flight: Flight) -> int:
    """Requests of the step, as the signal that saw fewest of those that a climb waits for."""
    seen = [s.step_total for t, s in _in_step(feature, flight) if t.gate and counts_requests(t)]
    return int(min(seen, default=0))


def _total(flight: Flight) -> int:
    seen = [s.arm.total for t, s in flight.main.pairs if counts_requests(t)]
    return int(max(seen, default=0))


def _in_step(feature: AIFeature, flight: Flight) -> list[tuple[TestSpec, TestState]]:
    step = feature.status.step.index if feature.status.step is not None else 0
    return [(in_step(test, feature.spec, step), state) for test, state in flight.main.pairs]


def _reports(feature: AIFeature, flight: Flight) -> list[Judgement]:
    status, spec = feature.status, feature.spec
    step = status.step.index if status.step is not None else 0
    least = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)].min_samples
    needs = level(spec, step=step, attempt=flight.identity[1])
    breach = flight.main.breach
    if breach is None:
        return []
    told = reported(
        _in_step(feature, flight),
        breach,
        flight.faults,
        level=needs,
        least=lambda test: least_samples(test, spec, least),
    )
    return [_doubtful(j) if j.name in flight.doubted else _timed(j, feature, flight) for j in told]


def reported(
    pairs: Iterable[tuple[TestSpec, TestState]],
    breach: Breach,
    faults: Mapping[str, Fault],
    *,
    level: float,
    least: Callable[[TestSpec], float] = lambda _: 0,
) -> list[Judgement]:
    """What each test says; a signal that cannot be read says why. level: of acceptance; least: the
    samples that a test needs."""
    return [
        report(
            test,
            state,
            breach,
            level=level,
            min_samples=least(test),
            readable=(name := signal_of(test.signal)) not in faults,
            reason=faults[name].message if name in faults else "",
        )
        for test, state in pairs
    ]


def _doubtful(j: Judgement) -> Judgement:
    return replace(j, line=j.line.removesuffix(" -> breach") + DOUBT)


def _timed(j: Judgement, feature: AIFeature, flight: Flight) -> Judgement:
    """The requests that are missing, as time too, at the rate of this step."""
    step = feature.status.step
    passed = flight.last_t - step.since.timestamp() if step is not None else 0.0
    if j.needed is None or passed <= 0:
        return j
    takes = time_needed(j.needed, j.step_total / passed)
    return replace(j, line=j.line.replace(MISSING, f"{MISSING}, {takes}", 1)) if takes else j


def _exposed(flight: Flight, states: Sequence[TestState]) -> int:
    """Requests since trouble began, as the test that saw most of it counts them."""
    culprits = flight.main.breach.culprits if flight.main.breach is not None else ()
    blamed = [s.run.arm.total or s.arm.total for t, s in flight.main.pairs if t.signal in culprits]
    return int(max(blamed or [s.run.arm.total for s in states], default=0))


def _packed(feature: AIFeature, flight: Flight) -> list[EvidenceState]:
    names = readings(feature.spec)
    pairs = (*flight.main.pairs, *flight.outage.pairs, *flight.past.pairs)
    tests = kept(pairs, flight.log, names)
    found = [*tests, EvidenceState(name=RATIO, state=packed(flight.ratio))]
    if flight.baseline is not None and flight.compared:
        past = own_past.packed(flight.baseline, names)
        found.append(EvidenceState(name=PAST, state=past))
    return found


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
    return proof(told, main, flight.main.proven_end + lag)


def proof(told: Sequence[Judgement], main: str, proven_at: float) -> observed.Breach:
    """What the test `main` proved. proven_at: unix seconds at which that became readable."""
    found = next(j for j in told if j.name == main)
    return observed.Breach(
        signal=owner_of(main),
        line=found.line,
        proven_at=at(proven_at),
        started_at=at(found.started) if found.started is not None else None,
    )


def unreadable(
    faults: Mapping[str, Fault], names: Sequence[str], interval: int, *, now: float
) -> str | None:
    """A fault that lasts; a single failed read only costs its windows' time."""
    grace = max(3 * interval, LEAST_GRACE_SECONDS)
    if not any(now - fault.since >= grace for fault in faults.values()):
        return None
    # the first one in the order of spec, so that it does not depend on which read failed first
    name = next(name for name in names if name in faults)
    return f"signal {name}: {faults[name].message}"


def signals(feature: AIFeature, told: Sequence[Judgement], why_not: str) -> list[SignalStatus]:
    return [_shown(signal.name, told, why_not) for signal in feature.spec.acceptance.signals]


def _is_shown(j: Judgement) -> bool:
    """Slices only speak up when they are harmed: most of the time they say too little."""
    return slice_of(signal_of(j.name)) is None or j.verdict is Verdict.BAD


def _shown(name: str, told: Sequence[Judgement], why_not: str) -> SignalStatus:
    mine = [j for j in told if owner_of(j.name) == name and _is_shown(j)]
    if not mine:
        return SignalStatus(name=name, verdict="NotApplicable", message=f"{name}: {why_not}")
    first = min(mine, key=lambda j: WORST_FIRST.index(j.verdict))
    harms = [j.e_value for j in mine if j.e_value is not None]
    proofs = [j.accept_e for j in mine if j.accept_e is not None]
    return SignalStatus(
        name=name,
        verdict=first.verdict,
        message="; ".join(j.line for j in mine)[:512],
        e_value=_shortly(sum(harms)) if harms else None,
        accept_e_value=_shortly(min(proofs)) if proofs else None,
        total=_number(first.total),
        bad=_number(first.bad),
    )


def _number(value: float) -> str:
    return f"{value:.6g}"


def _shortly(e_value: float) -> str:
    return f"{e_value:.3g}"
