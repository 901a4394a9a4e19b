"""Which messages of an incident are due: from facts and from what was told before.

In the house people are told by themselves; for others there are only drafts here, and none before
people said what it means to the business. Decides no state and no wording.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from goaround.api.contacts import ExternalFrom
from goaround.api.feature import IncidentPolicy
from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import ENDED, OVER, Message, MessageState
from goaround.incident.audiences import AUDIENCES, Audience, MessageKind
from goaround.incident.message_facts import EXTERNAL_EVERY, every, severity
from goaround.incident.seen import Seen

GRACE: Final = timedelta(minutes=10)
"""So long people are not told of what is not contained yet: mostly it is, within seconds."""

FRESH: Final = timedelta(hours=72)
"""Nobody is told the first time of what is older: it was before messages were sent, or long ago."""

TOLD: Final = frozenset({MessageState.SENDING, MessageState.SENT, MessageState.FAILED})
Rule = Callable[[Seen, AIIncidentStatus], datetime | None]


def due(seen: Seen, after: AIIncidentStatus) -> Mapping[MessageKind, datetime]:
    """When the next message of each kind should be written, for those that should be."""
    if after.phase in ENDED:
        return {}
    rules = DRILLS if seen.spec.drill is not None else RULES
    found = {kind: at for kind, rule in rules.items() if (at := rule(seen, after)) is not None}
    return {kind: at for kind, at in found.items() if not _waits(newest(after, kind))}


def newest(after: AIIncidentStatus, kind: MessageKind) -> Message | None:
    """The last message of this kind."""
    found = [(number(name), m) for name, m in after.comms.messages.items() if m.kind == kind]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def number(message: str) -> int:
    """`3` of `internalUpdate-3`."""
    return int(message.rpartition("-")[2])


def internal_due(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When people in the house should hear again; once more when it is over."""
    level, at = severity(seen, after), after.milestones
    if level is Severity.P4 or at.detected_at is None:
        return None
    last = _last(after, Audience.INTERNAL)
    if at.resolved_at is not None:
        unheard = last is not None and last < at.resolved_at
        return at.resolved_at if unheard else None
    return (last or at.detected_at) + every(MessageKind.INTERNAL_UPDATE, level)


def external_due(_: Seen, after: AIIncidentStatus) -> datetime | None:
    """When customers should hear again, once they heard."""
    last = _last(after, Audience.EXTERNAL)
    return last + EXTERNAL_EVERY if last is not None and after.phase not in OVER else None


def is_for_customers(seen: Seen, after: AIIncidentStatus) -> bool:
    """Whether it is grave enough to tell customers, and they can see it."""
    policy = seen.feature.spec.incident if seen.feature is not None else IncidentPolicy()
    least = policy.external_from or ExternalFrom.P2
    seeable = seen.spec.impact.customer_facing is not False
    return seeable and least is not ExternalFrom.NEVER and severity(seen, after) <= least


def lacks_words(seen: Seen, after: AIIncidentStatus) -> bool:
    """Whether customers should hear of it, and nobody said yet what it means to them."""
    at, drilled = after.milestones, seen.spec.drill is not None
    burns = after.phase not in OVER and at.contained_at is not None
    return burns and not drilled and is_for_customers(seen, after) and not _has_words(seen)


def _waits(message: Message | None) -> bool:
    """Whether the last one has not left: it is written anew, not once more."""
    return message is not None and message.state not in TOLD


def _last(after: AIIncidentStatus, audience: Audience) -> datetime | None:
    """When this audience was last told."""
    told = [
        m.since
        for m in after.comms.messages.values()
        if m.state in TOLD and AUDIENCES.get(MessageKind(m.kind)) is audience
    ]
    return max(told, default=None)


def _has_words(seen: Seen) -> bool:
    return bool((seen.spec.impact.business or "").strip())


def _is_open(after: AIIncidentStatus) -> bool:
    return after.phase not in OVER


def _known_at(after: AIIncidentStatus) -> datetime | None:
    """When there is something to tell: it is contained, or still is not."""
    at = after.milestones
    late = at.detected_at + GRACE if at.detected_at is not None else None
    return min((t for t in (at.contained_at, late) if t is not None), default=None)


def _brief(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.BRIEF) is not None
    small = severity(seen, after) is Severity.P4
    return None if told or small or not _is_open(after) else after.milestones.contained_at


def _internal_update(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    return internal_due(seen, after)


def _leadership(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.LEADERSHIP) is not None
    if told or severity(seen, after) not in GRAVE or not _is_open(after):
        return None
    return _latest(_known_at(after), after.milestones.raised_at)


def _latest(at: datetime | None, *others: datetime | None) -> datetime | None:
    return max((at, *(t for t in others if t is not None))) if at is not None else None


def _client_technical(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.CLIENT_TECHNICAL) is not None
    unseen = seen.spec.impact.customer_facing is False
    if told or unseen or severity(seen, after) is Severity.P4 or not _is_open(after):
        return None
    return _known_at(after)


def _external_initial(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.EXTERNAL_INITIAL) is not None
    wanted = is_for_customers(seen, after) and _has_words(seen) and _is_open(after)
    return _known_at(after) if wanted and not told else None


def _external_update(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    return external_due(seen, after) if _has_words(seen) else None


def _resolution(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    heard = _last(after, Audience.EXTERNAL) is not None
    if not _has_words(seen) or not (heard or is_for_customers(seen, after)):
        return None
    return _once_over(after, MessageKind.RESOLUTION)


def _pir_invite(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    grave = severity(seen, after) in GRAVE
    return _once_over(after, MessageKind.PIR_INVITE) if grave else None


def _client_findings(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.RESOLUTION)
    promised = told is not None and told.state in TOLD
    ready = promised and bool((seen.spec.review.findings or "").strip())
    return _once_over(after, MessageKind.CLIENT_FINDINGS) if ready else None


def _once_over(after: AIIncidentStatus, kind: MessageKind) -> datetime | None:
    """Once each time that it is over."""
    at, last = after.milestones.resolved_at, newest(after, kind)
    return None if at is None or (last is not None and last.since >= at) else at


def _drill(_: Seen, after: AIIncidentStatus) -> datetime | None:
    told = newest(after, MessageKind.DRILL_DRAFT) is not None
    return None if told or not _is_open(after) else after.milestones.detected_at


RULES: Mapping[MessageKind, Rule] = {
    MessageKind.BRIEF: _brief,
    MessageKind.INTERNAL_UPDATE: _internal_update,
    MessageKind.LEADERSHIP: _leadership,
    MessageKind.CLIENT_TECHNICAL: _client_technical,
    MessageKind.EXTERNAL_INITIAL: _external_initial,
    MessageKind.EXTERNAL_UPDATE: _external_update,
    MessageKind.RESOLUTION: _resolution,
    MessageKind.PIR_INVITE: _pir_invite,
    MessageKind.CLIENT_FINDINGS: _client_findings,
}
DRILLS: Mapping[MessageKind, Rule] = {MessageKind.DRILL_DRAFT: _drill}
AT_ONCE_ONLY = frozenset(
    {
        MessageKind.BRIEF,
        MessageKind.LEADERSHIP,
        MessageKind.PIR_INVITE,
        MessageKind.RESOLUTION,
        MessageKind.DRILL_DRAFT,
    }
)
"""Kinds that nobody wants to hear of days later for the first time."""
