"""What one look at the Lease allows: pure, so that tables and a simulated clock can test it.

Decides from observed records and this process's own monotonic clock; never compares the clocks of
two machines: times in a record are for people, and to us only signs that it changed.
"""

from dataclasses import dataclass
from enum import StrEnum

from goaround.world.kube import Body


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. `lease`: how long others wait after the record last changed; `renew`: how long the
    owner acts after it sent its last good renewal; `retry`: between looks; `request`: for one look.
    """

    lease: int = 15
    renew: float = 10.0
    retry: float = 2.0
    request: float = 5.0

    def __post_init__(self) -> None:
        if not self.request + self.retry < self.renew < self.lease:
            raise ValueError("a lease needs request + retry < renew < lease")


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says. `term` counts tenures; `acquired` and `renewed` are compared for equality
    only."""

    holder: str
    term: int
    acquired: str
    renewed: str
    seconds: int

    @property
    def tenure(self) -> str:
        """One name per tenure, which not even a process of the same identity shares."""
        return f"{self.term}/{self.acquired}"


@dataclass(frozen=True, slots=True)
class Sight:
    """The last record seen, the observer's time when it first looked like this, and the version
    that is stored; None if none is. A record that was deleted counts on: that is no release."""

    record: Record | None
    version: str | None
    since: float


class Claim(StrEnum):
    """What a look at the lease allows."""

    WAIT = "Wait"
    CREATE = "Create"
    TAKE = "Take"
    RENEW = "Renew"


class Standing(StrEnum):
    """What a process may do now.

    `ADRIFT`: the lease was ours when we last saw it, but could not be renewed in time. Nothing is
    written to the API server then, because another may own it by now. What needs no API server and
    can only lower goes on: else an outage of it would also take away the way down.
    """

    OWNER = "Owner"
    ADRIFT = "Adrift"
    STANDBY = "Standby"


def read(body: Body) -> Record:
    """The record of a Lease; a field that is missing is empty."""
    spec = body.get("spec") or {}
    return Record(
        holder=spec.get("holderIdentity") or "",
        term=int(spec.get("leaseTransitions") or 0),
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        seconds=int(spec.get("leaseDurationSeconds") or Times().lease),
    )


def seen(before: Sight | None, body: Body | None, now: float) -> Sight:
    """What is known after a look at `now`; `body` is None where there is no lease."""
    known = before.record if before is not None else None
    record = read(body) if body is not None else known
    version = body["metadata"]["resourceVersion"] if body is not None else None
    unchanged = before is not None and record == known
    return Sight(record, version, before.since if before is not None and unchanged else now)


def claim(sight: Sight, me: str, tenure: str | None, now: float) -> Claim:
    """What `me` may do. `tenure` is its own last one; None if this process never had any.

    A holder of the same name is then our own former life, and need not be waited for. Later it is
    a twin, started after us: it is treated like any stranger, else both would take turns for ever.
    """
    record = sight.record
    is_me = record is not None and record.holder == me
    mine = record is not None and is_me and record.tenure == tenure
    former = is_me and tenure is None
    free = record is None or not record.holder or mine or former
    if not free and record is not None and now - sight.since < record.seconds:
        return Claim.WAIT
    if sight.version is None:
        return Claim.CREATE
    return Claim.RENEW if mine else Claim.TAKE
