"""What people said of an incident, as facts for its timeline: every part of spec that they judge.

Decides wording only. What they take back is told by `chronicle.py`, which knows what was there.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from goaround.api.base import rfc3339
from goaround.api.canonical import canonical
from goaround.api.incident import AIIncidentSpec
from goaround.api.judgement import ContainmentRequest, DataExposure, Impact, Level
from goaround.incident.entries import Fact, Kind, Source

SPEC: Final = "spec."
FACING: Final = {None: "", True: "customers see it", False: "no customer sees it"}


def said(spec: AIIncidentSpec, source: Source) -> Iterator[Fact]:
    """All that is said now, by people or as the operator opened it; `chronicle.py` knows who."""
    for fact in _said(spec):
        yield fact if source is Source.OPERATOR else replace(fact, source=source)


def _said(spec: AIIncidentSpec) -> Iterator[Fact]:
    yield _fact("severity", Kind.CLASSIFY, f"{spec.severity}: {spec.severity_reason}")
    yield from _classified(spec)
    yield from _people(spec)
    yield from _cause(spec)
    yield from _listed(spec)
    yield from _decided(spec)


def _fact(name: str, kind: Kind, text: str, at: datetime | None = None) -> Fact:
    return Fact(SPEC + name, kind, text, at=at)


def _told(*parts: tuple[str, object]) -> str:
    """`users all of them; business shop is down`, without what nobody said."""
    told = (f"{name} {value}".strip() for name, value in parts if value not in (None, ""))
    return "; ".join(told)


def _classified(spec: AIIncidentSpec) -> Iterator[Fact]:
    told, triage = spec.summary, spec.triage
    parts = ("what broke", told.what_broke), ("noticed by", told.noticed_by), ("scope", told.scope)
    seen = told.first_seen and rfc3339(told.first_seen)
    yield from _if("summary", Kind.DETECT, "", _told(*parts, ("first seen", seen)))
    yield from _if("failureClass", Kind.CLASSIFY, "failure class: ", spec.failure_class)
    yield from _if("impact", Kind.CLASSIFY, "impact: ", _impact(spec.impact))
    outcome = [str(v) for v in (triage.outcome, triage.scope, triage.kind) if v is not None]
    yield from _if("triage", Kind.CLASSIFY, "triage: ", ", ".join(outcome))
    answers = [(k, v) for k, v in triage.answers.wire().items()]
    yield from _if("triage.answers", Kind.CLASSIFY, "triage answers: ", _told(*answers))


def _impact(impact: Impact) -> str:
    exposure = None if impact.data_exposure is DataExposure.UNKNOWN else impact.data_exposure
    facing = FACING[impact.customer_facing]
    parts = ("users", impact.users), ("business", impact.business), ("harm", impact.harm)
    told = _told(*parts, ("data exposure", exposure))
    return "; ".join(part for part in (told, facing) if part)


def _people(spec: AIIncidentSpec) -> Iterator[Fact]:
    roles = spec.roles
    yield from _if("roles.commander", Kind.PHASE, "commander: ", roles.commander)
    yield from _if("roles.commsLead", Kind.PHASE, "comms lead: ", roles.comms_lead)
    yield from _if("roles.technicalLead", Kind.PHASE, "technical lead: ", roles.technical_lead)
    named = [r.who + (" (senior)" if r.level is Level.SENIOR else "") for r in roles.responders]
    yield from _if("roles.responders", Kind.PHASE, "responders: ", ", ".join(named))
    room = spec.channel and _told(("", spec.channel.provider), ("", spec.channel.id))
    yield from _if("channel", Kind.COMMS, "channel: ", room)


def _cause(spec: AIIncidentSpec) -> Iterator[Fact]:
    for path, check in spec.diagnosis.checks.found().items():
        told = f"looked at {path}: {check.verdict}"
        note = f", {check.note}" if check.note else ""
        yield _fact(f"diagnosis.{path}", Kind.CLASSIFY, told + note)
    if (cause := spec.root_cause) is not None:
        detail = f" {cause.detail}" if cause.detail is not None else ""
        yield _fact("rootCause", Kind.CLASSIFY, f"root cause: {cause.bin}{detail}: {cause.line}")
    if (fix := spec.remediation) is not None:
        parts = ("", ", ".join(fix.types)), ("", fix.line), ("release", fix.release)
        yield from _if("remediation", Kind.CHANGE, "remediation: ", _told(*parts))
    if (guard := spec.guardrail) is not None:
        yield _fact("guardrail", Kind.CHANGE, f"guardrail: {guard.type} {guard.ref}")
    if (asked := spec.containment) is not None:
        yield _fact("containment", Kind.CONTAIN, f"asked for {_asked(asked)}")


def _asked(asked: ContainmentRequest) -> str:
    until = asked.expires_at and rfc3339(asked.expires_at)
    parts = ("", asked.filter), ("to %", asked.percent), ("of", asked.signal), ("at", asked.max)
    told = _told(*parts, ("until", until), ("because", asked.reason))
    return f"{asked.action}" + (f": {told}" if told else "")


def _listed(spec: AIIncidentSpec) -> Iterator[Fact]:
    for item in spec.action_items:
        state = "done" if item.done else f"due {item.due:%Y-%m-%d}"
        told = f"action item {item.name}: {item.title} ({item.owner}, {state})"
        yield _fact(f"actionItems.{item.name}", Kind.CHANGE, told)
    for one in spec.comms_approvals:
        yield _fact(f"commsApprovals.{one.message}", Kind.COMMS, f"approved: {one.message}")
    for sent in spec.comms_sent:
        told = f"sent by hand: {sent.message}"
        yield _fact(f"commsSent.{sent.message}", Kind.COMMS, told, sent.at)
    reported = ", ".join(spec.regulatory.reported)
    yield from _if("regulatory.reported", Kind.COMMS, "supervisors told: ", reported)
    aware = spec.regulatory.aware_at
    if aware is not None:
        told = f"people became aware {rfc3339(aware)}"
        yield _fact("regulatory.awareAt", Kind.COMMS, told, aware)


def _decided(spec: AIIncidentSpec) -> Iterator[Fact]:
    if (at := spec.milestones.started_at) is not None:
        yield _fact("milestones.startedAt", Kind.DETECT, f"began {rfc3339(at)}, by people")
    if (at := spec.milestones.contained_at) is not None:
        yield _fact("milestones.containedAt", Kind.CONTAIN, f"contained {rfc3339(at)}, by people")
    yield from _if("duplicateOf", Kind.PHASE, "merged into ", spec.duplicate_of)
    yield from _if("relatedTo", Kind.PHASE, "related to ", spec.related_to)
    why = f": {spec.cancel_reason}" if spec.cancel_reason else ""
    asked = spec.requested_phase
    yield from _if("requestedPhase", Kind.PHASE, "people say: ", asked and f"{asked}{why}")
    if reviewed := spec.review.wire():
        parts = ", ".join(sorted(reviewed))
        told = f"review written: {parts}"
        yield Fact(f"{SPEC}review", Kind.CHANGE, told, value=canonical(reviewed))


def _if(name: str, kind: Kind, words: str, value: object) -> Iterator[Fact]:
    if value:
        yield _fact(name, kind, f"{words}{value}")
