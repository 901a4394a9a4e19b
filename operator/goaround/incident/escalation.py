"""How far up an incident has gone: who is called when what was missed is still not done.

A level and a name on the object, for alerts and people. Rings nobody.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from goaround.api.clocks import ClockName, EscalationStep
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import OVER, DeadlineState, Escalation
from goaround.incident.calendar import earliest
from goaround.incident.seen import Seen

RAISING = (
    ClockName.ASSIGN,
    ClockName.CONTAIN,
    ClockName.UPDATE_INTERNAL,
    ClockName.UPDATE_EXTERNAL,
)


def with_escalation(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that says who should know by now."""
    return after.but(escalation=escalation(seen, after, now))


def escalation(seen: Seen, after: AIIncidentStatus, now: datetime) -> Escalation:
    """The highest step that time has reached; level 0 when nothing is overdue any more."""
    if seen.spec.drill is not None:
        return Escalation()
    reached = [step for step in _steps(seen, after) if step.since is None or step.since <= now]
    return max(reached, key=lambda step: step.level, default=Escalation())


def _steps(seen: Seen, after: AIIncidentStatus) -> Iterator[Escalation]:
    """All that may be reached, with the time of each."""
    contacts = seen.feature.spec.incident.contacts if seen.feature is not None else None
    if contacts is None:
        return
    limit = after.deadlines.get(ClockName.REVIEW_LIMIT)
    if limit is not None and limit.state is DeadlineState.MISSED and contacts.executive:
        told = "the review was not held within its limit"
        yield Escalation(level=1, since=limit.due, contact=contacts.executive, because=told)
    if after.phase in OVER:
        return
    at = after.milestones
    if after.severity is Severity.P1 and contacts.all_hands:
        told = "severity P1: all hands at once"
        since = max((t for t in (at.detected_at, at.raised_at) if t is not None), default=None)
        yield Escalation(level=1, since=since, contact=contacts.all_hands, because=told)
    yield from _overdue(seen, after)


def _overdue(seen: Seen, after: AIIncidentStatus) -> Iterator[Escalation]:
    missed = [
        (d.due, name)
        for name in RAISING
        if (d := after.deadlines.get(name)) is not None and d.state is DeadlineState.MISSED
    ]
    if not missed:
        return
    due, name = min(missed)
    for level, step in enumerate(_path(seen), start=1):
        since = due + timedelta(seconds=step.after_seconds)
        yield Escalation(level=level, since=since, contact=step.contact, because=f"missed: {name}")


def _path(seen: Seen) -> list[EscalationStep]:
    steps = seen.feature.spec.incident.escalation if seen.feature is not None else []
    return sorted(steps, key=lambda step: step.after_seconds)


def escalates_at(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When the next level is reached, if nothing is done."""
    known = after.escalation.level
    return earliest(step.since for step in _steps(seen, after) if step.level > known)
