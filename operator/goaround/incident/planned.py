"""What one pass over an incident plans. Plain values; each effect is idempotent under its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from goaround.api.incident import AIIncidentStatus
from goaround.api.status import Transition


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


Effect = Tell | WriteText


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `first`, then the status write, then `then`; look again at `wake_at`."""

    status: AIIncidentStatus
    first: tuple[Effect, ...] = ()
    then: tuple[Effect, ...] = ()
    wake_at: datetime | None = None
