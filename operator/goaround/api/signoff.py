"""AISignOff: one immutable human decision on one digest and attempt."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, Line, Model
from goaround.api.feature import FeatureReference
from goaround.api.schema import immutable, rules


class Decision(StrEnum):
    RETRY = "Retry"


class AISignOffSpec(Model):
    """What was decided, on what."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable("a sign-off is immutable: create a new one for another decision")
        )
    )

    feature_ref: FeatureReference = Field(description="The feature.")
    decision: Decision = Field(description="`Retry`: fly this digest once more.")
    digest: Digest = Field(description="Digest of the release, as the feature's status shows it.")
    attempt: int = Field(
        ge=1,
        le=1_000_000,
        description="The attempt that ended, as the feature's status shows it.",
    )
    comment: Line = Field(default="", description="Why.")
