"""A note as a page of plain values: sections of paragraphs, rows and lines.

Decides nothing but shape; `note.py` fills it, `note_text.py` prints it. Whatever nobody said reads
"not yet known".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from goaround.api.base import rfc3339
from goaround.api.judgement import DataExposure

UNKNOWN = "not yet known"


@dataclass(frozen=True, slots=True)
class Section:
    """Rows are name and text; lines stand alone. key: its name in JSON."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """aiid: the fields that the AI Incident Database asks for, by their names there."""

    incident: str
    namespace: str
    title: str
    sections: tuple[Section, ...]
    aiid: tuple[tuple[str, str], ...]


def known(said: object) -> str:
    """What was said, or that nobody knows yet."""
    if isinstance(said, datetime):
        return moment(said)
    if isinstance(said, bool):
        return "yes" if said else "no"
    return str(said) if said not in (None, "") else UNKNOWN


def moment(at: datetime | None) -> str:
    return rfc3339(at.replace(microsecond=0)) if at is not None else UNKNOWN


def exposure(said: DataExposure) -> str:
    """Whether data of people got out. Nothing is read from silence: a person says that none did."""
    words = {DataExposure.UNKNOWN: UNKNOWN, DataExposure.NONE: "none"}
    return words.get(said, str(said))


def listed(said: Iterable[str], none: str = UNKNOWN) -> str:
    return "; ".join(said) or none


def sentence(*parts: str) -> str:
    """Parts that are there, with one full stop at the end of each."""
    return " ".join(f"{part.strip().rstrip('.')}." for part in parts if part.strip())
