"""Histories as plots of block characters, at most 100 columns wide, without colour.

Decides how many windows share a column: the highest of them shows, so that no peak is lost.
Refuses to shorten a line that explains itself; it is wrapped.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from goaround.cli.command import printable
from goaround.cli.replay import FLOOR, History, Replay, clock

WIDTH: Final = 100
MARGIN: Final = 10
COLUMNS: Final = WIDTH - MARGIN - 2
HEIGHT: Final = 5
WIDEST: Final = 8
"""Columns for one window where there are few of them."""

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
PLAIN_BLOCKS: Final = " ..:::###"


def as_text(replayed: Replay, *, plain: bool = False) -> str:
    """All histories, one below the other. plain: only ASCII."""
    lines: list[str] = []
    for history in replayed.histories:
        lines += [*textwrap.wrap(printable(history.line) or history.test.signal, WIDTH), ""]
        if history.ends and not history.test.hard:
            lines += [*_panel(replayed, history, plain=plain), ""]
    return "\n".join(lines).rstrip("\n")


def _panel(replayed: Replay, history: History, *, plain: bool) -> Iterator[str]:
    columns = min(COLUMNS, len(history.ends) * WIDEST)
    harm = _columns(history.harm, columns)
    yield f"  harm: ln e, rolls back at {replayed.limit:.1f}"
    yield from _plot(harm, [replayed.limit] * columns, plain=plain)
    yield "  health: ln e, climbs at its level (marked)"
    yield from _plot(
        _columns(history.proof, columns), _columns(history.level, columns), plain=plain
    )
    yield _weights(replayed, history, columns)
    yield _times(history, columns)


def _columns(values: Sequence[float], columns: int) -> list[float]:
    """The highest value of each column's share of the windows."""
    size = len(values)
    return [
        max(
            values[at * size // columns : max((at + 1) * size // columns, at * size // columns + 1)]
        )
        for at in range(columns)
    ]


def _plot(values: Sequence[float], marks: Sequence[float], *, plain: bool) -> Iterator[str]:
    """Rows from the top; a mark shows where the level is. What is far above it is cut."""
    top = max(min(max(values), 2 * max(marks)), *marks, 1.0)
    low = min(0.0, max(FLOOR, min(values)))
    blocks, mark = (PLAIN_BLOCKS, "-") if plain else (BLOCKS, "┄")
    step = (top - low) / HEIGHT
    for row in reversed(range(HEIGHT)):
        floor = low + row * step
        label = f"{floor + step:.1f}" if row == HEIGHT - 1 else f"{low:.1f}" if row == 0 else ""
        cells = "".join(
            _cell((value - floor) / step, floor < level <= floor + step, blocks, mark)
            for value, level in zip(values, marks, strict=True)
        )
        yield f"{label:>{MARGIN - 1}} |{cells}"


def _cell(fill: float, marked: bool, blocks: str, mark: str) -> str:
    block = blocks[min(8, max(0, round(fill * 8)))]
    return mark if marked and block == " " else block


def _weights(replayed: Replay, history: History, columns: int) -> str:
    """`10%       50%`, each where its step began."""
    row = [" "] * COLUMNS
    for leg in replayed.flown.legs:
        label = f"|{leg.weight}%" if leg.weight is not None else f"|step {leg.index + 1}"
        after = next((i for i, end in enumerate(history.ends) if end > leg.since), None)
        if after is None:
            continue
        at = min(after * columns // len(history.ends), COLUMNS - len(label))
        row[at : at + len(label)] = list(label)
    return f"{'weight':>{MARGIN - 1}} {''.join(row).rstrip()}"


def _times(history: History, columns: int) -> str:
    first, last = clock(history.ends[0]), clock(history.ends[-1])
    gap = " " * max(1, columns - len(first) - len(last))
    return f"{'UTC':>{MARGIN - 1}} {first}{gap}{last}"
