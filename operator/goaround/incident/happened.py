"""What the operator saw and did in an incident, as facts for its timeline.

Decides wording, and which of it is worth an entry. What has a time of its own is dated by it, so
that what was learnt late stands where it belongs.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from goaround.api.base import rfc3339
from goaround.api.gravity import BY_HAND
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import Deadline, DeadlineState, Phase, ReproductionState
from goaround.api.reasons import ConditionType
from goaround.incident.entries import Fact, Kind, Source
from goaround.incident.phases import trouble
from goaround.incident.seen import Seen

MILESTONES: Final = (
    ("started_at", Kind.DETECT, "the first bad window began"),
    ("proven_at", Kind.DETECT, "harm was proven"),
    ("delivered_at", Kind.CONTAIN, "every flag replica streamed the decision"),
    ("contained_at", Kind.CONTAIN, "contained"),
    ("diagnosis_started_at", Kind.PHASE, "the search for the cause began"),
    ("fixed_at", Kind.PHASE, "the fix was ready"),
    ("noted_at", Kind.PHASE, "the note had all that it needs"),
    ("reopened_at", Kind.PHASE, "opened again"),
)
BEGINS: Final = {
    Phase.CONTAINED: "contained_at",
    Phase.DIAGNOSING: "assigned_at",
    Phase.RECOVERING: "recovering_at",
    Phase.RESOLVED: "resolved_at",
    Phase.REVIEWED: "reviewed_at",
    Phase.CLOSED: "closed_at",
}
WORTH: Final = {
    ConditionType.CONTAINED: None,  # its milestones say so
    "DeadlinesMet": None,  # each clock says so
    "ChangeFrozen": "False",
    "CommsDelivered": "True",
    "ReEnableReady": "False",
    "Closable": "False",
}
"""What is usual of a condition; None: never worth an entry."""

LATE: Final = {
    DeadlineState.MISSED: "missed",
    DeadlineState.LATE: "met late",
    DeadlineState.WAIVED: "waived",
}


NOT_TRIED = frozenset({ReproductionState.PENDING, ReproductionState.NOT_POSSIBLE})


def happened(seen: Seen, after: AIIncidentStatus) -> Iterator[Fact]:
    """All that is so now."""
    yield from _opened(seen, after)
    yield from _milestones(after)
    yield from _phase(after)
    yield from _contained(after)
    yield from _clocks(after)
    yield from _messages(after)
    yield from _learnt(seen, after)
    yield from _conditions(after)


def _opened(seen: Seen, after: AIIncidentStatus) -> Iterator[Fact]:
    trigger, at = seen.spec.trigger, after.milestones.detected_at
    by_people = trigger.source in BY_HAND
    source = Source.HUMAN if by_people else Source.OPERATOR
    told = f"opened: {trigger.source}, {trigger.key}"
    yield Fact("trigger", Kind.DETECT, told, at=at, source=source)
    if after.severity not in (None, seen.spec.severity):
        told = f"counts as {after.severity}, which is more than spec says"
        yield Fact("severity", Kind.CLASSIFY, told)


def _milestones(after: AIIncidentStatus) -> Iterator[Fact]:
    for name, kind, told in MILESTONES:
        at: datetime | None = getattr(after.milestones, name)
        if at is None:
            continue
        how = after.containment.message if name == "contained_at" else None
        text = f"{told}: {how}" if how else told
        yield Fact(f"milestones.{name}", kind, text, value=rfc3339(at), at=at)


def _phase(after: AIIncidentStatus) -> Iterator[Fact]:
    if after.phase is None:
        return
    since = BEGINS.get(after.phase)
    at: datetime | None = getattr(after.milestones, since) if since is not None else None
    usual = after.phase is Phase.DETECTED
    yield Fact("phase", Kind.PHASE, f"phase {after.phase}", at=at, is_usual=usual)


def _contained(after: AIIncidentStatus) -> Iterator[Fact]:
    done = after.containment
    if done.action is not None:
        yield Fact("containment", Kind.CONTAIN, f"contained by {done.action}", str(done.action))
    if done.asked is not None:
        until = f" until {rfc3339(done.expires_at)}" if done.expires_at is not None else ""
        most = f" to {done.percent} %" if done.percent is not None else ""
        told = f"carried out: {done.asked}{most}{until}"
        yield Fact("containment.asked", Kind.CONTAIN, told)
    if after.evidence is not None:
        told = f"evidence frozen in ConfigMap {after.evidence.config_map}"
        yield Fact("evidence", Kind.CONTAIN, told, after.evidence.hash, after.evidence.taken_at)


def _clocks(after: AIIncidentStatus) -> Iterator[Fact]:
    for name, clock in after.deadlines.items():
        if clock.state in LATE:
            yield _late(name, clock)
    up = after.escalation
    if up.level > 0:
        told = f"escalated to level {up.level}: {up.contact or 'nobody named'}"
        why = f", because {up.because}" if up.because else ""
        yield Fact("escalation", Kind.DEADLINE, told + why, str(up.level), up.since)


def _late(name: str, clock: Deadline) -> Fact:
    told = f"{name}: {LATE[clock.state]}, was due {rfc3339(clock.due)}"
    at = {DeadlineState.MISSED: clock.due, DeadlineState.LATE: clock.met_at}.get(clock.state)
    value = f"{clock.state} {rfc3339(clock.due)}"
    return Fact(f"deadlines.{name}", Kind.DEADLINE, told, value, at)


def _messages(after: AIIncidentStatus) -> Iterator[Fact]:
    for name, message in after.comms.messages.items():
        who = f" ({message.channels})" if message.channels else ""
        told = f"{message.kind} {name}: {message.state}{who}"
        at = message.sent_at
        yield Fact(f"comms.{name}", Kind.COMMS, told, str(message.state), at, source=Source.COMMS)


def _learnt(seen: Seen, after: AIIncidentStatus) -> Iterator[Fact]:
    bad = trouble(seen)
    told = f"still bad: {', '.join(bad)}" if bad else "no signal is bad any more"
    yield Fact("signals", Kind.SIGNAL, told, is_usual=not bad)
    if after.changes:
        yield Fact("changes", Kind.CHANGE, f"what differs: {'; '.join(after.changes)}")
    found = after.reproduction
    if found is not None and found.state not in NOT_TRIED:
        parts = (found.message, found.failed and f"failed release {found.failed}")
        good = found.good and f"last-known-good {found.good}"
        words = "; ".join(str(p) for p in (*parts, good) if p)
        yield Fact(
            "reproduction", Kind.SIGNAL, f"reproduction: {found.state}; {words}", at=found.at
        )


def _conditions(after: AIIncidentStatus) -> Iterator[Fact]:
    for one in after.conditions:
        usual = WORTH.get(one.type)
        if usual is None:
            continue
        kind = Kind.COMMS if one.type == "CommsDelivered" else Kind.PHASE
        told = f"{one.type} {one.status}: {one.message}"
        value = f"{one.status} {one.reason}"
        yield Fact(f"conditions.{one.type}", kind, told, value, is_usual=one.status == usual)
