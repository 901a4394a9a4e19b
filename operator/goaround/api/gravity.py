"""How grave an incident is, and what follows from that alone: whether new releases wait for it.

One rule for the feature that is held and for the incident that says so. What is over is decided
elsewhere.
"""

from goaround.api.incident import AIIncidentSpec, Severity
from goaround.api.trigger import TriggerSource

GRAVE = frozenset({Severity.P1, Severity.P2})
FREE = frozenset({TriggerSource.OUTAGE, TriggerSource.DRILL})
"""An outage blames no release, and ends by itself; a drill is no incident."""

BY_HAND = frozenset({TriggerSource.MANUAL, TriggerSource.DRILL})
"""Whoever opened it said how grave it is."""


def is_grave(spec: AIIncidentSpec) -> bool:
    """Severity P1 or P2, or a kill."""
    return spec.severity in GRAVE or spec.trigger.source is TriggerSource.KILL


def freezes(spec: AIIncidentSpec) -> bool:
    """Whether new releases of its features wait while it is open."""
    return is_grave(spec) and spec.trigger.source not in FREE
