"""Notes that people put on an incident as annotations, and what becomes of them.

Decides what a note says, when and by whom. A note that is not as it should be is entered all the
same, with what is wrong with it: nothing that people write is lost. Who wrote it is their claim.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from goaround.api.names import NOTE
from goaround.incident.entries import Fact, Kind, Source, claimed, split

NOTED: Final = "note:"
PART, PARTS = 400, 16
"""Bytes of a note in one entry, and entries of one note at most."""

AHEAD: Final = timedelta(minutes=5)
NOBODY: Final = "annotation"


@dataclass(frozen=True, slots=True)
class Note:
    """As somebody wrote it; `at` None: when it is recorded. wrong: what was not understood."""

    text: str
    by: str | None = None
    at: datetime | None = None
    wrong: str = ""


def inbox(annotations: Mapping[str, str], most: int) -> dict[str, str]:
    """The notes that wait, by what their annotation is called after `goaround.dev/`; the first few
    in order of their names."""
    prefix = NOTE.removesuffix("note")
    found = {k.removeprefix(prefix): v for k, v in annotations.items() if is_note(k)}
    return dict(sorted(found.items())[:most])


def is_note(annotation: str) -> bool:
    return annotation == NOTE or annotation.startswith(f"{NOTE}.")


def annotation(called: str) -> str:
    """The whole name of an annotation."""
    return NOTE.removesuffix("note") + called


def key(called: str) -> str:
    """What entries of a note are about."""
    return NOTED + called


def facts(called: str, value: str, now: datetime) -> Iterator[Fact]:
    """The entries of one note: several where it is long."""
    note = read(value) if called != "note" else Note(value)
    at, wrong = note.at, note.wrong
    if at is not None and at > now + AHEAD:
        at, wrong = None, f"its time {note.at:%Y-%m-%dT%H:%M:%SZ} is still to come"
    text = note.text + (f" [{wrong}]" if wrong else "")
    parts = split(text[: PARTS * PART], PART) or ["[empty]"]  # more has no room in any case
    if (lost := len(text[PARTS * PART :]) + sum(map(len, parts[PARTS:]))) > 0:
        parts = [*parts[: PARTS - 1], f"{parts[PARTS - 1]}… [cut: {lost} more characters]"]
    for number, part in enumerate(parts, start=1):
        yield Fact(
            key=key(called) if number == 1 else f"{key(called)}/{number}",
            kind=Kind.NOTE,
            text=part if len(parts) == 1 else f"({number}/{len(parts)}) {part}",
            value=value,
            at=at,
            by=claimed(note.by) if note.by and note.by.strip() else NOBODY,
            source=Source.HUMAN,
        )


def read(value: str) -> Note:
    """`{"at","by","text"}` as the plugin writes it; anything else is a text as it stands."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return Note(value)
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        return Note(value)
    by, at = found.get("by"), found.get("at")
    when = _time(at)
    wrong = "" if at is None or when is not None else f"no time: {str(at)[:40]}"
    return Note(found["text"], by if isinstance(by, str) else None, when, wrong)


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
