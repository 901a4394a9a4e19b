"""An entry of a timeline: what it says, how it is written as one line, how it is shown.

Decides how long a line may be, and that nothing in it moves a cursor. Refuses to interpret: what
people wrote is kept as they wrote it, escaped, and cut with a mark where it is too long.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from goaround.api.base import Json, rfc3339
from goaround.api.canonical import sha256_of
from goaround.api.incident_status import LONGEST_TAIL

LONGEST: Final = 1024
LONGEST_AUTHOR, LONGEST_REF = 80, 120
OPERATOR = "operator"
SOMEBODY: Final = "spec"
"""Who changed spec, where nobody knows."""

RESERVED: Final = (OPERATOR, SOMEBODY, "goaround", "annotation")


class Kind(StrEnum):
    DETECT = "detect"
    CLASSIFY = "classify"
    CONTAIN = "contain"
    CHANGE = "change"
    NOTE = "note"
    COMMS = "comms"
    SIGNAL = "signal"
    DEADLINE = "deadline"
    PHASE = "phase"


class Source(StrEnum):
    OPERATOR = "operator"
    HUMAN = "human"
    COMMS = "comms"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that belongs into the timeline as soon as it is so.

    `key` is what it is about; of one key only what is new is entered. value: what it is, where the
    text also says what may change meanwhile. at: None where nobody knows it better than now.
    is_usual: not worth an entry before it was otherwise. is_claim: `by` is what somebody said.
    """

    key: str
    kind: Kind
    text: str
    value: str | None = None
    at: datetime | None = None
    by: str = OPERATOR
    source: Source = Source.OPERATOR
    is_usual: bool = False
    is_claim: bool = False

    @property
    def mark(self) -> str:
        return mark(self.text if self.value is None else self.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `prev` is the SHA-256 of the line before; `ref` is `<key>#<mark>`. `at` may be
    earlier than `recorded_at`: then it is what was learnt later."""

    seq: int
    id: str
    at: datetime
    recorded_at: datetime
    by: str
    source: str
    kind: str
    text: str
    ref: str
    prev: str

    def line(self) -> str:
        """JSON of at most 1 KiB, without the line break; a text that is too long is cut, and says
        so."""
        room = LONGEST - len(self._json("").encode())
        return self._json(cut(self.text, room))

    def _json(self, text: str) -> str:
        found: Json = {
            "seq": self.seq,
            "id": self.id,
            "at": rfc3339(self.at),
            "recordedAt": rfc3339(self.recorded_at),
            "by": self.by,
            "source": self.source,
            "kind": self.kind,
            "text": text,
            "ref": self.ref,
            "prev": self.prev,
        }
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))

    @property
    def key(self) -> str:
        return self.ref.rpartition("#")[0]

    @property
    def mark(self) -> str:
        return self.ref.rpartition("#")[2]

    @classmethod
    def read(cls, line: str) -> Self | None:
        """A line read back; None where it is none."""
        try:
            found = json.loads(line)
            return cls(
                seq=int(found["seq"]),
                at=_time(found["at"]),
                recorded_at=_time(found["recordedAt"]),
                **{k: str(found[k]) for k in ("id", "by", "source", "kind", "text", "ref", "prev")},
            )
        except (KeyError, TypeError, ValueError):
            return None

    def shown(self) -> str:
        """`14:09:12Z ana classify P2: …`: at most 200 bytes, safe in a terminal."""
        at = self.at.astimezone(UTC)
        late = self.recorded_at.date() != self.at.date()
        day = f"{at:%m-%d} " if late else ""
        told = f"{day}{at:%H:%M:%S}Z {self.by} {self.kind} {self.text}"
        return cut(visible(told), LONGEST_TAIL, plain=True)


@lru_cache(maxsize=256)
def mark(value: str) -> str:
    """Eight hex digits of what something is."""
    return sha256_of(value).removeprefix("sha256:")[:8]


def entry_id(*content: str) -> str:
    """16 hex digits of what an entry says: the same on every retry."""
    return sha256_of("\0".join(content)).removeprefix("sha256:")[:16]


def visible(text: str) -> str:
    """The text with everything that would move a cursor, or hide, spelled out."""
    return text if text.isprintable() else "".join(map(_spelled, text))


def _spelled(char: str) -> str:
    if char.isprintable():
        return char
    named: Mapping[str, str] = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(char)
    wide = f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
    return named.get(char) or (f"\\x{code:02x}" if code < 1 << 8 else wide)


def cut(text: str, room: int, *, plain: bool = False) -> str:
    """At most `room` bytes of UTF-8, inside JSON or plain; where it is cut, it says how much."""
    if 4 * len(text) <= room or _size(text, plain=plain) <= room:  # no character takes more
        return text
    kept, taken = 0, 0
    room -= len(f"… [cut: {len(text)} more characters]".encode())
    for char in text:
        taken += _size(char, plain=plain)
        if taken > room:
            break
        kept += 1
    return f"{text[:kept]}… [cut: {len(text) - kept} more characters]"


def split(text: str, room: int) -> list[str]:
    """Parts of at most `room` bytes in JSON, as they will be visible; none where there is no
    text."""
    parts: list[str] = []
    taken = room
    for char in visible(text):
        size = _size(char, plain=False)
        if taken + size > room:
            parts.append("")
            taken = 0
        parts[-1] += char
        taken += size
    return parts


def _size(text: str, *, plain: bool) -> int:
    return len((text if plain else json.dumps(text, ensure_ascii=False)[1:-1]).encode())


def _time(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def claimed(name: str) -> str:
    """What somebody says of who they are: it can look neither verified nor like the operator."""
    told = visible(name.strip()).replace("(", "[").replace(")", "]")
    told = cut(told, LONGEST_AUTHOR - 28, plain=True)
    is_more = told.lower() in RESERVED or "verified" in told.lower()
    return f"somebody named {told}" if is_more else told


def verified(fact: Fact) -> Fact:
    """The API server vouches for whom it names."""
    return replace(fact, by=f"{fact.by} (verified)", is_claim=False)
