"""What a pass sees of things that spec only names: texts, indexes of releases, objects of others.

Plain values only, as in `observed.py`. Whoever fills them answers for their freshness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from goaround.api.changes import ChangesStatus
from goaround.api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person must change before anything may go up."""

    reason: Reason
    message: str


Place = tuple[str, str]
"""Name of a ConfigMap, and a key."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The texts that spec names by place, as last read.

    hashes: by place. texts: by hash. faults: what is wrong with a place, which has no hash then.
    """

    hashes: Mapping[Place, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[Place, Problem] = field(default_factory=dict)
    next_at: datetime | None = None


class IndexState(StrEnum):
    THERE = "There"
    DELETED = "Deleted"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class IndexFound:
    """What was said of one index; message: in words, with what to do."""

    state: IndexState
    message: str = ""


@dataclass(frozen=True, slots=True)
class Indexes:
    """What was said of the indexes of good releases, by name and version, when last asked."""

    found: Mapping[tuple[str, str], IndexFound]
    at: datetime
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What the change ledger says, as last looked at; problems: what could not be, in words."""

    status: ChangesStatus | None = None
    problems: tuple[str, ...] = ()
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Replicas of one arm: those whose breaker is open, and all that say whether it is."""

    open: int
    replicas: int


@dataclass(frozen=True, slots=True)
class Breakers:
    """What was said of breakers, by arm. blind: why nothing could be read, in words."""

    arms: Mapping[str, Opened]
    at: datetime
    blind: str | None = None
    next_at: datetime | None = None
