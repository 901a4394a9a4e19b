"""What messages may say of an incident: known facts as clean text, and `not yet known`.

Nothing is invented here, and no text of users comes in: no annotation, no answer, no line of a
signal. Whether data got out is what people say in spec, and nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from goaround.api.base import ObjectMeta
from goaround.api.feature import FeatureReference
from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus, Severity
from goaround.api.incident_status import OVER, Phase
from goaround.api.judgement import DataExposure
from goaround.api.kinds import AIIncident
from goaround.api.trigger import Trigger, TriggerSource
from goaround.incident.audiences import MessageKind
from goaround.incident.seen import Seen, signals_now

UNKNOWN: Final = "not yet known"
LONGEST: Final = 400
INTERNAL_EVERY: Final = timedelta(minutes=30)
DAILY: Final = timedelta(days=1)
EXTERNAL_EVERY: Final = timedelta(hours=2)
REVIEW_WITHIN: Final = timedelta(hours=72)
TO_CUSTOMERS: Final = frozenset(
    {MessageKind.EXTERNAL_INITIAL, MessageKind.EXTERNAL_UPDATE, MessageKind.CLIENT_TECHNICAL}
)
DONE: Final = {
    TriggerSource.ROLLBACK: "We took release {failed} of the AI feature {name} off its users",
    TriggerSource.PREFLIGHT: "We refused release {failed} of the AI feature {name} in pre-flight",
    TriggerSource.KILL: "We turned off the AI feature {name}",
    TriggerSource.INCONCLUSIVE: "We took release {failed} of the AI feature {name} back unproven",
    TriggerSource.REFUSED: "A person refused release {failed} of the AI feature {name}",
    TriggerSource.ABORTED: "A person ended the flight of release {failed} of the AI feature {name}",
}
IN_PLAIN_WORDS: Final = {
    TriggerSource.ROLLBACK: "We took the new version out of use",
    TriggerSource.INCONCLUSIVE: "We took the new version out of use",
    TriggerSource.ABORTED: "We took the new version out of use",
    TriggerSource.KILL: "We turned it off",
}
OTHERWISE: Final = "We contained an incident of the AI feature {name}"
NOT_YET: Final = "Containment of the AI feature {name} is under way and not seen to work yet"
PLAIN_NOT_YET: Final = "We are at work on it"
DATA: Final = {
    DataExposure.UNKNOWN: "Whether data of people was exposed is not yet known",
    DataExposure.NONE: "No data of people was exposed",
    DataExposure.CONFIRMED: "Data of people was exposed",
}
STATES: Final = {
    Phase.DETECTED: "found, not contained yet",
    Phase.CONTAINED: "contained, nobody gets the failed release",
    Phase.DIAGNOSING: "contained, the cause is being looked for",
    Phase.RECOVERING: "contained, the fix is on its way",
}


def facts(
    seen: Seen, after: AIIncidentStatus, kind: MessageKind, at: datetime
) -> Mapping[str, str | bool]:
    """What a template may name. at: when the message is written."""
    spec = seen.spec
    return {
        "feature": seen.subject,
        "namespace": seen.incident.metadata.namespace,
        "incident": seen.incident.metadata.name,
        "severity": str(severity(seen, after)),
        "severity_reason": said(spec.severity_reason),
        "phase": str(after.phase or Phase.DETECTED),
        "at": moment(at),
        "what_broke": said(spec.summary.what_broke),
        "users": said(spec.impact.users or spec.summary.scope),
        "business": said(spec.impact.business),
        "advice": said(spec.impact.advice),
        "expected_resolution": said(spec.impact.expected_resolution),
        "data_exposure": DATA[spec.impact.data_exposure],
        "trend": said(spec.triage.answers.trend),
        "cause": said(spec.root_cause.line if spec.root_cause is not None else None),
        "findings": said(spec.review.findings),
        "prevention": _prevention(seen),
        "next_update": moment(at + every(kind, severity(seen, after))),
        **_times(after),
        **_doings(seen, after),
        **_people(seen),
    }


def sample() -> Mapping[str, str | bool]:
    """Every name that a template may use, for an incident of which nothing is known."""
    affects, trigger = [FeatureReference(name="x")], Trigger(source=TriggerSource.MANUAL, key="x")
    spec = AIIncidentSpec(
        affects=affects, trigger=trigger, severity=Severity.P4, severity_reason="x"
    )
    seen = Seen(AIIncident(metadata=ObjectMeta(), spec=spec))
    return facts(seen, seen.incident.status, MessageKind.BRIEF, datetime.fromtimestamp(0, UTC))


def severity(seen: Seen, after: AIIncidentStatus) -> Severity:
    """The one that clocks count by."""
    return after.severity or seen.spec.severity


def every(kind: MessageKind, level: Severity) -> timedelta:
    """How long after a message of this kind the next one is due."""
    if kind in TO_CUSTOMERS:
        return EXTERNAL_EVERY
    return INTERNAL_EVERY if level in GRAVE else DAILY


def moment(at: datetime | None) -> str:
    """`2026-11-21 09:48 UTC`: messages are read in many time zones."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at is not None else UNKNOWN


