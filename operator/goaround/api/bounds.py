"""Bounds that compare: with the stable arm while a candidate flies, with its own past in Live.

It says how much worse is allowed and what must be ruled out. How that is tested is not its
business.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from goaround.api.base import SHARE, Model, Share
from goaround.api.schema import cel, rules

IS_SHARE = cel(
    f"self.matches('{SHARE}')",
    'a share is a decimal between 0 and 1 in quotes, with at most 9 decimals, for example "0.02"',
)
FACTOR = "^[1-9][0-9]{0,2}([.][0-9]{1,6})?$"
IS_FACTOR = cel(
    f"self.matches('{FACTOR}')",
    'a factor is a decimal of at least 1 in quotes, for example "1.2"',
)
Factor = Annotated[str, Field(pattern=FACTOR, max_length=10, json_schema_extra=rules(IS_FACTOR))]
ComparedShare = Annotated[Share, Field(json_schema_extra=rules(IS_SHARE))]


def _unlike(name: str, pattern: str) -> str:
    """CEL: the field is no number, which its own rule already tells; comparing it would fail."""
    return f"(has(self.{name}) && !self.{name}.matches('{pattern}'))"


class VsStable(Model):
    """How much worse than stable a candidate may be, and how much worse must be ruled out."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.worseBy) || has(self.worseByFactor)",
                "vsStable needs worseBy (a share) or worseByFactor (a factor)",
            ),
            cel(
                "has(self.rejectAt) || has(self.rejectAtFactor) || "
                "(has(self.worseBy) && self.worseBy.matches('[1-9]')) || "
                "(has(self.worseByFactor) && !self.worseByFactor.matches('^1([.]0*)?$'))",
                "set rejectAt when worseBy is 0: something worse must be ruled out before a climb",
            ),
            cel(
                f"!has(self.rejectAt) || {_unlike('rejectAt', SHARE)} || "
                f"{_unlike('worseBy', SHARE)} || double(self.rejectAt) > "
                "(has(self.worseBy) ? double(self.worseBy) : 0.0)",
                "rejectAt must be larger than worseBy",
            ),
            cel(
                f"!has(self.rejectAtFactor) || {_unlike('rejectAtFactor', FACTOR)} || "
                f"{_unlike('worseByFactor', FACTOR)} || double(self.rejectAtFactor) > "
                "(has(self.worseByFactor) ? double(self.worseByFactor) : 1.0)",
                "rejectAtFactor must be larger than worseByFactor",
            ),
        )
    )

    worse_by: ComparedShare | None = Field(
        default=None,
        description="Share by which the candidate may always be worse: 0.02 is two points.",
    )
    reject_at: ComparedShare | None = Field(
        default=None,
        description="Share by which it must be proven not to be worse before a climb; twice "
        "worseBy where not set.",
    )
    worse_by_factor: Factor | None = Field(
        default=None, description="Multiple of stable's share that is always allowed: 1.2."
    )
    reject_at_factor: Factor | None = Field(
        default=None,
        description="Multiple that must be ruled out before a climb; the square of worseByFactor "
        "where not set.",
    )


class OnBreach(StrEnum):
    ALERT = "Alert"
    FALL_BACK = "FallBack"


class VsBaseline(Model):
    """How much worse than its baseline a live release may be: than what its signal counted on the
    day before the release took off, or on its own first day where nothing served before it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.worseBy) || has(self.worseByFactor)",
                "vsBaseline needs worseBy (a share) or worseByFactor (a factor)",
            )
        )
    )

    worse_by: ComparedShare | None = Field(
        default=None,
        description="Share by which it may always be worse than its baseline: 0.02 is two points.",
    )
    worse_by_factor: Factor | None = Field(
        default=None, description="Multiple of the baseline's share that is always allowed: 2."
    )
    on_breach: OnBreach = Field(
        default=OnBreach.ALERT,
        description="`Alert`: tell people. `FallBack`: send the release back, too.",
    )
