"""When what happened in an incident: each time is set once, from what was seen or said.

A person may correct when it began. Nothing is ever taken back but the end of it, which is undone
when the incident is opened again; once it was closed, cancelled or merged nothing changes.
"""

from datetime import datetime

from goaround.api.gravity import BY_HAND, GRAVE
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus
from goaround.api.incident_status import ENDED, Milestones
from goaround.api.judgement import ContainmentAction, Level
from goaround.incident.seen import Seen
from goaround.incident.trend import counts_as


def milestones(seen: Seen, now: datetime) -> Milestones:
    """Those of this pass."""
    known = _seen(seen)
    known = known.but(
        assigned_at=known.assigned_at or _if(seen.spec.roles.commander, now),
        classified_at=known.classified_at or _if(_is_classified(seen), now),
        raised_at=now if _is_raised(seen, now) else known.raised_at,
        engineer_at=known.engineer_at or _if(seen.spec.roles.responders, now),
        senior_at=known.senior_at or _if(_has_senior(seen.spec), now),
        diagnosis_started_at=known.diagnosis_started_at or _diagnosis(seen.spec, now),
        summarised_at=known.summarised_at or _if(_is_summarised(seen.spec), now),
        cause_found_at=known.cause_found_at or _if(seen.spec.root_cause, now),
        fixed_at=known.fixed_at or _fixed(seen, now),
    )
    return known


def opened_as(seen: Seen) -> str:
    """Severity and reason at the first look: another one later is a person's."""
    return seen.incident.status.opened_as or _graded(seen.spec)


def _graded(spec: AIIncidentSpec) -> str:
    return f"{spec.severity}: {spec.severity_reason}"[:200]


def _seen(seen: Seen) -> Milestones:
    """What the latch knows; else what the object itself says."""
    known, latch, said = seen.incident.status.milestones, seen.latch, seen.spec.milestones
    detected = known.detected_at or (
        latch.at if latch else seen.incident.metadata.creation_timestamp
    )
    first = known.started_at or (latch.started_at if latch else seen.spec.summary.first_seen)
    contained = known.contained_at or (latch.contained_at if latch else None)
    by_hand = seen.spec.trigger.source in BY_HAND
    return known.but(
        started_at=said.started_at or first,
        proven_at=known.proven_at or (latch.proven_at if latch else None),
        detected_at=detected,
        delivered_at=known.delivered_at or (latch.delivered_at if latch else None),
        contained_at=contained or (said.contained_at if by_hand else None) or _nothing_to_do(seen),
    )


def _nothing_to_do(seen: Seen) -> datetime | None:
    """A P3 or P4 of which people say, with a reason, that nothing has to be contained."""
    asked = seen.spec.containment
    if seen.spec.severity in GRAVE or asked is None or asked.action is not ContainmentAction.NONE:
        return None
    return seen.incident.status.milestones.detected_at or seen.incident.metadata.creation_timestamp


def _if(said: object, now: datetime) -> datetime | None:
    return now if said else None


def _is_classified(seen: Seen) -> bool:
    by_hand = seen.spec.trigger.source in BY_HAND  # whoever opened it said how grave it is
    return by_hand or seen.spec.triage.outcome is not None or _graded(seen.spec) != opened_as(seen)


def _is_raised(seen: Seen, now: datetime) -> bool:
    before = seen.incident.status.severity
    return before is not None and counts_as(seen, now) < before  # "P1" < "P2"


def _has_senior(spec: AIIncidentSpec) -> bool:
    return any(r.level is Level.SENIOR for r in spec.roles.responders)


def _diagnosis(spec: AIIncidentSpec, now: datetime) -> datetime | None:
    begun = bool(spec.diagnosis.checks.found()) or spec.root_cause is not None
    return spec.diagnosis.started_at or _if(begun, now)


def _is_summarised(spec: AIIncidentSpec) -> bool:
    told = spec.summary
    return None not in (told.what_broke, told.noticed_by, told.scope, told.first_seen)


def _fixed(seen: Seen, now: datetime) -> datetime | None:
    """What people say, or a release that landed after the failure."""
    if seen.spec.remediation is not None and seen.spec.remediation.fixed_at is not None:
        return seen.spec.remediation.fixed_at
    good = seen.feature.status.last_known_good if seen.feature is not None else None
    detected = seen.incident.status.milestones.detected_at
    landed = good is not None and detected is not None and good.since > detected
    return good.since if landed and good is not None and good.since <= now else None


def undone(at: Milestones, now: datetime) -> Milestones:
    """Opened again: what ended it is taken back."""
    return at.but(resolved_at=None, calm_at=None, noted_at=None, reviewed_at=None, reopened_at=now)


def with_status(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that sets milestones. What was closed is a record."""
    if seen.incident.status.phase in ENDED:
        return after
    return after.but(
        milestones=milestones(seen, now), severity=counts_as(seen, now), opened_as=opened_as(seen)
    )
