"""The flight plan: steps, how long each lasts, and when a flight without proof ends.

Decides nothing; what a plan must keep to stands here as CEL, so that the API server refuses a bad
one with a sentence.
"""

from pydantic import Field

from goaround.api.base import Json, Model
from goaround.api.schema import atomic, cel, rules

ALLOWED_INTERVALS = tuple(n for n in range(1, 301) if 300 % n == 0)


class RampStep(Model):
    """One weight and what it takes to leave it."""

    weight_percent: int = Field(
        ge=1, le=100, description="Share of users on the candidate, in percent."
    )
    hold_seconds: int = Field(
        default=600, ge=1, le=604800, description="Least time at this step, in seconds."
    )
    min_samples: int = Field(
        default=100,
        ge=0,
        le=10_000_000,
        description="Least number of candidate requests per signal since the step began.",
    )
    require_sign_off: bool = Field(
        default=False, description="true: people must approve before this step is left."
    )


def default_steps() -> list[RampStep]:
    return [RampStep(weight_percent=w) for w in (10, 50, 100)]


TWELVE_HOURS = 12 * 3600


REENABLE = (
    *(RampStep(weight_percent=w, hold_seconds=TWELVE_HOURS) for w in (10, 50)),
    RampStep(weight_percent=100),
)


def default_reenable() -> list[RampStep]:
    return list(REENABLE)


def _climbs(field: str) -> Json:
    """The steps rise, and end with everybody."""
    return rules(
        cel(
            "self.size() == 0 || self[self.size() - 1].weightPercent == 100",
            f"{field} must end with everybody on the release: give the last step weightPercent 100",
        ),
        cel(
            "self.map(s, s.weightPercent).isSorted() && "
            "self.all(s, self.exists_one(t, t.weightPercent == s.weightPercent))",
            "weightPercent must rise from step to step, and no two steps may have the same: "
            "put them in order, for example 10, 50, 100",
        ),
    )


class Ramp(Model):
    """The flight plan."""

    interval_seconds: int = Field(
        default=10,
        ge=1,
        le=300,
        description="Length of an evidence window in seconds; it must divide 300.",
        json_schema_extra=rules(
            cel(
                "self > 0 && 300 % self == 0",
                "intervalSeconds must divide 300, so that features share queries: take one of "
                + ", ".join(map(str, ALLOWED_INTERVALS)),
            )
        ),
    )
    steps: list[RampStep] = Field(
        default_factory=default_steps,
        min_length=1,
        max_length=10,
        description="Steps with rising weights; the last is 100. Default: 10, 50, 100.",
        json_schema_extra=atomic() | _climbs("the ramp"),
    )
    reenable: list[RampStep] = Field(
        default_factory=default_reenable,
        min_length=1,
        max_length=10,
        description="Steps of the re-enable ramp, flown after a kill, after an incident of "
        "severity P1 or P2, and by a retry; harm is tested with tolerance 0 at alpha 0.05 there. "
        "Default: 10 % for 12 h, 50 % for 12 h, 100 %.",
        json_schema_extra=atomic() | _climbs("the re-enable ramp"),
    )
    cruise_seconds: int = Field(
        default=3600,
        ge=1,
        le=2592000,
        description="Time at the last step before the release becomes last-known-good, in seconds.",
    )
    holdback_percent: int = Field(
        default=2,
        ge=1,
        le=20,
        description="Share of users that stays on last-known-good while the candidate cruises, in "
        "percent, where a signal compares with it.",
    )
    step_deadline_seconds: int = Field(
        default=21600,
        ge=10,
        le=2592000,
        description="Longest time at one step without proof, in seconds; then `Inconclusive`.",
    )
    deadline_seconds: int = Field(
        default=172800,
        ge=10,
        le=7776000,
        description="Longest time of the whole ramp, in seconds; then `Inconclusive`.",
    )
