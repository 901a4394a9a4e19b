"""AISignOff: one immutable human decision on one digest and attempt.

Who decided is stamped by the API server (`crds/policies`), never believed from the request alone.
"""

from enum import StrEnum

from pydantic import ConfigDict, Field

from goaround.api.approval import Person
from goaround.api.base import Digest, Line, Model
from goaround.api.feature import FeatureReference
from goaround.api.schema import atomic, immutable, rules


class Decision(StrEnum):
    APPROVE = "Approve"
    REJECT = "Reject"
    PROMOTE = "Promote"
    RETRY = "Retry"


class AISignOffSpec(Model):
    """What was decided, on what, by whom."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable("a sign-off is immutable: create a new one for another decision")
        )
    )

    feature_ref: FeatureReference = Field(description="The feature.")
    decision: Decision = Field(
        description="`Approve`: let this attempt leave the step it is at. `Reject`: end this "
        "attempt. `Promote`: skip the remaining holds of this attempt, in place of evidence that "
        "is missing; never over proof of harm, a kill or the brake. `Retry`: fly a release that "
        "ended once more."
    )
    digest: Digest = Field(
        description="What was decided on. Approve, Reject, Promote: the plan digest (release, "
        "steps, signals), as `status.candidate.planDigest` shows it. Retry: the digest of the "
        "release, as `status.candidate.digest` or the latch shows it."
    )
    attempt: int = Field(
        ge=1,
        le=1_000_000,
        description="The attempt that flies, or for Retry the one that ended, as the feature's "
        "status shows it.",
    )
    comment: Line = Field(default="", description="Why.")
    approver: Person | None = Field(
        default=None,
        description="Who created this. Stamped by the API server; a name other than one's own is "
        "overwritten or refused.",
    )
    approver_groups: list[Person] = Field(
        default_factory=list,
        max_length=256,
        description="Their groups. Stamped by the API server.",
        json_schema_extra=atomic(),
    )
