"""What drift is computed from: bucket counts, class counts, sums of cosines. Never raw data.

Decides which samples are possible at all and how two of them are brought onto the same classes.
Refuses to measure or to judge. Counts are numbers of requests; impossible ones raise
`ImpossibleCounts`, so that a broken window is dropped and said so.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from goaround.evidence.bets import Floats
from goaround.evidence.model import ROUNDING, ImpossibleCounts

LEAST_EXPECTED: Final = 5.0
"""Classes with fewer expected requests are merged: below it chi-square is no guide."""

MOST_CLASSES: Final = 100
"""More than that are summed up: a label that anybody can fill must not cost anything."""

OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts per bucket (not cumulative). edges: finite upper bounds, rising; one more count than
    edges, since the last bucket is open-ended."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        _require_counts(self.counts)
        rising = all(low < high for low, high in pairwise(self.edges))
        if not rising or not all(map(math.isfinite, self.edges)):
            raise ImpossibleCounts("bucket bounds must be finite and rise")
        if len(self.counts) != len(self.edges) + 1:
            raise ImpossibleCounts(f"{len(self.edges)} bounds need one more bucket than that")

    @property
    def n(self) -> float:
        return math.fsum(self.counts)

    def on(self, edges: tuple[float, ...]) -> "Histogram":
        """The same counts on some of its edges. Raises `ImpossibleCounts` for foreign edges."""
        if not set(edges) <= set(self.edges):
            raise ImpossibleCounts("a histogram can only be read at its own bucket bounds")
        sums = [0.0] * (len(edges) + 1)
        for place, count in zip((*self.edges, math.inf), self.counts, strict=True):
            sums[bisect_left(edges, place)] += count
        return Histogram(edges, tuple(sums))


def from_cumulative(le: Mapping[float, float]) -> Histogram:
    """A histogram from Prometheus' cumulative buckets (upper bound -> count), +Inf included."""
    bounds = sorted(le)
    if not bounds or bounds[-1] != math.inf:
        raise ImpossibleCounts("the +Inf bucket is missing")
    cumulative = [0.0, *(le[bound] for bound in bounds)]
    slack = ROUNDING * max(1.0, abs(cumulative[-1]))
    steps = [high - low for low, high in pairwise(cumulative)]
    if min(steps) < -slack:
        raise ImpossibleCounts("cumulative buckets fall; a scrape was torn")
    return Histogram(tuple(bounds[:-1]), tuple(max(0.0, step) for step in steps))


