"""What the conditions of features say, as figures that alerts can read.

Decides nothing: 1 is True, 0 is False, and what is Unknown has no series. A feature's series go
when the feature goes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from goaround.api.conditions import ABNORMAL_TRUE, find
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus

FEATURE = ("namespace", "feature")
TOLD: Final = {
    "change_frozen": (ConditionType.CHANGE_FROZEN, "1 while new releases of it wait."),
    "fallback_ready": (ConditionType.FALLBACK_READY, "1 while there is a way back."),
    "kill_switch_proven": (ConditionType.KILL_SWITCH_PROVEN, "1 for 31 days after a drill."),
    "signals_healthy": (ConditionType.SIGNALS_HEALTHY, "0 while a signal is proven to be bad."),
    "delivered": (ConditionType.DELIVERED, "0 until every flag replica streams the decision."),
    "watched": (ConditionType.WATCHED, "0 while harm in Live would not be seen."),
    "drift_detected": (ConditionType.DRIFT_DETECTED, "1 while inputs have drifted."),
    "upstream_incident": (ConditionType.UPSTREAM_INCIDENT, "1 while something upstream fails."),
    "stalled": (ConditionType.STALLED, "1 while a person has to change something."),
}
"""By name of the metric: which condition it tells."""

REASONS: Final = frozenset(Reason)
OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Shown:
    """Of one feature. conditions: by name of the metric. frozen: since when, in unix seconds."""

    conditions: tuple[tuple[str, float], ...]
    good: bool
    frozen: float | None
    held: str | None
    blind: bool


def shown(status: AIFeatureStatus) -> Shown:
    """What is told of a feature with this status."""
    frozen = find(status.conditions, ConditionType.CHANGE_FROZEN)
    return Shown(
        conditions=tuple(
            (name, value)
            for name, (kind, _) in TOLD.items()
            if (value := _value(status, kind)) is not None
        ),
        good=status.last_known_good is not None,
        frozen=frozen.last_transition_time.timestamp() if frozen is not None else None,
        held=_held(status.hold),
        blind=_is_blind(status),
    )


def _value(status: AIFeatureStatus, kind: ConditionType) -> float | None:
    known = find(status.conditions, kind)
    if known is None:
        return 0.0 if kind in ABNORMAL_TRUE else None
    return {"True": 1.0, "False": 0.0}.get(known.status)


def _is_blind(status: AIFeatureStatus) -> bool:
    """Whether a signal cannot be read, or reads nothing."""
    known = find(status.conditions, ConditionType.SIGNALS_HEALTHY)
    return known is not None and (known.status, known.reason) == ("Unknown", Reason.NO_DATA)


def _held(hold: str | None) -> str | None:
    """The published reason that a hold begins with: labels must be few."""
    if hold is None:
        return None
    named = hold.partition(":")[0]
    return named if named in REASONS else OTHER


class FeatureMetrics(Collector):
    """Of all features that this process looks at."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._shown: dict[tuple[str, str], Shown] = {}
        registry.register(self)

    def show(self, namespace: str, feature: str, status: AIFeatureStatus) -> None:
        self._shown[namespace, feature] = shown(status)

    def forget(self, namespace: str, feature: str) -> None:
        self._shown.pop((namespace, feature), None)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Every family, also where it has no series."""
        families = {name: _gauge(name, told) for name, (_, told) in TOLD.items()}
        good = _gauge("last_known_good_available", "1 if there is a release to go back to.")
        since = _gauge(
            "change_frozen_since_timestamp_seconds", "Since when it is frozen, in unix seconds."
        )
        blind = _gauge("no_evidence", "1 while a signal reads nothing, or cannot be read.")
        held = _gauge("hold", "1 while nothing of it goes up, by published reason.", "reason")
        for at, feature in list(self._shown.items()):
            for name, value in feature.conditions:
                families[name].add_metric(at, value)
            good.add_metric(at, float(feature.good))
            blind.add_metric(at, float(feature.blind))
            if feature.frozen is not None:
                since.add_metric(at, feature.frozen)
            if feature.held is not None:
                held.add_metric((*at, feature.held), 1)
        yield from (*families.values(), good, blind, since, held)


def _gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"goaround_feature_{name}", told, labels=(*FEATURE, *labels))
