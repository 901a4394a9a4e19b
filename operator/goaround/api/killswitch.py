"""AIKillSwitch: presence kills.

Immutable; creating one is for many people, deleting one for few.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import Line, Model, Timestamp
from goaround.api.feature import FeatureReference
from goaround.api.schema import cel, immutable, rules

DRILL, LONGEST_DRILL = 180, 900

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)
]


class LabelSelector(Model):
    """Features by label; every label must match."""

    match_labels: dict[LabelKey, LabelValue] = Field(
        min_length=1,
        max_length=16,
        description="Labels that a feature must carry, name to value.",
    )


class AIKillSwitchSpec(Model):
    """Which features fall back, and why."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "a kill switch is immutable: create a second one that says what you mean, then "
                "delete this one"
            ),
            cel(
                "has(self.featureRef) != has(self.selector)",
                "a kill switch needs exactly one target: set either featureRef (one feature) or "
                "selector (all with these labels), not both",
            ),
            cel(
                "!has(self.durationSeconds) || self.drill",
                "only a drill ends by itself: set drill to true, or leave durationSeconds out",
            ),
        )
    )

    feature_ref: FeatureReference | None = Field(
        default=None, description="The one feature to kill."
    )
    selector: LabelSelector | None = Field(
        default=None, description="All features of this namespace with these labels."
    )
    reason: Line = Field(min_length=1, description="Why, for everybody who finds it.")
    drill: bool = Field(
        default=False,
        description="true: practice. The fallback serves for durationSeconds, then what served "
        "before serves again; no incident is opened and nothing is blamed. Takes verb `drill`.",
    )
    duration_seconds: int | None = Field(
        default=None,
        ge=10,
        le=LONGEST_DRILL,
        description="Length of a drill in seconds, counted from the creation of the switch; 180 "
        "where not set.",
    )

    @property
    def drill_seconds(self) -> int:
        return DRILL if self.duration_seconds is None else self.duration_seconds


class AIKillSwitchStatus(Model):
    """Whether the kill is recorded."""

    observed_generation: int = Field(
        default=-1,
        description="Generation of the spec that was carried out: set once it is latched; -1: not "
        "yet.",
    )
    latched_at: Timestamp | None = Field(
        default=None,
        description="When every matching feature was recorded as killed; until then the switch "
        "cannot be deleted.",
    )
    latched_revision: int | None = Field(
        default=None,
        ge=0,
        description="`status.revision` of that record; flag replicas serve the fallback until a "
        "newer one exists.",
    )
    ended_at: Timestamp | None = Field(
        default=None,
        description="When a drill was over for every feature; the switch keeps nobody down any "
        "more, and may be deleted.",
    )
    message: Line | None = Field(default=None, description="In words.")
