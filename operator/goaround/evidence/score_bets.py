"""A whole window of scores for many tests at once: the moment bet where `kernel` has the count bet.

Decides which means are bet on, and what is guessed of mean and spread from earlier windows alone.
Scores are badness in [0, 1], known by `moments.Sums`. Where their squares are not known the sum
stands for them, which they never exceed. Simulated so, harm takes 0.9-1.4 x the time of the count
bet, and acceptance 0.4-1 x its requests (up to twice as many where it needs 20 or 30 only), so that
one rule serves all means. Refuses to choose levels or to remember anything.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence import bets, detector, moments
from goaround.evidence.bets import EDGE, Floats
from goaround.evidence.kernel import (
    GROSS_FACTOR,
    GROSS_SHARE,
    LARGEST_LIMIT,
    Gains,
    Pair,
    gross_limit,
)
from goaround.evidence.moments import Sums

FINE: Final = len(moments.EFFECTS)
"""Small harms are measured in standard deviations. The last two of the detector's six alternatives
are gross, 12 and 400 times the boundary's odds: there the count bet is as good, and needs no guess
of the spread."""

PRIOR_SCORES: Final = 10.0
"""Imagined scores behind the first guess of a mean; what another release scored counts for no more
beside a limit."""

PRIOR_PART: Final = 0.75
"""Before data, a release is taken to score this part of its limit."""

PRIOR_STABLE: Final = 0.2
"""Mean badness of stable before anything is known of it."""

THIN: Final = 20.0
"""While fewer scores are known, half of each stake stays out: a wrong guess of mean or spread could
lose all in one large window."""


def against_limit(
    limit: ArrayLike, arm: Sums, past: Sums, history: Sums = (0.0, 0.0, 0.0), *, gross: bool = False
) -> Gains:
    """Bets on one window against mean <= limit. limit: (...), as are all sums.

    past: the arm's sums of earlier windows of this rollout; history: from before it.
    """
    tau = np.asarray(limit, dtype=np.float64)
    s1, n, s2 = _with_history(past, history)
    mean = (s1 + PRIOR_PART * tau * PRIOR_SCORES) / (n + PRIOR_SCORES)
    spread = moments.guess_spread((s1, n, s2), mean)
    thin = (np.asarray(past[1]) < THIN)[..., None]
    sums, guess = _columns(arm), spread[..., None]

    def harm(limit: Floats) -> Floats:
        edge, q = limit[..., None], moments.alternatives(limit, spread)
        far = bets.one_sample(sums[0], sums[1], edge, detector.alternatives(limit)[..., FINE:])
        return _joined(moments.one_sample(sums, edge, q, spread=guess), far, thin)

    good = moments.acceptable(tau, mean, spread)
    proof = moments.one_sample(sums, tau[..., None], good, spread=guess)
    return Gains(
        harm=harm(tau),
        proof=bets.hedged(proof, thin),
        gross=harm(gross_limit(tau)) if gross else None,
    )


def against_reference(
    boundaries: tuple[Pair, Pair], arm: Sums, reference: Sums, known: Sums, *, gross: bool = False
) -> Gains:
    """Bets on one window against mean_arm <= rho mean_reference + delta.

    boundaries: (tolerance, margin), each (rho, delta), as in `kernel.against_reference`. known: the
    reference's sums before this window, history included.
    """
    s1, n, s2 = (np.asarray(value, dtype=np.float64) for value in known)
    x = (s1 + PRIOR_STABLE * PRIOR_SCORES) / (n + PRIOR_SCORES)
    spread = moments.guess_spread((s1, n, s2), x)
    thin = (n < THIN)[..., None]
    scored, compared = _columns(arm), _columns(reference)
    at, guess = x[..., None], spread[..., None]

    def harm(rho: ArrayLike, delta: ArrayLike) -> Floats:
        edge, boundary = _edge(rho, delta, x), _pair(rho, delta)
        q, far = moments.alternatives(edge, spread), detector.alternatives(edge)[..., FINE:]
        return _joined(
            moments.log_e_worse(scored, compared, boundary, x=at, q=q, spread=guess),
            bets.two_sample_worse(scored[:2], compared[:2], boundary, x=at, q=far),
            thin,
        )

    (rho, delta), margin = boundaries
    good = moments.acceptable(_edge(*margin, x), x, spread)
    proof = moments.log_e_better(scored, compared, _pair(*margin), x=at, q=good, spread=guess)
    wide = (
        np.asarray(rho) * GROSS_FACTOR,
        np.minimum(np.asarray(delta) + GROSS_SHARE, LARGEST_LIMIT),
    )
    return Gains(
        harm=harm(rho, delta),
        proof=bets.hedged(proof, thin),
        gross=harm(*wide) if gross else None,
    )


def _joined(fine: Floats, far: Floats, thin: ArrayLike) -> Floats:
    return bets.hedged(np.concatenate([fine, far], axis=-1), np.asarray(thin))


def _with_history(past: Sums, history: Sums) -> tuple[Floats, ...]:
    """Sums of this rollout, and those from before it as if they were few scores."""
    worth = np.minimum(1.0, PRIOR_SCORES / np.maximum(np.asarray(history[1]), 1.0))
    return tuple(np.asarray(a + worth * np.asarray(b)) for a, b in zip(past, history, strict=True))


def _edge(rho: ArrayLike, delta: ArrayLike, x: Floats) -> Floats:
    edge = np.asarray(rho) * x + np.asarray(delta)
    return np.asarray(np.clip(edge, EDGE, 1 - EDGE))


def _columns(sums: Sums) -> tuple[Floats, Floats, Floats]:
    """Each with a last axis for the alternatives."""
    s1, n, s2 = (np.asarray(value, dtype=np.float64)[..., None] for value in sums)
    return s1, n, s2


def _pair(rho: ArrayLike, delta: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(rho, dtype=np.float64)[..., None], np.asarray(delta)[..., None]
