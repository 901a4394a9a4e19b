"""AISignOff: one immutable human decision on one digest and attempt."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, Line, Model
from goaround.api.feature import FeatureReference
from goaround.api.schema import IMMUTABLE, rules


class Decision(StrEnum):
    RETRY = "Retry"


class AISignOffSpec(Model):
    """What was decided, on what."""

    model_config = ConfigDict(json_schema_extra=rules(IMMUTABLE))

    feature_ref: FeatureReference = Field(description="The feature.")
    decision: Decision = Field(description="`Retry`: fly this digest once more.")
    digest: Digest = Field(description="Digest of the release, as the feature's status shows it.")
    attempt: int = Field(
        ge=1, description="The attempt that ended, as the feature's status shows it."
    )
    comment: Line = Field(default="", description="Why.")
