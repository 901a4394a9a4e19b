"""The one-page note of an incident: what, why, how it was fixed, proof of green, new guardrail.

Decides its order (the headline first, because executives and regulators read no further) and
invents nothing. Made from the object alone, so that it is the same for whoever makes it; no clock
is read, so that it changes only when something happened.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import ENDED
from goaround.api.kinds import AIFeature, AIIncident
from goaround.incident.note_fields import fields
from goaround.incident.note_page import (
    UNKNOWN,
    Page,
    Section,
    exposure,
    known,
    listed,
    moment,
    sentence,
)
from goaround.incident.note_text import as_html, as_json, as_markdown
from goaround.incident.planned import WriteText
from goaround.incident.seen import Seen

_NONE = (("None", "nothing was recorded"),)


def with_note(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that says which note belongs to it; frozen once the incident ended."""
    before = seen.incident.status
    if before.phase in ENDED and before.note_hash is not None:
        return after.but(note_hash=before.note_hash)
    return after.but(note_hash=note_hash(_page(seen, after)))


def note_texts(seen: Seen, after: AIIncidentStatus) -> Iterator[WriteText]:
    """The ConfigMap, written before the status that names its hash."""
    if after.note_hash == seen.incident.status.note_hash:
        return
    made = _page(seen, after)
    data = {"note.md": as_markdown(made), "note.html": as_html(made), "note.json": as_json(made)}
    again = seen.incident.status.note_hash is not None
    yield WriteText(f"{seen.incident.metadata.name}-note", data, again=again)


def note_hash(made: Page) -> str:
    """Of everything that the note says."""
    return f"sha256:{hashlib.sha256(as_json(made).encode()).hexdigest()}"


def _page(seen: Seen, after: AIIncidentStatus) -> Page:
    return page(seen.incident.but(status=after), seen.feature)


def page(incident: AIIncident, feature: AIFeature | None) -> Page:
    """The note as it is now; without its feature, less is known."""
    spec, meta = incident.spec, incident.metadata
    name = spec.affects[0].name
    drill = f"{spec.drill} drill: " if spec.drill is not None else ""
    return Page(
        incident=meta.name,
        namespace=meta.namespace,
        title=f"{drill}{spec.severity} incident of {name}",
        sections=(
            Section("headline", "In one paragraph", (headline(incident),)),
            Section("fields", "The incident", rows=tuple(fields(incident, feature))),
            Section("deadlines", "Clocks", rows=tuple(_deadlines(incident)) or _NONE),
            _timeline(incident),
            Section("review", "Review", rows=tuple(_review(incident))),
            Section("actions", "Action items", rows=tuple(_actions(incident)) or _NONE),
            Section("explainability", "What the AI does", (_explained(feature),)),
            Section("regulatory", "For supervisors", rows=tuple(_regulatory(incident, feature))),
        ),
        aiid=tuple(_aiid(incident, feature)),
    )


def headline(incident: AIIncident) -> str:
    """What broke, who noticed, scope, first time."""
    told, at = incident.spec.summary, incident.status.milestones
    names = ", ".join(ref.name for ref in incident.spec.affects)
    first = told.first_seen or at.started_at
    return sentence(
        f"{names}: {told.what_broke or UNKNOWN}",
        f"Noticed by {known(told.noticed_by)}",
        f"Affected: {known(told.scope)}",
        f"First seen {moment(first)}",
    )


def _deadlines(incident: AIIncident) -> Iterator[tuple[str, str]]:
    for name, clock in sorted(incident.status.deadlines.items()):
        met = f", done {moment(clock.met_at)}" if clock.met_at is not None else ""
        yield name, f"{clock.state}: due {moment(clock.due)}{met}"


def _timeline(incident: AIIncident) -> Section:
    """The newest entries; where the whole is."""
    anchor, meta = incident.status.timeline_anchor, incident.metadata
    whole = f"{anchor.length} entries in all, in ConfigMap {meta.name}-timeline"
    head = f"; the newest has {anchor.head}" if anchor.head is not None else ""
    told = (f"{whole}{head}",) if anchor.length else ("No entry yet",)
    return Section("timeline", "Timeline", told, lines=tuple(incident.status.timeline))


def _review(incident: AIIncident) -> Iterator[tuple[str, str]]:
    review, asked = incident.spec.review, incident.spec.review.ai_questions
    yield "Detection gap", known(review.detection_gap)
    yield "Response", known(review.response)
    yield "Technical cause", known(review.technical_cause)
    yield "Contributing causes", listed(review.contributing)
    yield "Findings", known(review.findings)
    yield "Evaluated on what production looks like?", known(asked.production_distribution)
    yield "Assumptions about data validated?", known(asked.pipeline_assumptions)
    yield "Prompts versioned and tested?", known(asked.prompts_tested)
    yield "Retrieval monitored?", known(asked.retrieval_monitored)
    yield "Kill switch there, used, why not?", known(asked.kill_switch)
    waived = review.waivers.wire()
    yield "Set aside", listed((f"{rule}: {why}" for rule, why in waived.items()), "nothing")


def _actions(incident: AIIncident) -> Iterator[tuple[str, str]]:
    for item in incident.spec.action_items:
        state = "done" if item.done else f"due {item.due:%Y-%m-%d}"
        ref = f", {item.ref}" if item.ref is not None else ""
        prevents = f", prevents {item.prevents}" if item.prevents is not None else ""
        kind = f"{item.kind}, {item.priority}{prevents}"
        yield item.name, f"{item.title} ({item.owner}, {state}; {kind}{ref})"


def _explained(feature: AIFeature | None) -> str:
    words = feature.spec.explainability if feature is not None else None
    return words.paragraph if words is not None else UNKNOWN


def _regulatory(incident: AIIncident, feature: AIFeature | None) -> Iterator[tuple[str, str]]:
    said = incident.spec.regulatory
    rule = feature.spec.regulatory if feature is not None else None
    yield "Sector", known(rule.sector if rule is not None else None)
    yield "Regimes", listed(rule.regimes if rule is not None else ())
    yield "Contact", known(rule.contact if rule is not None else None)
    yield "Aware since", moment(said.aware_at or incident.status.milestones.detected_at)
    yield "Told", listed(said.reported, "nobody yet")
    yield "Data of people exposed", exposure(incident.spec.impact.data_exposure)


def _aiid(incident: AIIncident, feature: AIFeature | None) -> Iterator[tuple[str, str]]:
    """Date, title, description, parties and systems, as that database names them."""
    spec, at = incident.spec, incident.status.milestones
    first = spec.summary.first_seen or at.started_at or at.detected_at
    owner = feature.spec.owner if feature is not None else None
    yield "title", f"{spec.severity} incident of {spec.affects[0].name}"
    yield "date", f"{first:%Y-%m-%d}" if first is not None else UNKNOWN
    yield "description", headline(incident)
    yield "alleged_deployer", known(owner)
    yield "alleged_developer", UNKNOWN
    yield "alleged_harmed_or_nearly_harmed_parties", known(spec.impact.users or spec.summary.scope)
    yield "implicated_systems", known(incident.status.failed_release)
