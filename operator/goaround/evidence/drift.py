"""What drift does to a release: it alerts or holds, and never rolls back by itself.

Decides, per watched input, whether a measured distance is both large enough to matter and too
large for noise, for long enough; and which inputs moved most. Refuses to measure, to read
a clock, or to blame a release: inputs are shared by both arms.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from goaround.evidence import drift_text
from goaround.evidence.baseline import Baseline, Reference
from goaround.evidence.distances import (
    Measure,
    Noise,
    Statistic,
    measure_centroids,
    measure_ks,
    measure_likeness,
    measure_psi,
)
from goaround.evidence.embeddings import EmbeddingSum, centroids
from goaround.evidence.samples import Centroids, Histogram, Likeness, Mix

__all__ = [
    "Action",
    "Band",
    "Baseline",
    "Centroids",
    "DriftVerdict",
    "EmbeddingSum",
    "Finding",
    "Histogram",
    "Likeness",
    "Measure",
    "Mix",
    "Noise",
    "Reference",
    "Statistic",
    "gravest",
    "judge",
    "measure",
    "measure_pair",
    "rank",
]


class DriftVerdict(StrEnum):
    """What one input says. `Unknown`: nothing to compare, never a pass."""

    ALERT = "Alert"
    HOLD = "Hold"
    QUIET = "Quiet"
    UNKNOWN = "Unknown"


class Action(StrEnum):
    """What is done about drift out of its band."""

    ALERT = "Alert"
    HOLD = "Hold"


@dataclass(frozen=True, slots=True)
class Band:
    """What one input is held against. limit: largest harmless size of its statistic. for_seconds:
    how long it must be out of band. cluster_size: requests that come together and count as one."""

    name: str
    statistic: Statistic
    limit: float
    action: Action = Action.ALERT
    for_seconds: float = 0.0
    cluster_size: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.limit < math.inf:
            raise ValueError(f"the limit of {self.name} must be above 0, not {self.limit}")
        if not 1 <= self.cluster_size < math.inf:
            raise ValueError(f"clusterSize must be at least 1, not {self.cluster_size}")
        if not 0 <= self.for_seconds < math.inf:
            raise ValueError(f"forSeconds must not be negative, not {self.for_seconds}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One input's verdict and its line. measure: absent when nothing could be compared. out_since:
    unix seconds since when it is out of band; to be handed back to the next `judge`."""

    name: str
    verdict: DriftVerdict
    line: str
    limit: float
    measure: Measure | None = None
    out_since: float | None = None

    @property
    def moved(self) -> float:
        """Size in multiples of its limit, so that different statistics can be ranked; 0 while
        noise explains it."""
        if self.measure is None or not self.measure.is_proven:
            return 0.0
        return self.measure.size / self.limit


Sample = Histogram | Mix | Likeness | EmbeddingSum


def measure(
    band: Band, reference: Sample | None, current: Sample | None, noise: Noise | None = None
) -> Measure | None:
    """The distance that the band asks for; None where these two do not have one, or one is absent.

    noise: needed for mean cosines (`calibrate_means`) and centroids (`calibrate_centroids`).
    """
    match band.statistic, reference, current:
        case Statistic.PSI, (Histogram() | Mix()), (Histogram() | Mix()):
            return measure_psi(reference, current, cluster_size=band.cluster_size)
        case Statistic.KS, Histogram(), Histogram():
            return measure_ks(reference, current, cluster_size=band.cluster_size)
        case Statistic.MEAN_COSINE, Likeness(), Likeness() if noise is not None:
            return measure_likeness(reference, current, noise, cluster_size=band.cluster_size)
        case Statistic.COSINE, EmbeddingSum(), EmbeddingSum():
            return measure_pair(band, centroids(reference, current), noise)
        case _:
            return None


def measure_pair(band: Band, pair: Centroids | None, noise: Noise | None) -> Measure | None:
    """The cosine distance of two centroids, likewise."""
    if band.statistic is not Statistic.COSINE or pair is None or noise is None:
        return None
    return measure_centroids(pair, noise, cluster_size=band.cluster_size)


def judge(
    band: Band,
    found: Measure | None,
    reference: Reference,
    *,
    now: float,
    out_since: float | None = None,
) -> Finding:
    """Alert or hold iff size > limit AND raw > noise floor, for `for_seconds` on end.

    The size is without bias, so the limit means the same at any traffic; the floor is held against
    the raw value, whose law it is. A look without data neither ends nor prolongs a time out of
    band: it is `Unknown` and keeps `out_since`.
    """
    if found is None:
        line = drift_text.unknown(band.name, reference, now)
        return Finding(band.name, DriftVerdict.UNKNOWN, line, band.limit, out_since=out_since)
    finding = Finding(band.name, DriftVerdict.QUIET, "", band.limit, found)
    if not (found.size > band.limit and found.is_proven):
        return replace(
            finding, line=drift_text.quiet(band.name, found, band.limit, reference, now=now)
        )
    since = now if out_since is None else min(out_since, now)
    lasts = now - since
    if lasts < band.for_seconds:
        line = drift_text.pending(
            band.name, found, band.limit, reference, now=now, lasts=lasts, needs=band.for_seconds
        )
        return replace(finding, line=line, out_since=since)
    line = drift_text.out_of_band(
        band.name, found, band.limit, reference, now=now, action=band.action.value
    )
    return replace(finding, verdict=DriftVerdict(band.action), line=line, out_since=since)


RANKED: Final = 10


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The inputs that moved, most first, at most ten: the names a diagnosis begins with."""
    moved = [finding for finding in findings if finding.moved > 0]
    return tuple(sorted(moved, key=lambda f: (-f.moved, f.name))[:RANKED])


_GRAVITY: Final = (
    DriftVerdict.HOLD,
    DriftVerdict.ALERT,
    DriftVerdict.UNKNOWN,
    DriftVerdict.QUIET,
)


def gravest(verdicts: Iterable[DriftVerdict]) -> DriftVerdict:
    """Hold, Alert, Unknown, Quiet in this order; Quiet without any."""
    said = set(verdicts)
    return next((verdict for verdict in _GRAVITY if verdict in said), DriftVerdict.QUIET)
