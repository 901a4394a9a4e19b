"""What people learn of an incident: cause, remedy, guardrail, review, actions, messages they sent.

Parts of AIIncident.spec that are written once users are safe (`judgement.py` has those before). All
of it is optional; what is missing when an incident should be closed is said on the object.
"""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.base import (
    Digest,
    DnsLabel,
    Line,
    Model,
    Text,
    Timestamp,
)
from goaround.api.judgement import Shortly, Who
from goaround.api.schema import atomic, cel, rules


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
