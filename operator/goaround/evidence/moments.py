"""The moment bet: evidence about means of bounded scores, from sums alone, as natural logs.

Scores are badness in [0, 1] (1 is worst; mirror and scale before). Decides how much one window
multiplies the stake, and which stakes are reasonable; every e-value has expectation at most 1 under
its null for any predictable guess. Knowing the spread of scores makes it faster than the count bet
with fractional counts (`bets`). Refuses to choose levels or to remember anything. Everything
broadcasts over leading axes.

Source: 1 + y >= exp(y - C(h) y^2) for y >= -h, C(h) = (-ln(1-h) - h)/h^2 (Fan, Grama and Liu). For
a stake l on every candidate score and l_s = rho l n_c/n_s against every stable one, centred at
m_c = rho m_s + delta and m_s, the products of 1 + l (x - m_c) and 1 - l_s (x - m_s) have logs of
expectation at most n_c l (mu_c - m_c) - n_s l_s (mu_s - m_s) = n_c l (mu_c - rho mu_s - delta),
whatever m_s is. They are bounded from below by sums of scores and of their squares, so that the
squares may be over-estimated but never under-estimated; and by the chord of ln between scores of 0
and 1, from the sums alone. The larger bound counts: it is still below the product it bounds.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence.bets import EDGE, Floats

Sums = tuple[ArrayLike, ArrayLike, ArrayLike]
"""(sum of scores, how many, sum of squares or an upper bound of it)."""

Boundary = tuple[ArrayLike, ArrayLike]
"""(rho, delta): the null ends at mu_arm = rho mu_stable + delta."""

EFFECTS: Final = np.array([0.07, 0.15, 0.4, 1.0])
"""Harms under test, as distances from the boundary in standard deviations of one score."""

CAUTION: Final = np.array([1.0, 0.5])
"""Acceptance bets on the whole gap between guess and boundary, and on half of it."""

LARGEST_FALL: Final = 0.98
"""h never exceeds it, as in the count bet."""

SMALL: Final = 1e-3
LEAST_SPREAD: Final = 1e-6
PRIOR_SCORES: Final = 10.0


def one_sample(sums: Sums, tau: ArrayLike, q: ArrayLike, *, spread: ArrayLike) -> Floats:
    """ln e against mean <= tau where q > tau, and against mean >= tau where q < tau.

    q: the mean bet on. spread: guess of one score's variance. Both from the past only.
    """
    s1, n, s2 = _floats(*sums)
    tau, q, spread = _floats(tau, q, spread)
    side, gap = np.sign(q - tau), np.abs(q - tau)
    reach = np.where(side > 0, tau, 1 - tau)
    stake = _stake(gap, spread + gap**2, reach)
    return _gain((s1, n, s2), tau, side * stake, reach)


def log_e_worse(
    arm: Sums,
    stable: Sums,
    boundary: Boundary,
    *,
    x: ArrayLike,
    q: ArrayLike,
    spread: ArrayLike,
) -> Floats:
    """ln e against mu_arm <= rho mu_stable + delta, for alternatives q above it.

    x: guess of stable's mean. spread: guess of one score's variance. No stable scores, or an
    alternative on the null's side: 0.
    """
    return _two_sample(arm, stable, boundary, (x, q, spread), side=1.0)


def log_e_better(
    arm: Sums,
    stable: Sums,
    boundary: Boundary,
    *,
    x: ArrayLike,
    q: ArrayLike,
    spread: ArrayLike,
) -> Floats:
    """ln e against mu_arm >= rho mu_stable + delta, for alternatives q below it."""
    return _two_sample(arm, stable, boundary, (x, q, spread), side=-1.0)


def _two_sample(
    arm: Sums,
    stable: Sums,
    boundary: Boundary,
    guess: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    side: float,
) -> Floats:
    (s1_c, n_c, s2_c), (s1_s, n_s, s2_s) = _floats(*arm), _floats(*stable)
    (rho, delta), (x, q, spread) = _floats(*boundary), _floats(*guess)
    ratio = n_c / np.where(n_s > 0, n_s, 1.0)
    m_s = _centre((rho, delta), (x, q), ratio)
    m_c = rho * m_s + delta
    reach_c, reach_s = (m_c, 1 - m_s) if side > 0 else (1 - m_c, m_s)
    gain = np.maximum(side * (q - delta - rho * x), 0.0)
    cost = spread + (q - m_c) ** 2 + rho**2 * ratio * (spread + (x - m_s) ** 2)
    stake = _stake(gain, cost, np.maximum(reach_c, rho * ratio * reach_s))
    stake = np.where(n_s > 0, stake, 0.0)
    candidate = _gain((s1_c, n_c, s2_c), m_c, side * stake, reach_c)
    reference = _gain((s1_s, n_s, s2_s), m_s, -side * rho * ratio * stake, reach_s)
    return np.asarray(candidate + reference)


def _centre(boundary: tuple[Floats, Floats], guess: tuple[Floats, Floats], ratio: Floats) -> Floats:
    """m_s with the smallest expected squares under the alternative; validity needs none of it, only
    that both centres lie in [0, 1]."""
    (rho, delta), (x, q) = boundary, guess
    best = ((q - delta) / rho + ratio * x) / (1 + ratio)
    low, high = np.maximum(0.0, -delta / rho), np.minimum(1.0, (1 - delta) / rho)
    return np.asarray(np.clip(best, low, high))


def _stake(gain: Floats, cost: Floats, reach: Floats) -> Floats:
    """l that maximises l gain - C(l reach) l^2 cost, in closed form: gain/(cost + reach gain); no
    single score takes more than `LARGEST_FALL`. cost: expected squared distance to the centre."""
    best = gain / (np.maximum(cost, LEAST_SPREAD) + reach * gain)
    return np.asarray(np.minimum(best, LARGEST_FALL / np.maximum(reach, EDGE)))


def _gain(
    sums: tuple[Floats, Floats, Floats], centre: Floats, stake: Floats, reach: Floats
) -> Floats:
    """The larger of two lower bounds of the sum of ln(1 + stake (x - centre)): by squares, and by
    the chord from 0 to 1, which is the count bet and wins where differences are gross.

    stake: with its sign. reach: how far a score can lie on the losing side of the centre.
    """
    s1, n, s2 = sums
    h = np.abs(stake) * reach
    by_squares = stake * (s1 - n * centre) - _c(h) * stake**2 * _squares(s1, n, s2, centre)
    by_chord = s1 * np.log1p(stake * (1 - centre)) + (n - s1) * np.log1p(-stake * centre)
    return np.asarray(np.maximum(by_squares, by_chord))


def _c(h: Floats) -> Floats:
    """C(h); 1/2 + h/2 is above it where h is too small to divide by."""
    safe = np.where(h < SMALL, 0.5, h)
    return np.where(h < SMALL, 0.5 + h / 2, (-np.log1p(-safe) - safe) / safe**2)


def _squares(s1: Floats, n: Floats, s2: Floats, m: Floats) -> Floats:
    """Q = sum of (x - m)^2, from the sums; never below what n scores with that sum must have."""
    least = np.where(n > 0, (s1 - n * m) ** 2 / np.where(n > 0, n, 1.0), 0.0)
    return np.asarray(np.maximum(s2 - 2 * m * s1 + n * m**2, least))


def square_bound(edges: ArrayLike, counts: ArrayLike, total: ArrayLike) -> Floats:
    """The largest sum of squares that scores in these buckets can have, given their sum.

    edges: the bounds 0 = e_0 < e_1 < ... = 1 of B buckets, shape (B + 1,); counts: (..., B), not
    cumulative; total: (...). A square is largest when scores sit at the ends of their buckets; the
    sum decides how many sit at the upper one, and upper ends are worth most in the highest bucket.
    One bucket [0, 1] gives the sum itself. A sum outside what buckets allow is moved inside.
    """
    bounds, counts, total = _floats(edges, counts, total)
    low, high = bounds[:-1], bounds[1:]
    room = counts * (high - low)
    spare = np.clip(total - np.sum(counts * low, axis=-1), 0.0, np.sum(room, axis=-1))
    above = np.flip(np.cumsum(np.flip(room, -1), axis=-1), -1) - room
    used = np.clip(spare[..., None] - above, 0.0, room)
    return np.asarray(np.sum(counts * low**2 + used * (low + high), axis=-1))


def alternatives(boundary: ArrayLike, spread: ArrayLike) -> Floats:
    """The four harmful means above a boundary, shape (..., 4), below 1."""
    at, variance = _floats(boundary, spread)
    reach = np.sqrt(np.maximum(variance, LEAST_SPREAD))[..., None] * EFFECTS
    return np.asarray(np.minimum(at[..., None] + reach, 1 - EDGE))


def acceptable(boundary: ArrayLike, guess: ArrayLike, spread: ArrayLike) -> Floats:
    """The two good means that acceptance bets on, shape (..., 2): the arm's guessed mean, and
    half-way from the boundary to it. A guess on the wrong side is moved a tenth of a standard
    deviation inside."""
    at, mean, variance = _floats(boundary, guess, spread)
    inside = 0.1 * np.sqrt(np.maximum(variance, LEAST_SPREAD))
    gap = np.maximum(at - mean, np.minimum(inside, at / 2))
    return np.asarray(np.maximum(at[..., None] - gap[..., None] * CAUTION, 0.0))


def guess_spread(past: Sums, mean: ArrayLike) -> Floats:
    """The variance guessed for the next window, from the past and ten imagined scores: those spread
    as much as a mean of `mean` allows, m (1 - m), since too small a guess stakes too much."""
    s1, n, s2 = _floats(*past)
    m = np.asarray(mean, dtype=np.float64)
    seen = np.maximum(s2 - s1**2 / np.where(n > 0, n, 1.0), 0.0)
    whole = (seen + PRIOR_SCORES * m * (1 - m)) / (n + PRIOR_SCORES)
    return np.asarray(np.maximum(whole, LEAST_SPREAD))


def self_normalised(difference: ArrayLike, stake: ArrayLike) -> Floats:
    """ln e = l D - l^2 D^2 / 2 for one window's D = mean_c - rho mean_s of an unbounded score.

    Valid where D is symmetric about a point <= 0 under the null; gains at most half a nat per
    window, so it is slow on gross faults. For bounded scores use the count bet instead.
    """
    d, l_ = _floats(difference, stake)
    return np.asarray(l_ * d - (l_ * d) ** 2 / 2)


def _floats(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)
