"""What open incidents ask of a feature, as it stands in the feature's status while it is in force.

Facts only: what an incident may ask for stands in `judgement.py`, who obeys it in `rollout`.
"""

from typing import Annotated

from pydantic import Field

from goaround.api.base import Digest, DnsLabel, Line, Model, ObjectName, Percent, Timestamp
from goaround.api.judgement import ContainmentAction

MOST_RESTRAINTS = 16
Bound = Annotated[str, Field(max_length=32)]


class Restraint(Model):
    """One thing that an incident asks for, and that is obeyed."""

    incident: ObjectName = Field(description="The AIIncident whose spec.containment asks for it.")
    action: ContainmentAction = Field(description="What it asks for.")
    since: Timestamp = Field(description="Since when it is obeyed.")
    percent: Percent | None = Field(
        default=None, description="Throttle: most percent of users on the candidate."
    )
    filter: DnsLabel | None = Field(
        default=None, description="Filter: its name, as published with the flag."
    )
    signal: DnsLabel | None = Field(default=None, description="ThresholdAdjust: which signal.")
    max: Bound | None = Field(
        default=None, description="ThresholdAdjust: its bound meanwhile, a decimal share."
    )
    expires_at: Timestamp | None = Field(default=None, description="When it ends by itself.")


class BreakGlass(Model):
    """One release that people let through the freeze of one incident."""

    said: Line = Field(description="Annotation `goaround.dev/breakglass`, as it was heard.")
    incident: ObjectName | None = Field(
        default=None, description="The incident whose freeze is passed; absent: ignored, see said."
    )
    digest: Digest | None = Field(default=None, description="The one release that may pass.")
    at: Timestamp = Field(description="When it was heard.")


class Reproducing(Model):
    """A golden run on the release that failed and on last-known-good, at 0 % of users."""

    incident: ObjectName = Field(description="The AIIncident that asks for it.")
    digest: Digest = Field(description="The release that failed.")
    pin: ObjectName = Field(description="Secret with the pin of the run, as long as it may exist.")
