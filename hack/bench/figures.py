"""Figures for people: percentiles and tables. Refuses to round what goes into the report twice."""

from collections.abc import Iterable, Mapping, Sequence

from goaround.api.base import Json

PERCENTILES = (50, 90, 99)


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """Nearest rank: the least value that at least `percent` of all do not exceed."""
    rank = -(-len(sorted_values) * percent // 100)
    return sorted_values[max(int(rank), 1) - 1]


def spread(values: Iterable[float]) -> Json:
    """p50, p90, p99 and max in seconds (or whatever the values are), and how many there were."""
    known = sorted(values)
    if not known:
        return {"n": 0}
    told: Json = {f"p{p}": round(percentile(known, p), 4) for p in PERCENTILES}
    return {"n": len(known), **told, "max": round(known[-1], 4)}


def table(title: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same columns, aligned; numbers to the right."""
    if not rows:
        return title
    columns = list(rows[0])
    cells = [[_cell(row.get(c, "")) for c in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) for i, c in enumerate(columns)]
    aligned = [_line(columns, widths, rows[0]), *(_line(r, widths, rows[0]) for r in cells)]
    return "\n".join((title, *(f"  {line}" for line in aligned)))


def _line(cells: Sequence[str], widths: Sequence[int], first: Mapping[str, object]) -> str:
    kinds = list(first.values())
    return "  ".join(
        c.rjust(w) if isinstance(k, int | float) else c.ljust(w)
        for c, w, k in zip(cells, widths, kinds, strict=True)
    ).rstrip()


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
