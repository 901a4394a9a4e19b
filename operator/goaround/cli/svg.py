"""Histories as one self-contained SVG: no script, no font, no address of anywhere.

Decides the drawing. Every text is escaped, and characters that XML forbids are replaced. Readable
on light and on dark ground, by the reader's own preference.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from goaround.cli.replay import FLOOR, History, Replay, clock

WIDTH, PANEL, LEFT, RIGHT, TOP = 960, 190, 60, 20, 46
HEAD: Final = 30
LONGEST: Final = 130
STYLE: Final = """
svg { background: #ffffff; font: 13px sans-serif; }
text { fill: #1f2328; }
.dim { fill: #59636e; font-size: 11px; }
.axis { stroke: #8c959f; stroke-width: 1; }
.harm { stroke: #c42b1c; stroke-width: 2; fill: none; }
.health { stroke: #1a7f37; stroke-width: 2; fill: none; }
.limit { stroke: #c42b1c; stroke-dasharray: 6 4; fill: none; }
.level { stroke: #1a7f37; stroke-dasharray: 2 3; fill: none; }
.step { stroke: #8c959f; stroke-dasharray: 1 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; }
  text { fill: #e6edf3; }
  .dim { fill: #9198a1; }
  .harm, .limit { stroke: #ff7b72; }
  .health, .level { stroke: #3fb950; }
}
"""


def as_svg(title: str, replayed: Replay) -> str:
    """The whole document."""
    panels = [_panel(replayed, h, HEAD + PANEL * i) for i, h in enumerate(replayed.histories)]
    height = HEAD + PANEL * len(panels)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">',
            f"<title>{safe(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text x="{LEFT}" y="20" font-weight="bold">{safe(title)}</text>',
            *(line for panel in panels for line in panel),
            "</svg>",
            "",
        ]
    )


def safe(text: str) -> str:
    """Text for XML: escaped, and without characters that XML 1.0 does not know."""
    return escape("".join(c if _is_xml(ord(c)) else "�" for c in text), {'"': "&quot;"})


def _is_xml(code: int) -> bool:
    return (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )


def _panel(replayed: Replay, history: History, y: float) -> Iterator[str]:
    line = history.line or history.test.signal
    shown = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    yield f'<g transform="translate(0 {y:g})">'
    yield f'<text x="{LEFT}" y="20">{safe(shown)}<title>{safe(line)}</title></text>'
    if history.ends and not history.test.hard:
        yield from _drawing(replayed, history)
    yield "</g>"


def _drawing(replayed: Replay, history: History) -> Iterator[str]:
    plane = _Plane(replayed, history)
    yield f'<path class="axis" d="M{LEFT} {TOP}V{plane.bottom}H{WIDTH - RIGHT}" fill="none"/>'
    for leg in replayed.flown.legs:
        x = plane.x(max(leg.since, plane.first))
        label = f"{leg.weight} %" if leg.weight is not None else f"step {leg.index + 1}"
        yield f'<path class="step" d="M{x:.1f} {TOP}V{plane.bottom}"/>'
        yield f'<text class="dim" x="{x + 3:.1f}" y="{TOP - 6}">{safe(label)}</text>'
    yield plane.line("limit", [replayed.limit] * len(history.ends))
    yield plane.line("level", history.level)
    yield plane.line("health", history.proof)
    yield plane.line("harm", history.harm)
    for value in (plane.top, 0.0, plane.low):
        yield f'<text class="dim" x="8" y="{plane.y(value) + 4:.1f}">{value:.1f}</text>'
    at = plane.bottom + 14
    yield f'<text class="dim" x="{LEFT}" y="{at}">{clock(plane.first)} UTC</text>'
    yield f'<text class="dim" x="{WIDTH - RIGHT - 60}" y="{at}">{clock(plane.last)}</text>'
    yield (
        f'<text class="dim" x="{LEFT + 120}" y="{at}">ln e: solid red harm (dashed: rolls back), '
        "solid green health (dotted: climbs)</text>"
    )


class _Plane:
    """From times and nats to places in a panel."""

    bottom = PANEL - 24

    def __init__(self, replayed: Replay, history: History) -> None:
        self._ends = history.ends
        self.first = history.ends[0] - history.test.interval
        self.last = history.ends[-1]
        values = [*history.harm, *history.proof]
        self.top = max(replayed.limit, *history.level, min(max(values), 3 * replayed.limit))
        self.low = min(-1.0, max(FLOOR, min(values)))

    def x(self, at: float) -> float:
        return LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        part = (min(max(value, self.low), self.top) - self.low) / (self.top - self.low)
        return self.bottom - part * (self.bottom - TOP)

    def line(self, name: str, values: Sequence[float]) -> str:
        points = " ".join(
            f"{self.x(end):.1f},{self.y(value):.1f}"
            for end, value in zip(self._ends, values, strict=True)
        )
        return f'<polyline class="{name}" points="{points}"/>'
