"""The front door: all tests of a release together decide on a breach, each signal gets a verdict.

Decides `Good, Bad, Undecided, Unknown` per signal, with the numbers that say why. Refuses to know
what a release, a step or a query is; reads no clock and stores nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from goaround.evidence import acceptance, lines
from goaround.evidence.acceptance import acceptance_level
from goaround.evidence.advance import advance, new_state
from goaround.evidence.assumptions import Assumptions, Rule, assumptions
from goaround.evidence.combination import combine
from goaround.evidence.findings import Breach, Judgement
from goaround.evidence.hint import needed
from goaround.evidence.model import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    ImpossibleCounts,
    Max,
    Min,
    TestSpec,
    TestState,
    Units,
    Verdict,
    VsStable,
    Window,
    budget_shares,
)
from goaround.evidence.weighing import Weighed, weigh

__all__ = [
    "CANDIDATE",
    "STABLE",
    "Assumptions",
    "Bound",
    "Breach",
    "Counts",
    "ImpossibleCounts",
    "Judgement",
    "Max",
    "Min",
    "Progress",
    "Rule",
    "TestSpec",
    "TestState",
    "Units",
    "Verdict",
    "VsStable",
    "Window",
    "accept_e_value",
    "acceptance_level",
    "advance",
    "advance_all",
    "assumptions",
    "budget_shares",
    "combine",
    "new_state",
    "report",
]

LARGEST_LOG: Final = 300 * math.log(10)
"""E-values are shown up to 1e300; the tests themselves stay in logs and have no limit."""


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
    weighed = _weighed(spec, state, breach)
    verdict = _verdict(
        spec,
        state,
        breach,
        weighed,
        needed=math.log(level) if not spec.hard else min_samples,
        readable=readable,
    )
    if verdict is Verdict.UNKNOWN:
        line = lines.unknown(spec, state, f"no {spec.arm} requests yet" if readable else reason)
    elif weighed is None:
        line = lines.hard_guard(spec, state, min_samples)
    else:
        line = _line(spec, state, breach, weighed, verdict=verdict, level=level)
    return _judgement(spec, state, weighed, verdict=verdict, line=line, level=level)


def _weighed(spec: TestSpec, state: TestState, breach: Breach) -> Weighed | None:
    """None for a hard guard, which weighs nothing."""
    return None if spec.hard else weigh(spec, state, -math.log(breach.alpha * spec.share))


def _judgement(
    spec: TestSpec,
    state: TestState,
    weighed: Weighed | None,
    *,
    verdict: Verdict,
    line: str,
    level: float,
) -> Judgement:
    run_end = state.run.first_end
    return Judgement(
        name=spec.signal,
        verdict=verdict,
        line=line,
        gate=spec.gate,
        e_value=None if weighed is None else _shown(math.log(spec.share) + weighed.log_x),
        accept_e=None if weighed is None else _shown(weighed.log_accept),
        level=None if weighed is None else level,
        total=state.arm.total,
        bad=state.arm.bad,
        share=state.arm.share,
        step_total=state.step_total,
        needed=None if weighed is None else _needed(spec, state, weighed, level),
        started=None if run_end is None else run_end - spec.interval,
        assumptions=None if weighed is None else weighed.assumptions,
        visible=None if weighed is None else weighed.visible,
    )


def accept_e_value(state: TestState) -> float:
    """The e-value of acceptance for independent requests as it stands, at most 1e300."""
    return _shown(state.log_a_past + float(acceptance.log_e_value(np.array(state.log_a))))


def _verdict(
    spec: TestSpec,
    state: TestState,
    breach: Breach,
    weighed: Weighed | None,
    *,
    needed: float,
    readable: bool,
) -> Verdict:
    """needed: nats of acceptance, or samples of this step for a hard guard."""
    if spec.signal in breach.culprits:
        return Verdict.BAD
    if not readable or not state.arm.total:
        return Verdict.UNKNOWN
    has = state.step_total if weighed is None else weighed.log_accept
    return Verdict.GOOD if has >= needed else Verdict.UNDECIDED


def _line(
    spec: TestSpec,
    state: TestState,
    breach: Breach,
    weighed: Weighed,
    *,
    verdict: Verdict,
    level: float,
) -> str:
    """A breach shows the combined e-value, the one that reached 1/alpha, or how its own evidence
    was divided; otherwise the line tells the side that is nearer to its level."""
    limit, log_v, proof = 1 / breach.alpha, math.log(spec.share), weighed.log_accept
    if verdict is Verdict.BAD:
        if weighed.divided_by > 1 and log_v + weighed.log_x >= math.log(limit):
            return lines.divided(spec, state, weighed, math.log(limit) - log_v)
        return lines.breached(spec, state, _shown(breach.log_e), limit)
    if verdict is Verdict.GOOD:
        return lines.accepted(spec, state, _shown(proof), level) + lines.visible(spec, weighed)
    harm = log_v + weighed.log_e
    if harm >= math.log(limit) and weighed.assumptions.rule is not Rule.PLAIN:
        return lines.held(spec, state, weighed, math.log(limit) - log_v)
    nearer_to_harm = harm / math.log(limit) > proof / math.log(level)
    if nearer_to_harm and (harm > 0 or lines.is_outside(spec, state.arm, state.reference)):
        told = lines.suspected(spec, state, _shown(log_v + weighed.log_x), limit)
        return told + lines.visible(spec, weighed)
    missing = _needed(spec, state, weighed, level)
    told = lines.undecided(spec, state, _shown(proof), level, needed=missing)
    return told + lines.visible(spec, weighed)


def _needed(spec: TestSpec, state: TestState, weighed: Weighed, level: float) -> int | None:
    """None if acceptance never comes: at this rate, or because data never promotes."""
    if weighed.log_accept == -math.inf:
        return None
    missing = weighed.accept_by * max(0.0, math.log(level) - weighed.log_accept)
    return needed(spec, state, missing)


def _shown(log_e: float) -> float:
    return math.exp(min(log_e, LARGEST_LOG))
