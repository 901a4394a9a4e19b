"""Channels and templates of messages, as the administrator's file has them.

Decides what is valid. Addresses and secrets stay here: tenants name a channel, and nothing that
the operator says or writes has more than the name.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import Field

from goaround.incident.audiences import Audience, KnownChannel, MessageKind
from goaround.runtime.strict import Strict
from goaround.world.notifications import Channel, Format

NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
URL = r"^https?://[^/?#@\s]+([/?][^#\s]*)?$"
LONGEST_TEMPLATE = 8192


class ChannelConfig(Strict):
    """One channel, by the name that tenants use."""

    name: str = Field(pattern=NAME, max_length=40)
    url: str = Field(pattern=URL, max_length=2048, repr=False)
    format: Format = Format.WEBHOOK
    audience: Audience
    secret_file: Path | None = Field(default=None, repr=False)
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    namespaces: list[str] = Field(default_factory=list, max_length=256)

    def channel(self) -> Channel:
        """Where it leads."""
        return Channel(
            name=self.name,
            url=self.url,
            format=self.format,
            secret=self.secret_file,
            timeout_seconds=self.timeout_seconds,
        )

    def known(self) -> KnownChannel:
        """What decisions may know of it."""
        return KnownChannel(self.name, self.audience, tuple(self.namespaces))


def known(channels: Iterable[ChannelConfig]) -> tuple[KnownChannel, ...]:
    return tuple(channel.known() for channel in channels)


def message_faults(channels: Iterable[ChannelConfig], templates: Iterable[str]) -> Iterator[str]:
    """What keeps messages from ever being sent as meant; better told at the start than then."""
    for channel in channels:
        try:
            channel.channel().key()
        except ValueError as err:
            yield str(err)
    for name in sorted(set(templates) - set(MessageKind)):
        yield f"incidents.templates: there is no message {name}; there are {', '.join(MessageKind)}"
