"""The verbs that say something about an incident: one table of options and the fields they set.

Decides nothing at run time; the API server judges what is said. Choices are written out here so
that help loads no model; a test holds them against the models.

A path names a field of spec. `list[key]` is the entry of a list whose `key` is what the option of
that name said; `{name}` is that option's word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    TEXT = auto()
    NUMBER = auto()
    TRUTH = auto()  # yes or no
    PAST = auto()
    FUTURE = auto()
    EACH = auto()  # may be given several times; the list is replaced
    PERSON = auto()  # NAME[:Senior], may be given several times; others stay
    PAIR = auto()  # KEY=TEXT, may be given several times; others stay


@dataclass(frozen=True, slots=True)
class Option:
    """A word of the command line, and the field of spec that it sets; "" sets none by itself."""

    flag: str
    path: str
    help: str
    choices: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    required: bool = False
    default: str | None = None

    @property
    def dest(self) -> str:
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Verb:
    """says: fields that the verb sets whatever its options. anew: parts of spec that are replaced
    as a whole. known: a path that has to be there."""

    help: str
    options: tuple[Option, ...] = ()
    says: Mapping[str, object] = field(default_factory=dict)
    anew: tuple[str, ...] = ()
    known: str | None = None


SEVERITIES = ("P1", "P2", "P3", "P4")
FAILURE_CLASSES = (
    *("Latency", "Hallucination", "SafetyFilter", "Bias", "RetrievalQuality", "ContextWindow"),
    *("EmbeddingDrift", "DataDrift", "ConceptDrift", "FeaturePipeline", "FeatureSkew"),
    *("TrainingServingSkew", "AdversarialInput", "FeedbackLoop", "CatastrophicForgetting", "Other"),
)
ANSWERS = (
    *("whichAlert", "predicting", "inRange", "inputsChanged", "recentlyUpdated"),
    *("upstreamHealthy", "businessImpact", "trend"),
)
PATHS = (
    *("deployment", "input", "retrieval", "upstreamData", "provider", "seam", "model"),
    *("environment", "business", "adversarial"),
)
ACTIONS = ("KillSwitch", "Rollback", "Throttle", "Filter", "Fallback", "ThresholdAdjust", "None")
DETAILS = (
    *("NewDistribution", "MissingFields", "LabelDrift", "FormatChange", "SchemaMismatch"),
    *("BrittleInstructions", "Temperature", "ToolCallChange", "WrongModelVersion", "TokenLimits"),
    *("Timeout", "Retry", "MissingTest", "SkippedReview", "GreenWithoutEvidence", "Other"),
)
REMEDIES = (
    *("PromptUpdate", "ParameterUpdate", "GuardrailLayer", "Reweight", "Retrain", "FineTune"),
    *("Rollback", "PipelineRepair", "FeatureEngineering", "ArchitectureChange", "StayOnFallback"),
)
QUESTIONS = (
    *("productionDistribution", "pipelineAssumptions", "promptsTested", "retrievalMonitored"),
    "killSwitch",
)

SUMMARY = (
    Option("--what", "summary.whatBroke", "what broke"),
    Option("--noticed-by", "summary.noticedBy", "who or what noticed it"),
    Option("--scope", "summary.scope", "who was affected"),
    Option("--since", "summary.firstSeen", "when it was first seen", kind=Kind.PAST),
)

VALIDATION: Final = "remediation.validation"

VERBS: Final[Mapping[str, Verb]] = {
    "summary": Verb("the one paragraph that everybody reads first", SUMMARY),
    "classify": Verb(
        "say how grave it is; with no other severity, confirm the one it has by --outcome",
        (
            Option("--severity", "severity", "P1 (harm) to P4 (early sign)", SEVERITIES),
            Option("--reason", "severityReason", "why; needed with another severity"),
            Option(
                *("--outcome", "triage.outcome", "what the first look says"),
                choices=("KeepWatching", "Investigate", "Emergency"),
            ),
            Option("--scope", "triage.scope", "whom it reaches", ("AllUsers", "Subset")),
            Option("--kind", "triage.kind", "what is wrong", ("Data", "Logic")),
            Option("--class", "failureClass", "how it failed", FAILURE_CLASSES),
            Option("--answer", "triage.answers", "a triage question", ANSWERS, Kind.PAIR),
        ),
    ),
    "assign": Verb(
        "say who runs it",
        (
            Option("--commander", "roles.commander", "who decides and coordinates"),
            Option("--comms", "roles.commsLead", "who speaks to others"),
            Option("--tech", "roles.technicalLead", "who leads the search for the cause"),
            Option("--responder", "roles.responders[who]", "who works on it", kind=Kind.PERSON),
            Option("--provider", "channel.provider", "channel that the administrator configured"),
            Option("--room", "channel.id", "where people talk about it, with --provider"),
        ),
    ),
    "impact": Verb(
        "say what it does to people and business",
        (
            Option("--business", "impact.business", "what it costs or breaks, in plain words"),
            Option("--users", "impact.users", "which users, how many"),
            Option(
                *("--data", "impact.dataExposure", "whether data of people got out"),
                choices=("Unknown", "None", "Confirmed"),
            ),
            Option("--facing", "impact.customerFacing", "customers see it", kind=Kind.TRUTH),
            Option(
                *("--harm", "impact.harm", "the kind of significant harm"),
                choices=("Money", "Safety", "Regulatory", "Customers"),
            ),
        ),
    ),
    "times": Verb(
        "correct a time that people know better",
        (
            Option("--started", "milestones.startedAt", "when it really began", kind=Kind.PAST),
            Option(
                *("--contained", "milestones.containedAt", "when it was contained elsewhere"),
                kind=Kind.PAST,
            ),
        ),
    ),
    "check": Verb(
        "say what was found on one path of the diagnosis",
        (
            Option("path", "", "which path", PATHS),
            Option(
                *("verdict", "diagnosis.checks.{path}.verdict", "what it is"),
                choices=("Cause", "Contributes", "Cleared", "Open"),
            ),
            Option("--note", "diagnosis.checks.{path}.note", "what was seen"),
        ),
    ),
    "contain": Verb(
        "ask for something to be lowered while it is open",
        (
            Option("action", "containment.action", "what", ACTIONS),
            Option("--reason", "containment.reason", "why; needed with None"),
            Option("--percent", "containment.percent", "Throttle: at most", kind=Kind.NUMBER),
            Option("--filter", "containment.filter", "Filter: its name"),
            Option("--signal", "containment.signal", "ThresholdAdjust: which signal"),
            Option("--max", "containment.max", "ThresholdAdjust: its tighter bound, as 0.01"),
            Option(
                *("--expires", "containment.expiresAt", "Filter, ThresholdAdjust: when it ends"),
                kind=Kind.FUTURE,
            ),
        ),
        anew=("containment",),
    ),
    "rca": Verb(
        "say why it happened: one bin, one line",
        (
            Option(
                *("--bin", "rootCause.bin", "where the cause is"),
                choices=("Data", "CodePrompt", "Config", "Process"),
                required=True,
            ),
            Option("--detail", "rootCause.detail", "what in that bin", DETAILS),
            Option("--line", "rootCause.line", "the cause in one line", required=True),
        ),
        anew=("rootCause",),
    ),
    "fix": Verb(
        "say what is done about it for good",
        (
            Option("--type", "remediation.types", "the remedy", REMEDIES, Kind.EACH),
            Option("--line", "remediation.line", "the fix in one line"),
            Option("--release", "remediation.release", "digest of the release that has it"),
            Option("--fixed-at", "remediation.fixedAt", "when it was ready", kind=Kind.PAST),
            Option("--sample", f"{VALIDATION}.sampleRef", "name of the sample it was tried on"),
            Option(
                *("--redaction", f"{VALIDATION}.redaction", "of that sample"),
                choices=("Redacted", "NotNeeded"),
            ),
            Option(
                *("--reproduced", f"{VALIDATION}.reproducedBefore", "whether the failure showed"),
                choices=("Yes", "No", "NotPossible"),
            ),
            Option("--passed", f"{VALIDATION}.passedAfter", "the fix passes", kind=Kind.TRUTH),
        ),
    ),
    "guardrail": Verb(
        "name the one thing that catches it from now on",
        (
            Option("--type", "guardrail.type", "what it is", ("Monitor", "Alert", "Test")),
            Option("--ref", "guardrail.ref", "name of a signal, a golden case, an alert rule"),
            Option("--added-at", "guardrail.addedAt", "since when", kind=Kind.PAST),
        ),
    ),
    "recover": Verb(
        "a fix is found and may fly through the gate; opens again what was resolved",
        says={"requestedPhase": "Recovering"},
    ),
    "resolve": Verb("it is over", says={"requestedPhase": "Resolved"}),
    "close": Verb("nothing is left to do", says={"requestedPhase": "Closed"}),
    "cancel": Verb(
        "it was no incident",
        (Option("--reason", "cancelReason", "why not", required=True),),
        {"requestedPhase": "Cancelled"},
    ),
    "merge": Verb(
        "it is one with another incident",
        (Option("--into", "duplicateOf", "that incident", required=True),),
    ),
    "review": Verb(
        "say what was learnt; causes, not people",
        (
            Option("--gap", "review.detectionGap", "how late it was seen, and why"),
            Option("--cause", "review.technicalCause", "the root, not the nearest"),
            Option("--contributing", "review.contributing", "another cause", kind=Kind.EACH),
            Option("--findings", "review.findings", "what was found; a P4 needs it"),
            Option("--response", "review.response", "timely, right people, clear words?"),
            Option(
                *("--question", "review.aiQuestions", "one of the five AI questions"),
                choices=QUESTIONS,
                kind=Kind.PAIR,
            ),
            Option("--reviewer", "review.reviewers", "who reviewed it", kind=Kind.EACH),
            Option("--held", "review.heldAt", "when people met", kind=Kind.PAST),
            Option("--next", "review.nextReviewAt", "the next look at it", kind=Kind.FUTURE),
            Option(
                *("--waive", "review.waivers", "set a rule of closing aside, and why"),
                choices=("monitoring", "prevention", "guardrail"),
                kind=Kind.PAIR,
            ),
        ),
    ),
    "action add": Verb(
        "something that somebody does until some day",
        (
            Option("name", "actionItems[name].name", "short name, as one-word"),
            Option("--title", "actionItems[name].title", "what, measurable", required=True),
            Option("--owner", "actionItems[name].owner", "who does it", required=True),
            Option(
                *("--due", "actionItems[name].due", "until when"), kind=Kind.FUTURE, required=True
            ),
            Option(
                *("--kind", "actionItems[name].kind", "what it is"),
                choices=("Monitoring", "Test", "Code", "Data", "Process", "Other"),
            ),
            Option(
                "--priority", "actionItems[name].priority", "how soon", ("High", "Medium", "Low")
            ),
            Option(
                *("--prevents", "actionItems[name].prevents", "this very failure, or its class"),
                choices=("Instance", "Class"),
            ),
            Option("--ref", "actionItems[name].ref", "ticket or change, by name"),
        ),
    ),
    "action done": Verb(
        "it is done",
        (
            Option("name", "", "its short name"),
            Option("--ref", "actionItems[name].ref", "ticket or change, by name"),
        ),
        {"actionItems[name].done": True},
        known="actionItems[name]",
    ),
    "comms approve": Verb(
        "this message may leave the house",
        (Option("message", "commsApprovals[message].message", "its id, as `show` lists it"),),
    ),
    "comms sent": Verb(
        "a person sent this message",
        (
            Option("message", "commsSent[message].message", "its id, as `show` lists it"),
            Option(*("--at", "commsSent[message].at", "when (now)"), kind=Kind.PAST, default="now"),
        ),
    ),
}
