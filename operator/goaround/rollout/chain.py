"""The evidence binder as a chain: each segment carries the SHA-256 of the one before.

Decides where a chain ends and where it is broken, from numbers and hashes alone. What a segment
tells stands in `binder.py`. Refuses to mend anything: what does not fit is left where it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from goaround.api.base import Json
from goaround.api.canonical import BEGINNING, canonical, sha256_of
from goaround.api.evidence_log import EvidenceLog

KEPT = 50
"""Segments that are kept; older ones are dropped, and the chain then starts later."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as it is stored: its number, the hash before it, its own, its flight, and when
    that ended (None where it does not say so in a way that can be read)."""

    name: str
    number: int
    prev: str
    hash: str
    flight: str
    ended: datetime | None = None


def segment(name: str, data: object) -> Segment | None:
    """A segment read back, its hash computed from what is stored; None where it is none."""
    if not isinstance(data, Mapping):
        return None
    number, prev, flight = data.get("number"), data.get("prev"), data.get("flight")
    if not isinstance(number, int) or not isinstance(prev, str) or not isinstance(flight, str):
        return None
    return Segment(name, number, prev, hash_of(dict(data)), flight, _time(data.get("endedAt")))


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def hash_of(data: Json) -> str:
    """`sha256:<64 hex>` over the canonical JSON of a segment."""
    return sha256_of(canonical(data))


def end_of(segments: Sequence[Segment], anchor: EvidenceLog | None) -> tuple[int, str]:
    """Number and hash of the newest segment that goes on from the anchor; without an anchor, as
    after a restore without status, from the oldest segment there is."""
    found = sorted(segments, key=lambda s: s.number)
    if anchor is not None and anchor.head is not None:
        number, head = anchor.length, anchor.head
    elif found:
        number, head = found[0].number - 1, found[0].prev
    else:
        return 0, BEGINNING
    for segment in found:
        if segment.number > number and segment.prev == head:
            number, head = segment.number, segment.hash
    return number, head


def is_told(segments: Sequence[Segment], flight: str, at: datetime) -> bool:
    """Whether the flight has its segment, or had one that was dropped for its age."""
    if any(s.flight == flight for s in segments):
        return True
    oldest = min(segments, key=lambda s: s.number, default=None)
    dropped = oldest is not None and oldest.number > 1 and len(segments) >= KEPT
    return dropped and oldest is not None and oldest.ended is not None and at <= oldest.ended


def surplus(segments: Sequence[Segment]) -> list[Segment]:
    """The oldest over the limit."""
    return sorted(segments, key=lambda s: s.number)[:-KEPT]


def faults(segments: Sequence[Segment], anchor: EvidenceLog | None) -> list[tuple[str, str]]:
    """What is wrong, by name, oldest first. Status vouches for the newest segment, each segment for
    the one before; those that were dropped for their age are no fault."""
    if anchor is None or anchor.head is None:
        told = "status.evidenceLog has no head, so that nothing vouches for the chain"
        return [("status", told)] if segments else []
    vouched = list(_vouched(segments, anchor.head))
    found = [*_broken(segments, vouched, anchor), *_strays(segments, vouched, anchor)]
    found += _beyond(segments, anchor)
    return [(name, why) for _, name, why in sorted(found)]


def _vouched(segments: Sequence[Segment], head: str) -> Iterator[Segment]:
    """From the newest back, as far as hashes reach."""
    by_hash = {s.hash: s for s in segments}
    while (segment := by_hash.pop(head, None)) is not None:
        yield segment
        head = segment.prev


Fault = tuple[int, str, str]


def _broken(
    segments: Sequence[Segment], vouched: Sequence[Segment], anchor: EvidenceLog
) -> Iterator[Fault]:
    """Where the chain ends before its beginning."""
    last = vouched[-1] if vouched else None
    if last is not None and last.prev == BEGINNING:
        return
    by = last.name if last is not None else "status.evidenceLog"
    number = last.number - 1 if last is not None else anchor.length
    below = [s for s in segments if s.number <= number]
    at = next((s.name for s in below if s.number == number), None)
    if at is not None:
        yield number, at, f"its content is not what {by} vouches for; nor is anything before it"
    elif below or last is None or len(segments) < KEPT:
        yield number, f"segment {number}", f"it is missing, and {by} vouches for it"


def _strays(
    segments: Sequence[Segment], vouched: Sequence[Segment], anchor: EvidenceLog
) -> Iterator[Fault]:
    """Between those that are vouched for."""
    if not vouched:
        return
    for s in segments:
        if vouched[-1].number <= s.number <= anchor.length and s not in vouched:
            yield s.number, s.name, "nothing vouches for it"


def _beyond(segments: Sequence[Segment], anchor: EvidenceLog) -> Iterator[Fault]:
    """Newer than status knows: it may not have been written yet, if the chain goes on."""
    head = anchor.head
    for s in sorted(segments, key=lambda s: s.number):
        if s.number <= anchor.length:
            continue
        if s.prev != head:
            yield s.number, s.name, "it does not follow upon what status.evidenceLog vouches for"
            return
        head = s.hash
