"""What people must say of a use of AI before it flies: how it explains itself, and how it may fail.

It says what each risk tier asks for, as CEL on spec. Whether a declared failure is seen by a signal
is told by a condition (`rollout/risk.py`); whether the words are true is for people to judge.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import DnsLabel, Model
from goaround.api.presets import PRESETS
from goaround.api.schema import cel, rules
from goaround.api.signals import Layer

SEEN_BY_USERS = (Layer.OUTPUT_QUALITY, Layer.SAFETY)
"""Layers that see what users get."""

LINK = r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~%/?#=&+,;:@!-]*)?$"

Words = Annotated[str, Field(min_length=1, max_length=512)]
Shortly = Annotated[str, Field(min_length=1, max_length=256)]


class Explainability(Model):
    """One paragraph for customers and supervisors: for input like X it returns Y because Z."""

    input_like: Words = Field(description="What it is given, in one sentence.")
    returns: Words = Field(description="What it returns for that.")
    because: Words = Field(description="Why: what the answer rests on.")
    guardrails: Words = Field(description="What keeps it from doing harm.")
    details: str | None = Field(
        default=None,
        pattern=LINK,
        max_length=256,
        description="Where people read more, beginning with https://; nothing of ours calls it. "
        "No default.",
        json_schema_extra=rules(
            cel(
                f"self.matches('{LINK}')",
                "details must begin with https:// and a host name: give the address of a page "
                "that people may read",
            )
        ),
    )

    @property
    def paragraph(self) -> str:
        """The four parts as one paragraph."""
        x, y, z, kept = (
            part.strip().rstrip(".")
            for part in (self.input_like, self.returns, self.because, self.guardrails)
        )
        return f"For input like {x}, it returns {y}, because {z}. Guardrails: {kept}."


class FailureClass(StrEnum):
    LATENCY = "Latency"
    HALLUCINATION = "Hallucination"
    SAFETY_FILTER = "SafetyFilter"
    BIAS = "Bias"
    RETRIEVAL_QUALITY = "RetrievalQuality"
    CONTEXT_WINDOW = "ContextWindow"
    EMBEDDING_DRIFT = "EmbeddingDrift"
    DATA_DRIFT = "DataDrift"
    CONCEPT_DRIFT = "ConceptDrift"
    FEATURE_PIPELINE = "FeaturePipeline"
    FEATURE_SKEW = "FeatureSkew"
    TRAINING_SERVING_SKEW = "TrainingServingSkew"
    ADVERSARIAL_INPUT = "AdversarialInput"
    FEEDBACK_LOOP = "FeedbackLoop"
    CATASTROPHIC_FORGETTING = "CatastrophicForgetting"
    OTHER = "Other"


class FailureMode(Model):
    """One way to fail that was thought of before launch."""

    failure_class: FailureClass = Field(alias="class", description="How it fails.")
    signal: DnsLabel | None = Field(
        default=None,
        description="The signal of acceptance that sees it. Without one, `FailureModesCovered` is "
        "False. No default.",
    )
    fallback: Shortly | None = Field(
        default=None, description="What users get meanwhile, in words. No default."
    )
    runbook: Shortly | None = Field(
        default=None, description="Where people read what to do, in words or as a link. No default."
    )


MOST_FAILURE_MODES = len(FailureClass)

_NOT_HIGH = "!has(self.riskTier) || self.riskTier != 'High' || "
_SEES = "[" + ", ".join(f"'{layer}'" for layer in SEEN_BY_USERS) + "]"
_BLIND_PRESETS = (
    "["
    + ", ".join(f"'{n}'" for n, p in sorted(PRESETS.items()) if p.layer not in SEEN_BY_USERS)
    + "]"
)

HIGH_NEEDS_WORDS = (
    cel(
        _NOT_HIGH + "has(self.explainability)",
        "riskTier High needs explainability: say what it gets (inputLike), what it returns, "
        "because of what, and its guardrails",
    ),
    cel(
        _NOT_HIGH + "(has(self.failureModes) && self.failureModes.size() > 0)",
        "riskTier High needs failureModes: name at least one way to fail, with the signal that "
        "sees it",
    ),
    cel(
        _NOT_HIGH + "self.acceptance.signals.exists(s, "
        f"(has(s.layer) ? s.layer in {_SEES} : "
        f"!has(s.preset) || !(s.preset in {_BLIND_PRESETS})) && "
        "(has(s.max) || has(s.min) || (has(s.preset) && !has(s.vsStable))))",
        "riskTier High needs a signal in acceptance.signals of layer OutputQuality or Safety with "
        "max or min, because what is live is watched without a candidate: give one signal a bound",
    ),
)
