"""What may go wrong with one call to the API server, or with one event of a watch."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """The first five are faults of a call; the twin and the last two are of who hears of it."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after commit"
    CONFLICT = "409"
    SERVER_ERROR = "500"
    TIMEOUT = "time-out after commit"
    TWIN = "stale twin"
    LOST = "event lost"
    DOUBLED = "event doubled"


CALL_FAULTS: Final = (
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.CONFLICT,
    Fault.SERVER_ERROR,
    Fault.TIMEOUT,
)
WATCH_FAULTS: Final = (Fault.LOST, Fault.DOUBLED)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived at the API server."""

    verb: str
    kind: str
    name: str = ""
    status: bool = False

    @property
    def writes(self) -> bool:
        return self.verb in ("create", "patch", "delete")

    def __str__(self) -> str:
        return f"{self.verb} {self.kind}{'/status' if self.status else ''} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault: at the n-th call, or at the n-th commit if it is a fault of the watch."""

    at: int
    fault: Fault

    def __str__(self) -> str:
        what = "commit" if self.fault in WATCH_FAULTS else "call"
        return f"{self.fault} at {what} {self.at}"


def possible(fault: Fault, call: Call) -> bool:
    """Whether it can happen to this call: a read never conflicts, and commits nothing after which
    a crash would differ from one before."""
    match fault:
        case Fault.CONFLICT:
            return call.verb in ("create", "patch")
        case Fault.CRASH_AFTER:
            return call.writes
        case _:
            return True
