"""What status says of kills and drills, and of the gate on the way back up.

Facts only: whether a feature is killed is decided in `rollout`.
"""

from pydantic import Field

from goaround.api.base import DnsLabel, Line, Model, ObjectName, Timestamp
from goaround.api.flight import Split
from goaround.api.schema import atomic


class KillSource(Model):
    """One thing that says: killed."""

    kind: str = Field(max_length=32, description="`AIKillSwitch`, `AIIncident` or `Spec`.")
    name: ObjectName = Field(description="Name of the object.")
    reason: Line = Field(default="", description="Why, in the words of whoever engaged it.")


MOST_SOURCES = 32


class KillState(Model):
    """The kill in force."""

    since: Timestamp = Field(description="When it was recorded.")
    sources: list[KillSource] = Field(
        max_length=MOST_SOURCES,
        description="Everything that says killed, as far as there is room.",
        json_schema_extra=atomic(),
    )


class GateRule(Model):
    """One rule of the gate on the way up."""

    name: DnsLabel = Field(description="Name of the rule.")
    open: bool = Field(description="true: nothing stands in the way.")
    reason: Line = Field(description="Why, and what would open it.")


class Drill(Model):
    """The drill in force: the fallback serves, and `split` is what serves again after it."""

    switch: ObjectName = Field(description="Name of the AIKillSwitch.")
    since: Timestamp = Field(description="When it was recorded.")
    until: Timestamp = Field(description="When it ends by itself.")
    split: Split = Field(description="How users are divided again when it has ended.")
    revision: int = Field(
        default=0, ge=0, description="`status.revision` that carries its beginning."
    )
    delivered_at: Timestamp | None = Field(
        default=None, description="When every ready flag replica streamed it."
    )
    contained_at: Timestamp | None = Field(
        default=None, description="When no request was seen to reach any release."
    )


class DrillResult(Model):
    """What the last drill showed."""

    switch: ObjectName = Field(description="Name of the AIKillSwitch.")
    began_at: Timestamp = Field(description="When it was recorded.")
    ended_at: Timestamp = Field(description="When it ended.")
    revision: int = Field(default=0, ge=0, description="`status.revision` that brought users back.")
    flip_milliseconds: int | None = Field(
        default=None,
        ge=0,
        description="Milliseconds from the record until the last flag replica was seen to stream "
        "the fallback; absent: never seen.",
    )
    flip_back_milliseconds: int | None = Field(
        default=None,
        ge=0,
        description="Milliseconds from its end until the last flag replica was seen to stream what "
        "serves again.",
    )
    contained_at: Timestamp | None = Field(
        default=None,
        description="When no request was seen to reach any release; absent: never seen.",
    )
    message: Line = Field(description="In words.")


class KillSwitchStatus(Model):
    """Whether the kill switch is known to work."""

    last_exercised: Timestamp | None = Field(
        default=None,
        description="When a kill or a drill was last seen to take effect; absent: never.",
    )
    last_drill: DrillResult | None = Field(default=None, description="What the last drill showed.")
