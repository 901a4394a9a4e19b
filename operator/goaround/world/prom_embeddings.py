"""From rows by dimension to sums of embeddings, one for each part of a window.

Decides which dimensions are asked for, and that all of them are there. Refuses a sum that lacks a
dimension, or has one of which only some series know: its direction would mean nothing.
"""

from collections.abc import Mapping
from typing import Final

from goaround.evidence.embeddings import MOST_DIMENSIONS, EmbeddingSum
from goaround.evidence.model import ImpossibleCounts

COUNTS: Final = "counts"
SUM: Final = "sum"
SERIES: Final = "series"
"""Part of an answer: how many series have the dimension."""

NUMBERED: Final = tuple(map(str, range(MOST_DIMENSIONS + 1)))
"""Dimensions that are asked for: one more than allowed tells that there are too many, and whatever
else the label holds makes no answer longer."""

Cell = Mapping[tuple[str, str], float]
"""(part, class) -> growth of one arm in one part of the window."""

Cells = Mapping[str, Mapping[int, Cell]]
"""Variant -> end -> its cell."""


def embedding_sums(cells: Cells, label: str) -> dict[str, dict[int, EmbeddingSum]]:
    """Variant -> end -> the sum there; without what had no embeddings yet. Every one has all
    dimensions, as many as any of them. Raises `ImpossibleCounts`."""
    every = (cell for by_end in cells.values() for cell in by_end.values())
    names = {name for cell in every for part, name in cell if part != COUNTS}
    dimensions = [i for i, name in enumerate(NUMBERED) if name in names]
    if dimensions and dimensions[-1] >= MOST_DIMENSIONS:
        raise ImpossibleCounts(
            f"{label}={dimensions[-1]} is there, but at most {MOST_DIMENSIONS} dimensions are "
            "taken, numbered from 0; project embeddings onto fewer"
        )
    found: dict[str, dict[int, EmbeddingSum]] = {}
    for variant, by_end in cells.items():
        made = {end: _sum(variant, by_end[end], label, dimensions) for end in sorted(by_end)}
        found[variant] = {end: one for end, one in made.items() if one is not None}
    return found


def _sum(variant: str, cell: Cell, label: str, dimensions: list[int]) -> EmbeddingSum | None:
    sums, counted = _of(cell, SUM), _of(cell, COUNTS)
    if len(counted) > 1:
        raise ImpossibleCounts(
            f"the count of {variant} has {label} too, so that each embedding counts "
            f'{len(counted)} times; name one, for example {label}="0"'
        )
    n = sum(counted.values())
    if not sums and not n:
        return None
    if not counted:
        raise ImpossibleCounts(f"{variant} has sums of embeddings and no count of them")
    _require_all(variant, cell, label, dimensions)
    return EmbeddingSum(tuple(sums[str(i)] for i in dimensions), n)


def _require_all(variant: str, cell: Cell, label: str, dimensions: list[int]) -> None:
    sums, series = _of(cell, SUM), _of(cell, SERIES)
    highest = dimensions[-1] if dimensions else None
    for i in range((highest or 0) + 1):
        if str(i) not in sums:
            raise ImpossibleCounts(
                f"{label}={i} of {variant} is missing; export all dimensions from 0 on "
                f"(the highest seen is {highest})"
            )
        if series.get(str(i)) != series.get("0"):
            raise ImpossibleCounts(
                f"{label}={i} of {variant} is there in {series.get(str(i), 0):g} series and "
                f"{label}=0 in {series.get('0', 0):g}; all instances need the same dimensions"
            )


def _of(cell: Cell, part: str) -> dict[str, float]:
    return {name: value for (of, name), value in cell.items() if of == part}
