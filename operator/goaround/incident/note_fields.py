"""The fields of the note, in the order in which people ask for them.

Feature; start and detection; impact; actions; cause; fix; evidence; guardrail; owner, reviewers and
next review. Decides wording only.
"""

from collections.abc import Iterator

from goaround.api.digest import short
from goaround.api.kinds import AIFeature, AIIncident
from goaround.incident.board import span
from goaround.incident.note_page import UNKNOWN, exposure, known, listed, moment

Rows = Iterator[tuple[str, str]]


def fields(incident: AIIncident, feature: AIFeature | None) -> Rows:
    """Name and text of every field."""
    yield "Feature", ", ".join(ref.name for ref in incident.spec.affects)
    yield "Phase", known(incident.status.phase)
    yield from _detection(incident)
    yield from _impact(incident)
    yield from _actions(incident)
    yield from _cause(incident)
    yield from _fix(incident, feature)
    yield from _evidence(incident)
    yield from _people(incident, feature)


def _detection(incident: AIIncident) -> Rows:
    at = incident.status.milestones
    lag = "" if not (at.started_at and at.detected_at) else span(at.started_at, at.detected_at)
    yield "Started (UTC)", moment(at.started_at)
    yield "Detected (UTC)", moment(at.detected_at) + (f", {lag} after it began" if lag else "")
    yield "Noticed by", known(incident.spec.summary.noticed_by)


def _impact(incident: AIIncident) -> Rows:
    spec, status, said = incident.spec, incident.status, incident.spec.impact
    reached = status.exposure.requests
    count = reached if reached is not None else status.exposed_requests
    yield "Severity", f"{spec.severity}: {spec.severity_reason}"
    yield "Users", known(said.users or spec.summary.scope)
    yield "Business", known(said.business)
    yield "Customers see it", known(said.customer_facing)
    yield "Requests exposed", f"{count:,}" if count is not None else UNKNOWN
    yield "Worst part", known(status.exposure.worst_slice)
    yield "Processes that go on with it", listed(status.exposure.consumers)
    yield "Data of people exposed", exposure(said.data_exposure)


def _actions(incident: AIIncident) -> Rows:
    at, status = incident.status.milestones, incident.status
    took = "" if not (at.detected_at and at.contained_at) else span(at.detected_at, at.contained_at)
    how = status.containment.action or (incident.spec.containment or status.containment).action
    yield "Action", known(how)
    yield "Switched off (UTC)", moment(at.delivered_at)
    yield "Contained (UTC)", moment(at.contained_at) + (f", after {took}" if took else "")
    yield "Serves instead", known(status.serving_release)
    yield "Failed release", known(status.failed_release)
    yield "What was changed", listed(status.changes)


def _cause(incident: AIIncident) -> Rows:
    cause = incident.spec.root_cause
    detail = f" / {cause.detail}" if cause is not None and cause.detail is not None else ""
    yield "Cause", f"{cause.bin}{detail}: {cause.line}" if cause is not None else UNKNOWN
    yield "How it failed", known(incident.spec.failure_class)


def _fix(incident: AIIncident, feature: AIFeature | None) -> Rows:
    said, at = incident.spec.remediation, incident.status.milestones
    tried = said.validation if said is not None else None
    yield "Fix", listed(said.types if said is not None else ())
    yield "Fix in one line", known(said.line if said is not None else None)
    yield "Fixed (UTC)", moment(at.fixed_at)
    yield (
        "Tried on the failure",
        UNKNOWN
        if tried is None
        else f"{tried.sample_ref} ({tried.redaction}): failed before {tried.reproduced_before}, "
        f"passes after {'yes' if tried.passed_after else 'no'}",
    )
    good = feature.status.last_known_good if feature is not None else None
    yield (
        "Last-known-good now",
        UNKNOWN
        if good is None
        else f"{good.release.title} ({short(good.digest)}) since {moment(good.since)}",
    )


def _evidence(incident: AIIncident) -> Rows:
    status, guard = incident.status, incident.spec.guardrail
    yield "Signals", listed(f"{s.name} {s.verdict}: {s.message}" for s in status.signals)
    repro = status.reproduction
    yield "Golden set", known(repro.message if repro is not None else None)
    kept = status.evidence
    yield (
        "Figures",
        UNKNOWN if kept is None else f"ConfigMap {kept.config_map}, {kept.hash}",
    )
    yield "Resolved (UTC)", moment(status.milestones.resolved_at)
    since = f", since {moment(guard.added_at)}" if guard is not None and guard.added_at else ""
    yield "New guardrail", UNKNOWN if guard is None else f"{guard.type}: {guard.ref}{since}"


def _people(incident: AIIncident, feature: AIFeature | None) -> Rows:
    roles, review = incident.spec.roles, incident.spec.review
    owner = feature.spec.owner if feature is not None else None
    yield "Owner", known(owner or roles.commander)
    yield "Reviewers", listed(review.reviewers)
    yield "Next review", moment(review.next_review_at)
