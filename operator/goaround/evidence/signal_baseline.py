"""What signals counted while things were well: the fixed samples of `vsBaseline`.

Decides from which time a sample is taken, when it is too old, and how it is kept in the record of
the release that is held against it. Refuses to count anything and to compare. Times are unix
seconds.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from goaround.api.acceptance import Signal
from goaround.api.feature import AIFeatureSpec
from goaround.api.signals import Query
from goaround.evidence.model import Counts

DAY: Final = 86400
"""A whole day where there is one, so that the time of day does not look like harm."""

STEP: Final = 300
FEWEST_STEPS: Final = 12
MOST_SHORT: Final = 360
"""Where stable is younger than an hour: so many windows of the watch's own length at most."""

LEAST: Final = 100.0
"""Requests without which nothing is known of what is normal."""

STALE_SECONDS: Final = 90 * DAY
"""Models, users and data move on: what is older speaks for nobody."""

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What the release `digest` counted in (began, ended] as stable. measured: how (`measured`);
    counts of another measure cannot be compared."""

    counts: Counts
    began: int
    ended: int
    digest: str
    measured: str

    def __post_init__(self) -> None:
        if not 0 <= self.began < self.ended:
            raise ValueError("a sample needs a time that begins before it ends")

    def is_stale(self, now: float) -> bool:
        return now - self.ended > STALE_SECONDS


def signals_of(spec: AIFeatureSpec) -> tuple[Signal, ...]:
    """The signals with a `vsBaseline` bound that counts can be held against."""
    return tuple(
        s
        for s in spec.acceptance.signals
        if s.vs_baseline is not None and s.kind is not None and not isinstance(s.kind, Query)
    )


def measured(spec: AIFeatureSpec, signal: Signal) -> str:
    """8 hex digits of all that shapes the counts of a signal."""
    how = f"{spec.acceptance.provider}/{signal.kind!r}/{signal.arms!r}/{signal.label_delay_seconds}"
    return hashlib.sha256(how.encode()).hexdigest()[:8]


def ends_before(took_off: float, since: float, interval: int) -> range:
    """Ends of the windows of the day before take-off; none that began before `since`, when the
    release that is stable then began to serve. Empty where it has served for less than a window."""
    long = _between(took_off - DAY, took_off, since, STEP)
    if len(long) >= FEWEST_STEPS:
        return long
    return _between(took_off - MOST_SHORT * interval, took_off, since, interval)


def ends_own(since: float, now: float) -> range:
    """Ends of the windows of the newest whole day in which the release served everybody since
    `since`; of its first one where that is not over."""
    first = math.ceil(since / STEP) * STEP + DAY
    last = max(first, math.floor(now / STEP) * STEP)
    return range(last - DAY + STEP, last + 1, STEP)


def _between(begins: float, ends: float, since: float, step: int) -> range:
    last = math.floor(ends / step) * step
    first = math.ceil(max(begins, since) / step) * step
    return range(first + step, last + 1, step)


def pack(samples: Mapping[str, Sample]) -> str:
    """JSON for the release's record, about 150 bytes per signal."""
    found = {
        name: [s.began, s.ended, s.counts.total, s.counts.bad, s.measured, s.digest]
        for name, s in sorted(samples.items())
    }
    return json.dumps({"v": FORMAT, "signals": found}, separators=(",", ":"), allow_nan=False)


def unpack(text: str) -> dict[str, Sample]:
    """The samples that `pack` wrote, by name of signal; none where the text holds none: then they
    are taken anew."""
    try:
        whole = json.loads(text)
        if whole["v"] != FORMAT:
            return {}
        return {str(name): _read(row) for name, row in whole["signals"].items()}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return {}


def _read(row: list[object]) -> Sample:
    began, ended, total, bad, how, digest = row
    counts = Counts(float(str(total)), float(str(bad)))
    return Sample(counts, int(str(began)), int(str(ended)), str(digest), str(how))
