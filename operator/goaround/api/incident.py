"""AIIncident: the record of one failure.

People own spec (the operator writes it once, at creation); the operator owns status. The parts of
spec are in `trigger.py`, `judgement.py`, `aftermath.py` and `outgoing.py`, those of status in
`incident_status.py`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.aftermath import (
    ActionItem,
    Corrections,
    Guardrail,
    Regulatory,
    Remediation,
    Review,
    RootCause,
)
from goaround.api.base import Digest, Line, Model, ObjectName, Timestamp
from goaround.api.conditions import Condition
from goaround.api.feature import FeatureReference
from goaround.api.incident_status import (
    TAIL,
    Comms,
    Containment,
    Deadline,
    Escalation,
    EvidenceRef,
    Exposure,
    Key,
    Milestones,
    Phase,
    Reproduction,
    ShownLine,
    SystemAction,
    TimelineAnchor,
    WhiteboardLine,
)
from goaround.api.judgement import Channel, ContainmentRequest, Diagnosis, Impact, Roles, Triage
from goaround.api.latches import SignalStatus
from goaround.api.outgoing import Approval, SentByHand
from goaround.api.risk import FailureClass
from goaround.api.schema import atomic, cel, immutable, keyed_by, rules
from goaround.api.severity import Severity as Severity
from goaround.api.status import GateRule
from goaround.api.trigger import DrillKind, Summary, Trigger

# Four parts of a release with name and version, and a short digest.
ReleaseTitle = Annotated[str, Field(max_length=1100)]


class RequestedPhase(StrEnum):
    RECOVERING = "Recovering"
    RESOLVED = "Resolved"
    CLOSED = "Closed"
    CANCELLED = "Cancelled"


class AIIncidentSpec(Model):
    """What people judge; the operator writes it once, at creation."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.severity == oldSelf.severity || self.severityReason != "
                "oldSelf.severityReason",
                "a change of severity needs a new severityReason: say why in the same change",
            ),
            cel(
                "!has(self.requestedPhase) || self.requestedPhase != 'Cancelled' || "
                "has(self.cancelReason)",
                "requestedPhase Cancelled needs a cancelReason: say why this was no incident",
            ),
            cel(
                "has(self.drill) == (self.trigger.source == 'Drill')",
                "drill goes with trigger.source Drill, and with no other: say whether it is a "
                "Practice or a Tabletop",
            ),
            cel(
                "has(oldSelf.drill) == has(self.drill)",
                "whether an incident is a drill is fixed at its creation",
            ),
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
    drill: DrillKind | None = Field(
        default=None,
        description="`Practice` or `Tabletop`: it counts in no statistics, freezes nothing, and "
        "nothing of it leaves the house. No default.",
    )
    severity: Severity = Field(description="P1 (harm, exposure) to P4 (early sign).")
    severity_reason: Line = Field(description="Why this severity.")
    failure_class: FailureClass | None = Field(
        default=None, description="How it failed; one closed list. No default."
    )
    summary: Summary = Field(
        default_factory=Summary, description="What broke, who noticed, scope, first seen."
    )
    roles: Roles = Field(default_factory=Roles, description="Who runs it.")
    channel: Channel | None = Field(default=None, description="Where people talk about it.")
    impact: Impact = Field(default_factory=Impact, description="What it does to people.")
    triage: Triage = Field(default_factory=Triage, description="The first look.")
    diagnosis: Diagnosis = Field(default_factory=Diagnosis, description="The search for the cause.")
    containment: ContainmentRequest | None = Field(
        default=None, description="What should be lowered while it is open. No default."
    )
    root_cause: RootCause | None = Field(default=None, description="Why it happened.")
    remediation: Remediation | None = Field(default=None, description="What is done about it.")
    guardrail: Guardrail | None = Field(default=None, description="What catches it from now on.")
    review: Review = Field(default_factory=Review, description="What was learnt.")
    action_items: list[ActionItem] = Field(
        default_factory=list,
        max_length=30,
        description="What is still done, by whom, until when.",
        json_schema_extra=keyed_by("name"),
    )
    milestones: Corrections = Field(
        default_factory=Corrections, description="Where people know a time better."
    )
    regulatory: Regulatory = Field(
        default_factory=Regulatory, description="What supervisors were told."
    )
    comms_approvals: list[Approval] = Field(
        default_factory=list,
        max_length=30,
        description="Messages that may leave the house. Takes verb `approve` on the features.",
        json_schema_extra=keyed_by("message"),
    )
    comms_sent: list[SentByHand] = Field(
        default_factory=list,
        max_length=30,
        description="Messages that people sent themselves.",
        json_schema_extra=keyed_by("message"),
    )
    requested_phase: RequestedPhase | None = Field(
        default=None,
        description="What people decided. `Recovering`: a fix is found and may fly through the "
        "gate. `Resolved`: it is over. `Closed`: nothing is left to do. `Cancelled`: it was none. "
        "Until one of the last three an incident of severity P1 or P2, or of a kill, freezes its "
        "features. Takes verb `reenable` on them.",
    )
    cancel_reason: Line | None = Field(
        default=None, description="Why this was no incident, or not worth one. No default."
    )
    duplicate_of: ObjectName | None = Field(
        default=None, description="The incident that this one is merged into. No default."
    )
    related_to: ObjectName | None = Field(
        default=None, description="An earlier incident of the same kind. No default."
    )