def said(text: str | None) -> str:
    """One clean line of what people wrote, or that it is not known yet."""
    return clean(text or "").rstrip(" .") or UNKNOWN


def clean(text: str, most: int = LONGEST) -> str:
    """On one line, without control and format characters, so that no field can pretend to be
    another one or turn the direction of reading."""
    shown = text[: 2 * most]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else " " for c in shown)
    words = " ".join(shown.split())
    return words if len(words) <= most else words[: most - 1] + "…"


def _times(after: AIIncidentStatus) -> Mapping[str, str | bool]:
    at = after.milestones
    promised = at.resolved_at + REVIEW_WITHIN if at.resolved_at is not None else None
    known = {name: deadline.due for name, deadline in after.deadlines.items()}
    review = known.get("review", promised)
    return {
        "started": moment(at.started_at),
        "detected": moment(at.detected_at),
        "contained": moment(at.contained_at),
        "resolved_at": moment(at.resolved_at),
        "resolved": at.resolved_at is not None,
        "review_due": moment(review),
        "findings_due": moment(known.get("clientFindings", review)),
    }


def _doings(seen: Seen, after: AIIncidentStatus) -> Mapping[str, str]:
    """What was done, what is being done, and how it does."""
    phase, contained = after.phase or Phase.DETECTED, after.milestones.contained_at
    told = DONE.get(seen.spec.trigger.source, OTHERWISE) if contained is not None else NOT_YET
    done = told.format(failed=said(after.failed_release), name=seen.subject)
    plain = IN_PLAIN_WORDS.get(seen.spec.trigger.source, "We contained it")
    plain = plain if contained is not None else PLAIN_NOT_YET
    at = f" at {moment(contained)}" if contained is not None else ""
    fix = _fix(seen)
    state = "it is over" if phase in OVER else _state(seen, phase)
    return {
        "done": f"{done}{at}",
        "fix": fix,
        "mitigation": f"{plain}{at}" if fix == UNKNOWN else f"{plain}{at}; {fix}",
        "state": state,
        "serving": said(after.serving_release),
        "metrics": _metrics(seen),
    }


def _state(seen: Seen, phase: Phase) -> str:
    if phase is Phase.DIAGNOSING and seen.spec.root_cause is not None:
        return "contained, the cause is known, the fix is being made"
    return STATES[phase]


def _fix(seen: Seen) -> str:
    remedy = seen.spec.remediation
    if remedy is None:
        return UNKNOWN
    return said(remedy.line or ", ".join(remedy.types))


def _metrics(seen: Seen) -> str:
    """Verdicts by signal; without figures, which a draft would outlive."""
    feature = seen.feature
    signals = signals_now(feature) if feature is not None else ()
    return said("; ".join(f"{s.name} {s.verdict}" for s in signals[:10]))


def _prevention(seen: Seen) -> str:
    """The guardrail, and what people do so that it or its like does not come again."""
    guard = seen.spec.guardrail
    parts = [f"{str(guard.type).lower()} {guard.ref}"] if guard is not None else []
    parts += [item.title for item in seen.spec.action_items if item.prevents is not None]
    return said("; ".join(parts[:6]))


def _people(seen: Seen) -> Mapping[str, str]:
    roles, room = seen.spec.roles, seen.spec.channel
    return {
        "commander": said(roles.commander),
        "comms_lead": said(roles.comms_lead),
        "technical_lead": said(roles.technical_lead),
        "room": said(room.id if room is not None else None),
        "contact": _contact(seen),
    }


def _contact(seen: Seen) -> str:
    feature = seen.feature
    known = feature.spec.incident.contacts.incident if feature is not None else None
    if known is None:
        return UNKNOWN
    return said(", ".join(_words((known.name, known.phone))))


def _words(parts: Iterable[str | None]) -> list[str]:
    return [part for part in parts if part]
