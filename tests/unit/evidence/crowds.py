"""Flights among users who stick to an arm, simulated on the production kernel, many at once.

Windows widen from 10 s to 60 s after half an hour and to 300 s after three hours, which evidence
does not notice. Users fail at lasting rates of their own: Beta(c p, c (1 - p)) around the share p.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goaround.evidence import clustering, detector, kernel
from goaround.evidence.bets import Floats
from goaround.evidence.clustering import Spread

BUCKETS = clustering.BUCKETS
LEVEL = float(np.log(100))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who asks. users: 0 = every request is another user's. likeness: c of the Beta, small = few
    users fail often. activity: sigma of ln(requests per user). burst: requests that share one
    outcome. share: of traffic or users in the candidate arm."""

    rps: float
    users: int = 0
    likeness: float = 5.0
    activity: float = 1.0
    bad: float = 0.01
    burst: int = 1
    share: float = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds until each rule spoke, one per flight, inf if it never did."""

    plain: Floats
    divided: Floats
    accepted: Floats


def fly(
    crowd: Crowd,
    *,
    flights: int,
    seed: int,
    hours: float = 24,
    limit: float | None = None,
    worse: float = 1.0,
    phi_w: float | None = None,
    reference: bool = True,
    steps: Mapping[int, float] | None = None,
) -> Seen:
    """Flights against stable (margin: twice its share) or, with `limit`, against that alone.

    worse: how many times as often the candidate fails. phi_w: None = measured from an hour of
    stable before. reference: the limit's test sees stable's buckets. steps: the candidate's share
    from these seconds on; users who were in its arm stay.
    """
    rng = np.random.default_rng(seed)
    users = _users(crowd, rng, flights) if crowd.users else None
    rates = _rates(crowd, users, flights, crowd.share)
    by: Floats | float = _measured(crowd, rates, rng) if phi_w is None else phi_w
    rates = _worsened(rates, worse)
    known = np.zeros((flights, 4))
    stakes = kernel.fresh((flights,))
    whole, block = np.zeros((2, flights, 4, BUCKETS))
    times = np.full((3, flights), np.inf)
    now, began, step = 0, 0, 0
    while now < hours * 3600 and not np.isfinite(times[1]).all():
        changed = now in (steps or {})
        if steps and changed:
            rates = _worsened(_rates(crowd, users, flights, steps[now]), worse)
            stakes, _ = kernel.folded(stakes, _spread(whole, limit, reference), by)
            whole, step = np.zeros_like(whole), now
        since = now - step
        width = 10 if since < 1800 else 60 if since < 10800 else 300
        fraction = detector.release(first=now == 0, elapsed=width, weight_changed=changed)
        new = changed or now == 0 or now + width - began > clustering.BLOCK_SECONDS
        began = now if new else began
        now += width
        table = _window(crowd, rates, rng, width)
        gains = _gains(table.sum(axis=-1), known, limit)
        known = known + table.sum(axis=-1)
        stakes = kernel.move(stakes, gains, fraction, phi_w=by, new_block=new, interval=width)
        whole, block = whole + table, table if new else block + table
        spread, late = (_spread(counts, limit, reference) for counts in (whole, block))
        weight = kernel.divided(stakes, spread, late, by)
        proof = kernel.accepted(stakes, spread, by) >= np.log(20)
        for found, spoke in zip(
            times, (weight.log_e >= LEVEL, weight.log_x >= LEVEL, proof), strict=True
        ):
            found[spoke & np.isinf(found)] = now
    return Seen(*times)


def _gains(window: Floats, past: Floats, limit: float | None) -> kernel.Gains:
    arm, known = (window[:, 1], window[:, 0]), (past[:, 3], past[:, 2])
    if limit is None:
        bounds = ((1.0, 0.0), (2.0, 0.0))
        return kernel.against_reference(bounds, arm, (window[:, 3], window[:, 2]), known)
    return kernel.against_limit(np.full(len(window), limit), arm, (past[:, 1], past[:, 0]))


def _spread(counts: Floats, limit: float | None, reference: bool) -> Spread:
    if limit is None:
        return clustering.against_reference(counts, 1.0, 0.0)
    seen = counts if reference else np.concatenate([counts[:, :2], 0 * counts[:, 2:]], axis=1)
    return clustering.against_limit(seen, limit, lone=clustering.LONE)


@dataclass(frozen=True, slots=True)
class _Users:
    """Requests and bad ones per second of each user, their bucket and where the split puts them."""

    asks: Floats
    fails: Floats
    bucket: NDArray[np.int64]
    place: Floats


def _users(crowd: Crowd, rng: np.random.Generator, flights: int) -> _Users:
    shape = (flights, crowd.users)
    asks = rng.lognormal(0, crowd.activity, shape)
    asks *= crowd.rps / asks.sum(axis=1, keepdims=True)
    fails = asks * rng.beta(crowd.likeness * crowd.bad, crowd.likeness * (1 - crowd.bad), shape)
    return _Users(asks, fails, rng.integers(0, BUCKETS, shape), rng.random(shape))


def _rates(crowd: Crowd, users: _Users | None, flights: int, share: float) -> Floats:
    """Requests and bad requests per second: (flights, arm, (all, bad), bucket)."""
    if users is None:
        arms = np.array([share, 1 - share])[:, None, None] * np.ones((2, 2, BUCKETS))
        arms[:, 1] *= crowd.bad
        return np.tile(arms * crowd.rps / BUCKETS, (flights, 1, 1, 1))
    arm = (users.place >= share).astype(int)
    place = (np.arange(flights)[:, None] * 2 + arm) * BUCKETS + users.bucket
    sums = [
        np.bincount(place.ravel(), weights=w.ravel(), minlength=flights * 2 * BUCKETS)
        for w in (users.asks, users.fails)
    ]
    return np.stack([s.reshape(flights, 2, BUCKETS) for s in sums], axis=2)


def _worsened(rates: Floats, worse: float) -> Floats:
    rates = rates.copy()
    rates[:, 0, 1] = np.minimum(rates[:, 0, 1] * worse, rates[:, 0, 0])
    return rates


def _window(crowd: Crowd, rates: Floats, rng: np.random.Generator, seconds: int) -> Floats:
    """Counts of one window, (flights, 4, bucket) with rows as in `clustering.ROWS`."""
    bad = crowd.burst * rng.poisson(rates[:, :, 1] * seconds / crowd.burst)
    good = crowd.burst * rng.poisson((rates[:, :, 0] - rates[:, :, 1]) * seconds / crowd.burst)
    counts = np.stack([good + bad, bad], axis=2).astype(np.float64)
    return counts.reshape(len(rates), 4, BUCKETS)


def _measured(crowd: Crowd, rates: Floats, rng: np.random.Generator) -> Floats:
    """phi_w of every flight, from the 360 polls of stable before it."""
    polls = [_window(crowd, rates, rng, 10)[:, 2:] for _ in range(360)]
    return clustering.phi_w(np.stack(polls, axis=1))
