"""What people answer for beside a use of AI: its rules of the sector, its checkpoint, its runbook.

Words and dates for people, for the binder and for incidents. Nothing here moves or holds anybody,
and no link is ever called.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from goaround.api.base import Model, Timestamp
from goaround.api.neighbours import Party
from goaround.api.risk import LINK
from goaround.api.schema import atomic, cel, rules

MOST_REGIMES: Final = 8

Regime = Annotated[str, Field(min_length=1, max_length=64)]


class Sector(StrEnum):
    FINANCIAL_SERVICES = "FinancialServices"
    HEALTH = "Health"
    LEGAL = "Legal"
    PUBLIC = "Public"
    OTHER = "Other"


class Regulatory(Model):
    """The rules of its sector, and who talks to the regulator."""

    sector: Sector = Field(description="Sector in which it is used.")
    regimes: list[Regime] = Field(
        default_factory=list,
        max_length=MOST_REGIMES,
        description="Names of the rules that apply, for example `Privacy Act 1988`.",
        json_schema_extra=atomic(),
    )
    contact: Party | None = Field(
        default=None, description="Who talks to the regulator: a team or a person. No default."
    )


class ReviewDomain(StrEnum):
    MEDICAL = "Medical"
    FINANCIAL = "Financial"
    LEGAL = "Legal"
    OTHER = "Other"


class Checkpoint(StrEnum):
    USER = "User"
    ACTION = "Action"


class HumanReview(Model):
    """A person looks at each output; the app asks that person, not GoAround."""

    domain: ReviewDomain = Field(description="What the output decides about.")
    before: Checkpoint = Field(
        description="`User`: before it reaches users. `Action`: before it triggers anything."
    )


class Runbook(Model):
    """Where people read what to do, and when that was last gone through."""

    link: str = Field(
        pattern=LINK,
        max_length=256,
        description="Its address, beginning with https://; nothing of ours calls it.",
        json_schema_extra=rules(
            cel(
                f"self.matches('{LINK}')",
                "link must begin with https:// and a host name: give the address of a page that "
                "people may read",
            )
        ),
    )
    reviewed_at: Timestamp | None = Field(
        default=None,
        description="When people last went through it. Older than 92 days is told. No default.",
    )
