"""The operator's own metrics. Bounded labels: namespace and feature, never messages or people.

A feature's series go when the feature goes.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from goaround import __version__
from goaround.api.status import AIFeatureStatus
from goaround.runtime.feature_metrics import FeatureMetrics
from goaround.runtime.incident_metrics import IncidentMetrics

FEATURE = ("namespace", "feature")
Series = tuple[Gauge, str]
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _process(registry: CollectorRegistry) -> tuple[Counter, Histogram, Gauge, Gauge]:
    """Of this process: passes, their seconds, the queue, the lease."""
    info = Gauge("goaround_build_info", "Version.", ("version",), registry=registry)
    info.labels(__version__).set(1)
    return (
        Counter("goaround_passes_total", "Passes over one object.", ("result",), registry=registry),
        Histogram(
            "goaround_pass_seconds", "Duration of a pass.", buckets=SECONDS, registry=registry
        ),
        Gauge("goaround_queue_depth", "Keys due.", registry=registry),
        Gauge("goaround_lease_held", "1 while this process may act.", registry=registry),
    )


def _writes(registry: CollectorRegistry) -> tuple[Counter, Counter, Counter]:
    """Of what it does: status writes, what flag replicas are told, effects."""
    return (
        Counter(
            "goaround_status_writes_total",
            "Status writes by kind and result.",
            ("kind", "result"),
            registry=registry,
        ),
        Counter(
            "goaround_lowered_total",
            "Times flag replicas were told past the API server, by how many (all, some, none) "
            "serve no more than that.",
            ("result",),
            registry=registry,
        ),
        Counter(
            "goaround_effects_total",
            "Effects by type and result.",
            ("effect", "result"),
            registry=registry,
        ),
    )


def _reading(registry: CollectorRegistry) -> tuple[Counter, Gauge]:
    """Of metrics providers: reads, and which of them answer."""
    return (
        Counter(
            "goaround_provider_reads_total",
            "Reads of a metrics provider by result.",
            ("provider", "result"),
            registry=registry,
        ),
        Gauge(
            "goaround_provider_up",
            "1 if the last read of this metrics provider brought anything.",
            ("provider",),
            registry=registry,
        ),
    )


def _decisions(registry: CollectorRegistry) -> tuple[Counter, Counter, Histogram]:
    """Of decisions: transitions, rollbacks only told of, and how long proofs waited."""
    return (
        Counter(
            "goaround_transitions_total",
            "Transitions by the reason of their event.",
            (*FEATURE, "reason"),
            registry=registry,
        ),
        Counter(
            "goaround_would_have_rolled_back_total",
            "Rollbacks that mode Observe only told of.",
            FEATURE,
            registry=registry,
        ),
        Histogram(
            "goaround_proof_to_latch_seconds",
            "From proof of harm (window end plus lag) to the status write that latched it.",
            buckets=SECONDS,
            registry=registry,
        ),
    )


class Metrics:
    """One registry per operator, so that several can live in one process of a test. wall: the clock
    by which incidents have something due."""

    def __init__(self, wall: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.registry = of = CollectorRegistry()
        self.incidents, self._conditions = IncidentMetrics(of, wall), FeatureMetrics(of)
        self._shown: dict[tuple[str, str], frozenset[Series]] = {}
        self.passes, self.pass_seconds, self.queue_depth, self.lease_held = _process(of)
        self.status_writes, self.lowered, self.effects = _writes(of)
        self.reads, self.provider_up = _reading(of)
        self.transitions, self.would_have_rolled_back, self.proof_seconds = _decisions(of)
        self.weight = self._of_features("weight_percent", "Users per arm.", "arm")
        self.stage = self._of_features("stage", "1 for its stage.", "stage")
        self.exercised = Gauge(
            "goaround_kill_switch_last_exercised_timestamp_seconds",
            "When a kill or a drill was last seen to take effect, in unix seconds; 0: never.",
            FEATURE,
            registry=of,
        )
        self.e_value = self._of_signals("e_value", "Evidence of harm of one signal.")
        self.accept_e_value = self._of_signals(
            "accept_e_value", "Evidence of health of one signal."
        )
        self.worse_than_baseline = self._of_signals(
            "worse_than_baseline",
            "1 while a live signal is proven to be worse than its baseline allows.",
        )

    def _of_features(self, name: str, told: str, label: str) -> Gauge:
        return Gauge(f"goaround_feature_{name}", told, (*FEATURE, label), registry=self.registry)

    def _of_signals(self, name: str, told: str) -> Gauge:
        return Gauge(f"goaround_signal_{name}", told, (*FEATURE, "signal"), registry=self.registry)

    def show(self, namespace: str, feature: str, status: AIFeatureStatus) -> None:
        """The state of one feature, as decided."""
        at = (namespace, feature)
        wanted = dict(self._series_of(status))
        # by name: to remove by a part of the labels walks through the series of every feature
        for gauge, label in self._shown.pop(at, frozenset()) - wanted.keys():
            gauge.remove(*at, label)
        for (gauge, label), value in wanted.items():
            gauge.labels(*at, label).set(value)
        self._shown[at] = frozenset(wanted)
        known = status.kill_switch.last_exercised if status.kill_switch is not None else None
        self.exercised.labels(*at).set(known.timestamp() if known is not None else 0)
        self._conditions.show(namespace, feature, status)

    def _series_of(self, status: AIFeatureStatus) -> Iterator[tuple[Series, float]]:
        for arm in ("stable", "candidate", "fallback"):
            yield (self.weight, arm), getattr(status.split, arm)
        if status.stage is not None:
            yield (self.stage, status.stage), 1
        for signal in status.signals:
            yield (self.e_value, signal.name), _number(signal.e_value)
            yield (self.accept_e_value, signal.name), _number(signal.accept_e_value)
        for held in status.baselines:
            yield (self.worse_than_baseline, held.name), float(held.worse_since is not None)

    def forget(self, namespace: str, feature: str) -> None:
        """The feature is gone, and so are its series."""
        at = (namespace, feature)
        if at not in self._shown:
            return
        for gauge, label in self._shown.pop(at):
            gauge.remove(*at, label)
        self.exercised.remove(*at)
        self._conditions.forget(namespace, feature)
        for counter in (self.transitions, self.would_have_rolled_back):
            counter.remove_by_labels(dict(zip(FEATURE, at, strict=True)))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


def _number(told: str | None) -> float:
    """A number of status; what anybody else wrote there is none."""
    try:
        return float(told or 0)
    except ValueError:
        return math.nan
