"""What a simulation of so many rollouts can know: intervals, and whether a goal is met.

Refuses to call a goal missed while chance alone may have done it.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

NORMAL_95: Final = 1.959963984540054


class Standing(StrEnum):
    """A figure beside its goal. `OPEN`: over it, but the interval reaches down to it."""

    MET = "met"
    OPEN = "open"
    MISSED = "missed"


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score method; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    z2, share = NORMAL_95**2, hits / trials
    middle = share + z2 / (2 * trials)
    reach = NORMAL_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    low = (middle - reach) / scale if hits else 0.0
    high = (middle + reach) / scale if hits < trials else 1.0
    return low, high


def standing(share: float, low: float, goal: float) -> Standing:
    """Where an estimated share with the lower end `low` of its interval stands."""
    if share <= goal:
        return Standing.MET
    return Standing.MISSED if low > goal else Standing.OPEN


def standing_of_median(values: Sequence[float], goal: float) -> Standing:
    """The same for a median, by the 95 % interval that its order statistics give."""
    ordered, n = sorted(values), len(values)
    if not n:
        return Standing.OPEN
    reach = NORMAL_95 * math.sqrt(n) / 2
    low = ordered[max(0, math.floor(n / 2 - reach))]
    return standing(quantile(ordered, 0.5), low, goal)


def quantile(values: Sequence[float], part: float) -> float:
    """Nearest rank; infinite values (not found) stand last."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else math.inf
