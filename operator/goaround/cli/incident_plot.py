"""Times to detect, contain and resolve, and incidents by month, as one self-contained SVG.

Decides the drawing: times on a logarithmic axis, because they span seconds to weeks; one bar per
month and feature. Every text is escaped.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from goaround.cli.svg import safe
from goaround.incident.figures import Entry, shortly

WIDTH, PANEL, LEFT, RIGHT, TOP = 960, 200, 70, 20, 40
MOST_FEATURES: Final = 6
TICKS: Final = (1, 10, 60, 600, 3600, 36000, 86400, 864000)
NAMES: Final = (("detect", "TTD"), ("contain", "TTC"), ("resolve", "TTR"))
STYLE: Final = """
svg { background: #ffffff; font: 13px sans-serif; }
text { fill: #1f2328; }
.dim { fill: #59636e; font-size: 11px; }
.axis { stroke: #8c959f; fill: none; }
.detect { fill: #0969da; } .contain { fill: #c42b1c; } .resolve { fill: #1a7f37; }
.bar { fill: #59636e; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; }
  text { fill: #e6edf3; }
  .dim, .bar { fill: #9198a1; }
  .detect { fill: #58a6ff; } .contain { fill: #ff7b72; } .resolve { fill: #3fb950; }
}
"""


def as_svg(found: Sequence[Entry], since: datetime, now: datetime) -> str:
    """The whole document."""
    counts = Counter(f"{e.namespace}/{e.feature}" for e in found)
    features = [name for name, _ in counts.most_common(MOST_FEATURES)]
    height = PANEL * (1 + len(features))
    title = f"Incidents from {since:%Y-%m-%d} to {now:%Y-%m-%d}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">',
            f"<title>{safe(title)}</title>",
            f"<style>{STYLE}</style>",
            *_times(found, since, now, title),
            *(
                line
                for place, name in enumerate(features, start=1)
                for line in _months(found, name, since, now, y=place * PANEL)
            ),
            "</svg>",
            "",
        ]
    )


def _x(at: datetime, since: datetime, now: datetime) -> float:
    share = (at - since).total_seconds() / max(1.0, (now - since).total_seconds())
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(seconds: float) -> float:
    share = math.log10(max(1.0, seconds)) / math.log10(TICKS[-1] * 3)
    return PANEL - 24 - share * (PANEL - 24 - TOP)


def _frame(title: str, since: datetime, now: datetime) -> Iterator[str]:
    bottom = PANEL - 24
    yield f'<text x="{LEFT}" y="20" font-weight="bold">{safe(title)}</text>'
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    yield f'<text class="dim" x="{LEFT}" y="{bottom + 16}">{since:%Y-%m-%d}</text>'
    yield f'<text class="dim" x="{WIDTH - RIGHT - 62}" y="{bottom + 16}">{now:%Y-%m-%d}</text>'


def _times(found: Sequence[Entry], since: datetime, now: datetime, title: str) -> Iterator[str]:
    yield from _frame(title, since, now)
    for tick in TICKS:
        yield f'<text class="dim" x="8" y="{_y(tick) + 4:.1f}">{shortly(tick)}</text>'
    for column, (name, label) in enumerate(NAMES):
        x = WIDTH - RIGHT - 160 + column * 55
        yield f'<circle class="{name}" cx="{x}" cy="16" r="4"/>'
        yield f'<text class="dim" x="{x + 8}" y="20">{label}</text>'
    for entry in found:
        for name, label in NAMES:
            if (seconds := getattr(entry, name)) is not None:
                told = safe(f"{entry.name} {label} {shortly(seconds)}")
                place = f'cx="{_x(entry.opened, since, now):.1f}" cy="{_y(seconds):.1f}"'
                yield f'<circle class="{name}" {place} r="4"><title>{told}</title></circle>'


def _months(
    found: Sequence[Entry], feature: str, since: datetime, now: datetime, *, y: int
) -> Iterator[str]:
    """Incidents of one feature by month."""
    mine = [e for e in found if f"{e.namespace}/{e.feature}" == feature]
    months = _calendar(since, now)
    counts = Counter((e.opened.year, e.opened.month) for e in mine)
    most, room = max(counts.values()), (WIDTH - LEFT - RIGHT) / len(months)
    yield f'<g transform="translate(0 {y})">'
    yield from _frame(f"{feature}: incidents by month", since, now)
    for place, month in enumerate(months):
        number = counts[month]
        tall = number / most * (PANEL - 24 - TOP)
        at = f'x="{LEFT + place * room + 2:.1f}" y="{PANEL - 24 - tall:.1f}"'
        told = f"{month[0]}-{month[1]:02d}: {number}"
        size = f'width="{max(1.0, room - 4):.1f}" height="{tall:.1f}"'
        yield f'<rect class="bar" {at} {size}><title>{told}</title></rect>'
    yield f'<text class="dim" x="8" y="{TOP + 8}">{most}</text>'
    yield "</g>"


def _calendar(since: datetime, now: datetime) -> list[tuple[int, int]]:
    """Every month from the first to the last."""
    first, last = since.year * 12 + since.month - 1, now.year * 12 + now.month - 1
    return [(at // 12, at % 12 + 1) for at in range(first, last + 1)]
