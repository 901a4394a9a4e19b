"""What status says of a kill, and of the gate on the way back up after it.

Facts only: whether a feature is killed is decided in `rollout`.
"""

from pydantic import Field

from goaround.api.base import DnsLabel, Line, Model, ObjectName, Timestamp
from goaround.api.schema import atomic


class KillSource(Model):
    """One thing that says: killed."""

    kind: str = Field(max_length=32, description="`AIKillSwitch` or `Spec`.")
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