class AIIncidentStatus(Model):
    """What the operator knows; derived, so that nothing is hidden in it."""

    observed_generation: int = Field(
        default=-1, description="Generation of the spec that was acted upon; -1: not seen yet."
    )
    phase: Phase | None = Field(default=None, description="Where the incident stands.")
    feature: ObjectName | None = Field(default=None, description="The feature, for columns.")
    severity: Severity | None = Field(
        default=None,
        description="What clocks count by: spec.severity, or what a trend made of a P4.",
    )
    opened_as: ShownLine | None = Field(
        default=None, description="Severity and reason as they were at the first look."
    )
    updated_at: Timestamp | None = Field(
        default=None, description="When anything of it was last seen to change."
    )
    milestones: Milestones = Field(default_factory=Milestones, description="When what happened.")
    deadlines: dict[Key, Deadline] = Field(
        default_factory=dict, max_length=32, description="Every clock, by name."
    )
    next_due: ShownLine | None = Field(
        default=None, description="What is due next, in words; for columns."
    )
    missed: ShownLine | None = Field(default=None, description="Which clocks were missed.")
    escalation: Escalation = Field(
        default_factory=Escalation, description="How far up it has gone."
    )
    exposed_requests: int | None = Field(
        default=None, ge=0, description="Requests the bad release served, as far as seen."
    )
    exposure: Exposure = Field(default_factory=Exposure, description="Whom it reached.")
    containment: Containment = Field(
        default_factory=Containment, description="What was done at once."
    )
    failed_release: ReleaseTitle | None = Field(default=None, description="The release sent back.")
    failed_attempt: int | None = Field(default=None, ge=0, description="Which attempt of it.")
    serving_release: ReleaseTitle | None = Field(default=None, description="What serves instead.")
    changes: list[Line] = Field(
        default_factory=list,
        max_length=48,
        description="What differs between the two, part by part.",
        json_schema_extra=atomic(),
    )
    recent_changes: list[ShownLine] = Field(
        default_factory=list,
        max_length=20,
        description="What else changed before it began, newest first.",
        json_schema_extra=atomic(),
    )
    signals: list[SignalStatus] = Field(
        default_factory=list,
        max_length=20,
        description="The signals as they stood when it was decided.",
        json_schema_extra=keyed_by("name"),
    )
    evidence: EvidenceRef | None = Field(default=None, description="What was frozen.")
    reproduction: Reproduction | None = Field(
        default=None, description="Whether the release before shows it, too."
    )
    triage_facts: dict[Key, ShownLine] = Field(
        default_factory=dict,
        max_length=8,
        description="What the operator knows of the eight questions of spec.triage.answers.",
    )
    diagnosis_facts: dict[Key, ShownLine] = Field(
        default_factory=dict,
        max_length=10,
        description="What the operator knows of the paths of spec.diagnosis.checks.",
    )
    proposals: list[ShownLine] = Field(
        default_factory=list,
        max_length=8,
        description="What the operator proposes to people, each with its reason.",
        json_schema_extra=atomic(),
    )
    system_actions: dict[Key, SystemAction] = Field(
        default_factory=dict, max_length=8, description="What the operator asks people to do."
    )
    gate: list[GateRule] = Field(
        default_factory=list,
        max_length=16,
        description="What must be true before the next take-off, rule by rule.",
        json_schema_extra=keyed_by("name"),
    )
    comms: Comms = Field(default_factory=Comms, description="The ledger of messages.")
    timeline: list[ShownLine] = Field(
        default_factory=list,
        max_length=TAIL,
        description="The newest entries of the timeline.",
        json_schema_extra=atomic(),
    )
    timeline_anchor: TimelineAnchor = Field(
        default_factory=TimelineAnchor, description="Where the timeline ends."
    )
    note_hash: Digest | None = Field(
        default=None,
        description="SHA-256 of the note in ConfigMap `<incident>-note`, as it was last written.",
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=16,
        description="`Contained`, `ChangeFrozen`, `DeadlinesMet`, `CommsDelivered`, "
        "`ReEnableReady`, `Closable`, `TimelineWaiting`.",
        json_schema_extra=keyed_by("type"),
    )
    whiteboard: list[WhiteboardLine] = Field(
        default_factory=list,
        max_length=40,
        description="The incident in plain lines, for the person who runs it.",
        json_schema_extra=atomic(),
    )
