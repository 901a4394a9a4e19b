"""The clocks of an incident, as a table: from when each runs, how long, and what stops it.

Holds the documented defaults, which are API. Knows nothing of what became of a clock: the ledger
does (`deadlines.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from goaround.api.clocks import ClockName
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.incident.calendar import BusinessDays, Span
from goaround.incident.seen import Seen

P1, P2, P3, P4 = Severity
MINUTES_5, MINUTES_10, MINUTES_15, MINUTES_30, HOUR, DAY = (
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(days=1),
)
SPRINT = 14 * DAY
NEXT_DAY, WEEK_OF_WORK = BusinessDays(1), BusinessDays(5)


class Start(StrEnum):
    """From when a clock runs; the words are shown in `basis`."""

    DETECTED = "detected"
    CONTAINED = "contained"
    RECOVERY = "recovery"
    RESOLVED = "resolved"
    LAST_INTERNAL = "last message"
    LAST_EXTERNAL = "last message outside"


@dataclass(frozen=True, slots=True)
class Clock:
    """One row. due: by severity, none where it does not run. lapses: it is pointless once the
    incident is over. clients: it is for people outside, and quiet where none are told."""

    start: Start
    due: Mapping[Severity, Span]
    target: Mapping[Severity, Span] = field(default_factory=dict)
    lapses: bool = False
    clients: bool = False


def every(span: Span, *severities: Severity) -> dict[Severity, Span]:
    return dict.fromkeys(severities or Severity, span)


CLOCKS: Mapping[ClockName, Clock] = {
    ClockName.ASSIGN: Clock(
        Start.DETECTED, every(MINUTES_15, P1, P2) | every(DAY, P3), lapses=True
    ),
    ClockName.CLASSIFY: Clock(Start.DETECTED, every(MINUTES_15), every(MINUTES_10)),
    ClockName.CONTAIN: Clock(
        Start.DETECTED, {P1: MINUTES_5, P2: 2 * HOUR}, {P2: HOUR}, lapses=True
    ),
    ClockName.CHANNEL: Clock(Start.DETECTED, every(MINUTES_10, P1, P2), lapses=True),
    ClockName.BRIEF: Clock(Start.CONTAINED, every(MINUTES_15, P1, P2)),
    ClockName.INTERNAL: Clock(Start.DETECTED, {P1: MINUTES_30, P2: HOUR, P3: NEXT_DAY}),
    ClockName.LEADERSHIP: Clock(Start.DETECTED, {P1: MINUTES_30, P2: HOUR}),
    ClockName.CLIENT_TECHNICAL: Clock(Start.DETECTED, {P1: MINUTES_30, P2: 2 * HOUR}, clients=True),
    ClockName.CLIENT: Clock(Start.DETECTED, {P3: DAY}, clients=True),
    ClockName.UPDATE_INTERNAL: Clock(
        Start.LAST_INTERNAL, every(MINUTES_30, P1, P2) | every(DAY, P3), lapses=True
    ),
    ClockName.UPDATE_EXTERNAL: Clock(
        Start.LAST_EXTERNAL, every(2 * HOUR, P1, P2), lapses=True, clients=True
    ),
    ClockName.SUMMARY: Clock(
        Start.DETECTED, every(HOUR, P1, P2, P3), every(MINUTES_30, P1, P2, P3)
    ),
    ClockName.ENGINEER: Clock(Start.DETECTED, {P1: MINUTES_15, P2: 2 * HOUR, P3: DAY}, lapses=True),
    ClockName.DIAGNOSIS_STARTED: Clock(
        Start.DETECTED, {P1: MINUTES_15, P2: 2 * HOUR, P3: DAY}, lapses=True
    ),
    ClockName.ROOT_CAUSE_BIN: Clock(
        Start.DETECTED, every(12 * HOUR, P1, P2) | {P3: NEXT_DAY, P4: SPRINT}
    ),
    ClockName.FIX: Clock(Start.DETECTED, every(12 * HOUR, P1, P2) | {P3: NEXT_DAY, P4: SPRINT}),
    ClockName.REENABLE: Clock(Start.RECOVERY, every(48 * HOUR, P1, P2), every(24 * HOUR, P1, P2)),
    ClockName.NOTE: Clock(
        Start.RESOLVED, every(72 * HOUR, P1, P2, P3), every(48 * HOUR, P1, P2, P3)
    ),
    ClockName.REVIEW: Clock(
        Start.RESOLVED, every(72 * HOUR, P1, P2) | {P4: SPRINT}, every(48 * HOUR, P1, P2)
    ),
    ClockName.REVIEW_LIMIT: Clock(Start.RESOLVED, every(WEEK_OF_WORK, P1, P2)),
    ClockName.CLIENT_FINDINGS: Clock(Start.RESOLVED, every(WEEK_OF_WORK, P1, P2), clients=True),
}

INTERNAL = frozenset({"brief", "internalUpdate", "leadership"})
EXTERNAL = frozenset({"externalInitial", "externalUpdate"})
TO_CLIENTS = EXTERNAL | {"clientTechnical"}

MILESTONE = {
    ClockName.ASSIGN: "assigned_at",
    ClockName.CLASSIFY: "classified_at",
    ClockName.CONTAIN: "contained_at",
    ClockName.SUMMARY: "summarised_at",
    ClockName.DIAGNOSIS_STARTED: "diagnosis_started_at",
    ClockName.ROOT_CAUSE_BIN: "cause_found_at",
    ClockName.FIX: "fixed_at",
    ClockName.NOTE: "noted_at",
}
"""What stops these clocks."""

MESSAGES = {
    ClockName.BRIEF: frozenset({"brief"}),
    ClockName.INTERNAL: INTERNAL,
    ClockName.LEADERSHIP: frozenset({"leadership"}),
    ClockName.CLIENT_TECHNICAL: frozenset({"clientTechnical"}),
    ClockName.CLIENT: TO_CLIENTS,
    ClockName.CLIENT_FINDINGS: frozenset({"clientFindings"}),
}
"""The first one of these kinds that was sent stops these clocks."""


def start(name: ClockName, after: AIIncidentStatus) -> datetime | None:
    """From when this clock runs; None while it does not."""
    at = after.milestones
    match CLOCKS[name].start:
        case Start.DETECTED:
            return at.detected_at
        case Start.CONTAINED:
            # what people opened may have been contained before anybody knew of it here
            return max(filter(None, (at.contained_at, at.detected_at))) if at.contained_at else None
        case Start.RECOVERY:
            return at.recovering_at
        case Start.RESOLVED:
            return at.resolved_at
        case Start.LAST_INTERNAL:
            return max(sent(after, INTERNAL), default=None)
        case Start.LAST_EXTERNAL:
            return max(sent(after, EXTERNAL), default=None)


def done(name: ClockName, seen: Seen, after: AIIncidentStatus, now: datetime) -> datetime | None:
    """When that was done for which this clock runs; None while it was not."""
    at = after.milestones
    if name in MILESTONE:
        found: datetime | None = getattr(at, MILESTONE[name])
        return found
    if name in MESSAGES:
        return min(sent(after, MESSAGES[name]), default=None)
    match name:
        case ClockName.CHANNEL:
            return now if seen.spec.channel is not None else None
        case ClockName.ENGINEER:
            return at.senior_at if after.severity is P2 else at.engineer_at
        case ClockName.REVIEW | ClockName.REVIEW_LIMIT:
            return _reviewed(seen, after)
        case ClockName.REENABLE:
            return _flies_again(seen, after)
        case _:  # updates are never done: the next one is due after the last
            return None


def sent(after: AIIncidentStatus, kinds: frozenset[str]) -> list[datetime]:
    """When messages of these kinds were sent."""
    told = after.comms.messages.values()
    return [m.sent_at for m in told if m.kind in kinds and m.sent_at is not None]


def _reviewed(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """A meeting of before the end reviewed nothing."""
    held, resolved = seen.spec.review.held_at, after.milestones.resolved_at
    if held is not None and resolved is not None and held >= resolved:
        return held
    return after.milestones.reviewed_at


def _flies_again(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """What serves everybody again after recovery was asked for."""
    at, feature = after.milestones, seen.feature
    good = feature.status.last_known_good if feature is not None else None
    if good is not None and at.recovering_at is not None and good.since >= at.recovering_at:
        return good.since
    return at.resolved_at
