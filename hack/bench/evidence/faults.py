"""The faults whose detection is timed, the information bound each is held against, and its goal.

Refuses to time anything. The bound: ln(1/alpha) / KL(p1 || p0) candidate requests, p0 known, as
time, rounded up to a poll. No test with that alpha has a shorter mean delay; a median may.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from hack.bench.evidence.crowd import strangers
from hack.bench.evidence.sizes import POLL
from hack.bench.evidence.traffic import Harm, Split, Traffic

ALPHA: Final = 0.01
SHARE: Final = 0.1

GOAL: Final = 1.65
THIN_GOAL: Final = 2.5
LATE_GOAL: Final = 4.0
LEAST_ODDS: Final = 1.39

LATE: Final = 6 * 3600.0
RATES: Final = (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """The candidate fails with p1 instead of p0 from `onset` seconds on; rps: of the service."""

    rps: float
    p0: float
    p1: float
    onset: float = 0.0

    @property
    def candidate_rps(self) -> float:
        return self.rps * SHARE

    @property
    def odds(self) -> float:
        """Odds ratio; infinite for total failure."""
        return math.inf if self.p1 == 1 else self.p1 / (1 - self.p1) * (1 - self.p0) / self.p0

    @property
    def bound(self) -> float:
        """Seconds, a whole number of polls."""
        requests = -math.log(ALPHA) / divergence(self.p1, self.p0)
        return math.ceil(requests / self.candidate_rps / POLL - 1e-9) * POLL

    @property
    def goal(self) -> float:
        """The largest ratio of median to bound that is asked for."""
        if self.onset:
            return LATE_GOAL
        return GOAL if self.candidate_rps >= 1 else THIN_GOAL

    @property
    def is_aim(self) -> bool:
        """Hoped for, not promised: odds below 1.4, or less than one candidate request a second."""
        return not self.onset and (self.odds < LEAST_ODDS or self.candidate_rps < 1)


def divergence(p: float, q: float) -> float:
    """KL(p || q) of two failing shares, nats a request; 0 < q < 1."""
    bad = p * math.log(p / q) if p else 0.0
    return bad + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def faults() -> tuple[Fault, ...]:
    """1 % to each share at each rate, at once and late; other base rates at two."""
    common = [
        Fault(rps, 0.01, p1, onset)
        for onset in (0.0, LATE)
        for rps in RATES
        for p1 in (0.015, 0.02, 0.05, 0.20, 1.0)
    ]
    others = ((0.001, (0.003, 0.01)), (0.01, (0.012, 0.03)), (0.05, (0.06, 0.08, 0.15)))
    wide = ((0.2, (0.23, 0.3, 0.5)),)
    rest = [Fault(r, p0, p1) for p0, some in (*others, *wide) for p1 in some for r in (10.0, 100.0)]
    return (*common, *rest)


def fleet(some: tuple[Fault, ...], rollouts: int, seed: int) -> Traffic:
    """That many rollouts of each fault, in order; all must begin at the same time."""
    (onset,) = {fault.onset for fault in some}
    each = [np.repeat([getattr(f, name) for f in some], rollouts) for name in ("rps", "p0", "p1")]
    rps, p0, p1 = each
    split = Split(((0.0, SHARE),))
    return Traffic(
        crowd=strangers(p0, split.widths),
        rps=rps,
        rng=np.random.default_rng(seed),
        split=split,
        harm=Harm(onset, (p1 - p0) / (1 - p0)),
    )
