"""The upper half of the whiteboard: what broke, whether users are safe, what was changed.

Decides wording only; whatever is not known is left out, or said to be unknown.
"""

from collections.abc import Iterator
from datetime import datetime

from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import OVER, ReproductionState
from goaround.api.reasons import ConditionType
from goaround.incident.board import clock, joined, second, span, told
from goaround.incident.gate import is_freezing
from goaround.incident.seen import Seen, signals_now

BAD = "Bad"
MOST_SIGNALS = 6
NOT_POSSIBLE = ReproductionState.NOT_POSSIBLE
MOST_CHANGES = 3


def header(seen: Seen, after: AIIncidentStatus, now: datetime) -> str:
    """Severity, feature, phase, how long, who."""
    spec, at, roles = seen.spec, after.milestones, seen.spec.roles
    people = [
        f"{role} {who}"
        for role, who in (
            ("commander", roles.commander),
            ("comms", roles.comms_lead),
            ("tech", roles.technical_lead),
        )
        if who is not None
    ]
    drill = f"DRILL ({spec.drill})  " if spec.drill is not None else ""
    severity = after.severity or spec.severity
    phase = str(after.phase or "").upper()
    who = ", ".join(people) or "no commander yet"
    lasted = _lasted(after, now) if at.detected_at is not None else ""
    return told("", f"{severity}  {drill}{seen.subject}  {phase}  {lasted}  {who}", 1)[0].strip()


def _lasted(after: AIIncidentStatus, now: datetime) -> str:
    at = after.milestones
    assert at.detected_at is not None
    if after.phase in OVER and at.resolved_at is not None:
        return f"after {span(at.detected_at, at.resolved_at)}"
    return f"open {span(at.detected_at, now)} at {second(now)}"


def facts(seen: Seen, after: AIIncidentStatus, now: datetime) -> Iterator[str]:
    """What a person needs who was just woken."""
    yield from told("WHAT", _what(seen, after, now), 3)
    yield from told("SAFE?", _safe(after, now))
    yield from told("SERVES", _serves(after))
    yield from told("FROZEN", _frozen(seen, after))


def details(seen: Seen, after: AIIncidentStatus, now: datetime) -> Iterator[str]:
    """What helps to find the cause; the first to go where there is no room."""
    if (cause := seen.spec.root_cause) is not None:
        which = f"{cause.bin} / {cause.detail}" if cause.detail is not None else str(cause.bin)
        yield from told("CAUSE", f"{which}: {cause.line}")
    if (fix := seen.spec.remediation) is not None and fix.line is not None:
        yield from told("FIX", fix.line)
    signals = [f"{s.name} {s.verdict}" for f in seen.features for s in signals_now(f)]
    yield from joined("NOW", signals[:MOST_SIGNALS])
    for change in after.changes[:MOST_CHANGES]:
        yield from told("CHANGE", change, 1)
    for change in after.recent_changes[:MOST_CHANGES]:
        yield from told("CHANGE", change, 1)
    found = after.reproduction
    if found is not None and found.state is not NOT_POSSIBLE and found.message is not None:
        yield from told("REPRO", found.message)
    for signal in [s for s in after.signals if s.verdict == BAD][:MOST_SIGNALS]:
        yield from told("PROOF", signal.message)
    yield from joined("TIMES", list(_times(after, now)))
    for proposal in after.proposals:
        yield from told("IDEA", proposal)
    for line in after.timeline[-3:]:
        yield from told("LOG", line, 1)


def _what(seen: Seen, after: AIIncidentStatus, now: datetime) -> str:
    summary = seen.spec.summary
    parts = [
        summary.what_broke or seen.spec.trigger.key,
        f"noticed by {summary.noticed_by}" if summary.noticed_by else "",
        f"since {clock(after.milestones.started_at, now)}" if after.milestones.started_at else "",
        summary.scope or "",
    ]
    return "; ".join(part for part in parts if part)


def _safe(after: AIIncidentStatus, now: datetime) -> str:
    at = after.milestones
    if at.contained_at is None:
        known = find(after.conditions, ConditionType.CONTAINED)
        return f"NOT YET: {known.message if known is not None else 'nothing is known'}"
    took = f" in {span(at.detected_at, at.contained_at)}" if at.detected_at is not None else ""
    how = f" by {after.containment.action}" if after.containment.action is not None else ""
    reached = after.exposed_requests
    count = f". {reached:,} requests were exposed" if reached is not None else ""
    return f"YES contained {clock(at.contained_at, now)}{took}{how}{count}"


def _serves(after: AIIncidentStatus) -> str:
    if after.serving_release is None:
        return ""
    failed = f"; failed: {after.failed_release}" if after.failed_release is not None else ""
    return f"{after.serving_release}{failed}"


def _frozen(seen: Seen, after: AIIncidentStatus) -> str:
    if not is_freezing(seen, after):
        return ""
    return f"{seen.subject}: new releases are held. Rollback and kill stay allowed"


def _times(after: AIIncidentStatus, now: datetime) -> Iterator[str]:
    at = after.milestones
    known = [
        ("bad since", at.started_at),
        ("proven", at.proven_at),
        ("decided", at.detected_at),
        ("delivered", at.delivered_at),
        ("contained", at.contained_at),
        ("resolved", at.resolved_at),
    ]
    for what, when in known:
        if when is not None:
            day = "" if when.date() == now.date() else when.strftime("%Y-%m-%d ")
            yield f"{what} {day}{second(when)}"
