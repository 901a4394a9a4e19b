"""One window moves one test.

Decides what a window is worth to a test and where trouble began. Refuses to give a verdict. Guesses
come from earlier windows only, every input is a parameter: a replay from the same state gives the
same state, bit for bit.
"""

from dataclasses import replace
from typing import Final, assert_never

import numpy as np

from goaround.evidence import acceptance, bets, detector
from goaround.evidence.bets import Floats
from goaround.evidence.model import (
    NOTHING,
    Counts,
    Max,
    Min,
    Run,
    TestSpec,
    TestState,
    VsStable,
    Window,
)

NO_HARM: Final = np.zeros(6)
NO_PROOF: Final = np.zeros(2)


def new_state(
    spec: TestSpec, start: int, step_began: float, history: Counts = NOTHING
) -> TestState:
    """A test before its first window, which begins at `start` (`grid.first_window_start`).

    step_began: unix seconds. history: counts from before the rollout, only a guess: of stable for
    `VsStable`, of the same signal for `Max` and `Min`; it costs or saves time, never validity.
    """
    if start % spec.interval:
        raise ValueError(f"{start} is no instant of the {spec.interval} s grid")
    return TestState(
        fingerprint=spec.fingerprint, last_t=start, step_began=float(step_began), history=history
    )


def advance(
    spec: TestSpec,
    state: TestState,
    window: Window,
    *,
    step_began: float,
    weight_changed: bool = False,
) -> TestState:
    """The state after one window; a window that ends at or before `last_t` changes nothing.

    step_began: unix seconds of the step in force, its identity. A new one restarts `step_total`
    (only windows that lie wholly inside the step count there) and counts as a weight change;
    windows that end before it still belong to the old step. weight_changed: the split moved in
    this window for another reason. Pass empty windows too; a missing one is a gap, not a fault.
    """
    if window.end <= state.last_t:
        return state
    if window.end % spec.interval:
        raise ValueError(f"{window.end} is no instant of the {spec.interval} s grid")
    entered = step_began != state.step_began and window.end > step_began
    harm, proof = _log_bets(spec, state, window)
    fraction = detector.release(
        first=state.windows == 0,
        elapsed=window.end - state.last_t,
        weight_changed=weight_changed or entered,
    )
    log_m, log_left = detector.step(np.array(state.log_m), np.array(state.log_left), harm, fraction)
    counted = _count(spec, state, window, step_began if entered else state.step_began)
    return replace(
        counted,
        last_t=window.end,
        windows=state.windows + 1,
        log_m=tuple(log_m.tolist()),
        log_left=float(log_left),
        log_a=tuple((np.array(state.log_a) + proof).tolist()),
        run=_run(spec, state.run, window, float(harm[0])),
    )


def _count(spec: TestSpec, state: TestState, window: Window, began: float) -> TestState:
    arm = window.arms.get(spec.arm, NOTHING)
    carried = state.step_total if began == state.step_began else 0.0
    inside = window.end - spec.interval >= began
    return replace(
        state,
        arm=state.arm + arm,
        reference=state.reference + window.arms.get(spec.reference, NOTHING),
        step_began=float(began),
        step_total=carried + (arm.total if inside else 0.0),
    )


def _run(spec: TestSpec, run: Run, window: Window, harm: float) -> Run:
    """CUSUM (Page) of the mildest alternative: back to rest as soon as the window's evidence has
    eaten it up, so that `first_end` is the likeliest beginning of the trouble at hand."""
    cusum = max(0.0, run.cusum + harm)
    if cusum == 0:
        return Run()
    return Run(
        cusum=cusum,
        first_end=run.first_end if run.cusum else window.end,
        arm=run.arm + window.arms.get(spec.arm, NOTHING),
        reference=run.reference + window.arms.get(spec.reference, NOTHING),
    )


def _log_bets(spec: TestSpec, state: TestState, window: Window) -> tuple[Floats, Floats]:
    """ln e of the six harms and the two proofs for this window, divided by the cluster size.

    Guesses come from `state`, hence from earlier windows only. A new kind of signal is one more
    case here and in `lines`.
    """
    arm = window.arms.get(spec.arm, NOTHING)
    match spec.bound:
        case Max() | Min() if spec.hard:
            return NO_HARM + (1.0 if spec.harm(arm).bad else 0.0), NO_PROOF
        case Max(limit):
            harm, proof = _absolute(limit, arm, state.arm, state.history)
        case Min(limit):
            past, history = state.arm.mirrored, state.history.mirrored
            harm, proof = _absolute(1 - limit, arm.mirrored, past, history)
        case VsStable():
            stable = window.arms.get(spec.reference, NOTHING)
            known = state.reference + state.history
            harm, proof = _against_stable(spec.bound, arm, stable, acceptance.guess_stable(known))
            if known.total < acceptance.STABLE_PRIOR.total:
                return _hedged(harm / spec.cluster_size), _hedged(proof / spec.cluster_size)
        case _:
            assert_never(spec.bound)
    return harm / spec.cluster_size, proof / spec.cluster_size


def _hedged(log_e: Floats) -> Floats:
    """ln of (1 + e)/2, an e-value too: half the stake stays out while stable is hardly known, as a
    wrong guess of it could lose the stake before the flight has begun."""
    return np.asarray(np.logaddexp(log_e, 0.0) - np.log(2.0))


def _absolute(limit: float, arm: Counts, past: Counts, history: Counts) -> tuple[Floats, Floats]:
    guess = acceptance.guess_below(limit, past, history, arm.total)
    worse, better = detector.alternatives(limit), acceptance.alternatives(guess)
    return (
        bets.one_sample(arm.bad, arm.total, limit, worse),
        bets.one_sample(arm.bad, arm.total, limit, better),
    )


def _against_stable(
    bound: VsStable, arm: Counts, stable: Counts, x: float
) -> tuple[Floats, Floats]:
    allowed = bound.factor * x + bound.worse_by
    rejected = bound.reject_factor * x + bound.reject_at
    better = acceptance.alternatives(acceptance.below(x, rejected))
    a, s = (arm.bad, arm.total), (stable.bad, stable.total)
    tolerance, margin = (bound.factor, bound.worse_by), (bound.reject_factor, bound.reject_at)
    return (
        bets.two_sample_worse(a, s, tolerance, x=x, q=detector.alternatives(allowed)),
        bets.two_sample_better(a, s, margin, x=x, q=better),
    )
