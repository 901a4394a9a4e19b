"""Whether an incident is over, in the words that every tool understands.

`Resolved` is what people wait for; `Reconciling` is there while it is open, so that kstatus, and
with it Flux and Helm, call it in progress. Decides no phase: `phases.py` does.
"""

from collections.abc import Iterator

from goaround.api.conditions import Wanted, condition
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import OVER, Phase
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.seen import Seen

OPEN = "open: status.nextDue says what is due next"
ENDED = {
    Phase.RESOLVED: "it is over; condition Closable says what its record still needs",
    Phase.REVIEWED: "it is over and reviewed; condition Closable says what its record still needs",
    Phase.CLOSED: "it is closed: a record that nobody changes any more",
    Phase.CANCELLED: "it was none",
    Phase.MERGED: "it goes on in the incident that spec.duplicateOf names",
}


def standing(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """`Resolved`, and `Reconciling` while it is not."""
    phase = after.phase or Phase.DETECTED
    reason = Reason(phase.value)
    if phase in OVER:
        yield condition(ConditionType.RESOLVED, "True", reason, ENDED[phase])
        return
    yield condition(ConditionType.RESOLVED, "False", reason, OPEN)
    yield condition(ConditionType.RECONCILING, "True", reason, OPEN)
