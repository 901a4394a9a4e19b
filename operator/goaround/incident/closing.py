"""What an incident still needs before its note, its review, and before it is closed.

Names fields, so that people know where to write. Judges no content: a person's word is taken, and a
rule that people set aside needs a reason in `spec.review.waivers`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from goaround.api.aftermath import ActionKind, Prevents
from goaround.api.conditions import Wanted, condition, some
from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus, RequestedPhase, Severity
from goaround.api.incident_status import ENDED, WAITING, Milestones
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.phases import phase
from goaround.incident.regimes import PREFIX
from goaround.incident.seen import Seen
from goaround.incident.system_actions import undone

SHOWN = 12
"""Fields that a condition names; how many more there are is told."""


def with_closing(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that says what has been written up, and closes what is complete."""
    at = after.milestones
    if seen.incident.status.phase in ENDED or at.resolved_at is None:
        return after
    at = at.but(noted_at=at.noted_at or _when(_is_noted(seen, after), now))
    at = at.but(reviewed_at=at.reviewed_at or _when(_is_reviewed(seen, after, at), now))
    wanted = seen.spec.requested_phase is RequestedPhase.CLOSED
    closed = wanted and not missing(seen, after.but(milestones=at))
    at = at.but(closed_at=at.closed_at or _when(closed, now))
    return after.but(milestones=at, phase=phase(seen, at))


def _when(true: bool, now: datetime) -> datetime | None:
    return now if true else None


def _is_noted(seen: Seen, after: AIIncidentStatus) -> bool:
    return not any(_note(seen.spec, after))


def _is_reviewed(seen: Seen, after: AIIncidentStatus, at: Milestones) -> bool:
    return at.noted_at is not None and not any(_review(seen.spec, after))


def missing(seen: Seen, after: AIIncidentStatus) -> list[str]:
    """What closing waits for, by the names of fields; empty: it may be closed."""
    spec = seen.spec
    if spec.drill is not None:
        return [] if spec.review.findings else ["spec.review.findings"]
    found = (
        *_note(spec, after),
        *_review(spec, after),
        *_prevention(spec, after),
        *_duties(spec, after),
    )
    return list(dict.fromkeys(found))


def _severity(spec: AIIncidentSpec, after: AIIncidentStatus) -> Severity:
    return after.severity or spec.severity


def _note(spec: AIIncidentSpec, after: AIIncidentStatus) -> Iterator[str]:
    """What the page about it needs; of a P4 no more than its cause."""
    if spec.root_cause is None:
        yield "spec.rootCause"
    if _severity(spec, after) is Severity.P4:
        return
    told, review = spec.summary, spec.review
    yield from _empty(
        ("spec.summary.whatBroke", told.what_broke),
        ("spec.summary.noticedBy", told.noticed_by),
        ("spec.summary.scope", told.scope),
        ("spec.summary.firstSeen", told.first_seen),
        ("spec.remediation.line", spec.remediation.line if spec.remediation is not None else None),
        (
            "spec.guardrail (or spec.review.waivers.guardrail)",
            spec.guardrail or review.waivers.guardrail,
        ),
        ("spec.review.reviewers", review.reviewers),
        ("spec.review.nextReviewAt", review.next_review_at),
    )


def _review(spec: AIIncidentSpec, after: AIIncidentStatus) -> Iterator[str]:
    """What was learnt: five questions always, the rest where it was grave."""
    review, five = spec.review, spec.review.ai_questions
    yield from _empty(
        ("spec.review.aiQuestions.productionDistribution", five.production_distribution),
        ("spec.review.aiQuestions.pipelineAssumptions", five.pipeline_assumptions),
        ("spec.review.aiQuestions.promptsTested", five.prompts_tested),
        ("spec.review.aiQuestions.retrievalMonitored", five.retrieval_monitored),
        ("spec.review.aiQuestions.killSwitch", five.kill_switch),
        ("spec.review.detectionGap", review.detection_gap),
    )
    if _severity(spec, after) is Severity.P4:
        yield from _empty(("spec.review.findings", review.findings))
    if _severity(spec, after) in GRAVE:
        yield from _empty(
            ("spec.review.response", review.response),
            ("spec.review.technicalCause", review.technical_cause),
            ("spec.review.heldAt", review.held_at),
        )


def _prevention(spec: AIIncidentSpec, after: AIIncidentStatus) -> Iterator[str]:
    """That the same cannot surprise twice."""
    items, waivers = spec.action_items, spec.review.waivers
    if not waivers.monitoring and all(i.kind is not ActionKind.MONITORING for i in items):
        yield "an item of kind Monitoring in spec.actionItems (or spec.review.waivers.monitoring)"
    if waivers.prevention or _severity(spec, after) not in GRAVE:
        return
    for what in Prevents:
        if all(item.prevents is not what for item in items):
            told = f"an item with prevents {what} in spec.actionItems"
            yield f"{told} (or spec.review.waivers.prevention)"


def _duties(spec: AIIncidentSpec, after: AIIncidentStatus) -> Iterator[str]:
    """What the operator asked for, and what supervisors wait for."""
    for name in undone(after):
        yield f"status.systemActions.{name} (do it, or adopt it in spec.actionItems)"
    for name, entry in after.deadlines.items():
        regime, waits = name.removeprefix(PREFIX), entry.state in WAITING
        if name.startswith(PREFIX) and waits and regime not in spec.regulatory.reported:
            yield f"{regime} in spec.regulatory.reported"


def _empty(*fields: tuple[str, object]) -> Iterable[str]:
    return (name for name, value in fields if not value)


def closable(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """Condition `Closable`: what is missing, by the names of fields."""
    if after.phase in ENDED:
        return
    kind, fields = ConditionType.CLOSABLE, missing(seen, after)
    if fields:
        yield condition(kind, "False", Reason.FIELDS_MISSING, f"missing: {some(fields, SHOWN)}")
    elif after.milestones.resolved_at is None:
        yield condition(kind, "False", Reason.PENDING, "complete; it is not over yet")
    else:
        told = "complete: set spec.requestedPhase to Closed"
        yield condition(kind, "True", Reason.COMPLETE, told)