@dataclass(frozen=True, slots=True)
class Mix:
    """Counts per class: languages, intents, or `present`/`absent` for a key field."""

    counts: Mapping[str, float]

    def __post_init__(self) -> None:
        _require_counts(self.counts.values())

    @property
    def n(self) -> float:
        return math.fsum(self.counts.values())

    def of(self, names: Iterable[str]) -> "Mix":
        """These classes, all others summed up as `other`."""
        kept = {name: self.counts.get(name, 0.0) for name in names if name != OTHER}
        return Mix(kept | {OTHER: max(0.0, self.n - math.fsum(kept.values()))})


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near single embeddings lie to a pinned centroid: sum of their cosines, and how many.

    Free of dimensions: the app computes one cosine per request and exports sum and count.
    """

    total: float
    n: float

    def __post_init__(self) -> None:
        _require_counts((self.n,))
        if not math.isfinite(self.total) or abs(self.total) > self.n * (1 + ROUNDING):
            raise ImpossibleCounts(f"{self.total} is no sum of {self.n} cosines")

    @property
    def mean(self) -> float:
        """Mean cosine; 0 when nothing was seen (ask `n` first)."""
        return self.total / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Centroids:
    """Two sums of embeddings A and B as their products A.B, A.A, B.B: all that a cosine needs,
    whatever the dimension. n, m: how many embeddings were summed."""

    dot: float
    a_square: float
    b_square: float
    n: float
    m: float

    def __post_init__(self) -> None:
        _require_counts((self.n, self.m, self.a_square, self.b_square))
        bound = math.sqrt(self.a_square) * math.sqrt(self.b_square)
        if not math.isfinite(self.dot) or abs(self.dot) > bound * (1 + ROUNDING):
            raise ImpossibleCounts("these products belong to no pair of vectors")

    @property
    def distance(self) -> float | None:
        """1 - cosine; None where a sum is zero and has no direction."""
        bound = math.sqrt(self.a_square) * math.sqrt(self.b_square)
        return max(0.0, 1 - self.dot / bound) if bound else None


@dataclass(frozen=True, slots=True)
class Aligned:
    """Two samples on the same classes. names[i] belongs to reference[i] and current[i]."""

    names: tuple[str, ...]
    reference: Floats
    current: Floats


def align(reference: Histogram | Mix, current: Histogram | Mix) -> Aligned | None:
    """Both samples on the classes that they share; None where nothing can be compared: a histogram
    against a mix, fewer than two common classes, or a sample without requests."""
    match reference, current:
        case Histogram(), Histogram():
            found = _at_common_edges(reference, current)
        case Mix(), Mix():
            found = _at_all_classes(reference, current)
        case _:
            return None
    return found if len(found.names) > 1 and reference.n and current.n else None


def _at_common_edges(reference: Histogram, current: Histogram) -> Aligned:
    common = sorted(set(reference.edges) & set(current.edges))
    common = common[:: 1 + len(common) // MOST_CLASSES]
    edges = tuple(common)
    last = (f"> {common[-1]:g}",) if common else ("all",)
    names = (*(f"<= {edge:g}" for edge in common), *last)
    before, after = reference.on(edges).counts, current.on(edges).counts
    return Aligned(names, np.array(before), np.array(after))


def _at_all_classes(reference: Mix, current: Mix) -> Aligned:
    """A side that has summed up small classes as `other` decides what the other side sums up."""
    for side in (reference, current):
        if OTHER in side.counts:
            reference, current = reference.of(side.counts), current.of(side.counts)
    pooled = {
        name: reference.counts.get(name, 0.0) + current.counts.get(name, 0.0)
        for name in {*reference.counts, *current.counts}
    }
    names = sorted(pooled, key=lambda name: (-pooled[name], name))
    if len(names) > MOST_CLASSES:
        kept = names[: MOST_CLASSES - 1]
        reference, current, names = reference.of(kept), current.of(kept), [*kept, OTHER]
    before, after = ([side.counts.get(n, 0.0) for n in names] for side in (reference, current))
    return Aligned(tuple(names), np.array(before), np.array(after))


def merged(aligned: Aligned, *, ordered: bool) -> Aligned:
    """The same with classes under `LEAST_EXPECTED` merged: neighbours where the order means
    something, else all small ones into `other` (and, if that is small too, the next smallest).

    Expected is what the smaller sample would show of the pooled share. Pooled totals say nothing
    about a difference between the two, so merging by them leaves the false-alarm rate alone.
    """
    pooled = aligned.reference + aligned.current
    sizes = float(aligned.reference.sum()), float(aligned.current.sum())
    expected = pooled * (min(sizes) / sum(sizes))
    groups = _neighbours(expected) if ordered else _smallest(expected)
    names = tuple(_group_name(aligned.names, group, ordered=ordered) for group in groups)
    sums = [
        np.array([side[g].sum() for g in groups]) for side in (aligned.reference, aligned.current)
    ]
    return Aligned(names, sums[0], sums[1])


def _neighbours(expected: Floats) -> list[list[int]]:
    groups: list[list[int]] = [[]]
    for i in range(len(expected)):
        if expected[groups[-1]].sum() >= LEAST_EXPECTED:
            groups.append([])
        groups[-1].append(i)
    if len(groups) > 1 and expected[groups[-1]].sum() < LEAST_EXPECTED:
        rest = groups.pop()
        groups[-1] += rest
    return groups


def _smallest(expected: Floats) -> list[list[int]]:
    order = [int(i) for i in np.argsort(-expected, kind="stable")]
    large = [i for i in order if expected[i] >= LEAST_EXPECTED]
    small = [i for i in order if expected[i] < LEAST_EXPECTED]
    while small and large and expected[small].sum() < LEAST_EXPECTED:
        small.insert(0, large.pop())
    return [[i] for i in sorted(large)] + ([sorted(small)] if small else [])


def _group_name(names: tuple[str, ...], group: list[int], *, ordered: bool) -> str:
    if len(group) == 1 or ordered:
        return names[group[-1]]
    return OTHER


def _require_counts(counts: Iterable[float]) -> None:
    if not all(math.isfinite(count) and count >= 0 for count in counts):
        raise ImpossibleCounts("counts must be finite and not negative")
