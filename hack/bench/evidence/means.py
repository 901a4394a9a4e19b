"""Time to detect for means: judge scores flown on the moment bet, and on counts of their badness.

Decides what is compared: the same scores, known by sum, count and buckets, or by sum and count
alone, on the production kernel; the old count bet with fractional counts beside them. Refuses to
count scrape interval and lag. Scores are drawn on a scale of hundredths, with a bell's shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import numpy as np

from goaround.api.base import Json
from goaround.evidence import detector, kernel, moments, score_bets
from goaround.evidence.kernel import Gains
from hack.bench.evidence.crowd import Floats
from hack.bench.evidence.intervals import quantile
from hack.bench.evidence.sizes import POLL, Sizes

ATOMS: Final = np.linspace(0.0, 1.0, 101)
"""Badness that a score can have."""

LEVEL: Final = math.log(100)
LONGEST: Final = 240
"""Windows; a fault that takes longer counts as not found."""


class Bet(StrEnum):
    """How windows of scores are turned into evidence."""

    BUCKETS = "Buckets"
    SUMS = "Sums"
    COUNTS = "Counts"


@dataclass(frozen=True, slots=True)
class Scores:
    """One world: badness of stable and candidate on average, the spread of one score, what the
    candidate may be worse by, requests per second (a tenth on the candidate), buckets."""

    stable: float = 0.2
    candidate: float = 0.3
    sd: float = 0.1
    tolerance: float = 0.04
    rps: float = 100.0
    buckets: int = 10


WORLDS: Final = (
    Scores(candidate=0.26),
    Scores(candidate=0.30),
    Scores(candidate=0.30, rps=10.0),
    Scores(candidate=0.30, sd=0.2),
    Scores(candidate=0.80),
)


def rows(sizes: Sizes, seed: int, worlds: Sequence[Scores] = WORLDS) -> list[Json]:
    """Median seconds to a proven harm by each bet; ratio: of counts to buckets, at least that where
    counts never got there."""
    found = []
    for world in worlds:
        medians = {bet: _median(seconds(world, bet, sizes.delay, seed)) for bet in Bet}
        slow, fast = medians[Bet.COUNTS], medians[Bet.BUCKETS]
        longest = LONGEST * POLL
        found.append(
            {
                "rps": world.rps,
                "score0": 1 - world.stable,
                "score1": 1 - world.candidate,
                "sd": world.sd,
                "tolerance": world.tolerance,
                "buckets": world.buckets,
                "momentSeconds": fast,
                "sumSeconds": medians[Bet.SUMS],
                "countSeconds": slow,
                "ratio": None if fast is None else (slow or longest) / fast,
                "atLeast": slow is None,
            }
        )
    return found


def seconds(world: Scores, bet: Bet, flights: int, seed: int, *, windows: int = LONGEST) -> Floats:
    """Until each flight proves harm at alpha 1 %; inf where it does not in so many windows."""
    rng, found = np.random.default_rng(seed), np.full(flights, np.inf)
    stakes, known = kernel.fresh((flights,)), np.zeros((3, flights))
    for i in range(1, windows + 1):
        arm, stable = (window(rng, world, bet, flights, candidate=c) for c in (True, False))
        fraction = detector.release(first=i == 1, elapsed=POLL, weight_changed=False)
        stakes = kernel.move(
            stakes, gains(world, bet, arm, stable, known=known), fraction, interval=int(POLL)
        )
        known += stable
        found[np.isinf(found) & (kernel.plain(stakes).log_e >= LEVEL)] = i * POLL
        if np.isfinite(found).all():
            break
    return found


def gains(world: Scores, bet: Bet, arm: Floats, stable: Floats, *, known: Floats) -> Gains:
    """One window against stable, by production code. arm, stable, known: (3, flights)."""
    one, tolerance = np.ones(arm.shape[1]), world.tolerance
    bounds = (one, one * tolerance), (one, one * 2 * tolerance)
    if bet is Bet.COUNTS:
        return kernel.against_reference(bounds, tuple(arm[:2]), tuple(stable[:2]), tuple(known[:2]))
    return score_bets.against_reference(bounds, tuple(arm), tuple(stable), tuple(known))


def window(
    rng: np.random.Generator, world: Scores, bet: Bet, flights: int, *, candidate: bool
) -> Floats:
    """(sum of badness, how many, squares as they are known), (3, flights), of one arm."""
    n = round(world.rps * POLL * (0.1 if candidate else 0.9))
    mean = world.candidate if candidate else world.stable
    counts = rng.multinomial(n, chances(mean, world.sd), flights)
    total = counts @ ATOMS
    if bet is not Bet.BUCKETS:
        return np.stack([total, np.full(flights, float(n)), total])
    cells = np.maximum(np.ceil(ATOMS * world.buckets - 1e-9).astype(int) - 1, 0)
    held = np.stack([counts[:, cells == b].sum(axis=1) for b in range(world.buckets)], axis=1)
    edges = np.linspace(0.0, 1.0, world.buckets + 1)
    return np.stack([total, np.full(flights, float(n)), moments.square_bound(edges, held, total)])


@cache
def chances(mean: float, sd: float) -> Floats:
    """Of the atoms: a bell, tilted until its mean is exact; of 0 and 1 alone where no bell is as
    wide."""
    if sd * sd >= mean * (1 - mean) * (1 - 1e-9):
        ends = np.zeros(len(ATOMS))
        ends[0], ends[-1] = 1 - mean, mean
        return ends
    bell, low, high = -((ATOMS - mean) ** 2) / (2 * sd * sd), -1e3, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _tilted(bell, middle) @ ATOMS < mean else (low, middle)
    return _tilted(bell, low)


def _tilted(bell: Floats, slope: float) -> Floats:
    heights = bell + slope * ATOMS
    weights = np.exp(heights - heights.max())
    return np.asarray(weights / weights.sum())


def _median(times: Floats) -> float | None:
    median = quantile(times.tolist(), 0.5)
    return median if math.isfinite(median) else None
