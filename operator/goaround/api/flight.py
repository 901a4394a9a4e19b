"""A release in the air: its identity, its step, and how users are divided.

Values of status only; nothing is decided here.
"""

from pydantic import ConfigDict, Field

from goaround.api.base import Digest, Model, Percent, Timestamp
from goaround.api.feature import Release
from goaround.api.schema import cel, rules


class Split(Model):
    """How users are divided, in whole percents that add up to 100."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("self.stable + self.candidate + self.fallback == 100", "the split must sum to 100")
        )
    )

    stable: Percent = Field(default=0, description="Percent of users on last-known-good.")
    candidate: Percent = Field(default=0, description="Percent of users on the candidate.")
    fallback: Percent = Field(default=0, description="Percent of users on the fallback.")


ALL_STABLE = Split(stable=100)
ALL_CANDIDATE = Split(candidate=100)
ALL_FALLBACK = Split(fallback=100)


class KnownRelease(Model):
    """A release with its identity."""

    digest: Digest = Field(description="Digest of the release's content.")
    release: Release = Field(description="The content itself.")
    since: Timestamp = Field(description="When it took this place.")


class WayBack(Model):
    """Whether the good releases can be gone back to, found out beforehand.

    Apart from the releases themselves: a check changes nothing of what they are.
    """

    digest: Digest = Field(description="Last-known-good, as it was checked.")
    available: bool = Field(description="Whether it could be gone back to.")
    previous_available: bool | None = Field(
        default=None, description="The same of the good release before it; absent: there is none."
    )
    verified_at: Timestamp = Field(
        description="When that was checked; dated anew with other writes, at least daily."
    )


class Candidate(KnownRelease):
    """The release in flight, or the last one that flew."""

    plan_digest: Digest = Field(description="Digest of release, steps and signals.")
    attempt: int = Field(ge=1, description="How often this digest has been tried.")
    adopted: bool = Field(
        default=False, description="true: taken over while it already served; no traffic moved."
    )
    deadline_at: Timestamp = Field(description="When the ramp ends without proof.")
    re_enables: str | None = Field(
        default=None,
        max_length=253,
        description="What it flies the re-enable ramp after: an incident, or an attempt that is "
        "retried; absent: it flies the normal ramp.",
    )


class Step(Model):
    """The step in force."""

    index: int = Field(ge=0, le=9, description="Which step of the ramp, from 0.")
    since: Timestamp = Field(description="When the step began; hold time counts from here.")
    deadline_at: Timestamp = Field(description="When the step ends without proof.")
    drilled_seconds: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="Seconds of this step that went by in drills; hold time is longer by them.",
    )
