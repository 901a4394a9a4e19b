"""AIIncident: the record of one failure.

People own spec (the operator writes it once, at creation); the operator owns status.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, Line, Model, ObjectName, Text, Timestamp
from goaround.api.conditions import Condition
from goaround.api.feature import FeatureReference
from goaround.api.schema import atomic, cel, immutable, keyed_by, rules
from goaround.api.status import SignalStatus

# Four parts of a release with name and version, and a short digest.
ReleaseTitle = Annotated[str, Field(max_length=1100)]
WhiteboardLine = Annotated[str, Field(max_length=160)]


class Severity(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class TriggerSource(StrEnum):
    ROLLBACK = "Rollback"
    PREFLIGHT = "Preflight"
    KILL = "Kill"
    INCONCLUSIVE = "Inconclusive"
    OUTAGE = "Outage"
    REFUSED = "Refused"
    ABORTED = "Aborted"
    MANUAL = "Manual"


class Trigger(Model):
    """What opened the incident."""

    source: TriggerSource = Field(description="What opened the incident.")
    key: Line = Field(description="The very cause, in words that stay the same on a retry.")
    digest: Digest | None = Field(default=None, description="The release it is about.")


class Summary(Model):
    """Exactly one plain-language paragraph, in four parts."""

    what_broke: Text | None = Field(default=None, description="What broke.")
    noticed_by: Line | None = Field(default=None, description="Who or what noticed it.")
    scope: Text | None = Field(default=None, description="Who was affected.")
    first_seen: Timestamp | None = Field(default=None, description="First bad window.")


class RequestedPhase(StrEnum):
    RECOVERING = "Recovering"
    RESOLVED = "Resolved"
    CANCELLED = "Cancelled"


class AIIncidentSpec(Model):
    """What people judge; the operator writes it once, at creation."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.severity == oldSelf.severity || self.severityReason != "
                "oldSelf.severityReason",
                "a change of severity needs a new severityReason: say why in the same change",
            )
        )
    )

    affects: list[FeatureReference] = Field(
        min_length=1,
        max_length=16,
        description="The features concerned, in this namespace; set at creation.",
        json_schema_extra=atomic()
        | rules(
            immutable(
                "the features of an incident are fixed at its creation: open another incident for "
                "another feature"
            )
        ),
    )
    trigger: Trigger = Field(
        description="What opened the incident; set at creation.",
        json_schema_extra=rules(
            immutable(
                "the trigger of an incident is part of the record and fixed at its creation: say "
                "what was learnt later in summary"
            )
        ),
    )
    severity: Severity = Field(description="P1 (harm, exposure) to P4 (early sign).")
    severity_reason: Line = Field(description="Why this severity.")
    summary: Summary = Field(
        default_factory=Summary, description="What broke, who noticed, scope, first seen."
    )
    requested_phase: RequestedPhase | None = Field(
        default=None,
        description="What people decided. `Recovering`: a fix is found and may fly through the "
        "gate. `Resolved`: it is over. `Cancelled`: it was none. Until then an incident of "
        "severity P1 or P2, or of a kill, freezes its features. Takes verb `reenable` on them.",
    )


class Phase(StrEnum):
    DETECTED = "Detected"
    CONTAINED = "Contained"
    RECOVERING = "Recovering"
    RESOLVED = "Resolved"
    CANCELLED = "Cancelled"


class Milestones(Model):
    """When what happened."""

    started_at: Timestamp | None = Field(default=None, description="First bad window.")
    proven_at: Timestamp | None = Field(default=None, description="Harm was proven.")
    detected_at: Timestamp | None = Field(default=None, description="The decision was taken.")
    delivered_at: Timestamp | None = Field(
        default=None, description="Every flag replica streamed the decision."
    )
    contained_at: Timestamp | None = Field(
        default=None, description="The release was seen to get no more requests."
    )


class AIIncidentStatus(Model):
    """What the operator knows; derived from the feature's latch and frozen."""

    observed_generation: int = Field(
        default=-1, description="Generation of the spec that was acted upon; -1: not seen yet."
    )
    phase: Phase | None = Field(default=None, description="Where the incident stands.")
    feature: ObjectName | None = Field(default=None, description="The feature, for columns.")
    milestones: Milestones = Field(default_factory=Milestones, description="When what happened.")
    exposed_requests: int | None = Field(
        default=None, ge=0, description="Requests the bad release served, as far as seen."
    )
    failed_release: ReleaseTitle | None = Field(default=None, description="The release sent back.")
    serving_release: ReleaseTitle | None = Field(default=None, description="What serves instead.")
    changes: list[Line] = Field(
        default_factory=list,
        max_length=48,
        description="What differs between the two, part by part.",
        json_schema_extra=atomic(),
    )
    signals: list[SignalStatus] = Field(
        default_factory=list,
        max_length=20,
        description="The signals as they stood when it was decided.",
        json_schema_extra=keyed_by("name"),
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=16,
        description="`Contained` and `Ready`.",
        json_schema_extra=keyed_by("type"),
    )
    whiteboard: list[WhiteboardLine] = Field(
        default_factory=list,
        max_length=40,
        description="The incident in plain lines, for the person who runs it.",
        json_schema_extra=atomic(),
    )
