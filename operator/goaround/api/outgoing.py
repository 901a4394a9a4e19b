"""What people say of an incident's messages: that one may leave the house, or that they sent it.

Texts and channels are none of it: they are made, and named, elsewhere.
"""

from typing import Annotated

from pydantic import Field

from goaround.api.base import Model, Timestamp
from goaround.api.control import DigestOrStart

MessageId = Annotated[str, Field(pattern=r"^[a-z][A-Za-z]*-[1-9][0-9]{0,5}$", max_length=40)]
"""Kind and number, `internalUpdate-3`."""


class Approval(Model):
    """A message that may leave the house."""

    message: MessageId = Field(description="Its id, see status.comms.messages.")
    hash: DigestOrStart | None = Field(
        default=None,
        description="Its hash as it was read, in full or its first 12 hex digits or more: only "
        "that text may leave. No default: whatever it says when this is seen.",
    )


class SentByHand(Model):
    """A message that a person sent."""

    message: MessageId = Field(description="Its id, see status.comms.messages.")
    at: Timestamp = Field(description="When.")
