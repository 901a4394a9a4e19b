"""From the histogram of one arm's scores to the largest sum of squares that they can have.

Decides which bounds of the buckets can be relied on: those that every series has. Refuses bounds
beyond the scale of the score, buckets without +Inf, cumulative counts that fall, and buckets that
do not count what the mean counts; each with what to correct.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from goaround.evidence.moments import square_bound
from goaround.world.prom_count import LOST_SCORES, RELATIVE_SLACK, Flaw
from goaround.world.prom_types import Counts, Shape, UnreadableReason

SCORES: Final = "scores"
"""Part of an answer: how many scores were at most `le`."""

SERIES: Final = "series"
"""Part of an answer: how many series have the bucket `le`."""

BY_BOUND: Final = frozenset({SCORES, SERIES})

Histogram = Mapping[tuple[str, str], float]
"""(part, `le` as the series write it) -> number, of one arm in one window."""


def scored(arm: str, counts: Counts, histogram: Histogram, shape: Shape) -> Counts:
    """`counts` with the squares that its histogram allows. Raises `Flaw`."""
    if not counts.total and not histogram:
        return counts
    bounds, below = _cumulative(arm, histogram, shape)
    slack = LOST_SCORES + RELATIVE_SLACK * counts.total
    if abs(below[-1] - counts.total) > slack:
        raise _flaw(
            f"the buckets hold {below[-1]:g} scores of {arm}, its count says {counts.total:g}: "
            "take sum, count and buckets from one histogram"
        )
    if max((a - b for a, b in pairwise(below)), default=0.0) > slack:
        raise _flaw(f"a higher bucket of {arm} holds fewer scores than a lower one: mend it")
    return _with_squares(counts, bounds, below, shape)


def _cumulative(
    arm: str, histogram: Histogram, shape: Shape
) -> tuple[Sequence[float], Sequence[float]]:
    """(bounds, scores at or below each), rising; the last bound is infinite. A bound that some
    series lack, because a pod of another version has other buckets, is left out."""
    below: defaultdict[float, float] = defaultdict(float)
    series: defaultdict[float, float] = defaultdict(float)
    for (part, le), value in histogram.items():
        into = below if part == SCORES else series
        into[_bound(arm, le, shape)] += value
    if math.inf not in series:
        raise _flaw(
            f"the buckets of {arm} have no bound le='+Inf': name the buckets of a histogram, "
            "or take buckets out"
        )
    bounds = sorted(le for le, count in series.items() if count >= series[math.inf])
    return bounds, [below[le] for le in bounds]


def _bound(arm: str, le: str, shape: Shape) -> float:
    try:
        bound = float(le)
    except ValueError:
        bound = math.nan
    if not (shape.lowest <= bound <= shape.highest or bound == math.inf):
        raise _flaw(
            f"the buckets of {arm} have the bound le={le!r}, which is beyond the scale of the "
            f"score, {shape.lowest:g} to {shape.highest:g}: correct lowest and highest, or take "
            "buckets out"
        )
    return bound


def _with_squares(
    counts: Counts, bounds: Sequence[float], below: Sequence[float], shape: Shape
) -> Counts:
    """Scores that no bucket holds, lost in a restart, are taken to be the worst."""
    inside = [0.0]
    for value in below:
        inside.append(max(value, inside[-1]))
    held = [b - a for a, b in pairwise(inside)]
    scale = shape.highest - shape.lowest
    edges = [0.0, *(min((le - shape.lowest) / scale, 1.0) for le in bounds)]
    if shape.lower_is_worse:
        edges, held = [1 - edge for edge in reversed(edges)], held[::-1]
    lost = max(0.0, counts.total - inside[-1])
    bound = float(square_bound(edges, held, counts.bad)) + lost
    least = counts.bad**2 / counts.total if counts.total else 0.0
    return Counts(counts.total, counts.bad, min(max(bound, least), counts.bad))


def _flaw(message: str) -> Flaw:
    return Flaw(UnreadableReason.BAD_ANSWER, message)
