"""What one pass plans: what comes out of `decide`.

Plain values only. Every effect is idempotent, under a name that only its cause has; whoever carries
them out adds nothing of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from goaround.api.base import Json
from goaround.api.feature import Release
from goaround.api.status import AIFeatureStatus, Latch, Transition
from goaround.api.trigger import TriggerSource


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Create the record if it is absent, then set its marks (None removes one). texts: what the
    release has by reference, by hash."""

    name: str
    digest: str
    release: Release
    marks: Mapping[str, str | None]
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PostEvent:
    """Post one event under a name that only this transition has."""

    name: str
    transition: Transition


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """Create the incident of a latch, under the name that the latch chose; 409 means it is open."""

    latch: Latch


@dataclass(frozen=True, slots=True)
class OpenSign:
    """Create the P4 incident of an early sign, which no latch stands for; 409 means it is open.
    Where it is refused, nothing waits for it.

    cause: what shows it, in words that stay the same. line: what is seen, with its numbers.
    earlier: the last incident of that source.
    """

    name: str
    source: TriggerSource
    cause: str
    line: str
    since: datetime
    digest: str | None = None
    earlier: str | None = None


@dataclass(frozen=True, slots=True)
class DropRecord:
    """Delete an old record that nothing relies on."""

    name: str


@dataclass(frozen=True, slots=True)
class WriteSegment:
    """Create a segment of the evidence binder; 409 means that its number is taken. Where it is
    refused, nothing waits for it."""

    name: str
    number: int
    data: Json


Effect = WriteRecord | DropRecord | PostEvent | OpenIncident | OpenSign | WriteSegment


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `first`, then the status write, then `then`; look again at `wake_at`.

    `urgent` is False where only readings changed: such a status may wait for the checkpoint.
    """

    status: AIFeatureStatus
    urgent: bool
    first: tuple[Effect, ...] = ()
    then: tuple[Effect, ...] = ()
    wake_at: datetime | None = None
    notes: tuple[str, ...] = field(default=())
