"""AIFeature.spec.acceptance: the signals with their bounds, and how much error they may make.

It says what is measured against which limit. How evidence becomes a verdict is not its business.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import SHARE, DnsLabel, Model, Share
from goaround.api.schema import cel, keyed_by, rules

LEVEL = "^0[.]0*[1-9][0-9]*$"
IS_SHARE = cel(
    f"self.matches('{SHARE}')",
    'a share is a decimal between 0 and 1 in quotes, with at most 9 decimals, for example "0.02"',
)
IS_LEVEL = cel(
    f"self.matches('{LEVEL}')",
    "a chance is a decimal above 0 and below 1 in quotes, with at most 6 decimals, for example "
    '"0.01"',
)

Selector = Annotated[str, Field(min_length=1, max_length=512)]
SignificanceLevel = Annotated[
    str, Field(pattern=LEVEL, max_length=8, json_schema_extra=rules(IS_LEVEL))
]


class Ratio(Model):
    """A share of bad events, from two counters."""

    bad: Selector = Field(
        description="One selector of a counter of bad events, with `$match`: "
        '`ai_requests_total{$match,result="schema_error"}`.'
    )
    total: Selector = Field(
        description="One selector of the counter of all events, with `$match`: "
        "`ai_requests_total{$match}`."
    )


class Layer(StrEnum):
    INFRASTRUCTURE = "Infrastructure"
    OUTPUT_QUALITY = "OutputQuality"
    DATA_PIPELINE = "DataPipeline"
    SAFETY = "Safety"


FACTOR = "^[1-9][0-9]{0,2}([.][0-9]{1,6})?$"
IS_FACTOR = cel(
    f"self.matches('{FACTOR}')",
    'a factor is a decimal of at least 1 in quotes, for example "1.2"',
)
Factor = Annotated[str, Field(pattern=FACTOR, max_length=10, json_schema_extra=rules(IS_FACTOR))]
ComparedShare = Annotated[Share, Field(json_schema_extra=rules(IS_SHARE))]


def _unlike(name: str, pattern: str) -> str:
    """CEL: the field is no number, which its own rule already tells; comparing it would fail."""
    return f"(has(self.{name}) && !self.{name}.matches('{pattern}'))"


class VsStable(Model):
    """How much worse than stable a candidate may be, and how much worse must be ruled out."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.worseBy) || has(self.worseByFactor)",
                "vsStable needs worseBy (a share) or worseByFactor (a factor)",
            ),
            cel(
                "has(self.rejectAt) || has(self.rejectAtFactor) || "
                "(has(self.worseBy) && self.worseBy.matches('[1-9]')) || "
                "(has(self.worseByFactor) && !self.worseByFactor.matches('^1([.]0*)?$'))",
                "set rejectAt when worseBy is 0: something worse must be ruled out before a climb",
            ),
            cel(
                f"!has(self.rejectAt) || {_unlike('rejectAt', SHARE)} || "
                f"{_unlike('worseBy', SHARE)} || double(self.rejectAt) > "
                "(has(self.worseBy) ? double(self.worseBy) : 0.0)",
                "rejectAt must be larger than worseBy",
            ),
            cel(
                f"!has(self.rejectAtFactor) || {_unlike('rejectAtFactor', FACTOR)} || "
                f"{_unlike('worseByFactor', FACTOR)} || double(self.rejectAtFactor) > "
                "(has(self.worseByFactor) ? double(self.worseByFactor) : 1.0)",
                "rejectAtFactor must be larger than worseByFactor",
            ),
        )
    )

    worse_by: ComparedShare | None = Field(
        default=None,
        description="Share by which the candidate may always be worse: 0.02 is two points.",
    )
    reject_at: ComparedShare | None = Field(
        default=None,
        description="Share by which it must be proven not to be worse before a climb; twice "
        "worseBy where not set.",
    )
    worse_by_factor: Factor | None = Field(
        default=None, description="Multiple of stable's share that is always allowed: 1.2."
    )
    reject_at_factor: Factor | None = Field(
        default=None,
        description="Multiple that must be ruled out before a climb; the square of worseByFactor "
        "where not set.",
    )


class Signal(Model):
    """One acceptance signal with its bounds."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!(has(self.max) && has(self.min))",
                "a ratio takes one absolute bound: set either max (bad above it) or min (bad below "
                "it), not both",
            ),
            cel(
                "has(self.max) || has(self.min) || has(self.vsStable)",
                "a signal needs a bound: set max (bad above it), min (bad below it) or vsStable",
            ),
            cel(
                "!(has(self.min) && has(self.vsStable))",
                "vsStable compares shares of bad events and does not go with min: make two signals",
            ),
        )
    )

    name: DnsLabel = Field(description="Name of the signal, unique in the feature.")
    layer: Layer = Field(
        default=Layer.OUTPUT_QUALITY,
        description="What the signal watches; a breach of a `Safety` signal opens a P1 incident.",
    )
    ratio: Ratio = Field(description="A share of bad events, from two counters.")
    max: Share | None = Field(
        default=None,
        description="Highest acceptable share, as a decimal between 0 and 1. Roll back on proof "
        'above it, climb on proof below it; "0" means that the first bad event goes around.',
        json_schema_extra=rules(
            IS_SHARE,
            cel("!self.startsWith('1')", "max must be below 1, since a share never exceeds 1"),
        ),
    )
    min: Share | None = Field(
        default=None,
        description="Lowest acceptable share, as a decimal between 0 and 1. Roll back on proof "
        "below it, climb on proof above it.",
        json_schema_extra=rules(
            IS_SHARE,
            cel("!self.matches('^0[.0]*$')", "min must be above 0, since nothing falls below 0"),
        ),
    )
    vs_stable: VsStable | None = Field(
        default=None,
        description="Bound against last-known-good while a candidate flies beside it; does not "
        "apply where there is none.",
    )
    cluster_size: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Requests that fail together (retries, bursts); evidence is divided by it.",
    )
    budget_weight: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Relative weight of this signal in the false-rollback budget alpha.",
    )


class Acceptance(Model):
    """What must be true before more users get the candidate."""

    provider: DnsLabel = Field(
        default="default",
        description="Metrics provider, by the name an administrator gave it.",
    )
    scope: str = Field(
        min_length=1,
        max_length=1024,
        description="The inputs this release is accepted for, in one sentence.",
    )
    signals: list[Signal] = Field(
        min_length=2,
        max_length=20,
        description="At least two signals; every one must be good before a climb.",
        json_schema_extra=keyed_by("name")
        | rules(
            cel(
                "self.size() >= 2",
                "at least two signals are needed, since one number alone misses most harm: add "
                "another",
            ),
            cel(
                "self.all(s, self.exists_one(t, t.name == s.name))",
                "two signals have the same name: rename one",
            ),
        ),
    )
    max_blind_seconds: int = Field(
        default=120,
        ge=5,
        le=86400,
        description="Longest time the candidate may be silent while stable reports, in seconds; "
        "then it goes around.",
    )
    alpha: SignificanceLevel = Field(
        default="0.01",
        description="Largest chance of a false rollback per rollout, over all signals.",
    )
    beta: SignificanceLevel = Field(
        default="0.05",
        description="Largest chance per signal of accepting a release that is at its bound.",
    )
