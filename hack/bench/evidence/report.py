"""Tables for people. Decides which columns are printed and how; refuses to change a figure."""

from collections.abc import Mapping, Sequence
from typing import Final

from goaround.api.base import Json
from hack.bench.figures import table

PERCENTS: Final = ("falseRollback24h", "low", "high", "wrongAccept", "accepted24h", "found24h")
SHARES: Final = ("p0", "p1")


def nulls(rows: Sequence[Json], pooled: Json) -> str:
    shown = [
        _told(row, ("world", "rps", "falseRollback24h", "low", "high", "goal")) for row in rows
    ]
    told = table("False rollback within 24 h, candidate = stable", shown)
    share, low, high = (_percent(pooled[key]) for key in ("falseRollback24h", "low", "high"))
    return (
        f"{told}\n  {pooled['worlds']} worlds of persistent users pooled: {share} "
        f"({low} to {high}), goal {_percent(pooled['goal'])}: {pooled['standing']}"
    )


def delays(rows: Sequence[Json], cost: Json) -> str:
    columns = ("rps", "p0", "p1", "onsetHours", "medianSeconds", "p95Seconds", "boundSeconds")
    more = ("ratio", "badResponses", "found24h", "plainSeconds", "goal")
    told = table("Time to detect", [_told(row, (*columns, *more)) for row in rows])
    return (
        f"{told}\n  what the design effect costs where requests are independent: "
        f"x {cost['meanRatio']:.2f} on average, goal x {cost['goal']:g}: {cost['standing']}"
    )


def rivals(per_rule: Sequence[Json], ours: Sequence[Json]) -> str:
    """One row per world, one column per rule: false rollback within 24 h."""
    columns = {"GoAround": ours} | {told["rule"]: told["null"] for told in per_rule}
    letters = dict(zip(columns, "GABCDEFH", strict=False))
    shown = [
        {"world": row["world"], "rps": f"{row['rps']:g}"}
        | {letters[name]: _percent(rows[i]["falseRollback24h"]) for name, rows in columns.items()}
        for i, row in enumerate(ours)
    ]
    named = "\n".join(f"  {letter} = {name}" for name, letter in letters.items())
    return f"{table('False rollback within 24 h, beside threshold rules', shown)}\n{named}"


def rival_delays(per_rule: Sequence[Json], ours: Sequence[Json]) -> str:
    """Median seconds to detect, the same way; `-` = not within a day."""
    early = [row for row in ours if not row["onsetHours"]]
    columns = {"GoAround": early} | {told["rule"]: told["delay"] for told in per_rule}
    letters = dict(zip(columns, "GABCDEFH", strict=False))
    shown = [
        _told(row, ("rps", "p0", "p1"))
        | {letters[name]: _cell(rows[i]["medianSeconds"]) for name, rows in columns.items()}
        for i, row in enumerate(early)
    ]
    for cells in shown:
        cells.pop("standing")
    return table("Median seconds to detect, beside threshold rules", shown)


def accepts(rows: Sequence[Json]) -> str:
    columns = ("world", "rps", "margin", "medianRequests", "p95Requests", "medianSeconds")
    more = ("accepted24h", "wrongAccept", "low", "high", "goal")
    return table("Promotion", [_told(row, (*columns, *more)) for row in rows])


def means(rows: Sequence[Json]) -> str:
    """Seconds to detect by moments and by fractional counts; `-` = not in time."""
    columns = ("rps", "score0", "score1", "sd", "tolerance", "buckets")
    times = ("momentSeconds", "sumSeconds", "countSeconds", "ratio")
    shown = [
        {name: _cell(row[name]) for name in (*columns, *times)}
        | {"ratio": f"{'>= ' if row['atLeast'] else ''}{_cell(row['ratio'])}"}
        for row in rows
    ]
    return table("Median seconds to detect a falling mean score", shown)


def cost(told: Json) -> str:
    return (
        f"Cost of {told['signals']:,} signals per poll: {told['milliseconds']:.1f} ms, "
        f"goal {told['goalMilliseconds']:g} ms: {told['standing']} "
        f"({told['allSuspectMilliseconds']:.1f} ms if all are suspected, "
        f"{told['oneByOneMicroseconds']:.0f} µs each if moved one by one)\n"
        f"State of a signal: {told['stateBytes']} bytes with buckets, "
        f"goal {told['goalBytes']}: {told['stateStanding']}"
    )


def summary(rows: Mapping[str, Sequence[Json]]) -> str:
    """How many figures of each kind met their goal, and every one that did not."""
    lines = ["Goals"]
    for kind, some in rows.items():
        standings = [row["standing"] for row in some]
        counts = ", ".join(f"{standings.count(s)} {s}" for s in ("met", "open", "missed"))
        lines.append(f"  {kind}: {counts}")
        lines += [f"    missed: {_name(row)}" for row in some if row["standing"] == "missed"]
    return "\n".join(lines)


def _name(row: Json) -> str:
    if "ratio" in row:
        late = f", onset {row['onsetHours']:g} h" if row["onsetHours"] else ""
        aim = " (an aim)" if row["aim"] else ""
        change = f"{100 * row['p0']:g} → {100 * row['p1']:g} %"
        return f"{row['rps']:g} req/s, {change}{late}: x {_cell(row['ratio'])}{aim}"
    told = row.get("falseRollback24h", row.get("wrongAccept"))
    margin = f", margin {row['margin']:g}" if "margin" in row else ""
    return f"{row['world']}, {row['rps']:g} req/s{margin}: {_percent(told)}"


def _told(row: Json, columns: Sequence[str]) -> dict[str, object]:
    cells: dict[str, object] = {}
    for name in columns:
        percent = name in PERCENTS or name in SHARES or (name == "goal" and row[name] < 1)
        cells[name] = _percent(row[name]) if percent else _cell(row[name])
    return cells | {"standing": row["standing"]}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3g} %"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
