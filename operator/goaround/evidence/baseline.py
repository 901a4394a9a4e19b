"""A baseline: what inputs looked like while things were well, small enough for status.

Decides what is kept of a sample (at most 4 KiB in all, coarser where needed) and reads it back.
Refuses what it cannot read whole: a damaged baseline is `UnreadableBaseline`, never half of one.
"""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from goaround.evidence.distances import Noise
from goaround.evidence.embeddings import EmbeddingSum
from goaround.evidence.samples import OTHER, Histogram, Likeness, Mix

LARGEST_BYTES: Final = 4096
FINENESS: Final = (20, 16, 12, 9, 6, 4)
"""Classes kept per input, tried in this order until the text fits."""

LONGEST_CLASS: Final = 32
"""Class names that take more bytes as JSON are summed up as `other`."""

MOST_INPUTS: Final = 10
LONGEST_NAME: Final = 63
LONGEST_DIGEST: Final = 71
FORMAT: Final = 1

COMPONENT: Final = np.dtype("<i2")
"""How a dimension is kept, in fractions of the largest: the cosine changes by less than 1e-7."""


class UnreadableBaseline(ValueError):
    """The text is no baseline of this format: establish it anew."""


class ReferenceKind(StrEnum):
    """Where the reference comes from."""

    LAST_KNOWN_GOOD = "LastKnownGood"
    BASELINE = "Baseline"
    TRAINING = "Training"


_WORDS: Final = {
    ReferenceKind.LAST_KNOWN_GOOD: "last-known-good",
    ReferenceKind.BASELINE: "the baseline",
    ReferenceKind.TRAINING: "training data",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """What the current inputs are compared with. ended: unix seconds of its last data, if known."""

    kind: ReferenceKind
    ended: float | None = None

    @property
    def words(self) -> str:
        return _WORDS[self.kind]

    def age(self, now: float) -> float | None:
        """Seconds since its last data, never negative."""
        return None if self.ended is None else max(0.0, now - self.ended)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A mean cosine or centroid together with the noise that it is to be held against."""

    sample: Likeness | EmbeddingSum
    noise: Noise


Kept = Histogram | Mix | Calibrated


@dataclass(frozen=True, slots=True)
class Baseline:
    """Samples by input of (began, ended], unix seconds. digest: the release that served."""

    inputs: Mapping[str, Kept]
    began: float
    ended: float
    digest: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.began) and self.began < self.ended < math.inf):
            raise ValueError("a baseline needs a time that begins before it ends")
        if not 1 <= len(self.inputs) <= MOST_INPUTS:
            raise ValueError(f"a baseline holds 1 to {MOST_INPUTS} inputs, not {len(self.inputs)}")
        if len(self.digest) > LONGEST_DIGEST or max(map(len, self.inputs)) > LONGEST_NAME:
            raise ValueError("a name or digest is too long")

    @property
    def reference(self) -> Reference:
        return Reference(ReferenceKind.BASELINE, self.ended)


def pack(baseline: Baseline) -> str:
    """The baseline as JSON text of at most `LARGEST_BYTES`, as fine as fits; counts keep six
    digits. Bucket bounds and class names stay exact, so that what is kept compares without error.
    """
    for most in FINENESS:
        inputs = {name: _written(kept, most) for name, kept in sorted(baseline.inputs.items())}
        whole = {
            "v": FORMAT,
            "from": baseline.began,
            "to": baseline.ended,
            "digest": baseline.digest,
            "inputs": inputs,
        }
        text = json.dumps(whole, separators=(",", ":"), allow_nan=False)
        if len(text.encode()) <= LARGEST_BYTES:
            return text
    raise ValueError(f"the baseline does not fit into {LARGEST_BYTES} bytes")


def unpack(text: str) -> Baseline:
    """The baseline that `pack` wrote. Raises `UnreadableBaseline` for anything else."""
    if len(text) > LARGEST_BYTES:
        raise UnreadableBaseline("too long")
    try:
        whole = json.loads(text)
        if whole["v"] != FORMAT:
            raise UnreadableBaseline(f"format {whole['v']!r} is unknown")
        inputs = {str(name): _read(kept) for name, kept in whole["inputs"].items()}
        return Baseline(
            inputs, float(whole["from"]), float(whole["to"]), str(whole.get("digest", ""))
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise UnreadableBaseline(f"{type(error).__name__}: {error}") from error


def coarse_histogram(sample: Histogram, most: int) -> Histogram:
    """At most `most` buckets of about equal shares, on some of the sample's own bounds."""
    if len(sample.counts) <= most:
        return sample
    running = np.cumsum(sample.counts)[:-1]
    targets = sample.n * np.arange(1, most) / most
    picked = {int(np.argmin(np.abs(running - target))) for target in targets}
    return sample.on(tuple(sample.edges[i] for i in sorted(picked)))


def coarse_mix(sample: Mix, most: int) -> Mix:
    """The largest classes with short names, at most `most` with `other`, which holds the rest."""
    short = [name for name in sample.counts if _is_short(name) and name != OTHER]
    if len(short) == len(sample.counts) <= most:
        return sample
    return sample.of(sorted(short, key=lambda name: (-sample.counts[name], name))[: most - 1])


def _is_short(name: str) -> bool:
    return len(json.dumps(name)) - 2 <= LONGEST_CLASS


def _written(kept: Kept, most: int) -> dict[str, Any]:
    match kept:
        case Histogram():
            small = coarse_histogram(kept, most)
            return {"e": list(small.edges), "c": [_short(count) for count in small.counts]}
        case Mix():
            counts = coarse_mix(kept, most).counts
            return {"k": {name: _short(count) for name, count in sorted(counts.items())}}
        case Calibrated(sample, noise):
            spread = {"u": noise.unit, "d": noise.degrees, "s": noise.splits}
            return _sum_written(sample) | {"n": sample.n} | spread


def _sum_written(sample: Likeness | EmbeddingSum) -> dict[str, Any]:
    if isinstance(sample, Likeness):
        return {"t": sample.total}
    peak = max(map(abs, sample.sums))
    parts = np.array(sample.sums) / (peak or 1.0) * np.iinfo(COMPONENT).max
    packed = base64.b64encode(np.rint(parts).astype(COMPONENT).tobytes())
    return {"x": packed.decode(), "m": peak}


def _read(kept: Mapping[str, Any]) -> Kept:
    if "e" in kept:
        return Histogram(tuple(map(float, kept["e"])), tuple(map(float, kept["c"])))
    if "k" in kept:
        return Mix({str(name): float(count) for name, count in kept["k"].items()})
    noise, n = Noise(float(kept["u"]), float(kept["d"]), int(kept["s"])), float(kept["n"])
    if "x" not in kept:
        return Calibrated(Likeness(float(kept["t"]), n), noise)
    parts = np.frombuffer(base64.b64decode(kept["x"], validate=True), dtype=COMPONENT)
    sums = parts * (float(kept["m"]) / np.iinfo(COMPONENT).max)
    return Calibrated(EmbeddingSum(tuple(sums.tolist()), n), noise)


def _short(count: float) -> float | int:
    """Six digits, and no decimal point where it says nothing."""
    rounded = float(f"{count:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
