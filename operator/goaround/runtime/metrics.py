"""The operator's own metrics. Bounded labels: namespace and feature, never messages or people.

A feature's series go when the feature goes.
"""

import math
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from goaround import __version__
from goaround.api.status import AIFeatureStatus

FEATURE = ("namespace", "feature")
Series = tuple[Gauge, str]
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One registry per operator, so that several can live in one process of a test."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shown: dict[tuple[str, str], frozenset[Series]] = {}
        info = Gauge("goaround_build_info", "Version.", ("version",), registry=self.registry)
        info.labels(__version__).set(1)
        self.passes = Counter(
            "goaround_passes_total", "Passes over one object.", ("result",), registry=self.registry
        )
        self.pass_seconds = Histogram(
            "goaround_pass_seconds",
            "Duration of a pass.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.queue_depth = Gauge("goaround_queue_depth", "Keys due.", registry=self.registry)
        self.lease_held = Gauge(
            "goaround_lease_held", "1 while this process may act.", registry=self.registry
        )
        self.status_writes = Counter(
            "goaround_status_writes_total",
            "Status writes by kind and result.",
            ("kind", "result"),
            registry=self.registry,
        )
        self.lowered = Counter(
            "goaround_lowered_total",
            "Times flag replicas were told past the API server, by how many (all, some, none) "
            "serve no more than that.",
            ("result",),
            registry=self.registry,
        )
        self.effects = Counter(
            "goaround_effects_total",
            "Effects by type and result.",
            ("effect", "result"),
            registry=self.registry,
        )
        self.reads = Counter(
            "goaround_provider_reads_total",
            "Reads of a metrics provider by result.",
            ("provider", "result"),
            registry=self.registry,
        )
        self.provider_up = Gauge(
            "goaround_provider_up",
            "1 if the last read of this metrics provider brought anything.",
            ("provider",),
            registry=self.registry,
        )
        self.transitions = Counter(
            "goaround_transitions_total",
            "Transitions by the reason of their event.",
            (*FEATURE, "reason"),
            registry=self.registry,
        )
        self.would_have_rolled_back = Counter(
            "goaround_would_have_rolled_back_total",
            "Rollbacks that mode Observe only told of.",
            FEATURE,
            registry=self.registry,
        )
        self.proof_seconds = Histogram(
            "goaround_proof_to_latch_seconds",
            "From proof of harm (window end plus lag) to the status write that latched it.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.weight = Gauge(
            "goaround_feature_weight_percent",
            "Users per arm.",
            (*FEATURE, "arm"),
            registry=self.registry,
        )
        self.stage = Gauge(
            "goaround_feature_stage",
            "1 for its stage.",
            (*FEATURE, "stage"),
            registry=self.registry,
        )
        self.e_value = Gauge(
            "goaround_signal_e_value",
            "Evidence of harm of one signal.",
            (*FEATURE, "signal"),
            registry=self.registry,
        )
        self.accept_e_value = Gauge(
            "goaround_signal_accept_e_value",
            "Evidence of health of one signal.",
            (*FEATURE, "signal"),
            registry=self.registry,
        )

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

    def _series_of(self, status: AIFeatureStatus) -> Iterator[tuple[Series, float]]:
        for arm in ("stable", "candidate", "fallback"):
            yield (self.weight, arm), getattr(status.split, arm)
        if status.stage is not None:
            yield (self.stage, status.stage), 1
        for signal in status.signals:
            yield (self.e_value, signal.name), _number(signal.e_value)
            yield (self.accept_e_value, signal.name), _number(signal.accept_e_value)

    def forget(self, namespace: str, feature: str) -> None:
        """The feature is gone, and so are its series."""
        at = (namespace, feature)
        if at not in self._shown:
            return
        for gauge, label in self._shown.pop(at):
            gauge.remove(*at, label)
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
