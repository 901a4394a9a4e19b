"""The timeline as a chain: what it holds, what is appended, where it ends.

Decides the number and the hash of every entry, from what is stored alone. Refuses to mend: where
the log is not what status vouches for, it goes on from there, so that the gap stays to be seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from goaround.api.canonical import BEGINNING, sha256_of
from goaround.api.incident_status import TAIL, TimelineAnchor
from goaround.incident.entries import LONGEST_REF, Entry, Fact, Source, cut, entry_id, visible

HOUR: Final = timedelta(hours=1)
OF_ONE_KEY: Final = 4
"""Entries of one key in an hour: more often than that is a flap, which is counted."""

OF_THE_OPERATOR: Final = 120
"""Entries of the operator in an hour."""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest entry of a key, and when the newest few were recorded, oldest first."""

    seq: int
    id: str
    mark: str
    at: datetime
    recorded: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """A timeline as far as it is stored. is_broken: it does not hold what status vouches for."""

    length: int = 0
    head: str = BEGINNING
    segments: int = 0
    is_broken: bool = False
    last: Mapping[str, Last] = field(default_factory=dict)
    busy: tuple[datetime, ...] = ()
    tail: tuple[tuple[datetime, int, str], ...] = ()

    def shown(self) -> list[str]:
        """The newest entries, in order of what they tell."""
        return [told for _, _, told in sorted(self.tail)]

    def is_behind(self, anchor: TimelineAnchor) -> bool:
        """Whether somebody wrote on: it has to be read again."""
        if anchor.length == self.length:
            return anchor.head not in (None, self.head)
        return anchor.length > self.length


def read(lines: Sequence[str], anchor: TimelineAnchor, segments: int) -> Log:
    """What is stored, sealed parts first, as a log that goes on from what status vouches for;
    without that, as after a restore, from the last line there is."""
    read_back = [(entry, sha256_of(line)) for line in lines if (entry := Entry.read(line))]
    hashes = [hashed for _, hashed in read_back]
    if anchor.head is None:
        length, head = (read_back[-1][0].seq, hashes[-1]) if read_back else (0, BEGINNING)
    else:
        length, head = anchor.length, anchor.head
    after = hashes.index(head) + 1 if head in hashes else 0
    for entry, hashed in read_back[after:]:
        if (entry.seq, entry.prev) == (length + 1, head):
            length, head = entry.seq, hashed
    known = Log(
        length=length,
        head=head,
        segments=segments,
        is_broken=anchor.head is not None and anchor.head not in hashes,
    )
    return _with([entry for entry, _ in read_back], known)


def appended(log: Log, facts: Iterable[Fact], now: datetime) -> tuple[Log, list[str]]:
    """The log with these facts at its end, and their lines."""
    lines = []
    for fact in facts:
        line = _entry(fact, log, now).line()
        lines.append(line)
        stored = Entry.read(line)  # as anybody will read it
        assert stored is not None
        log = _with(
            [stored], replace(log, length=stored.seq, head=sha256_of(line), is_broken=False)
        )
    return log, lines


def key_of(fact: Fact) -> str:
    """The key of its entries."""
    key = fact.key
    if len(key) <= LONGEST_REF and key.isascii() and key.isprintable() and "#" not in key:
        return key
    return cut(visible(key), LONGEST_REF, plain=True).replace("#", "+")


def _entry(fact: Fact, log: Log, now: datetime) -> Entry:
    key = key_of(fact)
    before = log.last.get(key)
    return Entry(
        seq=log.length + 1,
        id=entry_id(key, fact.mark, before.id if before is not None else ""),
        at=fact.at or now,
        recorded_at=now,
        by=fact.by,
        source=fact.source,
        kind=fact.kind,
        text=visible(fact.text),
        ref=f"{key}#{fact.mark}",
        prev=log.head,
    )


def _with(entries: Sequence[Entry], log: Log) -> Log:
    last = dict(log.last)
    for entry in entries:
        last[entry.key] = _last(entry, last.get(entry.key))
    by_us = [e.recorded_at for e in entries if e.source == Source.OPERATOR]
    return replace(
        log,
        last=last,
        busy=(*log.busy, *by_us)[-OF_THE_OPERATOR:],
        tail=(*log.tail, *((e.at, e.seq, e.shown()) for e in entries[-TAIL:]))[-TAIL:],
    )


def _last(entry: Entry, before: Last | None) -> Last:
    recorded = before.recorded if before is not None else ()
    return Last(
        seq=entry.seq,
        id=entry.id,
        mark=entry.mark,
        at=entry.at,
        recorded=(*recorded, entry.recorded_at)[-OF_ONE_KEY:],
    )
