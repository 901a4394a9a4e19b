"""What the operator knows of an incident: AIIncident.status beside its conditions.

Maps instead of lists of objects, and plain lines: `kubectl describe` flattens the one and prints
the other as it is. Nothing here is judged by people, and no text of users ever comes in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import (
    Digest,
    DnsLabel,
    Line,
    Model,
    ObjectName,
    Percent,
    Timestamp,
)
from goaround.api.judgement import ContainmentAction
from goaround.api.schema import atomic

TAIL, LONGEST_TAIL = 25, 200
INBOX, FLAPPING = 3, 3
ShownLine = Annotated[str, Field(max_length=LONGEST_TAIL)]
WhiteboardLine = Annotated[str, Field(max_length=256)]
Shown = Annotated[str, Field(max_length=256)]
Key = Annotated[str, Field(max_length=63)]
Mark = Annotated[str, Field(max_length=20)]


class Phase(StrEnum):
    DETECTED = "Detected"
    CONTAINED = "Contained"
    DIAGNOSING = "Diagnosing"
    RECOVERING = "Recovering"
    RESOLVED = "Resolved"
    REVIEWED = "Reviewed"
    CLOSED = "Closed"
    CANCELLED = "Cancelled"
    MERGED = "Merged"


OVER = frozenset({Phase.RESOLVED, Phase.REVIEWED, Phase.CLOSED, Phase.CANCELLED, Phase.MERGED})
"""Phases in which nothing burns any more."""

ENDED = frozenset({Phase.CLOSED, Phase.CANCELLED, Phase.MERGED})
"""Phases in which nothing is due any more."""


class Milestones(Model):
    """When what happened. Each is set once."""

    started_at: Timestamp | None = Field(default=None, description="First bad window.")
    proven_at: Timestamp | None = Field(default=None, description="Harm was proven.")
    detected_at: Timestamp | None = Field(default=None, description="The decision was taken.")
    delivered_at: Timestamp | None = Field(
        default=None, description="Every flag replica streamed the decision."
    )
    contained_at: Timestamp | None = Field(
        default=None, description="The release was seen to get no more requests."
    )
    assigned_at: Timestamp | None = Field(default=None, description="A commander was named.")
    classified_at: Timestamp | None = Field(
        default=None, description="A person confirmed or changed its severity."
    )
    raised_at: Timestamp | None = Field(default=None, description="Its severity was last raised.")
    engineer_at: Timestamp | None = Field(default=None, description="An engineer was named.")
    senior_at: Timestamp | None = Field(
        default=None, description="A senior engineer was named; a P2 wants one."
    )
    diagnosis_started_at: Timestamp | None = Field(
        default=None, description="The search for the cause began."
    )
    summarised_at: Timestamp | None = Field(
        default=None, description="The four parts of the summary were there."
    )
    cause_found_at: Timestamp | None = Field(
        default=None, description="Root-cause bin and line were there."
    )
    fixed_at: Timestamp | None = Field(default=None, description="The fix was ready.")
    recovering_at: Timestamp | None = Field(default=None, description="Recovery was asked for.")
    calm_at: Timestamp | None = Field(
        default=None, description="Since when no signal was seen to be bad."
    )
    resolved_at: Timestamp | None = Field(default=None, description="It was over.")
    reopened_at: Timestamp | None = Field(default=None, description="It was last opened again.")
    noted_at: Timestamp | None = Field(default=None, description="The note had all that it needs.")
    reviewed_at: Timestamp | None = Field(default=None, description="The review was complete.")
    closed_at: Timestamp | None = Field(default=None, description="It was closed.")


class DeadlineState(StrEnum):
    PENDING = "Pending"
    MET = "Met"
    LATE = "Late"
    MISSED = "Missed"
    WAIVED = "Waived"


WAITING = frozenset({DeadlineState.PENDING, DeadlineState.MISSED})
"""What it asks for is still to be done."""


class Deadline(Model):
    """One clock. `due` is computed once and stored; a miss stays a miss."""

    due: Timestamp = Field(description="Until when.")
    target: Timestamp | None = Field(default=None, description="What people aim at.")
    met_at: Timestamp | None = Field(default=None, description="When it was done.")
    state: DeadlineState = Field(
        default=DeadlineState.PENDING,
        description="`Pending`, `Met`, `Late` (done after due), `Missed` or `Waived`.",
    )
    basis: Shown = Field(default="", description="What it counts from, and by which rule.")


class Escalation(Model):
    """How far up it has gone."""

    level: int = Field(default=0, ge=0, le=5, description="0: nobody beyond on-call.")
    since: Timestamp | None = Field(default=None, description="Since when at this level.")
    contact: Shown | None = Field(default=None, description="Who is called at this level.")
    because: Shown | None = Field(default=None, description="Which clock was missed.")


class Containment(Model):
    """What was done at once, and what it was seen to do."""

    action: ContainmentAction | None = Field(
        default=None, description="What took the harm off users."
    )
    asked: ContainmentAction | None = Field(
        default=None, description="What spec.containment asks for, as far as it is carried out."
    )
    message: Line | None = Field(default=None, description="How it was seen.")
    seconds: int | None = Field(
        default=None, ge=0, description="From detection to the effect, in whole seconds."
    )
    percent: Percent | None = Field(
        default=None, description="Most percent that the candidate may have."
    )
    expires_at: Timestamp | None = Field(default=None, description="When it ends by itself.")


class Exposure(Model):
    """Whom it reached."""

    requests: int | None = Field(
        default=None, ge=0, description="Requests that the bad release served, as far as seen."
    )
    worst_slice: Shown | None = Field(default=None, description="The part that was worst.")
    consumers: list[Shown] = Field(
        default_factory=list,
        max_length=32,
        description="Processes that go on with what it returned, with their owners.",
        json_schema_extra=atomic(),
    )


class EvidenceRef(Model):
    """What was frozen when it was opened; the figures are in a ConfigMap."""

    config_map: ObjectName = Field(description="Name of the ConfigMap.")
    hash: Digest = Field(description="SHA-256 of its content, as it was written.")
    taken_at: Timestamp = Field(description="When.")


class ReproductionState(StrEnum):
    PENDING = "Pending"
    ONLY_FAILED = "OnlyFailed"
    BOTH = "Both"
    NEITHER = "Neither"
    NOT_POSSIBLE = "NotPossible"


class Reproduction(Model):
    """The golden set on the release that failed and on last-known-good."""

    state: ReproductionState = Field(
        description="Which of the two show it: `OnlyFailed` (the release is the cause), `Both`, "
        "`Neither`; `NotPossible` says why in message."
    )
    failed: Shown | None = Field(default=None, description="Cases passed by the failed release.")
    good: Shown | None = Field(default=None, description="Cases passed by last-known-good.")
    at: Timestamp | None = Field(default=None, description="When.")
    message: Line | None = Field(default=None, description="In words.")


class MessageState(StrEnum):
    DRAFT = "Draft"
    APPROVED = "Approved"
    SENDING = "Sending"
    SENT = "Sent"
    FAILED = "Failed"


class Message(Model):
    """One message of the ledger; its text is in ConfigMap `<incident>-comms` under
    `<id>.<first 12 hex digits of hash>`."""

    kind: Key = Field(description="Which template.")
    state: MessageState = Field(
        description="`Draft` until approved, or `Sending` at once for what stays in the house."
    )
    rendered_at: Timestamp = Field(description="When it was written.")
    since: Timestamp = Field(description="Since when it is in this state.")
    sent_at: Timestamp | None = Field(default=None, description="When it was sent.")
    to: list[DnsLabel] = Field(
        default_factory=list,
        max_length=8,
        description="Channels that it is being sent to.",
        json_schema_extra=atomic(),
    )
    took: list[DnsLabel] = Field(
        default_factory=list,
        max_length=8,
        description="Those of them that took it.",
        json_schema_extra=atomic(),
    )
    channels: Shown | None = Field(default=None, description="Who took it, `2/2 delivered`.")
    tries: int = Field(default=0, ge=0, le=1000, description="How often it was tried.")
    hash: Digest = Field(description="SHA-256 of its text.")


class Comms(Model):
    """The ledger of messages."""

    messages: dict[Key, Message] = Field(
        default_factory=dict, max_length=20, description="By id, newest 20."
    )
    next_internal_due: Timestamp | None = Field(
        default=None, description="When the next update to people in the house is due."
    )
    next_external_due: Timestamp | None = Field(
        default=None, description="When the next update to customers is due."
    )


class SystemAction(Model):
    """Something that the operator asks people to do."""

    title: Shown = Field(description="What.")
    due: Timestamp = Field(description="Until when.")
    done: bool = Field(default=False, description="Whether it is done, as far as it shows.")


class Flapping(Model):
    """Something that changes too often for an entry each time; it is entered later, counted."""

    since: Timestamp = Field(description="When the first change was held back.")
    changes: int = Field(default=1, ge=1, description="How often it changed since.")
    value: Mark = Field(description="What it was last, hashed.")


class TimelineAnchor(Model):
    """Where the timeline ends: its entries are in ConfigMap `<incident>-timeline`, its sealed
    parts in ControllerRevisions, each with the hash of what was before."""

    length: int = Field(default=0, ge=0, description="Number of entries.")
    head: Digest | None = Field(default=None, description="SHA-256 of the newest entry.")
    segments: int = Field(default=0, ge=0, description="Number of sealed parts.")
    complete: Mark | None = Field(
        default=None,
        description="What is known of the incident, hashed, where all of it is in the timeline.",
    )
    generation: int = Field(
        default=0, ge=0, description="Generation of the spec of which all is in the timeline."
    )
    inbox: dict[Key, Mark] = Field(
        default_factory=dict,
        max_length=INBOX,
        description="Notes in the timeline, as hash and entry, by their annotations, which are "
        "taken off next.",
    )
    flapping: dict[Key, Flapping] = Field(
        default_factory=dict, max_length=FLAPPING, description="What is counted and entered later."
    )
