"""What an AIIncident should say and do next: a row of steps, each of which knows one thing.

Pure and total. Every step gets the status of the steps before it and returns it with what it adds;
what is not known any more stays as it was. Nobody but the operator writes what comes out.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from goaround.api.conditions import Wanted, settled
from goaround.api.incident import AIIncidentStatus
from goaround.incident.chronicle import enters_at, with_timeline, written
from goaround.incident.closing import closable, with_closing
from goaround.incident.comms import comms_wake, with_comms
from goaround.incident.comms_told import delivered, texts
from goaround.incident.containment import with_containment
from goaround.incident.deadlines import next_deadline, on_time, with_deadlines
from goaround.incident.escalation import escalates_at, with_escalation
from goaround.incident.evidence import with_evidence
from goaround.incident.facts import with_facts
from goaround.incident.gate import frozen, with_gate
from goaround.incident.latched import contained, with_latch
from goaround.incident.milestones import with_status
from goaround.incident.note import note_texts, with_note
from goaround.incident.phases import resolves_at, with_phase
from goaround.incident.planned import Effect, Plan
from goaround.incident.proposals import with_proposals
from goaround.incident.reproduction import with_reproduction
from goaround.incident.seen import Seen
from goaround.incident.standing import standing
from goaround.incident.system_actions import with_system_actions
from goaround.incident.tellings import tellings
from goaround.incident.trend import trend_wakes
from goaround.incident.whiteboard import with_whiteboard

Step = Callable[[Seen, AIIncidentStatus, datetime], AIIncidentStatus]

STEPS: tuple[Step, ...] = (
    with_latch,
    with_status,
    with_evidence,
    with_containment,
    with_phase,
    with_proposals,
    with_facts,
    with_reproduction,
    with_gate,
    with_system_actions,
    with_closing,
    with_deadlines,
    with_escalation,
    with_comms,
)
"""In this order; `with_comms` last, since messages say what all others found. Conditions and the
whiteboard come after them all."""

CONDITIONS: tuple[Callable[[Seen, AIIncidentStatus], Iterable[Wanted]], ...] = (
    standing,
    contained,
    frozen,
    on_time,
    closable,
    delivered,
    written,
)
FIRST: tuple[Callable[[Seen, AIIncidentStatus], Iterable[Effect]], ...] = (texts, note_texts)
"""What is written before status, because status relies on it."""

WAKES: tuple[Callable[[Seen, AIIncidentStatus], datetime | None], ...] = (
    resolves_at,
    next_deadline,
    escalates_at,
    trend_wakes,
    comms_wake,
    enters_at,
)


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
    after, entered = with_timeline(seen, after, now)
    after = with_note(seen, after, now)  # of all the others, the timeline among them
    after = with_whiteboard(seen, after, now)
    return Plan(
        status=after,
        first=tuple(effect for plans in FIRST for effect in plans(seen, after)),
        then=(*tellings(seen, after, now), *entered),
        wake_at=_wake(seen, after, now),
    )


def _wake(seen: Seen, after: AIIncidentStatus, now: datetime) -> datetime | None:
    found = [at for wake in WAKES if (at := wake(seen, after)) is not None and at > now]
    return min(found, default=None)
