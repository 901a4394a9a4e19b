"""What one test would find in one step: how soon, at what cost, and how little.

Decides which faults are rehearsed: multiples of the healthy share, total failure, and a ladder in
search of the smallest that shows. Refuses to forecast what the bound permits: nothing finds that.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from goaround.evidence import planned, rehearsal
from goaround.evidence.bets import Floats
from goaround.evidence.planned import Fault, TestPlan, quantile
from goaround.evidence.rehearsal import Dice, Leg, Rows, Subject, Tries

FAULTS: Final = (("1.5x", 1.5), ("2x", 2.0), ("5x", 5.0), ("all fail", math.inf))
LADDER: Final = (1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 20.0, 60.0, 400.0)
"""Odds, as multiples of the boundary's, among which the smallest visible fault is sought."""

LADDER_RUNS: Final = 40
POWER: Final = 0.8
LONGEST: Final = 48 * 3600.0
"""Faults that take longer to prove are told as "over 48 h"."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One test at the beginning of one step. rows: healthy flights as they enter the step."""

    subject: Subject
    leg: Leg
    rows: Rows
    alpha: float
    dice: Dice

    @property
    def horizon(self) -> float:
        """Seconds after which a fault counts as not found."""
        return min(float(self.leg.most), LONGEST)


def forecast(ask: Inquiry, *, requests: int | None, stays: float, lag: float) -> TestPlan:
    """What `ask` would find. stays: seconds that a healthy flight spends in the step; lag: seconds
    from the end of a window to its proof."""
    test, healthy = ask.subject.test, ask.subject.healthy
    shares = _fault_shares(healthy)
    hopeless = [planned.allowed(test, share, healthy) for share in shares]
    runs = ask.rows.runs
    sought = [share for share, no in zip(shares, hopeless, strict=True) if not no]
    rungs = _rungs(ask)
    times = _times(ask, sought, rungs, stays)
    faults, ladder = times[: len(sought) * runs], times[len(sought) * runs :]
    found = iter(faults.reshape(len(sought), runs))
    never = np.full(runs, np.inf)
    return TestPlan(
        name=test.signal,
        bound=test.bound,
        scale=test.scale,
        deviation=planned.deviation(ask.subject),
        hard=test.hard,
        gate=test.gate,
        healthy=healthy,
        per_second=ask.subject.part * ask.leg.candidate,
        requests=requests,
        smallest=_smallest(rungs, ladder),
        stays=stays,
        faults=tuple(
            _fault(ask, name, share, never if no else next(found), lag=lag, allowed=no)
            for (name, _), share, no in zip(FAULTS, shares, hopeless, strict=True)
        ),
    )


def _fault_shares(healthy: float) -> list[float]:
    return [1.0 if factor == math.inf else min(1.0, healthy * factor) for _, factor in FAULTS]


def _rungs(ask: Inquiry) -> Floats:
    """Shares of the ladder, rising; a hard guard needs none."""
    if ask.subject.test.hard:
        return np.zeros(0)
    edge = planned.boundary(ask.subject.test, ask.subject.healthy)
    odds = edge / (1 - edge) * np.array(LADDER)
    return np.append(odds / (1 + odds), 1.0)


def _times(ask: Inquiry, faults: list[float], rungs: Floats, stays: float) -> Floats:
    """Every fault from every row, then every rung from the first few."""
    runs = ask.rows.runs
    few = min(runs, LADDER_RUNS)
    tries = Tries(
        shares=np.concatenate([np.repeat(faults, runs), np.repeat(rungs, few)]),
        horizons=np.repeat([ask.horizon, stays], [len(faults) * runs, len(rungs) * few]),
        origins=np.concatenate(
            [np.tile(np.arange(runs), len(faults)), np.tile(np.arange(few), len(rungs))]
        ),
    )
    return rehearsal.detect(ask.subject, tries, ask.leg, ask.rows, alpha=ask.alpha, dice=ask.dice)


def _fault(
    ask: Inquiry, name: str, share: float, times: Floats, *, lag: float, allowed: bool
) -> Fault:
    """Harm is counted up to the proof; where none came, up to the horizon."""
    exposed = np.where(np.isfinite(times), times, ask.horizon) + lag
    median, late = quantile(times, 0.5), quantile(times, 0.95)
    return Fault(
        name=name,
        share=share,
        allowed=allowed,
        found=float(np.mean(np.isfinite(times))),
        median=median + lag if median is not None else None,
        late=late + lag if late is not None else None,
        bad=float(np.mean(exposed)) * ask.subject.part * ask.leg.candidate * share,
        horizon=ask.horizon,
    )


def _smallest(rungs: Floats, times: Floats) -> float | None:
    """Smallest share of harm that is proven in four of five flights before the step is left."""
    if not len(rungs):
        return None
    proven = np.isfinite(times).reshape(len(rungs), -1)
    power = np.maximum.accumulate(proven.mean(axis=1))
    above = int(np.searchsorted(power, POWER))
    if above == len(rungs):
        return None
    if above == 0:
        return float(rungs[0])
    # between two rungs the chance is taken to grow evenly with the share
    part = (POWER - power[above - 1]) / (power[above] - power[above - 1])
    return float(rungs[above - 1] + part * (rungs[above] - rungs[above - 1]))
