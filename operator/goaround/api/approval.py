"""What people must agree to before a release goes further up, and what they have said so far.

Decides nothing: `rollout/signoffs.py` counts. Sign-offs themselves are `AISignOff` objects.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import Digest, Model, ObjectName, Timestamp
from goaround.api.schema import atomic, cel, keyed_by

Person = Annotated[str, Field(min_length=1, max_length=256)]
"""A user or group name, as the API server authenticated it."""


class SignOffMode(StrEnum):
    NEVER = "Never"
    BEFORE_FULL_TRAFFIC = "BeforeFullTraffic"
    EVERY_STEP = "EveryStep"


class RiskTier(StrEnum):
    MINIMAL = "Minimal"
    LIMITED = "Limited"
    HIGH = "High"
    PROHIBITED = "Prohibited"


class SignOffPolicy(Model):
    """How many people must agree, where in the ramp, and for how long their word counts."""

    mode: SignOffMode | None = Field(
        default=None,
        description="`BeforeFullTraffic`: people approve before the last step; `EveryStep`: before "
        "every climb after the first step. Default: Never, but BeforeFullTraffic where riskTier "
        "is High.",
    )
    min_approvers: int = Field(
        default=1, ge=1, le=5, description="How many different people must approve."
    )
    valid_for_seconds: int = Field(
        default=86400,
        ge=60,
        le=2592000,
        description="How long an approval counts, in seconds from its creation.",
    )
    groups: list[Person] = Field(
        default_factory=list,
        max_length=16,
        description="Only members of one of these groups count; empty: whoever holds the verb "
        "`approve` on this feature.",
        json_schema_extra=atomic(),
    )


HIGH_NEEDS_PEOPLE = cel(
    "!has(self.riskTier) || self.riskTier != 'High' || !has(self.signOff) || "
    "!has(self.signOff.mode) || self.signOff.mode != 'Never'",
    "signOff.mode Never is not allowed where riskTier is High: people must approve. Take "
    "signOff.mode out, or set BeforeFullTraffic or EveryStep",
)


class Approval(Model):
    """One approval that counts."""

    approver: Person = Field(description="Who approved, as the API server knows them.")
    at: Timestamp = Field(description="When.")
    name: ObjectName = Field(description="Name of the AISignOff.")


class SignOffStatus(Model):
    """What people are asked about this step, and what they have said."""

    plan_digest: Digest = Field(description="`digest` of an Approve, Reject or Promote.")
    attempt: int = Field(ge=1, description="`attempt` of it.")
    needed: int = Field(ge=1, description="How many different people must approve.")
    approvals: list[Approval] = Field(
        default_factory=list,
        max_length=16,
        description="Approvals that count for this step, oldest first.",
        json_schema_extra=keyed_by("name"),
    )
    rejected_by: Person | None = Field(
        default=None, description="Who rejected this attempt; it flies no more."
    )
