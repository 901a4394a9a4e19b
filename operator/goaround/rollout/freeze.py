"""The change freeze: while a grave incident is open, new releases wait at 0 % of users.

Decides which incidents freeze, and what a flight waits for. It never stands before a way down, nor
before a return to last-known-good, and it lets pass whatever the gate lets pass.
"""

from collections.abc import Sequence

from goaround.api.gravity import freezes
from goaround.api.incident import RequestedPhase
from goaround.api.incident_status import OVER
from goaround.api.kinds import AIIncident
from goaround.api.reasons import Reason
from goaround.api.status import AIFeatureStatus, GateRule, LatchCause
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed

SAID_OVER = frozenset({RequestedPhase.RESOLVED, RequestedPhase.CLOSED, RequestedPhase.CANCELLED})
BLAMES = frozenset({LatchCause.SIGNAL, LatchCause.KILL})


def is_cancelled(incident: AIIncident) -> bool:
    return incident.spec.requested_phase is RequestedPhase.CANCELLED


def is_over(incident: AIIncident) -> bool:
    """People's word is enough. What is over stays over: to open it again too late freezes nothing,
    and what was merged into another freezes by that one."""
    spec = incident.spec
    merged = spec.duplicate_of is not None
    return merged or spec.requested_phase in SAID_OVER or incident.status.phase in OVER


def freezing(o: Observed) -> list[AIIncident]:
    """The incidents that freeze this feature, oldest name first."""
    found = [i for i in o.troubles if freezes(i.spec) and not is_over(i)]
    return sorted(found, key=lambda i: i.metadata.name)


def held(o: Observed, status: AIFeatureStatus, rules: Sequence[GateRule]) -> str | None:
    """What a release waits for that would go up now; None where nothing freezes it. rules: of the
    gate, without kill sources."""
    if status.drill is not None:
        return f"{Reason.DRILL}: {status.drill.switch} until it ends; the step goes on after it"
    flown = status.candidate if in_flight(status) else None
    if flown is not None and flown.adopted:
        return None  # it served before, and nobody is moved by its landing
    untold = [x for x in status.latches if x.cause in BLAMES and x.incident_opened_at is None]
    if untold:
        return f"{Reason.CHANGE_FREEZE}: incident {untold[0].incident} is still to be written"
    closed = [r for r in rules if not r.open]
    if not closed:
        return None
    named = ", ".join(i.metadata.name for i in freezing(o)[:3])
    return f"{Reason.CHANGE_FREEZE}: AIIncident {named} is open. {closed[0].reason}"
