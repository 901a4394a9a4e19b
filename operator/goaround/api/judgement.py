"""What people judge of an incident: the parts of AIIncident.spec beside severity and phase.

All of it is optional when an incident is opened; what is missing when it should be closed is said
by the operator on the object. Names and words only: the operator calls nobody from here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import (
    Digest,
    DnsLabel,
    Line,
    Model,
    Percent,
    Share,
    Text,
    Timestamp,
)
from goaround.api.control import DigestOrStart
from goaround.api.schema import atomic, cel, keyed_by, rules

Who = Annotated[str, Field(min_length=1, max_length=128)]
Shortly = Annotated[str, Field(min_length=1, max_length=256)]
MessageId = Annotated[str, Field(pattern=r"^[a-z][A-Za-z]*-[1-9][0-9]{0,5}$", max_length=40)]
"""Kind and number, `internalUpdate-3`."""


class Level(StrEnum):
    ENGINEER = "Engineer"
    SENIOR = "Senior"


class Responder(Model):
    """Somebody who works on the incident."""

    who: Who = Field(description="Name or address of the person.")
    level: Level = Field(
        default=Level.ENGINEER,
        description="`Engineer` or `Senior`; a P2 wants a Senior. Default Engineer.",
    )


class Roles(Model):
    """Who runs the incident."""

    commander: Who | None = Field(
        default=None, description="Who decides and coordinates. No default."
    )
    comms_lead: Who | None = Field(default=None, description="Who speaks to others. No default.")
    technical_lead: Who | None = Field(
        default=None, description="Who leads the search for the cause. No default."
    )
    responders: list[Responder] = Field(
        default_factory=list,
        max_length=16,
        description="Who works on it; the first one meets the clock `engineer`.",
        json_schema_extra=keyed_by("who"),
    )


class Channel(Model):
    """Where people talk about it; the room is opened by people."""

    provider: DnsLabel = Field(
        description="Name of a channel that the administrator configured, for messages."
    )
    id: Shortly | None = Field(
        default=None, description="Name of the room, for example `#inc-chat`. No default."
    )


class DataExposure(StrEnum):
    UNKNOWN = "Unknown"
    NONE = "None"
    CONFIRMED = "Confirmed"


class Harm(StrEnum):
    MONEY = "Money"
    SAFETY = "Safety"
    REGULATORY = "Regulatory"
    CUSTOMERS = "Customers"


class Impact(Model):
    """What it does to people and business, in their words and not in those of metrics."""

    users: Text | None = Field(default=None, description="Which users, how many. No default.")
    business: Text | None = Field(
        default=None,
        description="What it costs or breaks, in plain words; wanted before anything external.",
    )
    data_exposure: DataExposure = Field(
        default=DataExposure.UNKNOWN,
        description="Whether data of people got out; `Unknown` until a person said otherwise, and "
        "messages say so. Default Unknown.",
    )
    customer_facing: bool | None = Field(
        default=None, description="Whether customers see it. No default."
    )
    harm: Harm | None = Field(
        default=None, description="The kind of significant harm, which makes it a P1. No default."
    )
    advice: Line | None = Field(
        default=None,
        description="What those who use it should do now, in messages; change it when it is over. "
        "No default.",
    )
    expected_resolution: Line | None = Field(
        default=None, description="When it should be over, as people promise it. No default."
    )


class TriageOutcome(StrEnum):
    KEEP_WATCHING = "KeepWatching"
    INVESTIGATE = "Investigate"
    EMERGENCY = "Emergency"


class TriageScope(StrEnum):
    ALL_USERS = "AllUsers"
    SUBSET = "Subset"


class TriageKind(StrEnum):
    DATA = "Data"
    LOGIC = "Logic"


class TriageAnswers(Model):
    """Eight questions; `status.triageFacts` has what the operator knows of each."""

    which_alert: Line | None = Field(default=None, description="Which alert, and when.")
    predicting: Line | None = Field(default=None, description="Whether it still answers.")
    in_range: Line | None = Field(default=None, description="Whether answers are in their range.")
    inputs_changed: Line | None = Field(default=None, description="Whether inputs changed.")
    recently_updated: Line | None = Field(default=None, description="Whether anything was updated.")
    upstream_healthy: Line | None = Field(
        default=None, description="Whether what feeds it is healthy."
    )
    business_impact: Line | None = Field(
        default=None, description="What it does to the business now; only people know."
    )
    trend: Line | None = Field(default=None, description="Whether it gets worse or better.")


class Triage(Model):
    """The first look."""

    outcome: TriageOutcome | None = Field(
        default=None,
        description="`KeepWatching`, `Investigate` or `Emergency`; the incident is classified "
        "with it. No default.",
    )
    scope: TriageScope | None = Field(
        default=None, description="`AllUsers` or `Subset`. No default."
    )
    kind: TriageKind | None = Field(default=None, description="`Data` or `Logic`. No default.")
    answers: TriageAnswers = Field(
        default_factory=TriageAnswers, description="Where people know better than the facts."
    )


class CheckVerdict(StrEnum):
    CAUSE = "Cause"
    CONTRIBUTES = "Contributes"
    CLEARED = "Cleared"
    OPEN = "Open"


class Check(Model):
    """What people found on one path."""

    verdict: CheckVerdict = Field(description="`Cause`, `Contributes`, `Cleared` or `Open`.")
    note: Line | None = Field(default=None, description="What was seen. No default.")


class Checks(Model):
    """The paths of a diagnosis, in the order in which they are looked at."""

    deployment: Check | None = Field(default=None, description="A change of ours.")
    input: Check | None = Field(default=None, description="Another mix of users or inputs.")
    retrieval: Check | None = Field(default=None, description="Index, embeddings, context.")
    upstream_data: Check | None = Field(default=None, description="Stale, empty or odd data.")
    provider: Check | None = Field(default=None, description="A third party's model or service.")
    seam: Check | None = Field(default=None, description="A format or a step between systems.")
    model: Check | None = Field(default=None, description="The model itself, known issues.")
    environment: Check | None = Field(default=None, description="Libraries, infrastructure.")
    business: Check | None = Field(default=None, description="Season, market, policy.")
    adversarial: Check | None = Field(default=None, description="People who trick the model.")

    def found(self) -> dict[str, Check]:
        """Those that people looked at, by their name on the wire."""
        return {
            info.alias or name: check
            for name, info in type(self).model_fields.items()
            if (check := getattr(self, name)) is not None
        }


class Diagnosis(Model):
    """The search for the cause."""

    started_at: Timestamp | None = Field(
        default=None,
        description="When it began; default: when the first check or note of it was written.",
    )
    checks: Checks = Field(default_factory=Checks, description="What people found, by path.")


class ContainmentAction(StrEnum):
    KILL_SWITCH = "KillSwitch"
    ROLLBACK = "Rollback"
    THROTTLE = "Throttle"
    FILTER = "Filter"
    FALLBACK = "Fallback"
    THRESHOLD_ADJUST = "ThresholdAdjust"
    NONE = "None"


EXPIRING = "['Filter', 'ThresholdAdjust']"


class ContainmentRequest(Model):
    """What should be lowered while the incident is open. It can lower only."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.action != 'None' || has(self.reason)",
                "action None needs a reason: say why nothing has to be contained",
            ),
            cel(
                "(self.action == 'Throttle') == has(self.percent)",
                "percent goes with action Throttle, and with no other: say how much the candidate "
                "may keep",
            ),
            cel(
                f"(self.action in {EXPIRING}) == has(self.expiresAt)",
                "expiresAt goes with action Filter or ThresholdAdjust, and with no other: what is "
                "too narrow breaks on legitimate input later, so say when it ends",
            ),
            cel(
                "(self.action == 'Filter') == has(self.filter)",
                "filter goes with action Filter, and with no other: name the filter of the app",
            ),
            cel(
                "(self.action == 'ThresholdAdjust') == has(self.signal) && "
                "has(self.signal) == has(self.max)",
                "signal and max go with action ThresholdAdjust, and with no other: say which "
                "signal gets which tighter bound",
            ),
        )
    )

    action: ContainmentAction = Field(
        description="`Rollback` takes the candidate off users; `Throttle` leaves it at most "
        "percent; `Fallback` and `KillSwitch` serve the fallback to everybody; `Filter` switches "
        "a filter of the app on; `ThresholdAdjust` tightens the bound of a signal; `None` needs a "
        "reason."
    )
    reason: Line | None = Field(default=None, description="Why. No default.")
    percent: Percent | None = Field(
        default=None, description="Throttle: most percent of users on the candidate. No default."
    )
    filter: DnsLabel | None = Field(
        default=None,
        description="Filter: its name, published with the flag; the app knows what it stops.",
    )
    signal: DnsLabel | None = Field(default=None, description="ThresholdAdjust: which signal.")
    max: Share | None = Field(
        default=None,
        description="ThresholdAdjust: its bound meanwhile; counts where it is tighter than spec.",
    )
    expires_at: Timestamp | None = Field(
        default=None, description="Filter, ThresholdAdjust: when it ends by itself. No default."
    )

    @property
    def is_asking(self) -> bool:
        """Whether anything is to be lowered."""
        return self.action is not ContainmentAction.NONE


