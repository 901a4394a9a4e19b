"""The events of an incident: one per transition, under a name that only this transition has.

A courtesy copy of what stands in status: none is older than the events of a cluster live.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from goaround.api import names
from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus
from goaround.api.reasons import ConditionType, EventReason
from goaround.api.status import Transition
from goaround.incident.planned import Tell
from goaround.incident.seen import Seen

EVENTS_LIVE = timedelta(hours=1)

Told = tuple[datetime | None, EventReason, Literal["Normal", "Warning"], str]


def tellings(seen: Seen, after: AIIncidentStatus, now: datetime) -> Iterator[Tell]:
    """Those that are young enough."""
    meta = seen.incident.metadata
    for at, reason, kind, message in _told(seen, after):
        if at is not None and now - at < EVENTS_LIVE:
            what = Transition(at=at, reason=reason, type=kind, message=message[:1024])
            yield Tell(names.event_name(meta.name, meta.uid, at, reason), what)


def _told(seen: Seen, after: AIIncidentStatus) -> Iterator[Told]:
    at, spec, name = after.milestones, seen.spec, seen.subject
    broke = spec.summary.what_broke or spec.trigger.key
    opened = f"{spec.severity} {name}: {broke} ({spec.severity_reason})"
    yield at.detected_at, EventReason.INCIDENT_OPENED, "Warning", opened
    contained = find(after.conditions, ConditionType.CONTAINED)
    safe = contained.message if contained is not None else ""
    yield at.contained_at, EventReason.CONTAINED, "Normal", safe
    again = f"{name}: the incident was opened again"
    yield at.reopened_at, EventReason.INCIDENT_REOPENED, "Warning", again
    over = f"{name}: nothing is bad any more, and nobody says otherwise"
    yield at.resolved_at, EventReason.INCIDENT_RESOLVED, "Normal", over
    closed = f"{name}: reviewed, and nothing is left to do"
    yield at.closed_at, EventReason.INCIDENT_CLOSED, "Normal", closed
