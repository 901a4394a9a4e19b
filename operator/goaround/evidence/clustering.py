"""The design effect: how much less requests prove because they come from the same users.

Decides by how much evidence is divided, measured from the counts of B buckets of users, and how
many standard errors of users a difference is worth (t). Refuses to decide anything about a release.
Source of the formulas and of their constants: simulation, with 20 buckets. All functions broadcast
over leading axes. A table of counts has shape (..., 4, B), its rows are `ROWS`; the squares of
scores in it have shape (..., 2), of arm and reference, and are absent where events were counted.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence import moments
from goaround.evidence.bets import Floats

BUCKETS: Final = 20
ROWS: Final = ("arm all", "arm bad", "reference all", "reference bad")

BLOCK_SECONDS: Final = 3600
"""Late faults are weighed against the counts of their own hour: hours of good data dull them."""

SLOPE: Final = 4 / 3
OFFSET: Final = 2 / 3
"""D = SLOPE phi - OFFSET stays 1 up to phi = 1.25; the slope pays for 19 degrees of freedom and
for peeking."""

LONE: Final = 2.0
"""What the spread is multiplied by before users who stick promote a release beside no other arm.

Simulated at the limit, beta 5 %, no reference: wrong accepts 4-16 % without, 0.7-5.7 % with it
where 2,000 or 10,000 users are all in the arm; with 200 users in it, of whom 1 % always fail, 23 %.
"""

TINY: Final = 1e-30
MOST_T: Final = 3.0
VISIBLE_ERRORS: Final = 4.0
"""A true difference of four standard errors of users is nearly always found."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How counts vary over buckets; each of shape (...).

    phi: design effect, observed spread of the difference over the spread of independent requests,
    1 where undefined. phi_widest: the larger of `phi` and that of each arm alone. t: what the arm
    is worse than its bound in standard errors, inf where it is worse and nothing varies. error:
    standard error of the difference over users alone, as a share.
    """

    phi: Floats
    phi_widest: Floats
    t: Floats
    error: Floats


def against_reference(
    table: Floats, rho: ArrayLike, delta: ArrayLike, *, squares: ArrayLike | None = None
) -> Spread:
    """The arm against rho x the reference's share + delta.

    Residuals u_ab = (K_ab - p_a N_ab)/n_a of bucket b, S = sum_b (u_cb - rho u_sb)^2, and V0 =
    E[S] for independent requests. The pairing cancels what users bring along when each of them is
    in both arms (routing per request). Where the reference is the smaller arm (50 % and more), the
    arm's own spread counts if it is wider: a holdback of few users shows no spread when none of
    them fails, and then 8.5 % of healthy flights of 10,000 users were rolled back, with it 0.5 %.
    """
    rho, delta = np.asarray(rho, dtype=np.float64), np.asarray(delta, dtype=np.float64)
    products, sums = _products(table), _sums(table)
    s2_c, s2_s = _both(squares)
    n_c, p_c, seen_c, v_c = _arm(products, sums, 0, s2_c)
    n_s, p_s, seen_s, v_s = _arm(products, sums, 2, s2_s)
    seen = seen_c + rho * rho * seen_s - 2 * rho * _shared(products, (n_c, p_c), (n_s, p_s))
    seen = np.maximum(seen, 0.0)
    phi = _ratio(seen, v_c + rho * rho * v_s)
    phi = np.maximum(phi, np.where(n_s < n_c, _ratio(seen_c, v_c), 0.0))
    edge = np.minimum(rho * p_s + delta, 1.0)
    under_null = _share_under_null((n_c, p_c), (n_s, p_s), (rho, delta))
    floor = _variance(sums, 0, edge, s2_c) / np.maximum(n_c, 1)
    floor = floor + rho * rho * _variance(sums, 2, under_null, s2_s) / np.maximum(n_s, 1)
    phi_widest = np.maximum(phi, _ratio(seen_s, v_s))
    return _spread(phi, phi_widest, p_c - edge, (seen * _bessel(table), floor))


def against_limit(
    table: Floats,
    limit: ArrayLike,
    *,
    lone: ArrayLike = 1.0,
    squares: ArrayLike | None = None,
) -> Spread:
    """The arm against a fixed share: the residuals of its own buckets alone.

    S = sum_b u_cb^2 is the ratio estimator's variance over B groups of users, V0 = E[S] for
    independent requests, so phi is what it is against a reference with rho = 0. The reference, if
    one flies, only widens `phi_widest`: a candidate whose failing users have not come yet shows no
    spread of its own. lone: what `phi_widest` is multiplied by where no reference flies.
    """
    limit = np.asarray(limit, dtype=np.float64)
    products, sums = _products(table), _sums(table)
    s2_c, s2_s = _both(squares)
    n_c, p_c, seen, v_c = _arm(products, sums, 0, s2_c)
    _, _, seen_s, v_s = _arm(products, sums, 2, s2_s)
    phi = _ratio(seen, v_c)
    alone = np.where(sums[..., 2] > 0, _ratio(seen_s, v_s), phi * np.asarray(lone))
    floor = _variance(sums, 0, limit, s2_c) / np.maximum(n_c, 1)
    phi_widest = np.maximum(phi, alone)
    return _spread(phi, phi_widest, p_c - limit, (seen * _bessel(table), floor))


def divisor(phi: Floats, phi_w: ArrayLike) -> Floats:
    """D >= 1, what evidence already divided by phi_w is divided by."""
    return np.asarray(np.maximum(1.0, SLOPE * phi / np.asarray(phi_w) - OFFSET))


def t_needed(divided_by: Floats) -> Floats:
    """Standard errors that a difference must reach beside its evidence: 2 without clustering, 3
    with much. One big client, hence one guilty bucket, gives t about 1; four give about 2."""
    return np.minimum(MOST_T, 1.0 + divided_by)


def phi_w(polls: ArrayLike, squares: ArrayLike | None = None) -> Floats:
    """Clustering within one poll (bursts, retries), from stable's past; at least 1.

    polls: counts of one poll and bucket, shape (..., T, 2, B) with rows (all, bad); the hour before
    the rollout, T = 360 at 10 s. squares: of scores, (..., T). This is the cluster size, measured.
    Without polls it is 1.
    """
    counts = np.asarray(polls, dtype=np.float64)
    s2 = None if squares is None else np.asarray(squares, dtype=np.float64)
    n, _, seen, independent = _arm(_products(counts), _sums(counts), 0, s2)
    seen, independent = seen * n * n, independent * n * n
    excess = (1 + seen.sum(axis=-1)) / (1 + independent.sum(axis=-1))
    return np.asarray(np.maximum(1.0, excess))


def _products(table: Floats) -> Floats:
    """Sums over buckets of the products of two rows each, (..., rows, rows)."""
    return np.asarray(table @ np.swapaxes(table, -1, -2))


def _sums(table: Floats) -> Floats:
    return np.asarray(table @ np.ones(table.shape[-1]))


def _both(squares: ArrayLike | None) -> tuple[Floats | None, Floats | None]:
    if squares is None:
        return None, None
    s2 = np.asarray(squares, dtype=np.float64)
    return s2[..., 0], s2[..., 1]


def _variance(sums: Floats, row: int, mean: Floats, s2: Floats | None) -> Floats:
    """Of one request of the arm at `row` under the null, where its mean is `mean`: of an event, or
    of a score as it was seen."""
    if s2 is None:
        return np.asarray(mean * (1 - mean))
    return moments.guess_spread((sums[..., row + 1], sums[..., row], s2), mean)


def _arm(
    products: Floats, sums: Floats, row: int, s2: Floats | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """(n, p, sum u_b^2, its expectation for independent requests) of the arm whose rows (all, bad)
    begin at `row`; s2: sum of its squares, where it is not that of its bad ones."""
    n = sums[..., row]
    some = np.maximum(n, 1.0)
    p = np.minimum(sums[..., row + 1] / some, 1.0)
    squares, mixed, bad = (products[..., row + i, row + j] for i, j in ((0, 0), (0, 1), (1, 1)))
    seen = np.maximum(bad - 2 * p * mixed + p * p * squares, 0.0) / (some * some)
    pairs = np.where(n > 1, n * (n - 1), 1.0)
    one = p * (1 - p) if s2 is None else np.maximum(s2 / some - p * p, 0.0)
    expected = np.where(n > 1, one * (n - squares / some) / pairs, 0.0)
    return n, p, seen, np.maximum(expected, 0.0)


def _shared(products: Floats, arm: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """sum of u_cb u_sb over buckets; what both arms have in common."""
    (n_c, p_c), (n_s, p_s) = arm, other
    both = products[..., 1, 3] - p_s * products[..., 1, 2] - p_c * products[..., 0, 3]
    both = both + p_c * p_s * products[..., 0, 2]
    return np.asarray(both / (np.maximum(n_c, 1.0) * np.maximum(n_s, 1.0)))


def _share_under_null(
    arm: tuple[Floats, Floats], other: tuple[Floats, Floats], boundary: tuple[Floats, Floats]
) -> Floats:
    """The reference's share if the arm is at the boundary: its own; and where the reference is the
    smaller arm, of both, because none bad of a few is no proof of none."""
    (n_c, p_c), (n_s, p_s), (rho, delta) = arm, other, boundary
    implied = np.clip((p_c - delta) / rho, 0.0, 1.0)
    pooled = (n_c * implied + n_s * p_s) / np.maximum(n_c + n_s, 1.0)
    return np.where(n_s < n_c, np.maximum(pooled, p_s), p_s)


def _ratio(seen: Floats, expected: Floats) -> Floats:
    """1 where nothing is expected, or as good as nothing: counts that are all good or all bad."""
    known = expected > TINY
    return np.where(known, seen / np.where(known, expected, 1.0), 1.0)


def _bessel(table: Floats) -> float:
    buckets = int(table.shape[-1])
    return buckets / max(buckets - 1, 1)


def _spread(
    phi: Floats, phi_widest: Floats, excess: Floats, variances: tuple[Floats, Floats]
) -> Spread:
    error = np.sqrt(np.maximum(*variances))
    known = error > 0
    t = np.where(known, excess / np.where(known, error, 1.0), np.where(excess > 0, np.inf, 0.0))
    return Spread(phi=phi, phi_widest=phi_widest, t=t, error=np.sqrt(variances[0]))
