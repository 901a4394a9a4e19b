"""Whom messages are for, the channels that lead there, and what became of a message on its way.

Names only: where a channel leads is known to the administrator's file and to nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Audience(StrEnum):
    """Who hears on a channel."""

    INTERNAL = "Internal"
    LEADERSHIP = "Leadership"
    EXTERNAL = "External"
    DRILL = "Drill"


class MessageKind(StrEnum):
    """The messages of an incident, each with a template of its name."""

    BRIEF = "brief"
    INTERNAL_UPDATE = "internalUpdate"
    LEADERSHIP = "leadership"
    CLIENT_TECHNICAL = "clientTechnical"
    EXTERNAL_INITIAL = "externalInitial"
    EXTERNAL_UPDATE = "externalUpdate"
    RESOLUTION = "resolution"
    PIR_INVITE = "pirInvite"
    CLIENT_FINDINGS = "clientFindings"
    DRILL_DRAFT = "drillDraft"


AUDIENCES: Mapping[MessageKind, Audience] = {
    MessageKind.BRIEF: Audience.INTERNAL,
    MessageKind.INTERNAL_UPDATE: Audience.INTERNAL,
    MessageKind.LEADERSHIP: Audience.LEADERSHIP,
    MessageKind.CLIENT_TECHNICAL: Audience.EXTERNAL,
    MessageKind.EXTERNAL_INITIAL: Audience.EXTERNAL,
    MessageKind.EXTERNAL_UPDATE: Audience.EXTERNAL,
    MessageKind.RESOLUTION: Audience.EXTERNAL,
    MessageKind.PIR_INVITE: Audience.INTERNAL,
    MessageKind.CLIENT_FINDINGS: Audience.EXTERNAL,
    MessageKind.DRILL_DRAFT: Audience.DRILL,
}


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel that an administrator configured. namespaces: that may use it; empty: all."""

    name: str
    audience: Audience
    namespaces: tuple[str, ...] = ()

    def serves(self, namespace: str) -> bool:
        return not self.namespaces or namespace in self.namespaces


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one message so far. took: channels that have it; refused: why one has it not
    and never will, by channel; lost: why it cannot be sent at all."""

    took: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    lost: str | None = None
