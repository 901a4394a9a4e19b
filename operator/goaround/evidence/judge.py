"""The front door: all tests of a release together decide on a breach, each signal gets a verdict.

Decides `Good, Bad, Undecided, Unknown` per signal, with the numbers that say why. Refuses to know
what a release, a step or a query is; reads no clock and stores nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from goaround.evidence import acceptance, detector, lines
from goaround.evidence.acceptance import acceptance_level
from goaround.evidence.advance import advance, new_state
from goaround.evidence.hint import needed
from goaround.evidence.model import (
    CANDIDATE,
    STABLE,
    Bound,
    Breach,
    Counts,
    ImpossibleCounts,
    Judgement,
    Max,
    Min,
    TestSpec,
    TestState,
    Verdict,
    VsStable,
    Window,
    budget_shares,
)

__all__ = [
    "CANDIDATE",
    "STABLE",
    "Bound",
    "Breach",
    "Counts",
    "ImpossibleCounts",
    "Judgement",
    "Max",
    "Min",
    "Progress",
    "TestSpec",
    "TestState",
    "Verdict",
    "VsStable",
    "Window",
    "accept_e_value",
    "acceptance_level",
    "advance",
    "advance_all",
    "budget_shares",
    "combine",
    "new_state",
    "report",
]

LARGEST_LOG: Final = 300 * math.log(10)
"""E-values are shown up to 1e300; the tests themselves stay in logs and have no limit."""


def combine(specs: Sequence[TestSpec], states: Sequence[TestState], alpha: float) -> Breach:
    """The combined test: breached iff sum v_i E_i >= 1/alpha, or a hard guard saw a bad event.

    A weighted average of e-processes is one, however they depend on each other, so P(false
    rollback ever) <= alpha; hard guards stand outside. To blame are the tripped hard guards, the
    test that contributes most, and each that would have breached alone. It says what holds after
    the latest window: the caller latches a breach, and asks after every window (`advance_all`).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    if math.fsum(spec.share for spec in specs) > 1 + 1e-9:
        raise ValueError("the shares of the tests add up to more than 1")
    if len({spec.signal for spec in specs}) < len(specs):
        raise ValueError("names of tests must be unique")
    pairs = list(zip(specs, states, strict=True))
    parts = {spec.signal: _log_part(spec, state) for spec, state in pairs if not spec.hard}
    tripped = [spec.signal for spec, state in pairs if spec.hard and spec.harm(state.arm).bad > 0]
    log_e = float(np.logaddexp.reduce(list(parts.values()))) if parts else -math.inf
    level = -math.log(alpha)
    ranked = sorted(parts, key=lambda name: -parts[name])
    guilty = [n for n in ranked if log_e >= level and (n == ranked[0] or parts[n] >= level)]
    culprits = (*tripped, *guilty)
    return Breach(
        log_e=log_e,
        breached=bool(culprits),
        top=next(iter((*tripped, *ranked)), ""),
        culprits=culprits,
        alpha=alpha,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a batch of windows led: states in the order of the specs, and the breach as it stood.

    proven_end: end of the window that crossed the bound; absent without a breach. Windows after
    it were not consumed.
    """

    states: tuple[TestState, ...]
    breach: Breach
    proven_end: int | None


def advance_all(
    specs: Sequence[TestSpec],
    states: Sequence[TestState],
    windows: Mapping[str, Sequence[Window]],
    *,
    step_began: float,
    alpha: float,
) -> Progress:
    """Feed windows (by signal) in the order of time, asking after each instant; stop at a breach.

    A breach in the middle of a catch-up must not be washed out by the windows after it.
    """
    now = list(states)
    proven = max((state.last_t for state in now), default=0)
    by_end = {(name, window.end): window for name, some in windows.items() for window in some}
    breach = combine(specs, now, alpha)
    for end in sorted({end for _, end in by_end}):
        if breach.breached:
            break
        for i, spec in enumerate(specs):
            if window := by_end.get((spec.signal, end)):
                now[i] = advance(spec, now[i], window, step_began=step_began)
        breach, proven = combine(specs, now, alpha), end
    proven_end = proven if breach.breached else None
    return Progress(states=tuple(now), breach=breach, proven_end=proven_end)


def report(
    spec: TestSpec,
    state: TestState,
    breach: Breach,
    *,
    level: float,
    min_samples: float = 0,
    readable: bool = True,
    reason: str = "no window could be read",
) -> Judgement:
    """What this signal says now; level as of `acceptance_level`, reason for `readable=False`.

    `Bad`: the combined test breached and this test is a culprit; proof outlives readability.
    `Unknown`: the caller could read no window lately, or the arm has had no request yet; never a
    pass. `Good`: acceptance stands at or above `level` now (a hard guard: `min_samples` in this
    step and nothing bad). `Undecided`: neither. The anytime rule would allow to keep a `Good` once
    the level was crossed; we follow the product as it stands, so that later bad data takes a `Good`
    back. Empty windows never do.
    """
    if level <= 1:
        raise ValueError(f"an acceptance level must be above 1, not {level}")
    verdict = _verdict(spec, state, breach, level=level, min_samples=min_samples, readable=readable)
    if verdict is Verdict.UNKNOWN:
        line = lines.unknown(spec, state, f"no {spec.arm} requests yet" if readable else reason)
    elif spec.hard:
        line = lines.hard_guard(spec, state, min_samples)
    else:
        line = _line(spec, state, breach, verdict, level=level)
    return _judgement(spec, state, verdict, line, level=level)


def _judgement(
    spec: TestSpec, state: TestState, verdict: Verdict, line: str, *, level: float
) -> Judgement:
    run_end = state.run.first_end
    return Judgement(
        name=spec.signal,
        verdict=verdict,
        line=line,
        gate=spec.gate,
        e_value=None if spec.hard else _shown(_log_part(spec, state)),
        accept_e=None if spec.hard else _shown(_log_accept(state)),
        level=None if spec.hard else level,
        total=state.arm.total,
        bad=state.arm.bad,
        share=state.arm.share,
        step_total=state.step_total,
        needed=_needed(spec, state, level),
        started=None if run_end is None else run_end - spec.interval,
    )


def accept_e_value(state: TestState) -> float:
    """The e-value of acceptance as it stands, at most 1e300."""
    return _shown(_log_accept(state))


def _verdict(
    spec: TestSpec,
    state: TestState,
    breach: Breach,
    *,
    level: float,
    min_samples: float,
    readable: bool,
) -> Verdict:
    if spec.signal in breach.culprits:
        return Verdict.BAD
    if not readable or not state.arm.total:
        return Verdict.UNKNOWN
    reached = _log_accept(state) >= math.log(level)
    good = state.step_total >= min_samples if spec.hard else reached
    return Verdict.GOOD if good else Verdict.UNDECIDED


def _line(
    spec: TestSpec, state: TestState, breach: Breach, verdict: Verdict, *, level: float
) -> str:
    """A breach shows the combined e-value, the one that reached 1/alpha; otherwise the line tells
    the side that is nearer to its level."""
    limit = 1 / breach.alpha
    harm, proof = _log_part(spec, state), _log_accept(state)
    if verdict is Verdict.BAD:
        return lines.breached(spec, state, _shown(breach.log_e), limit)
    if verdict is Verdict.GOOD:
        return lines.accepted(spec, state, _shown(proof), level)
    nearer_to_harm = harm / math.log(limit) > proof / math.log(level)
    if nearer_to_harm and (harm > 0 or lines.is_outside(spec, state.arm, state.reference)):
        return lines.suspected(spec, state, _shown(harm), limit)
    missing = _needed(spec, state, level)
    return lines.undecided(spec, state, _shown(proof), level, needed=missing)


def _needed(spec: TestSpec, state: TestState, level: float) -> int | None:
    return None if spec.hard else needed(spec, state, math.log(level) - _log_accept(state))


def _log_part(spec: TestSpec, state: TestState) -> float:
    """ln(v_i E_i): what this test adds to the combined e-value."""
    log_e = detector.log_e_value(np.array(state.log_m), np.array(state.log_left))
    return math.log(spec.share) + float(log_e)


def _log_accept(state: TestState) -> float:
    return float(acceptance.log_e_value(np.array(state.log_a)))


def _shown(log_e: float) -> float:
    return math.exp(min(log_e, LARGEST_LOG))
