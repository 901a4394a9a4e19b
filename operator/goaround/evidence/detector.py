"""The detector: an e-process for harm that may begin at any time.

Decides how the prior over start times is spent and sums the bets of six alternatives; all in
natural logs, so that a million bad requests in one window neither overflow nor underflow. Refuses
to choose a level. Formula: recursion M_j <- (M_j + pi) e_j, E = sum_j w_j M_j + left.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence.bets import EDGE, Floats

ODDS: Final = np.array([1.4, 1.75, 2.4, 4.5, 12.0, 400.0])
"""Alternatives, as multiples of the boundary's odds."""

WEIGHTS: Final = np.array([0.26, 0.20, 0.18, 0.13, 0.12, 0.11])

FIRST_RELEASE: Final = 0.7
"""Most faults are there when the flight begins."""

PRIOR_SECONDS: Final = 86400.0
WEIGHT_CHANGE_RELEASE: Final = 0.1
"""Faults that only load brings begin where the weight changes."""

MAX_RELEASE: Final = 0.25
"""A long gap between windows must not use up the prior over later starts."""


def alternatives(boundary: ArrayLike) -> Floats:
    """The six shares under test, (..., 6): the boundary's odds times `ODDS`. 0 < boundary < 1."""
    boundary = np.minimum(np.maximum(boundary, EDGE), 1 - 1e3 * EDGE)
    odds = (boundary / (1 - boundary))[..., None] * ODDS
    return np.asarray(odds / (1 + odds))


def release(*, first: bool, elapsed: float, weight_changed: bool) -> float:
    """Fraction of `left` to bet on a fault that begins with this window.

    elapsed: seconds since the end of the window before; more than one interval if windows were
    missed. Known before the window's counts, which is all that validity needs.
    """
    if first:
        return FIRST_RELEASE
    spent = min(elapsed / PRIOR_SECONDS, MAX_RELEASE)
    return spent + (WEIGHT_CHANGE_RELEASE if weight_changed else 0.0)


def step(log_m: Floats, log_left: Floats, log_e: Floats, fraction: float) -> tuple[Floats, Floats]:
    """One window: (log_m, log_left) after it. Shapes (..., 6), (...), (..., 6)."""
    log_pi = log_left + np.log(fraction)
    moved = np.logaddexp(log_m, log_pi[..., None]) + log_e
    return moved, np.asarray(log_left + np.log1p(-fraction))


def log_e_value(log_m: Floats, log_left: Floats) -> Floats:
    """ln E; under the null E has expectation <= 1 at every stopping time."""
    return np.asarray(np.logaddexp(log_sum(log_m), log_left))


def log_sum(log_m: Floats) -> Floats:
    """ln of sum_j w_j M_j over the last axis."""
    largest = log_m.max(axis=-1)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # nothing staked: ln 0 is what is meant
        return np.asarray(shift + np.log(np.exp(log_m - shift[..., None]) @ WEIGHTS))
