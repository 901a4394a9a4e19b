"""The change ledger of one feature: lines, what was last seen, and how both are kept.

Decides what is dropped when it grows too large, and leaves a mark where it did. A ledger is read by
people and by incidents; it is no evidence, since whoever may edit ConfigMaps may edit it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from goaround.api.base import Json, rfc3339
from goaround.api.changes import MOST_TOLD, Change, ChangesStatus
from goaround.api.names import FIELD_MANAGER, change_key, ledger_name
from goaround.api.status import Transition
from goaround.ledger.facts import Look, changes

LINES_KEY: Final = "changes.jsonl"
SEEN_KEY: Final = "seen.json"
MOST_BYTES: Final = 262_144
KEPT: Final = timedelta(days=14)
DAY: Final = timedelta(days=1)
OWN: Final = "AIFeature"

Seen = Mapping[str, Look]


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many lines are kept no more, and up to when they spoke."""

    lines: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """lines: oldest first. seen: the last look at each object by title; one that was never looked
    at is not in it."""

    lines: tuple[Change, ...] = ()
    seen: Seen = field(default_factory=dict)
    dropped: Dropped | None = None


def looked(book: Book, seen: Seen, history: Iterable[Change], now: datetime) -> Book:
    """The ledger after a look at every object in `seen`, with what the feature itself did. The
    first look at an object starts its part of the ledger, without a line."""
    known = ((title, book.seen.get(title), look) for title, look in seen.items())
    found = [c for title, was, look in known if was for c in changes(title, was, look, now)]
    oldest = max(now - KEPT, book.dropped.until) if book.dropped is not None else now - KEPT
    mine = [line for line in history if line.at > oldest]
    kept = {title: _last(book.seen.get(title), look) for title, look in seen.items()}
    return _bounded(with_lines(replace(book, seen=kept), [*found, *mine]), now)


def _last(was: Look | None, look: Look) -> Look:
    """What is known already is not written again because of a mere date."""
    return was if was is not None and was.facts == look.facts else look


def with_lines(book: Book, new: Iterable[Change]) -> Book:
    """The ledger with these lines, each once, in the order of time."""
    lines = {key_of(line): line for line in (*book.lines, *new)}
    return replace(book, lines=tuple(sorted(lines.values(), key=lambda line: line.at)))


def own(feature: str, history: Iterable[Transition]) -> list[Change]:
    """What a feature itself did, as lines: releases, steps, holds, kills."""
    return [
        Change(
            at=t.at,
            object=f"{OWN} {feature}",
            what=t.reason,
            now=t.message[:MOST_TOLD],
            by=FIELD_MANAGER,
        )
        for t in history
    ]


def recent(lines: Iterable[Change], since: datetime, until: datetime) -> list[Change]:
    """The lines of `since` <= at < `until`, oldest first, each once."""
    found = {key_of(line): line for line in lines if since <= line.at < until}
    return sorted(found.values(), key=lambda line: line.at)


def status_of(book: Book, feature: str, now: datetime) -> ChangesStatus:
    """What status says of it: changes of others only, since the feature's own stand there."""
    others = [line for line in book.lines if not line.object.startswith(f"{OWN} ")]
    return ChangesStatus(
        last_day=sum(1 for line in others if line.at > now - DAY),
        last=others[-1].line if others else None,
        ledger=ledger_name(feature),
    )


def key_of(line: Change) -> str:
    """The same for the same change, whoever found it."""
    return change_key(rfc3339(line.at), line.object, line.what, line.was, line.now)


def written(book: Book) -> dict[str, str]:
    """`data` of the ConfigMap: lines as JSONL, the mark of dropped ones first."""
    mark = book.dropped
    first = [{"dropped": mark.lines, "until": rfc3339(mark.until)}] if mark is not None else []
    rows = [*first, *(_row(line) for line in book.lines)]
    seen = {
        title: {"facts": look.facts, "at": rfc3339(look.at) if look.at is not None else None}
        for title, look in sorted(book.seen.items())
    }
    return {LINES_KEY: "".join(f"{_dumped(row)}\n" for row in rows), SEEN_KEY: _dumped(seen)}


def read(data: Mapping[str, str]) -> Book:
    """The ledger in such `data`; lines that are none, as after an edit by hand, are left out."""
    rows = [row for text in data.get(LINES_KEY, "").splitlines() if (row := _loaded(text))]
    marks = [mark for row in rows if (mark := _mark(row)) is not None]
    lines = [line for row in rows if "object" in row and (line := _line(row)) is not None]
    seen = _loaded(data.get(SEEN_KEY, "")) or {}
    looks = {title: found for title, one in seen.items() if (found := _look(one)) is not None}
    return with_lines(Book(seen=looks, dropped=marks[0] if marks else None), lines)


def _bounded(book: Book, now: datetime) -> Book:
    """Without what is too old, and without the oldest of what is too much."""
    sizes = [len(_dumped(_row(line)).encode()) + 1 for line in book.lines]
    first, total = 0, sum(sizes)
    while first < len(sizes) and (total > MOST_BYTES or book.lines[first].at < now - KEPT):
        total -= sizes[first]
        first += 1
    if first == 0:
        return book
    before = book.dropped.lines if book.dropped is not None else 0
    mark = Dropped(before + first, book.lines[first - 1].at)
    return replace(book, lines=book.lines[first:], dropped=mark)


def _row(line: Change) -> Json:
    return line.wire()


def _line(row: Json) -> Change | None:
    try:
        return Change.model_validate(row)
    except ValidationError:
        return None


def _mark(row: Json) -> Dropped | None:
    try:
        return Dropped(int(row["dropped"]), datetime.fromisoformat(str(row["until"])))
    except (KeyError, ValueError, TypeError):
        return None


def _look(found: object) -> Look | None:
    facts = found.get("facts") if isinstance(found, dict) else None
    at = found.get("at") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(facts, dict | None):
        return None
    try:
        return Look(facts, datetime.fromisoformat(at) if at else None)
    except (TypeError, ValueError):
        return None


def _loaded(text: str) -> Json | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
