"""Whether a timeline is what was recorded: status vouches for its newest entry, each entry for the
one before.

Decides from lines and hashes alone, without any clock. Refuses to guess who did it: it names the
first place where the chain does not hold, and what stands there.
"""

from collections.abc import Iterator, Sequence

from goaround.api.canonical import BEGINNING, sha256_of
from goaround.api.incident_status import TimelineAnchor
from goaround.incident.entries import Entry

Line = tuple[Entry, str]


def faults(lines: Sequence[str], anchor: TimelineAnchor) -> list[str]:
    """What is wrong, in words; [] is what we want. lines: sealed parts first, as they are stored.

    Lines that are newer than status knows are no fault where they go on from it.
    """
    read = [(Entry.read(line), sha256_of(line)) for line in lines]
    known = [(entry, hashed) for entry, hashed in read if entry is not None]
    found = [
        f"line {number} is no entry of a timeline"
        for number, (entry, _) in enumerate(read, start=1)
        if entry is None
    ]
    if anchor.head is None:
        told = "status.timelineAnchor has no head, so that nothing vouches for the timeline"
        return [*found, told] if lines else found
    vouched = _vouched(known, anchor.head)
    return [*_broken(vouched, known, anchor), *_strays(vouched, known, anchor), *found]


def newer(lines: Sequence[str], anchor: TimelineAnchor) -> int:
    """How many entries status does not vouch for yet."""
    read = (Entry.read(line) for line in lines)
    return sum(1 for entry in read if entry is not None and entry.seq > anchor.length)


def _vouched(known: Sequence[Line], head: str) -> list[Line]:
    """From the newest back, as far as hashes reach."""
    by_hash = {hashed: entry for entry, hashed in known}
    found: list[Line] = []
    while (entry := by_hash.pop(head, None)) is not None:
        found.append((entry, head))
        head = entry.prev
    return found


def _broken(
    vouched: Sequence[Line], known: Sequence[Line], anchor: TimelineAnchor
) -> Iterator[str]:
    """Where the chain ends before its beginning."""
    last = vouched[-1][0] if vouched else None
    if last is not None and last.prev == BEGINNING:
        if last.seq != 1:
            yield f"entry {last.seq} says that nothing was before it"
        return
    number = last.seq - 1 if last is not None else anchor.length
    by = f"entry {last.seq}" if last is not None else "status.timelineAnchor"
    there = any(entry.seq == number for entry, _ in known)
    what = "is not what was recorded" if there else "is missing"
    before = "; nor does anything vouch for what is before it" if number > 1 else ""
    yield f"entry {number} {what}: {by} vouches for another content{before}"


def _strays(
    vouched: Sequence[Line], known: Sequence[Line], anchor: TimelineAnchor
) -> Iterator[str]:
    """What stands between, or goes on from something else."""
    good = {hashed for _, hashed in vouched}
    first = vouched[-1][0].seq if vouched else anchor.length + 1
    length, head = anchor.length, anchor.head
    for entry, hashed in known:
        if hashed in good or entry.seq < first:
            continue
        if (entry.seq, entry.prev) == (length + 1, head):
            length, head = entry.seq, hashed
        else:
            yield f"a line that says it is entry {entry.seq} was put in: nothing vouches for it"
