"""What people must have said of an incident before a fix may fly: rule by rule, with what is left.

Pure, and of one incident: the feature's gate and the incident's own status say the same by it.
"""

from collections.abc import Collection, Iterator

from goaround.api.aftermath import RemediationType
from goaround.api.incident import AIIncidentSpec, AIIncidentStatus
from goaround.api.judgement import ContainmentAction
from goaround.api.kills import GateRule

CLASSIFIED, ROOT_CAUSE, GUARDRAIL = "classified", "root-cause", "guardrail"
PIPELINE, WITHDRAWN = "pipeline-green", "containment-withdrawn"


def learnt(
    spec: AIIncidentSpec, status: AIIncidentStatus, green: Collection[str]
) -> Iterator[GateRule]:
    """The rules, in the order in which people meet them. green: signals of layer DataPipeline that
    are `Good` now."""
    yield _classified(spec, status)
    yield _root_cause(spec)
    yield _guardrail(spec, status)
    if spec.remediation is not None and RemediationType.PIPELINE_REPAIR in spec.remediation.types:
        yield _pipeline(green)
    if (asked := spec.containment) is not None and asked.is_asking:
        yield _withdrawn(asked.action)


def _classified(spec: AIIncidentSpec, status: AIIncidentStatus) -> GateRule:
    done = status.milestones.classified_at is not None or spec.triage.outcome is not None
    return _rule(CLASSIFIED, done, "a person classified it", "set spec.triage.outcome, or severity")


def _root_cause(spec: AIIncidentSpec) -> GateRule:
    found = spec.root_cause
    told = f"{found.bin}: {found.line}" if found is not None else ""
    return _rule(ROOT_CAUSE, found is not None, told, "set spec.rootCause.bin and line")


def _guardrail(spec: AIIncidentSpec, status: AIIncidentStatus) -> GateRule:
    """One that was there before would have caught it: only what is newer than detection counts."""
    if (why := spec.review.waivers.guardrail) is not None:
        return _rule(GUARDRAIL, True, f"waived: {why}", "")
    added = spec.guardrail
    if added is None:
        left = "set spec.guardrail.type, ref and addedAt, or spec.review.waivers.guardrail"
        return _rule(GUARDRAIL, False, "", left)
    detected = status.milestones.detected_at
    new = added.added_at is not None and (detected is None or added.added_at >= detected)
    left = f"{added.type} {added.ref} must be newer than the detection: set spec.guardrail.addedAt"
    return _rule(GUARDRAIL, new, f"{added.type} {added.ref}", left)


def _pipeline(green: Collection[str]) -> GateRule:
    named = ", ".join(sorted(green)[:5])
    left = "a repaired pipeline needs a signal of layer DataPipeline that is Good"
    return _rule(PIPELINE, bool(green), f"Good: {named}", left)


def _withdrawn(action: ContainmentAction) -> GateRule:
    """A Filter ends by itself (the schema wants a time); whatever else stands is in the way."""
    if action is ContainmentAction.FILTER:
        return _rule(WITHDRAWN, True, "the filter ends by itself at spec.containment.expiresAt", "")
    return _rule(WITHDRAWN, False, "", f"spec.containment asks for {action}: take it out")


def _rule(name: str, is_open: bool, told: str, left: str) -> GateRule:
    return GateRule(name=name, open=is_open, reason=(told if is_open else left)[:512])
