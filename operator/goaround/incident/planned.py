"""What one pass over an incident plans. Plain values; each effect is idempotent under its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from goaround.api.incident import AIIncidentStatus
from goaround.api.status import Transition
from goaround.incident.entries import Fact


@dataclass(frozen=True, slots=True)
class Tell:
    """Post one event under a name that only this transition has."""

    name: str
    transition: Transition


@dataclass(frozen=True, slots=True)
class WriteText:
    """Make the ConfigMap of this name hold exactly this. again: it was written before, with the
    same keys, so that one call is enough."""

    name: str
    data: Mapping[str, str]
    again: bool = False


@dataclass(frozen=True, slots=True)
class KeepTexts:
    """Make the ConfigMap of this name hold `add`, beside what it has. keep: keys that status speaks
    of; settled: the one key of each message whose text changes no more; newest: number of the last
    message, by kind."""

    name: str
    add: Mapping[str, str]
    keep: frozenset[str]
    settled: Mapping[str, str]
    newest: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OpenLog:
    """Read the timeline anew, beside the passes."""


@dataclass(frozen=True, slots=True)
class Append:
    """Enter these into the timeline, beside the passes, if it is still what this was decided on."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class TakeOff:
    """Remove these annotations where they still have this value, and say in the same write up to
    which entry notes were taken off: whoever writes the same again means it."""

    annotations: Mapping[str, str]
    noted: int


Effect = Tell | WriteText | KeepTexts | OpenLog | Append | TakeOff


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `first`, then the status write, then `then`; look again at `wake_at`."""

    status: AIIncidentStatus
    first: tuple[Effect, ...] = ()
    then: tuple[Effect, ...] = ()
    wake_at: datetime | None = None
