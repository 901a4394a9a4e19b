"""How a line of the whiteboard looks: a label of seven columns, plain text, a bounded width.

Decides layout only. Texts come from people and from metrics: whatever moves a cursor is replaced.
"""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

WIDTH = 120
LABEL = 7
COMMAND = 256
"""The bound of the schema; only a command that would not work when cut may be wider than WIDTH."""


def told(label: str, text: str, most: int = 2) -> list[str]:
    """The text under its label, in at most `most` lines."""
    text, room = plain(text), WIDTH - LABEL
    if len(text) <= room:  # most are; wrapping costs more than all the rest of a pass
        return [f"{label:{LABEL}}{text}"] if text else []
    lines = textwrap.wrap(text, room, max_lines=most, placeholder=" ...", break_on_hyphens=False)
    return [f"{label if n == 0 else '':{LABEL}}{line}" for n, line in enumerate(lines)]


def joined(label: str, texts: Sequence[str], most: int = 2) -> list[str]:
    """Several short texts in one line, or two."""
    return told(label, " | ".join(texts), most) if texts else []


def command(label: str, text: str) -> list[str]:
    """Something to paste: never wrapped, and left out where it would have to be cut."""
    line = f"{label:{LABEL}}{plain(text)}"
    return [line] if len(line) <= COMMAND else []


def plain(text: str) -> str:
    """Without anything that moves a cursor."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()


def clock(at: datetime, now: datetime) -> str:
    """`14:41Z` of the same day, else with its date; what is read at 3 a.m. has no more digits."""
    return at.strftime("%H:%MZ") if at.date() == now.date() else at.strftime("%Y-%m-%d %H:%MZ")


def second(at: datetime) -> str:
    return at.strftime("%H:%M:%SZ")


def span(start: datetime, end: datetime) -> str:
    """`12s`, `38m`, `2h 10m`, `3d 4h`."""
    seconds = max(0, int((end - start).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds}s"
    if hours < 1:
        return f"{minutes}m"
    return f"{hours}h {minutes % 60}m" if days < 1 else f"{days}d {hours % 24}h"


def fitted(
    head: Iterable[str], details: Sequence[str], tail: Sequence[str], *, lines: int, size: int
) -> list[str]:
    """All of head and tail, and of the details what fits into `lines` and `size` bytes: what to do
    next is never crowded out."""
    first, last = list(head)[:lines], list(tail)
    last = last[: lines - len(first)]
    kept: list[str] = []
    used = sum(len(line.encode()) + 1 for line in (*first, *last))
    for line in details:
        used += len(line.encode()) + 1
        if used > size or len(first) + len(kept) + len(last) >= lines:
            break
        kept.append(line)
    return [*first, *kept, *last]
