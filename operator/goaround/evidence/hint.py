"""How many more requests acceptance will need, if the shares seen so far are the true ones.

Decides nothing: a first-order figure for people. Source: ln(level) / KL, requests needed by a
likelihood ratio.
"""

import math

import numpy as np

from goaround.evidence import acceptance, bets, score_bets
from goaround.evidence.model import Bound, Counts, Max, Min, TestSpec, TestState, VsStable
from goaround.evidence.moments import Sums
from goaround.evidence.weighing import limit_of


def needed(spec: TestSpec, state: TestState, nats: float) -> int | None:
    """Further requests of the arm until acceptance has gained `nats`; None if it never will."""
    growth = _growth(spec, state) / max(state.phi_w, spec.cluster_size)
    if growth <= 0:
        return None
    return math.ceil(max(0.0, nats) / growth)


def _growth(spec: TestSpec, state: TestState) -> float:
    """Nats per request of the arm at the shares seen so far."""
    seen = spec.harm(state.arm)
    if spec.scale is not None:
        return _growth_of_scores(spec.bound, seen, state.reference)
    match spec.bound:
        case VsStable():
            return _growth_against(spec.bound, seen, state.reference)
        case Max(limit):
            return divergence(seen.share, limit)
        case Min(limit):
            return divergence(seen.share, 1 - limit)


def _growth_against(bound: VsStable, arm: Counts, stable: Counts) -> float:
    """The bet itself, on one request of the arm and as many of stable as came with it."""
    if not arm.total or not stable.total:
        return 0.0
    exposure = stable.total / arm.total
    x = acceptance.guess_stable(stable)
    rejected = bound.reject_factor * x + bound.reject_at
    gains = bets.two_sample_better(
        (arm.share, 1.0),
        (stable.share * exposure, exposure),
        (bound.reject_factor, bound.reject_at),
        x=x,
        q=acceptance.alternatives(acceptance.below(x, rejected)),
    )
    return float(np.max(gains))


def _growth_of_scores(bound: Bound, arm: Counts, stable: Counts) -> float:
    """The bet itself, on one score like those seen, knowing all that was seen."""
    if not arm.total:
        return 0.0
    match bound:
        case Max() | Min():
            one, all_seen = _of(arm, 1.0), _of(arm, arm.total)
            proof = score_bets.against_limit(limit_of(bound), one, all_seen).proof
        case VsStable():
            if not stable.total:
                return 0.0
            proof = score_bets.against_reference(
                ((bound.factor, bound.worse_by), (bound.reject_factor, bound.reject_at)),
                _of(arm, 1.0),
                _of(stable, stable.total / arm.total),
                _of(stable, stable.total),
            ).proof
    return float(np.max(proof))


def _of(seen: Counts, scores: float) -> Sums:
    """Sums of so many scores like those seen."""
    part = scores / seen.total
    return seen.bad * part, scores, seen.second * part


def divergence(p: float, tau: float) -> float:
    """KL(p || tau) of two coins in nats, 0 unless p < tau."""
    if p >= tau:
        return 0.0
    failures = p * math.log(p / tau) if p > 0 else 0.0
    return failures + (1 - p) * (math.log1p(-p) - math.log1p(-tau))
