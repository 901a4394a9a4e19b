"""AIFeature.status.evidenceLog: the anchor of the evidence binder, and a landing not yet in it.

The binder's segments are ControllerRevisions, each with the SHA-256 of the one before
(`rollout/chain.py`). Status holds the newest number and hash, so that rewriting the chain shows.
"""

from typing import Annotated

from pydantic import Field

from goaround.api.base import Digest, Model, Timestamp
from goaround.api.schema import atomic

MOST_LINES, LONGEST_LINE = 20, 256
MOST_EARLIER = 3

EvidenceLine = Annotated[str, Field(max_length=LONGEST_LINE)]


class LandingMark(Model):
    """That a release was accepted, and when."""

    digest: Digest = Field(description="The release that landed.")
    plan_digest: Digest = Field(description="The plan that it flew.")
    attempt: int = Field(ge=1, description="The attempt that landed.")
    adopted: bool = Field(default=False, description="true: taken over while it already served.")
    at: Timestamp = Field(description="When it landed.")


class Landing(LandingMark):
    """How the release that serves was accepted, frozen when it was decided."""

    lines: list[EvidenceLine] = Field(
        default_factory=list,
        max_length=MOST_LINES,
        description="What each signal said, in one line.",
        json_schema_extra=atomic(),
    )


class EvidenceLog(Model):
    """Where the evidence binder ends."""

    length: int = Field(
        default=0, ge=0, description="Number of the newest segment; 0: there is none yet."
    )
    head: Digest | None = Field(
        default=None, description="SHA-256 of the newest segment; it vouches for all before it."
    )
    landing: Landing | None = Field(
        default=None, description="A landing that no segment tells of yet."
    )
    earlier: list[LandingMark] = Field(
        default_factory=list,
        max_length=MOST_EARLIER,
        description="Landings before that one that no segment tells of yet, oldest first: the "
        "binder could not be written. What their signals said is kept no more.",
        json_schema_extra=atomic(),
    )
