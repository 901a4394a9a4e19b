"""What the application tells about itself: Prometheus metrics and a log of evaluations.

Decides label names and the life of every series. Time is handed in; nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from examples.demo.answerer import Result
from examples.demo.flags import BUCKETS, CANDIDATE, FALLBACK, GOLDEN, STABLE

# Seconds; a good release needs about 0.0005, the slow model 0.02.
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5)
RESUMED_AFTER_SECONDS = 5.0
_BAD = (Result.SCHEMA_ERROR, Result.ERROR)


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

    def again(self, result: Result, at: float) -> None:
        self.count += 1
        self.last = at
        self.results[result.value] = self.results.get(result.value, 0) + 1
        if result in _BAD:
            self.bad += 1
            self.first_bad = at if self.first_bad is None else self.first_bad
            self.last_bad = at


class Telemetry:
    """Counters and histogram of one feature, and who was evaluated when."""

    def __init__(self, namespace: str, feature: str) -> None:
        self._fixed = {"namespace": namespace, "ai_feature": feature}
        self._registry = CollectorRegistry()
        arm = ("namespace", "ai_feature", "ai_variant", "ai_bucket")
        self._requests = Counter(
            "ai_requests_total", "Answers by result.", (*arm, "result"), registry=self._registry
        )
        self._seconds = Histogram(
            "ai_request_seconds",
            "Seconds from flag evaluation to the checked answer; waiting in line not included.",
            arm,
            buckets=LATENCY_BOUNDS,
            registry=self._registry,
        )
        self._variants: dict[str, Seen] = {}
        self._releases: dict[str, Flown] = {}
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """Give every expected series its zero, so that a first error is an increase."""
        for variant in (STABLE, CANDIDATE, FALLBACK):
            for result in Result:
                for bucket in BUCKETS:
                    labels = {"ai_variant": variant, "ai_bucket": bucket, "result": result.value}
                    self._requests.labels(**self._fixed, **labels)

    def evaluated(self, variant: str, at: float) -> None:
        """A flag evaluation put a request on `variant`."""
        seen = self._variants.get(variant)
        if seen is None:
            self._variants[variant] = Seen(count=1, first=at, last=at, resumed=at)
            return
        seen.again(at)

    def answered(
        self, variant: str, bucket: str, result: Result, *, release: str, seconds: float, at: float
    ) -> None:
        """An answer of `release` came out as `result` after `seconds` of work."""
        arm = {**self._fixed, "ai_variant": variant}
        self._requests.labels(**arm, ai_bucket=bucket, result=result.value).inc()
        self._seconds.labels(**arm, ai_bucket=bucket).observe(seconds)
        if variant != GOLDEN:  # nobody was served
            self._releases.setdefault(release, Flown(first=at, last=at)).again(result, at)

    def exposition(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self._registry)

    def evaluations(self) -> dict[str, object]:
        """Per variant and per release: how often, first and last, and what went bad."""
        return {
            "variants": {name: asdict(seen) for name, seen in self._variants.items()},
            "releases": {name: asdict(flown) for name, flown in self._releases.items()},
        }
