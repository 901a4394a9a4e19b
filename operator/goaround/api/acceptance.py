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


class Signal(Model):
    """One acceptance signal with its bound."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.max) != has(self.min)",
                "a ratio needs exactly one bound: set either max (bad above it) or min (bad below "
                "it), not both",
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
    alpha: SignificanceLevel = Field(
        default="0.01",
        description="Largest chance of a false rollback per rollout, over all signals.",
    )
    beta: SignificanceLevel = Field(
        default="0.05",
        description="Largest chance per signal of accepting a release that is at its bound.",
    )
