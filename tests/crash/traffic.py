"""What users do: requests by arm as the committed status divides them, and what a provider tells.

Rolling back so changes the very counts that justified it. Counts are expectations, not samples: the
same history gives the same windows. Refuses to know what GoAround makes of them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from goaround.api.base import Json
from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
    WindowReading,
)

REQUESTS_PER_SECOND: Final = 400.0
GOOD_SHARE: Final = 0.002
READING_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Quality:
    """How a release behaves: its share of errors, from `from_weight` percent of users on."""

    errors: float = GOOD_SHARE
    from_weight: int = 0

    def share(self, weight: int) -> float:
        return self.errors if weight >= self.from_weight else GOOD_SHARE


@dataclass(frozen=True, slots=True)
class Conditions:
    """What people and the world may change: quality by version, silent arms, a dead provider."""

    quality: Mapping[str, Quality] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm from some moment on: requests and errors per second."""

    requests: float
    errors: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What every arm did from `begin` (unix seconds) until the next segment."""

    begin: float
    arms: Mapping[str, Arm]


class Traffic:
    """Everything that users ever did to one feature."""

    def __init__(self, clock: Callable[[], float], conditions: Conditions) -> None:
        self._clock = clock
        self.conditions = conditions
        self._status: Json = {}
        self.segments: list[Segment] = []

    def serve(self, status: Json) -> None:
        """The flag plane follows the committed status; {}: the feature is gone."""
        self._status = status
        arms = dict(self._arms())
        if not self.segments or self.segments[-1].arms != arms:
            self.segments.append(Segment(self._clock(), arms))

    def change(self, **changes: object) -> None:
        """The world changes (fields of `Conditions`)."""
        self.conditions = replace(self.conditions, **changes)  # type: ignore[arg-type]
        self.serve(self._status)

    def _arms(self) -> list[tuple[str, Arm]]:
        split = self._status.get("split") or {}
        served = {
            "stable": self._status.get("lastKnownGood"),
            "candidate": self._status.get("candidate"),
        }
        return [
            (arm, _arm(self.conditions, known, weight))
            for arm, known in served.items()
            if (weight := split.get(arm, 0)) and known and arm not in self.conditions.silent
        ]

    def window(self, begin: float, end: float) -> Mapping[str, tuple[float, float]]:
        """Requests and errors by arm in (begin, end]; an arm without requests is absent."""
        found: dict[str, tuple[float, float]] = {}
        ends = [s.begin for s in self.segments[1:]] + [float("inf")]
        for segment, until in zip(reversed(self.segments), reversed(ends), strict=True):
            seconds = min(end, until) - max(begin, segment.begin)
            for arm, rate in segment.arms.items() if seconds > 0 else ():
                requests, errors = found.get(arm, (0.0, 0.0))
                found[arm] = (requests + rate.requests * seconds, errors + rate.errors * seconds)
            if segment.begin <= begin:
                break
        return found


def _arm(conditions: Conditions, known: Json, weight: int) -> Arm:
    version = known["release"]["prompt"]["version"]
    share = conditions.quality.get(version, Quality()).share(weight)
    requests = REQUESTS_PER_SECOND * weight / 100
    return Arm(requests, requests * share)


class ModelReader:
    """Stands where `PrometheusReader` stands: same call, counts from the model."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    async def read(
        self,
        feature: FeatureKey,
        shape: Shape,
        ends: range,
        variants: Sequence[str] = ("stable", "candidate"),
    ) -> Read:
        """Counts in (end - interval, end] for every one of `ends`, or one reason why not."""
        await asyncio.sleep(READING_SECONDS)
        if not self._traffic.conditions.readable:
            return Unreadable(UnreadableReason.REFUSED, "the provider does not answer")
        return Readings(tuple(self._reading(shape, end, variants) for end in ends))

    def _reading(self, shape: Shape, end: int, variants: Sequence[str]) -> WindowReading:
        counted = self._traffic.window(end - shape.interval, end)
        bad = 'result="error"' in shape.bad
        return WindowReading(
            end=end,
            arms={
                arm: Counts(total=requests, bad=errors if bad else GOOD_SHARE * requests)
                for arm, (requests, errors) in counted.items()
                if arm in variants
            },
        )
