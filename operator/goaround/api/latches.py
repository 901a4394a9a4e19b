"""Why a release was sent back, frozen when it was decided, with the signals as they stood.

Values of status only; nothing is decided here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import Digest, DnsLabel, Line, Model, ObjectName, Percent, Timestamp
from goaround.api.feature import Release
from goaround.api.flight import KnownRelease
from goaround.api.schema import keyed_by

Number = Annotated[str, Field(max_length=32)]
Short = Annotated[str, Field(max_length=128)]


class SignalStatus(Model):
    """What one signal says, with the numbers that say why."""

    name: DnsLabel = Field(description="Name of the signal.")
    verdict: str = Field(
        max_length=16, description="`Good`, `Bad`, `Undecided` or `Unknown` (never a pass)."
    )
    message: Line = Field(description="The verdict explained in one line.")
    e_value: Number | None = Field(
        default=None, description="Evidence of harm; at 1/alpha the release goes around."
    )
    accept_e_value: Number | None = Field(
        default=None, description="Evidence of health; climbs when it reaches its level."
    )
    total: Number | None = Field(
        default=None, description="Requests of the judged arm since the rollout began."
    )
    bad: Number | None = Field(default=None, description="Bad ones among them.")


class LatchCause(StrEnum):
    SIGNAL = "Signal"
    REJECTED = "Rejected"
    KILL = "Kill"
    NO_PROOF = "NoProof"
    OUTAGE = "Outage"
    REFUSED = "Refused"
    ABORTED = "Aborted"


HARM = frozenset({LatchCause.SIGNAL, LatchCause.REJECTED})
"""Proven: the digest is quarantined."""


class Latch(Model):
    """Why a release was sent back, frozen when it was decided. It does not change afterwards,
    except for what is learnt about its effect; an hour later its signals are left to the incident,
    and once there is a newer latch its content to the release's record."""

    cause: LatchCause = Field(description="What made it go around.")
    at: Timestamp = Field(description="When it was decided.")
    digest: Digest | None = Field(default=None, description="The release that was sent back.")
    release: Release | None = Field(default=None, description="Its content.")
    attempt: int = Field(ge=0, description="The attempt that failed.")
    plan_digest: Digest | None = Field(default=None, description="The plan that it flew.")
    back_to: KnownRelease | None = Field(
        default=None, description="What serves instead; absent: the fallback."
    )
    signal: DnsLabel | None = Field(default=None, description="The signal that proved harm.")
    message: Line = Field(description="The proof in one line.")
    weight: Percent = Field(description="Percent of users on the release when it was sent back.")
    stage: str = Field(max_length=16, description="The stage it was in.")
    layer: Short | None = Field(default=None, description="The layer of that signal.")
    proven_at: Timestamp | None = Field(
        default=None,
        description="End of the window that crossed the bound, plus the provider's lag.",
    )
    started_at: Timestamp | None = Field(
        default=None, description="Start of the first window with bad events of this flight."
    )
    exposed_requests: int | None = Field(
        default=None, ge=0, description="Requests the release served since then, as far as seen."
    )
    signals: list[SignalStatus] = Field(
        default_factory=list,
        max_length=20,
        description="The signals as they stood, the gravest ones.",
        json_schema_extra=keyed_by("name"),
    )
    revision: int = Field(ge=0, description="`status.revision` that carries the decision.")
    delivered_at: Timestamp | None = Field(
        default=None, description="When every ready flag replica streamed it."
    )
    contained_at: Timestamp | None = Field(
        default=None, description="When the release was seen to get no more requests."
    )
    incident: ObjectName | None = Field(
        default=None, description="The incident that it opened or joined."
    )
    incident_opened_at: Timestamp | None = Field(
        default=None, description="When that incident was seen to exist."
    )

    @property
    def is_shortened(self) -> bool:
        return self.digest is not None and self.release is None
