"""Bets on counts: how much one window multiplies the stake, as natural logs.

Every function is an e-value's log: under its null the expectation of exp() is at most 1, for any
window sizes and any predictable guess `x` and alternative `q`. Each broadcasts over its arrays
(alternatives, signals, simulated rollouts). Refuses to choose guesses or alternatives. `k` is bad,
`n` all, `n = 0` gives 0; shares lie strictly between 0 and 1; `k <= n` is the caller's promise.
"""

import functools
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MIN_FACTOR: Final = 0.02
"""No single request may take more than 98 % of the stake."""

EDGE: Final = 1e-9
"""Nearest that a boundary comes to 0 or 1."""


def one_sample(k: ArrayLike, n: ArrayLike, tau: ArrayLike, q: ArrayLike) -> Floats:
    """ln of (q/tau)^k ((1-q)/(1-tau))^(n-k): the likelihood ratio of q to the limit tau.

    Tests p <= tau when q > tau, and p >= tau when q < tau: the expectation is linear in p, 1 at
    p = tau, and falls away from q.
    """
    k, n, tau, q = _floats(k, n, tau, q)
    bad = np.log(q) - np.log(tau)
    good = np.log(1 - q) - np.log(1 - tau)
    return np.asarray(k * bad + (n - k) * good)


def two_sample_worse(
    arm: tuple[ArrayLike, ArrayLike],
    stable: tuple[ArrayLike, ArrayLike],
    boundary: tuple[ArrayLike, ArrayLike],
    *,
    x: ArrayLike,
    q: ArrayLike,
) -> Floats:
    """ln e against p_arm <= rho p_stable + delta, for alternatives q above it.

    arm, stable: (bad, all). boundary: (rho, delta). x: guess of p_stable. See `_two_sample`.
    """
    return _two_sample(arm, stable, boundary, (x, q), sign=1.0)


def two_sample_better(
    arm: tuple[ArrayLike, ArrayLike],
    stable: tuple[ArrayLike, ArrayLike],
    boundary: tuple[ArrayLike, ArrayLike],
    *,
    x: ArrayLike,
    q: ArrayLike,
) -> Floats:
    """ln e against p_arm >= rho p_stable + delta, for alternatives q below it."""
    return _two_sample(arm, stable, boundary, (x, q), sign=-1.0)


def hedged(log_e: Floats, thin: NDArray[np.bool_]) -> Floats:
    """ln (1 + e)/2 where `thin`: half of the stake stays out. An e-value too."""
    if not thin.any():
        return log_e
    return np.where(thin, np.logaddexp(log_e, 0.0) - np.log(2.0), log_e)


def _two_sample(
    arm: tuple[ArrayLike, ArrayLike],
    stable: tuple[ArrayLike, ArrayLike],
    boundary: tuple[ArrayLike, ArrayLike],
    guess: tuple[ArrayLike, ArrayLike],
    *,
    sign: float,
) -> Floats:
    """The count bet: stakes a on the arm and b = rho a n_c / n_s against stable.

    With ln(1+y) <= y:  ln E[e] <= n_c a (p_c - m0) - n_s b (p_s - x0) = n_c a (p_c - rho p_s -
    delta), which is <= 0 under the null as long as a has the sign of the alternative, m0 =
    rho x0 + delta and b keeps its ratio to a. So x0 may be clipped, a cut to its side and both
    scaled down, never one of them alone. n_s = 0: no comparison, no stake.
    """
    (k_c, n_c), (k_s, n_s) = _floats(*arm), _floats(*stable)
    (rho, delta), (x, q) = _floats(*boundary), _floats(*guess)
    x0 = _null_point(n_c, n_s, (rho, delta), (x, q))
    m0 = rho * x0 + delta
    a = (q - m0) / (m0 * (1 - m0))
    a = np.where((n_s > 0) & (a * sign > 0), a, 0.0)
    b = a * rho * n_c / np.where(n_s > 0, n_s, 1.0)
    gain, loss = a * (1 - m0), -a * m0
    cover, cost = -b * (1 - x0), b * x0
    scale = _scale_down(gain, loss, cover, cost)
    # log(1 + y) is off by 1e-16 a request, and three times as fast as log1p
    candidate = k_c * np.log(1 + scale * gain) + (n_c - k_c) * np.log(1 + scale * loss)
    against = k_s * np.log(1 + scale * cover) + (n_s - k_s) * np.log(1 + scale * cost)
    return np.asarray(candidate + against)


def _null_point(
    n_c: Floats, n_s: Floats, boundary: tuple[Floats, Floats], guess: tuple[Floats, Floats]
) -> Floats:
    """x0: the stable share at which null and alternative are hardest to tell apart, clipped so
    that x0 stays in [0, 1] and rho x0 + delta inside (0, 1)."""
    (rho, delta), (x, q) = boundary, guess
    weight = rho * n_c + n_s
    x0 = (n_c * (q - delta) + n_s * x) / np.where(weight > 0, weight, 1.0)
    low = np.maximum(0.0, (EDGE - delta) / rho)
    high = np.minimum(1.0, (1 - EDGE - delta) / rho)
    return np.asarray(np.minimum(np.maximum(x0, low), high))


def _scale_down(*returns: Floats) -> Floats:
    """The factor that keeps every 1 + return at or above `MIN_FACTOR`; 1 where none is needed."""
    worst = functools.reduce(np.minimum, returns)
    allowed = 1 - MIN_FACTOR
    return np.asarray(allowed / np.maximum(-worst, allowed))


def _floats(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)
