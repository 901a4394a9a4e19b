"""Who was evaluated when, and how each release answered: what metrics are too coarse for.

Decides when a variant was seen again after silence. Time is handed in; nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from examples.client.goaround_client import ERROR, GOLDEN, SCHEMA_ERROR

RESUMED_AFTER_SECONDS = 5.0


@dataclass(slots=True)
class Seen:
    """Evaluations of one variant; times in unix seconds.

    `resumed` is the first evaluation after the latest silence of more than five seconds: the moment
    a kill reached this process, even if fallback had served at boot as well.
    """

    count: int
    first: float
    last: float
    resumed: float

    def again(self, at: float) -> None:
        if at - self.last > RESUMED_AFTER_SECONDS:
            self.resumed = at
        self.count += 1
        self.last = at


@dataclass(slots=True)
class Flown:
    """Answers of one release; `bad` are schema errors and failures to load."""

    first: float
    last: float
    count: int = 0
    bad: int = 0
    first_bad: float | None = None
    last_bad: float | None = None
    results: dict[str, int] = field(default_factory=dict)

    def again(self, result: str, at: float) -> None:
        self.count += 1
        self.last = at
        self.results[result] = self.results.get(result, 0) + 1
        if result in (ERROR, SCHEMA_ERROR):
            self.bad += 1
            self.first_bad = at if self.first_bad is None else self.first_bad
            self.last_bad = at


class Telemetry:
    """Evaluations by variant, answers by release; times in unix seconds."""

    def __init__(self) -> None:
        self._variants: dict[str, Seen] = {}
        self._releases: dict[str, Flown] = {}

    def evaluated(self, variant: str, at: float) -> None:
        """A flag evaluation put a request on `variant`."""
        seen = self._variants.get(variant)
        if seen is None:
            self._variants[variant] = Seen(count=1, first=at, last=at, resumed=at)
            return
        seen.again(at)

    def answered(self, variant: str, release: str, result: str, at: float) -> None:
        """An answer of `release` came out as `result`; in a golden run nobody was served."""
        if variant != GOLDEN:
            self._releases.setdefault(release, Flown(first=at, last=at)).again(result, at)

    def evaluations(self) -> dict[str, object]:
        """Per variant and per release: how often, first and last, and what went bad."""
        return {
            "variants": {name: asdict(seen) for name, seen in self._variants.items()},
            "releases": {name: asdict(flown) for name, flown in self._releases.items()},
        }
