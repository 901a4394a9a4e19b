"""What an AIIncident should say and do next: a row of steps, each of which knows one thing.

Pure and total. Every step gets the status of the steps before it and returns it with what it adds;
what is not known any more stays as it was. Nobody but the operator writes what comes out.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from goaround.api import names
from goaround.api.conditions import Wanted, settled
from goaround.api.incident import AIIncidentStatus
from goaround.api.kinds import AIIncident
from goaround.api.reasons import EventReason
from goaround.api.status import Transition
from goaround.incident.containment import with_containment
from goaround.incident.evidence import with_evidence
from goaround.incident.facts import with_facts
from goaround.incident.gate import frozen, with_gate
from goaround.incident.latched import contained, with_latch
from goaround.incident.milestones import with_status
from goaround.incident.phases import resolves_at, with_phase
from goaround.incident.planned import Effect, Plan, Tell
from goaround.incident.reproduction import with_reproduction
from goaround.incident.seen import Seen
from goaround.incident.whiteboard import with_whiteboard

EVENTS_LIVE = timedelta(hours=1)

Step = Callable[[Seen, AIIncidentStatus, datetime], AIIncidentStatus]

STEPS: tuple[Step, ...] = (
    with_latch,
    with_status,
    with_evidence,
    with_containment,
    with_phase,
    with_facts,
    with_reproduction,
    with_gate,
)
"""In this order; conditions and the whiteboard come after them all."""

CONDITIONS: tuple[Callable[[Seen, AIIncidentStatus], Iterable[Wanted]], ...] = (contained, frozen)
FIRST: tuple[Callable[[Seen, AIIncidentStatus], Iterable[Effect]], ...] = ()
"""What is written before status, because status relies on it."""

WAKES: tuple[Callable[[Seen, AIIncidentStatus], datetime | None], ...] = (resolves_at,)


def decide(seen: Seen, now: datetime) -> Plan:
    """The plan of this pass; its status is unchanged where nothing new is known."""
    meta = seen.incident.metadata
    after = seen.incident.status.but(observed_generation=meta.generation, feature=seen.subject)
    for step in STEPS:
        after = step(seen, after, now)
    wanted = [found for told in CONDITIONS for found in told(seen, after)]
    before = seen.incident.status.conditions
    after = after.but(
        conditions=settled(before, wanted, generation=meta.generation, now=now),
    )
    after = with_whiteboard(seen, after, now)
    return Plan(
        status=after,
        first=tuple(effect for plans in FIRST for effect in plans(seen, after)),
        then=tuple(_events(seen.incident, after, now)),
        wake_at=_wake(seen, after, now),
    )


def _wake(seen: Seen, after: AIIncidentStatus, now: datetime) -> datetime | None:
    found = [at for wake in WAKES if (at := wake(seen, after)) is not None and at > now]
    return min(found, default=None)


def _events(incident: AIIncident, after: AIIncidentStatus, now: datetime) -> Iterable[Tell]:
    """None that is older than the events of a cluster live."""
    at = after.milestones
    told = [
        (at.detected_at, EventReason.INCIDENT_OPENED, "Warning", after.whiteboard[1:2]),
        (at.contained_at, EventReason.CONTAINED, "Normal", after.whiteboard[2:3]),
    ]
    for when, reason, kind, lines in told:
        if when is not None and now - when < EVENTS_LIVE:
            said = "; ".join(lines) or f"{incident.spec.severity}: {incident.spec.severity_reason}"
            what = Transition(at=when, reason=reason, type=kind, message=said)
            yield Tell(_name(incident, what), what)


def _name(incident: AIIncident, told: Transition) -> str:
    meta = incident.metadata
    return names.event_name(meta.name, meta.uid, told.at, told.reason)