class Bin(StrEnum):
    DATA = "Data"
    CODE_PROMPT = "CodePrompt"
    CONFIG = "Config"
    PROCESS = "Process"


class Detail(StrEnum):
    NEW_DISTRIBUTION = "NewDistribution"
    MISSING_FIELDS = "MissingFields"
    LABEL_DRIFT = "LabelDrift"
    FORMAT_CHANGE = "FormatChange"
    SCHEMA_MISMATCH = "SchemaMismatch"
    BRITTLE_INSTRUCTIONS = "BrittleInstructions"
    TEMPERATURE = "Temperature"
    TOOL_CALL_CHANGE = "ToolCallChange"
    WRONG_MODEL_VERSION = "WrongModelVersion"
    TOKEN_LIMITS = "TokenLimits"
    TIMEOUT = "Timeout"
    RETRY = "Retry"
    MISSING_TEST = "MissingTest"
    SKIPPED_REVIEW = "SkippedReview"
    GREEN_WITHOUT_EVIDENCE = "GreenWithoutEvidence"
    OTHER = "Other"


_IN_ORDER = list(Detail)
DETAILS: dict[Bin, list[Detail]] = {
    Bin.DATA: _IN_ORDER[:4],
    Bin.CODE_PROMPT: _IN_ORDER[4:8],
    Bin.CONFIG: _IN_ORDER[8:12],
    Bin.PROCESS: _IN_ORDER[12:15],
}
"""What each bin may be in detail; `Other` goes with all."""


