"""How far two samples lie apart, and how far pure noise would put them.

Decides the value, bias and noise floor of each statistic. Refuses to hold anything against a limit.
A floor is exceeded by chance at most once in a thousand looks. Formulas: PSI's bias and floor from
its scaled chi-square law; KS from Kolmogorov's limit (buckets only make it stricter); cosine noise
in proportion to 1/n + 1/m, its size measured by splitting stable traffic in half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence.bets import Floats
from goaround.evidence.quantiles import chi_square_quantile, f_quantile
from goaround.evidence.samples import Aligned, Centroids, Histogram, Likeness, Mix, align, merged

CONFIDENCE: Final = 0.999
HALF: Final = 0.5
"""Added to every class, so that an empty one has a logarithm (Jeffreys)."""

KOLMOGOROV: Final = math.sqrt(-math.log((1 - CONFIDENCE) / 2) / 2)
LEAST_SPLITS: Final = 8
MOST_DEGREES: Final = 1000.0


class Statistic(StrEnum):
    PSI = "PSI"
    KS = "KS"
    COSINE = "Cosine"
    MEAN_COSINE = "MeanCosine"


@dataclass(frozen=True, slots=True)
class Mover:
    """The class that moved most: its share before and now (for cosines the means themselves)."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One distance. raw: as computed; bias: what no drift would show on average; floor: what no
    drift would exceed in at most one of a thousand looks. n, m: reference and current requests."""

    statistic: Statistic
    raw: float
    bias: float
    floor: float
    n: float
    m: float
    mover: Mover | None = None

    @property
    def size(self) -> float:
        """The drift itself: raw without its bias, never negative."""
        return max(0.0, self.raw - self.bias)

    @property
    def is_proven(self) -> bool:
        """Noise does not explain it."""
        return self.raw > self.floor


@dataclass(frozen=True, slots=True)
class Noise:
    """How large a distance pure noise makes at 1/n + 1/m = 1, on average, and how it spreads.

    degrees: of the chi-square law that the distance follows; splits: how many halvings of stable
    traffic were averaged.
    """

    unit: float
    degrees: float
    splits: int

    def __post_init__(self) -> None:
        if not (0 <= self.unit < math.inf and 0 < self.degrees < math.inf and self.splits >= 1):
            raise ValueError("noise needs a finite size, degrees of freedom and splits")

    def floor(self, scale: float) -> float:
        """The distance exceeded by chance once in a thousand; the F law because `unit` itself was
        measured, on `splits` x `degrees` degrees of freedom."""
        tail = f_quantile(self.degrees, self.degrees * self.splits, CONFIDENCE)
        return self.unit * tail * scale


@dataclass(frozen=True, slots=True)
class Halving:
    """Stable traffic split in half at random: the distance of the halves, and their sizes."""

    distance: float
    n: float
    m: float


def psi(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Population stability index over the last axis: sum (p - q) ln(p/q), half a request added to
    every class. Broadcasts over leading axes."""
    r, c = _shares(reference), _shares(current)
    return np.asarray(np.sum((r - c) * np.log(r / c), axis=-1))


def _shares(counts: ArrayLike) -> Floats:
    smoothed = np.asarray(counts, dtype=np.float64) + HALF
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


def ks(reference: ArrayLike, current: ArrayLike) -> Floats:
    """Largest distance of the two cumulative shares at bucket bounds, over the last axis."""
    gap = _steps(current) - _steps(reference)
    return np.asarray(np.max(np.abs(gap), axis=-1))


def _steps(counts: ArrayLike) -> Floats:
    running = np.cumsum(np.asarray(counts, dtype=np.float64), axis=-1)
    return np.asarray(running / running[..., -1:])


def measure_psi(
    reference: Histogram | Mix, current: Histogram | Mix, *, cluster_size: float = 1.0
) -> Measure | None:
    """PSI of two histograms or of two mixes; None where nothing can be compared.

    cluster_size: requests that come together (one session, one burst) and count as one.
    """
    pair = align(reference, current)
    if pair is None:
        return None
    thinned = Aligned(pair.names, pair.reference / cluster_size, pair.current / cluster_size)
    pair = merged(thinned, ordered=isinstance(reference, Histogram))
    degrees = len(pair.names) - 1
    if not degrees:
        return None
    scale = 1 / float(pair.reference.sum()) + 1 / float(pair.current.sum())
    return Measure(
        Statistic.PSI,
        raw=float(psi(pair.reference, pair.current)),
        bias=degrees * scale,
        floor=chi_square_quantile(degrees, CONFIDENCE) * scale,
        n=reference.n,
        m=current.n,
        mover=_psi_mover(pair),
    )


