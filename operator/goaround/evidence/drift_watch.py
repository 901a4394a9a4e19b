"""One look of the drift watch: all inputs of a feature, each against its own reference.

Decides which reference an input has, where its noise comes from, and whether a baseline can be
established. Refuses to read anything and knows no clock. A window comes in consecutive parts of
equal length, so that neighbours can serve as halvings of stable traffic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.drift import Drift, DriftInput, DriftReference, DriftStatus
from goaround.evidence.baseline import Baseline, Calibrated, Kept, Reference, ReferenceKind
from goaround.evidence.distances import Halving, Noise, calibrate_centroids, calibrate_means
from goaround.evidence.drift import Finding, Sample, judge, measure
from goaround.evidence.drift_plan import bands_of, out_since
from goaround.evidence.embeddings import EmbeddingSum, added, turns
from goaround.evidence.model import STABLE
from goaround.evidence.samples import Histogram, Likeness, Mix

PARTS: Final = 24
"""Parts of a window: twelve halvings of neighbours, which differ little by the time of day."""

LEAST_ESTABLISHED: Final = 500
"""Requests per input for a baseline: with fewer its own noise rules every later comparison."""

Arms = Mapping[str, Mapping[int, Sample]]
"""Variant -> end of a part, unix seconds -> its sample; what had no data is absent."""


@dataclass(frozen=True, slots=True)
class References:
    """What is at hand besides the window itself; absent while nothing was established.

    stable_ended: unix seconds of the last data of stable, where it is not of the same window.
    """

    baseline: Baseline | None = None
    training: Baseline | None = None
    stable_ended: float | None = None


def next_ends(drift: Drift, before: DriftStatus | None, *, now: float, lag: float) -> range | None:
    """Ends of the parts of the newest whole window, unix seconds; None while status has it already.

    On one grid from the epoch, so that a look after a crash sees what the lost one saw. lag:
    seconds until a provider's counts are final.
    """
    step = drift.window_seconds // PARTS
    last = int((now - lag) // step) * step
    if before is not None and last <= before.observed_at.timestamp():
        return None
    return range(last - (PARTS - 1) * step, last + 1, step)


def look(
    drift: Drift,
    seen: Mapping[str, Arms],
    references: References,
    *,
    arm: str,
    now: float,
    split_since: float = 0.0,
    before: DriftStatus | None = None,
) -> tuple[Finding, ...]:
    """One finding per input, in the order of spec.

    seen: by input; one that could not be read is absent and becomes `Unknown`. arm: the variant
    under judgement. now: unix seconds. split_since: unix seconds since when users are divided as
    they are; parts from before it, or that only one arm has, are not held against stable, since the
    time of day would look like drift. before: status as it was, for the times out of band.
    """
    findings = []
    first = split_since + drift.window_seconds // PARTS
    for watched, band in zip(drift.inputs, bands_of(drift), strict=True):
        arms, since = seen.get(watched.name, {}), out_since(before, watched.name)
        reference, sample, noise = _reference(watched, references)
        current = dict(arms.get(arm, {}))
        if watched.reference is DriftReference.LAST_KNOWN_GOOD:
            stable = arms.get(STABLE, {})
            both = [end for end in sorted(current) if end >= first and end in stable]
            sample, noise = whole([stable[end] for end in both]), _noise(stable)
            current = {end: current[end] for end in both}
        found = measure(band, sample, whole(_ordered(current)), noise)
        findings.append(judge(band, found, reference, now=now, out_since=since))
    return tuple(findings)


def establish(
    drift: Drift, seen: Mapping[str, Arms], *, began: float, ended: float, digest: str
) -> Baseline | None:
    """A baseline from what stable got in (began, ended]; None until every input has
    `LEAST_ESTABLISHED` requests, and its noise is calibrated where it needs that."""
    found = {i.name: _kept(seen.get(i.name, {}).get(STABLE, {})) for i in drift.inputs}
    kept = {name: sample for name, sample in found.items() if sample is not None}
    return Baseline(kept, began, ended, digest) if len(kept) == len(drift.inputs) else None


def whole(parts: Sequence[Sample]) -> Sample | None:
    """The parts as one sample; None without parts, or where they are of different kinds or their
    buckets changed on the way."""
    match parts:
        case [Histogram(edges), *_] if all(isinstance(p, Histogram) for p in parts):
            some = [p for p in parts if isinstance(p, Histogram) and p.edges == edges]
            columns = zip(*(p.counts for p in some), strict=True)
            return Histogram(edges, tuple(map(sum, columns))) if len(some) == len(parts) else None
        case [Mix(), *_] if all(isinstance(p, Mix) for p in parts):
            counts: dict[str, float] = {}
            for name, count in _classes(parts):
                counts[name] = counts.get(name, 0.0) + count
            return Mix(counts)
        case [Likeness(), *_] if all(isinstance(p, Likeness) for p in parts):
            some_sums = [p for p in parts if isinstance(p, Likeness)]
            return Likeness(sum(p.total for p in some_sums), sum(p.n for p in some_sums))
        case [EmbeddingSum(), *_] if all(isinstance(p, EmbeddingSum) for p in parts):
            return added(_embedded(parts))
        case _:
            return None


def halvings(parts: Sequence[Sample]) -> list[Halving]:
    """Neighbouring parts of cosines as halves of the same traffic, each part used once."""
    sums = [part for part in parts if isinstance(part, Likeness)]
    pairs = zip(sums[::2], sums[1::2], strict=False)
    return [Halving(a.mean - b.mean, a.n, b.n) for a, b in pairs]


def _reference(
    watched: DriftInput, references: References
) -> tuple[Reference, Sample | None, Noise | None]:
    """The stored reference of an input; last-known-good has none, it is in the window."""
    kind = ReferenceKind(watched.reference.value)
    stored = {
        DriftReference.BASELINE: references.baseline,
        DriftReference.TRAINING: references.training,
    }.get(watched.reference)
    if stored is None:
        ended = references.stable_ended if kind is ReferenceKind.LAST_KNOWN_GOOD else None
        return Reference(kind, ended), None, None
    match stored.inputs.get(watched.name):
        case Calibrated(sample, noise):
            return Reference(kind, stored.ended), sample, noise
        case kept:
            return Reference(kind, stored.ended), kept, None


def _kept(parts: Mapping[int, Sample]) -> Kept | None:
    sample = whole(_ordered(parts))
    if sample is None or sample.n < LEAST_ESTABLISHED:
        return None
    if isinstance(sample, Histogram | Mix):
        return sample
    noise = _noise(parts)
    return Calibrated(sample, noise) if noise is not None else None


def _noise(parts: Mapping[int, Sample]) -> Noise | None:
    """Of the kinds whose noise has no law of its own; None where it cannot be told yet."""
    ordered = _ordered(parts)
    if embedded := _embedded(ordered):
        return calibrate_centroids(turns(embedded))
    return calibrate_means(halvings(ordered))


def _embedded(parts: Sequence[Sample]) -> list[EmbeddingSum]:
    return [part for part in parts if isinstance(part, EmbeddingSum)]


def _ordered(parts: Mapping[int, Sample]) -> list[Sample]:
    return [parts[end] for end in sorted(parts)]


def _classes(parts: Sequence[Sample]) -> Iterator[tuple[str, float]]:
    for part in parts:
        if isinstance(part, Mix):
            yield from part.counts.items()