def _detail_rule() -> str:
    fits = " || ".join(
        f"(self.bin == '{b}' && self.detail in [{', '.join(repr(str(d)) for d in ds)}])"
        for b, ds in DETAILS.items()
    )
    return f"!has(self.detail) || self.detail == 'Other' || {fits}"


def _belongs() -> str:
    return "; ".join(f"{b} has {', '.join(ds)}" for b, ds in DETAILS.items())


class RootCause(Model):
    """Why it happened: one bin, one line."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                _detail_rule(),
                f"detail does not belong to this bin: {_belongs()}; Other goes with all",
            )
        )
    )

    bin: Bin = Field(description="`Data`, `CodePrompt`, `Config` or `Process`.")
    detail: Detail | None = Field(default=None, description="What in that bin. No default.")
    line: Line = Field(min_length=1, description="The cause in one line.")


class RemediationType(StrEnum):
    PROMPT_UPDATE = "PromptUpdate"
    PARAMETER_UPDATE = "ParameterUpdate"
    GUARDRAIL_LAYER = "GuardrailLayer"
    REWEIGHT = "Reweight"
    RETRAIN = "Retrain"
    FINE_TUNE = "FineTune"
    ROLLBACK = "Rollback"
    PIPELINE_REPAIR = "PipelineRepair"
    FEATURE_ENGINEERING = "FeatureEngineering"
    ARCHITECTURE_CHANGE = "ArchitectureChange"
    STAY_ON_FALLBACK = "StayOnFallback"


class Redaction(StrEnum):
    REDACTED = "Redacted"
    NOT_NEEDED = "NotNeeded"


class Reproduced(StrEnum):
    YES = "Yes"
    NO = "No"
    NOT_POSSIBLE = "NotPossible"


class Validation(Model):
    """How the fix was tried on the failure itself."""

    sample_ref: Shortly = Field(description="Where the sample is, by name; never its content.")
    redaction: Redaction = Field(description="`Redacted` or `NotNeeded`.")
    reproduced_before: Reproduced = Field(
        description="Whether the failure was seen on it before the fix."
    )
    reason: Line | None = Field(default=None, description="Why it could not be. No default.")
    passed_after: bool = Field(default=False, description="Whether the fix passes. Default false.")


class Remediation(Model):
    """What is done about it for good."""

    types: list[RemediationType] = Field(
        default_factory=list,
        max_length=6,
        description="One or several.",
        json_schema_extra=atomic(),
    )
    line: Line | None = Field(default=None, description="The fix in one line. No default.")
    release: Digest | None = Field(default=None, description="The release that has it.")
    fixed_at: Timestamp | None = Field(
        default=None, description="When it was ready; meets the clock `fix`. No default."
    )
    validation: Validation | None = Field(default=None, description="How it was tried.")


class GuardrailType(StrEnum):
    MONITOR = "Monitor"
    ALERT = "Alert"
    TEST = "Test"


class Guardrail(Model):
    """The one thing that would have caught it, and does from now on."""

    type: GuardrailType = Field(description="`Monitor`, `Alert` or `Test`.")
    ref: Shortly = Field(description="Its name: a signal, a golden case, an alert rule.")
    added_at: Timestamp | None = Field(default=None, description="Since when. No default.")


class AiQuestions(Model):
    """Five questions that a review of an AI incident answers."""

    production_distribution: Line | None = Field(
        default=None, description="Whether it was evaluated on what production looks like."
    )
    pipeline_assumptions: Line | None = Field(
        default=None, description="Whether assumptions about data were validated."
    )
    prompts_tested: Line | None = Field(
        default=None, description="Whether prompts were versioned and tested."
    )
    retrieval_monitored: Line | None = Field(
        default=None, description="Whether retrieval was monitored."
    )
    kill_switch: Line | None = Field(
        default=None,
        description="Whether there was a kill switch, whether it was used, and why not.",
    )


class Waivers(Model):
    """Rules of closing that people set aside, each with its reason."""

    monitoring: Line | None = Field(
        default=None, description="Why no action item of kind Monitoring. No default."
    )
    prevention: Line | None = Field(
        default=None, description="Why no items that prevent both this one and its like."
    )
    guardrail: Line | None = Field(default=None, description="Why there is no guardrail.")


class Review(Model):
    """What was learnt. Blameless: causes, not people."""

    detection_gap: Text | None = Field(
        default=None, description="How late it was seen, why, and which monitor was missing."
    )
    response: Text | None = Field(
        default=None,
        description="Whether it was timely, with the right people and clear words. No default.",
    )
    technical_cause: Text | None = Field(default=None, description="The root, not the nearest.")
    contributing: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="Causes in the organisation.",
        json_schema_extra=atomic(),
    )
    ai_questions: AiQuestions = Field(
        default_factory=AiQuestions, description="Five questions; closing needs all of them."
    )
    findings: Text | None = Field(default=None, description="What was found; a P4 needs it.")
    held_at: Timestamp | None = Field(
        default=None, description="When people met; meets the clock `review`. No default."
    )
    reviewers: list[Who] = Field(
        default_factory=list,
        max_length=8,
        description="Who reviewed it.",
        json_schema_extra=atomic(),
    )
    next_review_at: Timestamp | None = Field(
        default=None, description="When people look at it again. No default."
    )
    waivers: Waivers = Field(default_factory=Waivers, description="What was set aside, and why.")


class ActionKind(StrEnum):
    MONITORING = "Monitoring"
    TEST = "Test"
    CODE = "Code"
    DATA = "Data"
    PROCESS = "Process"
    OTHER = "Other"


class Priority(StrEnum):
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"


class Prevents(StrEnum):
    INSTANCE = "Instance"
    CLASS = "Class"


class ActionItem(Model):
    """Something that somebody does until some day."""

    name: DnsLabel = Field(description="Short name, unique in the list.")
    title: Shortly = Field(description="What is done, measurable where possible.")
    owner: Who = Field(description="Who does it.")
    due: Timestamp = Field(description="Until when.")
    kind: ActionKind = Field(default=ActionKind.OTHER, description="What it is. Default Other.")
    priority: Priority = Field(
        default=Priority.MEDIUM, description="`High`, `Medium` or `Low`. Default Medium."
    )
    prevents: Prevents | None = Field(
        default=None, description="This very failure (`Instance`), or all of its `Class`."
    )
    done: bool = Field(default=False, description="Whether it is done. Default false.")
    ref: Shortly | None = Field(default=None, description="Ticket or change, by name.")


class Corrections(Model):
    """Where people know a time better than the operator."""

    started_at: Timestamp | None = Field(
        default=None, description="When it really began; not after it was detected. No default."
    )
    contained_at: Timestamp | None = Field(
        default=None,
        description="When it was contained, for what the operator cannot see: an incident that "
        "people opened. No default.",
    )


class Regulatory(Model):
    """What supervisors must be told; the operator reminds, and gives no legal verdict."""

    aware_at: Timestamp | None = Field(
        default=None, description="When people became aware; default: detection."
    )
    reported: list[DnsLabel] = Field(
        default_factory=list,
        max_length=8,
        description="Regimes that were told, by name.",
        json_schema_extra=atomic(),
    )


class Approval(Model):
    """A message that may leave the house."""

    message: MessageId = Field(description="Its id, see status.comms.messages.")
    hash: DigestOrStart | None = Field(
        default=None,
        description="Its hash as it was read, in full or its first 12 hex digits or more: only "
        "that text may leave. No default: whatever it says when this is seen.",
    )


class SentByHand(Model):
    """A message that a person sent."""

    message: MessageId = Field(description="Its id, see status.comms.messages.")
    at: Timestamp = Field(description="When.")
