"""One window moves one test.

Decides what a window is worth to a test and where trouble began. Refuses to give a verdict. Guesses
come from earlier windows only, every input is a parameter: a replay from the same state gives the
same state, bit for bit.
"""

from dataclasses import replace
from typing import Final, assert_never

import numpy as np

from goaround.evidence import buckets, clustering, detector, kernel, score_bets, weighing
from goaround.evidence.kernel import Gains
from goaround.evidence.model import (
    NOTHING,
    Counts,
    Max,
    Min,
    Run,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
)

NO_HARM: Final = np.zeros(6)
NO_PROOF: Final = np.zeros(2)


def new_state(
    spec: TestSpec,
    start: int,
    step_began: float,
    history: Counts = NOTHING,
    *,
    phi_w: float = 1.0,
) -> TestState:
    """A test before its first window, which begins at `start` (`grid.first_window_start`).

    step_began: unix seconds. history: counts from before the rollout, only a guess: of stable for
    `VsStable`, of the same signal for `Max` and `Min`; it costs or saves time, never validity.
    phi_w: clustering within one poll as measured before the rollout (`clustering.phi_w`); a larger
    declared cluster size prevails.
    """
    if start % spec.interval:
        raise ValueError(f"{start} is no instant of the {spec.interval} s grid")
    return TestState(
        fingerprint=spec.fingerprint,
        last_t=start,
        step_began=float(step_began),
        history=history,
        phi_w=max(phi_w, spec.cluster_size),
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
    A block ends after an hour, and where the weight changes: other users come, and what was bet on
    before is divided by its own design effect.
    """
    if window.end <= state.last_t:
        return state
    if window.end % spec.interval:
        raise ValueError(f"{window.end} is no instant of the {spec.interval} s grid")
    entered = step_began != state.step_began and window.end > step_began
    changed = weight_changed or entered
    labels = buckets.labels(spec, window)
    state = buckets.settled(state, labels, window.end)
    state = weighing.folded(spec, state) if changed else state
    late = window.end - state.block_start > clustering.BLOCK_SECONDS
    new_block = changed or late or state.block_start < 0
    moved, harm = _move(spec, state, window, changed=changed, new_block=new_block)
    moved = buckets.counted(moved, labels, new_block=new_block)
    counted = _count(spec, moved, window, step_began if entered else state.step_began)
    return replace(
        counted,
        last_t=window.end,
        windows=state.windows + 1,
        run=_run(spec, state.run, window, harm),
    )


def _move(
    spec: TestSpec, state: TestState, window: Window, *, changed: bool, new_block: bool
) -> tuple[TestState, float]:
    """The bets after this window, and ln e of the mildest alternative."""
    fraction = detector.release(
        first=state.windows == 0, elapsed=window.end - state.last_t, weight_changed=changed
    )
    gains = _gains(spec, state, window)
    phi_w = max(state.phi_w, spec.cluster_size)
    stakes = kernel.move(
        weighing.stakes(state),
        gains,
        fraction,
        phi_w=phi_w,
        new_block=new_block,
        interval=spec.interval,
    )
    moved = replace(
        state,
        log_m=tuple(stakes.log_m.tolist()),
        log_left=float(stakes.log_left),
        log_a=tuple(stakes.log_a.tolist()),
        log_mb=tuple(stakes.log_mb.tolist()),
        log_mass=float(stakes.log_mass),
        block_start=window.end - spec.interval if new_block else state.block_start,
        log_g=tuple(stakes.log_g.tolist()),
    )
    return moved, float(gains.harm[0]) / phi_w


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


def _gains(spec: TestSpec, state: TestState, window: Window) -> Gains:
    """ln e of the six harms and the two proofs for this window, undivided.

    Guesses come from `state`, hence from earlier windows only. Scores bet on their moments, events
    on their counts.
    """
    if spec.scale is not None and not spec.hard:
        return _gains_of_scores(spec, state, window)
    arm, gross = spec.harm(window.arms.get(spec.arm, NOTHING)), spec.units is Units.USERS
    match spec.bound:
        case Max() | Min() if spec.hard:
            return Gains(harm=NO_HARM + (1.0 if arm.bad else 0.0), proof=NO_PROOF)
        case Max() | Min():
            past, history = spec.harm(state.arm), spec.harm(state.history)
            limit = weighing.limit_of(spec.bound)
            return kernel.against_limit(limit, _pair(arm), _pair(past), _pair(history), gross=gross)
        case VsStable(reject_at=reject_at, worse_by=worse_by, factor=factor, reject_factor=reject):
            known = state.reference + state.history
            reference = window.arms.get(spec.reference, NOTHING)
            return kernel.against_reference(
                ((factor, worse_by), (reject, reject_at)),
                _pair(arm),
                _pair(reference),
                _pair(known),
                gross=gross,
            )
        case _:
            assert_never(spec.bound)


def _gains_of_scores(spec: TestSpec, state: TestState, window: Window) -> Gains:
    arm, gross = spec.harm(window.arms.get(spec.arm, NOTHING)), spec.units is Units.USERS
    match spec.bound:
        case Max() | Min():
            past, history = spec.harm(state.arm), spec.harm(state.history)
            return score_bets.against_limit(
                weighing.limit_of(spec.bound), _sums(arm), _sums(past), _sums(history), gross=gross
            )
        case VsStable() as bound:
            reference = window.arms.get(spec.reference, NOTHING)
            return score_bets.against_reference(
                ((bound.factor, bound.worse_by), (bound.reject_factor, bound.reject_at)),
                _sums(arm),
                _sums(reference),
                _sums(state.reference + state.history),
                gross=gross,
            )
        case _:
            assert_never(spec.bound)


def _pair(counts: Counts) -> tuple[float, float]:
    return counts.bad, counts.total


def _sums(counts: Counts) -> tuple[float, float, float]:
    return counts.bad, counts.total, counts.second
