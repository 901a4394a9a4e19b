"""`spec.fallback`: what users get when no release may serve, as a chain that ends in no model.

It names members and publishes them; whether one of them answers is the app's business. Refuses a
chain whose last member could fail for the same reason as a release.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from goaround.api.base import DnsLabel, Model, Text
from goaround.api.preflight import Endpoint
from goaround.api.release import ComponentName, Version
from goaround.api.schema import cel, keyed_by, rules

MOST_MEMBERS: Final = 8
ALONE: Final = "fallback"
SAYS: Final = "This feature is switched off at the moment."
THRESHOLD: Final = "^-?[0-9]{1,9}([.][0-9]{1,9})?$"
MODELS: Final = "['PreviousRelease', 'SmallModel']"
DECIDED: Final = "['Rules', 'ManualReview']"

Threshold = Annotated[
    str,
    Field(
        pattern=THRESHOLD,
        max_length=20,
        json_schema_extra=rules(
            cel(
                f"self.matches('{THRESHOLD}')",
                'a threshold is a decimal in quotes, with at most 9 decimals, for example "0.70"',
            )
        ),
    ),
]


class FallbackType(StrEnum):
    CACHED_OUTPUT = "CachedOutput"
    PREVIOUS_RELEASE = "PreviousRelease"
    SMALL_MODEL = "SmallModel"
    LEGACY_LOGIC = "LegacyLogic"
    RULES = "Rules"
    MANUAL_REVIEW = "ManualReview"
    DISABLED = "Disabled"

    @property
    def is_model(self) -> bool:
        """Whether a model answers, so that a kill must not end there."""
        return self in {FallbackType.PREVIOUS_RELEASE, FallbackType.SMALL_MODEL}


class FallbackModel(Model):
    """A small model that stands in for a release."""

    name: ComponentName = Field(description="Name of the model.")
    version: Version = Field(description="Immutable version of it.")


class FallbackMember(Model):
    """One way to answer without the release."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "(self.type == 'SmallModel') == has(self.model)",
                "a SmallModel needs model with name and version, and no other type has one",
            ),
            cel(
                "!has(self.text) || self.type == 'Disabled'",
                "text is what users see of a Disabled feature: take it out, or use that type",
            ),
        )
    )

    name: DnsLabel = Field(description="Name of the member, unique in the chain.")
    type: FallbackType = Field(description="How it answers.")
    model: FallbackModel | None = Field(
        default=None, description="The small model; only for `SmallModel`. No default."
    )
    text: Text | None = Field(
        default=None,
        description=f'What users see; only for `Disabled`. Default: "{SAYS}".',
    )

    @property
    def says(self) -> str | None:
        """What users see of a member that does not answer at all."""
        return (self.text or SAYS) if self.type is FallbackType.DISABLED else None


class Breaker(Model):
    """When the app itself takes to the chain, before any cause is known."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.below) != has(self.above)",
                "a breaker opens below or above a threshold: set exactly one",
            )
        )
    )

    metric: str = Field(
        pattern="^[A-Za-z_:][A-Za-z0-9_:.-]*$",
        max_length=128,
        description="What the app looks at, by the name the app knows it by, for example "
        "`confidence`.",
    )
    below: Threshold | None = Field(
        default=None, description="Opens when the mean is below this decimal. No default."
    )
    above: Threshold | None = Field(
        default=None, description="Opens when the mean is above this decimal. No default."
    )
    min_requests: int = Field(
        default=20, ge=1, le=100_000, description="Fewest requests before it may open."
    )
    open_seconds: int = Field(
        default=30, ge=1, le=86_400, description="How long it stays open, in seconds."
    )


class IndexCheck(Model):
    """Whether the retrieval index of a release still exists, asked before it is needed."""

    endpoint: Endpoint = Field(
        description="Where that is known. It is asked with GET and the query parameters `index` "
        "and `version`; 2xx: it is there, 404 or 410: it was deleted, anything else: not known."
    )
    interval_seconds: int = Field(
        default=300, ge=60, le=86_400, description="How often it is asked, in seconds."
    )
    timeout_seconds: int = Field(
        default=10, ge=1, le=60, description="Longest time of one request, in seconds."
    )


class Fallback(Model):
    """What users get when no release may serve."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "!has(self.chain) || self.chain.size() == 0 || !(has(self.type) || has(self.text))",
                "a fallback is a type or a chain: put type and text into a member of the chain",
            ),
            cel(
                f"!has(self.type) || !(self.type in {MODELS})",
                "a fallback of one member must be no model: choose another type, or a chain that "
                "ends in one",
            ),
            cel(
                "!has(self.chain) || self.chain.size() == 0 || "
                f"!(self.chain[self.chain.size() - 1].type in {MODELS})",
                "the last member of a chain must be no model: end it with CachedOutput, "
                "LegacyLogic, Rules, ManualReview or Disabled",
            ),
            cel(
                "!has(self.chain) || self.chain.filter(m, m.type == 'PreviousRelease').size() <= 1",
                "a chain has at most one PreviousRelease, since there is but one: take the others "
                "out",
            ),
        )
    )

    type: FallbackType | None = Field(
        default=None,
        description="The behaviour without AI that the app serves, where one is enough. "
        "Default: Disabled, unless there is a chain.",
    )
    text: Text | None = Field(
        default=None,
        description=f'What users see when the type is `Disabled`. Default: "{SAYS}".',
    )
    chain: list[FallbackMember] = Field(
        default_factory=list,
        max_length=MOST_MEMBERS,
        description="Ways to answer, tried in this order; a kill lands at the first one that is "
        "no model. No default.",
        json_schema_extra=keyed_by("name"),
    )
    breaker: Breaker | None = Field(
        default=None,
        description="When the app takes to the chain by itself; published with the flag. "
        "No default.",
    )
    index_check: IndexCheck | None = Field(
        default=None,
        description="How to find out whether the index of last-known-good still exists. "
        "No default.",
    )

    @property
    def members(self) -> Sequence[FallbackMember]:
        """The chain; a type alone is a chain of one."""
        if self.chain:
            return self.chain
        alone = self.type or FallbackType.DISABLED
        text = self.text if alone is FallbackType.DISABLED else None
        # not validated again: a text that cannot be sent is refused where the flag is checked
        return [FallbackMember.model_construct(name=ALONE, type=alone, text=text)]

    @property
    def landing(self) -> FallbackMember:
        """Where a kill lands: the first member that is no model."""
        found = (member for member in self.members if not member.type.is_model)
        return next(found, FallbackMember(name=ALONE, type=FallbackType.DISABLED))


HIGH_NEEDS_RULES: Final = cel(
    "!has(self.riskTier) || self.riskTier != 'High' || (has(self.fallback) && ("
    f"(has(self.fallback.type) && self.fallback.type in {DECIDED}) || "
    f"(has(self.fallback.chain) && self.fallback.chain.exists(m, m.type in {DECIDED}))))",
    "riskTier High needs a fallback of type Rules or ManualReview, alone or in its chain: without "
    "AI, somebody or something must still decide",
)