def _psi_mover(pair: Aligned) -> Mover:
    r, c = _shares(pair.reference), _shares(pair.current)
    i = int(np.argmax((r - c) * np.log(r / c)))
    before, after = pair.reference / pair.reference.sum(), pair.current / pair.current.sum()
    return Mover(pair.names[i], float(before[i]), float(after[i]))


def measure_ks(
    reference: Histogram, current: Histogram, *, cluster_size: float = 1.0
) -> Measure | None:
    """Kolmogorov-Smirnov distance at the common bucket bounds; None where there are none.

    What moves inside one bucket is not seen. It has no bias to subtract that would hold for every
    layout of buckets, so the floor alone speaks for noise.
    """
    pair = align(reference, current)
    if pair is None:
        return None
    before, after = _steps(pair.reference), _steps(pair.current)
    i = int(np.argmax(np.abs(after - before)))
    scale = cluster_size * (1 / reference.n + 1 / current.n)
    return Measure(
        Statistic.KS,
        raw=float(ks(pair.reference, pair.current)),
        bias=0.0,
        floor=KOLMOGOROV * math.sqrt(scale),
        n=reference.n,
        m=current.n,
        mover=Mover(pair.names[i], float(before[i]), float(after[i])),
    )


def measure_centroids(
    pair: Centroids, noise: Noise, *, cluster_size: float = 1.0
) -> Measure | None:
    """Cosine distance of two centroids; None where a sum has no direction or no requests."""
    distance = pair.distance
    if distance is None or not pair.n or not pair.m:
        return None
    scale = cluster_size * (1 / pair.n + 1 / pair.m)
    return Measure(
        Statistic.COSINE,
        raw=distance,
        bias=noise.unit * scale,
        floor=noise.floor(scale),
        n=pair.n,
        m=pair.m,
    )


def measure_likeness(
    reference: Likeness, current: Likeness, noise: Noise, *, cluster_size: float = 1.0
) -> Measure | None:
    """Distance of two mean cosines to the same pinned centroid, either way; None without requests.

    noise: of squared distances (`calibrate_means`). Sees what keeps the centroid but widens the
    cloud; the centroid's cosine does not.
    """
    if not reference.n or not current.n:
        return None
    scale = cluster_size * (1 / reference.n + 1 / current.n)
    return Measure(
        Statistic.MEAN_COSINE,
        raw=abs(current.mean - reference.mean),
        bias=0.0,
        floor=math.sqrt(noise.floor(scale)),
        n=reference.n,
        m=current.n,
        mover=Mover("mean cosine", reference.mean, current.mean),
    )


def calibrate_centroids(halvings: Sequence[Halving]) -> Noise | None:
    """The noise of an encoder from halvings of stable traffic, each of other requests; None with
    fewer than `LEAST_SPLITS`, which would show nothing but that little is known.

    Degrees of freedom are half of what mean and variance of a chi-square law give: a dozen
    halvings show the variance badly, and taking it as found gave eight times the false alarms.
    """
    units = _units(halvings, squared=False)
    if len(units) < LEAST_SPLITS:
        return None
    mean = float(units.mean())
    variance = max(float(units.var(ddof=1)), 2 * mean * mean / MOST_DEGREES)
    degrees = mean * mean / variance if variance else 1.0
    return Noise(mean, max(1.0, degrees), len(units))


def calibrate_means(halvings: Sequence[Halving]) -> Noise | None:
    """The same for mean cosines: squared distances of two means have one degree of freedom."""
    units = _units(halvings, squared=True)
    return Noise(float(units.mean()), 1.0, len(units)) if len(units) >= LEAST_SPLITS else None


def _units(halvings: Sequence[Halving], *, squared: bool) -> Floats:
    usable = [h for h in halvings if h.n > 0 and h.m > 0 and math.isfinite(h.distance)]
    found = [(h.distance**2 if squared else h.distance) / (1 / h.n + 1 / h.m) for h in usable]
    return np.array(found, dtype=np.float64)
