"""`spec.fallback`: what users get when no release may serve."""

from enum import StrEnum

from pydantic import Field

from goaround.api.base import Model, Text


class FallbackType(StrEnum):
    LEGACY_LOGIC = "LegacyLogic"
    CACHED_OUTPUT = "CachedOutput"
    RULES = "Rules"
    MANUAL_REVIEW = "ManualReview"
    DISABLED = "Disabled"


class Fallback(Model):
    """What users get when no release may serve: never a model."""

    type: FallbackType = Field(
        default=FallbackType.DISABLED, description="The behaviour without AI that the app serves."
    )
    text: Text = Field(
        default="This feature is switched off at the moment.",
        description="What users see when the type is `Disabled`.",
    )
