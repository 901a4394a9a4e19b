"""The severity that clocks count by: what people said, or what a trend made of a P4.

A P4 is an early sign. Where what it is a sign of goes on for days, it counts as a P3 as long as it
does; the spec stays as people wrote it.
"""

from datetime import datetime

from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.kinds import AIFeature
from goaround.api.reasons import ConditionType
from goaround.incident.calendar import earliest
from goaround.incident.seen import Seen

TRENDS = ((ConditionType.DRIFT_DETECTED, "True"), (ConditionType.SIGNALS_HEALTHY, "False"))
CORRECTIVE_ACTION = "corrective-action"


def counts_as(seen: Seen, now: datetime) -> Severity:
    """Of this pass."""
    before, said = seen.incident.status, seen.spec.severity
    if said is not Severity.P4:
        return said
    if before.milestones.resolved_at is not None:
        # what it counted as in the end, it was
        kept = before.severity is Severity.P3 and CORRECTIVE_ACTION in before.system_actions
        return Severity.P3 if kept else said
    at = counts_at(seen)
    return Severity.P3 if at is not None and at <= now else said


def counts_at(seen: Seen) -> datetime | None:
    """From when a P4 counts as a P3, if its trend lasts; None where there is none."""
    detected = seen.incident.status.milestones.detected_at
    since = earliest(_since(feature) for feature in seen.features)
    if detected is None or since is None or seen.spec.severity is not Severity.P4:
        return None
    return max(since, detected) + seen.settings.escalate


def trend_wakes(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When to look again."""
    return counts_at(seen) if after.milestones.resolved_at is None else None


def _since(feature: AIFeature) -> datetime | None:
    found = ((find(feature.status.conditions, kind), bad) for kind, bad in TRENDS)
    return earliest(c.last_transition_time for c, bad in found if c is not None and c.status == bad)
