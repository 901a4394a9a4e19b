"""What one test's memory weighs, under the rule that its assumptions ask for.

Decides nothing: turns a state into rows of the kernel and back into plain numbers. Refuses to
combine tests.
"""

import math
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from goaround.evidence import clustering, detector, kernel
from goaround.evidence.assumptions import Assumptions, Rule, assumptions
from goaround.evidence.bets import Floats
from goaround.evidence.clustering import BUCKETS, Spread
from goaround.evidence.kernel import Stakes, Weight
from goaround.evidence.model import (
    Max,
    Min,
    Squares,
    Table,
    TestSpec,
    TestState,
    Units,
    VsStable,
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One test after its last window; natural logs.

    log_e, log_x, evidence, log_mass, divided_by, t: as in `kernel.Weight`. t_needed: what t is held
    against.
    log_accept: ln A after division, -inf where data never promotes. accept_by: its divisor D*.
    visible: four standard errors over users, a share; absent where it is not measured.
    """

    log_e: float
    log_x: float
    evidence: float
    log_mass: float
    divided_by: float
    t: float
    t_needed: float
    log_accept: float
    accept_by: float
    visible: float | None
    assumptions: Assumptions


def weigh(spec: TestSpec, state: TestState, level: float = 4.605) -> Weighed:
    """What `state` proves. level: nats that would breach; chooses only which line is told."""
    found, rows = assumptions(spec, state), stakes(state)
    phi_w = max(state.phi_w, spec.cluster_size)
    log_accept, accept_by, visible = kernel.accepted(rows), 1.0, None
    match found.rule:
        case Rule.PLAIN:
            weight = kernel.plain(rows)
        case Rule.GROSS:
            weight, log_accept = kernel.gross(rows), np.array(-math.inf)
        case Rule.DIVIDED:
            whole = spread(spec, state.whole, state.whole_squares)
            block = spread(spec, state.block, state.block_squares)
            weight = kernel.divided(rows, whole, block, phi_w, level=level)
            log_accept = kernel.accepted(rows, whole, phi_w)
            accept_by = float(clustering.divisor(whole.phi_widest, phi_w))
            visible = clustering.VISIBLE_ERRORS * float(whole.error) or None
        case _:
            assert_never(found.rule)
    return _weighed(weight, found, (float(log_accept) + state.log_a_past, accept_by, visible))


def _weighed(
    weight: Weight, found: Assumptions, told: tuple[float, float, float | None]
) -> Weighed:
    log_accept, accept_by, visible = told
    return Weighed(
        log_e=float(weight.log_e),
        log_x=float(weight.log_x),
        evidence=float(weight.evidence),
        log_mass=float(weight.log_mass),
        divided_by=float(weight.divided_by),
        t=float(weight.t),
        t_needed=float(clustering.t_needed(weight.divided_by)),
        log_accept=log_accept,
        accept_by=accept_by,
        visible=visible,
        assumptions=found,
    )


def folded(spec: TestSpec, state: TestState) -> TestState:
    """The state where the weight changes: counts by bucket begin anew (`kernel.folded`)."""
    if not state.whole:
        return state
    phi_w, nothing = max(state.phi_w, spec.cluster_size), (0.0,) * len(state.whole[0])
    seen = spread(spec, state.whole, state.whole_squares)
    rows, proven = kernel.folded(stakes(state), seen, phi_w, state.log_a_past)
    return replace(
        state,
        log_m=tuple(rows.log_m.tolist()),
        log_a=tuple(rows.log_a.tolist()),
        log_a_past=float(proven),
        whole=(nothing,) * 4,
        whole_squares=None if state.whole_squares is None else (0.0, 0.0),
    )


def log_e_value(state: TestState) -> float:
    """ln E of the plain e-process."""
    return float(detector.log_e_value(np.array(state.log_m), np.array(state.log_left)))


def stakes(state: TestState) -> Stakes:
    """The bets of one test as a row of the kernel."""
    return Stakes(
        log_m=np.array(state.log_m),
        log_left=np.array(state.log_left),
        log_mb=np.array(state.log_mb),
        log_mass=np.array(state.log_mass),
        log_a=np.array(state.log_a),
        log_g=np.array(state.log_g),
    )


def spread(spec: TestSpec, table: Table, squares: Squares = None) -> Spread:
    """How the counts of one table vary over users; no table = no spread known (phi 1, t 0).

    Independent scores vary as little as their squares say, so that users show who differ by less
    than the scale allows: the divisor belongs to the variance that the bets believe in.
    """
    counts = np.array(table) if table else np.zeros((4, BUCKETS))
    match spec.bound:
        case VsStable(factor=factor, worse_by=worse_by):
            return clustering.against_reference(counts, factor, worse_by, squares=squares)
        case Min():
            counts[1], counts[3] = counts[0] - counts[1], counts[2] - counts[3]
            squares = _mirrored(counts, squares)
    if spec.arm == spec.reference:
        counts[2:] = 0.0
    lone = clustering.LONE if spec.units is Units.USERS else 1.0
    limit = limit_of(spec.bound)
    return clustering.against_limit(counts, limit, lone=lone, squares=squares)


def _mirrored(counts: Floats, squares: Squares) -> Squares:
    """Squares of 1 - x, from those of x and the sums of 1 - x."""
    if squares is None:
        return None
    n_c, good_c, n_s, good_s = counts.sum(axis=-1).tolist()
    return squares[0] + 2 * good_c - n_c, squares[1] + 2 * good_s - n_s


def limit_of(bound: Max | Min) -> float:
    """The largest share of harm that an absolute bound allows."""
    return 1 - bound.limit if isinstance(bound, Min) else bound.limit
