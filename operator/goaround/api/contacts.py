"""Whom an incident of a feature concerns beside those who run it, and from when customers hear.

Names and numbers for people and for messages. Nobody is called from here, and no address of a
server ever stands here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from goaround.api.base import Model
from goaround.api.neighbours import Party

Phone = Annotated[str, Field(min_length=3, max_length=32, pattern=r"^[+0-9][-+0-9 ()./]*$")]


class ExternalFrom(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    NEVER = "Never"


class IncidentContact(Model):
    """Whom customers may call."""

    name: Party = Field(description="Name of a person or a desk.")
    phone: Phone | None = Field(default=None, description="Telephone number. No default.")


class Contacts(Model):
    """Who is told, beyond on-call."""

    executive: Party | None = Field(
        default=None, description="Who answers for it to the company. No default."
    )
    technical: Party | None = Field(
        default=None, description="Who is called when on-call needs help. No default."
    )
    incident: IncidentContact | None = Field(
        default=None, description="Whom customers may call; stands in messages. No default."
    )
    all_hands: Party | None = Field(
        default=None, description="Who is called when everybody is needed. No default."
    )
