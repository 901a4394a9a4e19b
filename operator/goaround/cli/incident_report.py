"""`goaround incident report`: what the incidents of some time add up to.

Decides form only: a page, a table for a spreadsheet, lines for a program, a drawing. Drills and
what was cancelled or merged are left out (`incident/figures.py`).
"""

import argparse
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from goaround.cli.command import OK, CommandError, Parser, duration, harmless, printable, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster
from goaround.cli.incident_show import parsed, read_all

if TYPE_CHECKING:
    from goaround.incident.figures import Entry, Sum

DANGEROUS = ("=", "+", "-", "@", "\t")
"""Begins a formula in a spreadsheet."""


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround incident report", description="what incidents add up to")
    parser.add_argument("--since", type=duration, default=90 * 86400.0, help="how far back (90d)")
    parser.add_argument("--feature", help="of one AIFeature only")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    add_connection(parser)
    forms = ("md", "csv", "jsonl")
    parser.add_argument("-o", "--output", choices=forms, default="md", help="(md)")
    parser.add_argument("--plot", metavar="FILE", help="also draw times and trend, as SVG")
    now = datetime.now(UTC)
    return run(parser, argv, lambda args: _report(args, now, ask))


def _report(args: argparse.Namespace, now: datetime, ask: Ask) -> int:
    from goaround.incident.figures import entries

    since = now - timedelta(seconds=args.since)
    incidents = [parsed(body) for body in read_all(args, ask)]
    found = entries(incidents, since, now, args.feature)
    forms = {"md": as_markdown, "csv": as_csv, "jsonl": as_jsonl}
    say(forms[args.output](found, since, now))
    if args.plot is not None:
        _draw(args.plot, found, since, now)
    return OK


def _draw(path: str, found: "Sequence[Entry]", since: datetime, now: datetime) -> None:
    from goaround.cli.incident_plot import as_svg

    try:
        Path(path).write_text(as_svg(found, since, now), encoding="utf-8")
    except OSError as err:
        raise CommandError(f"cannot write {path}: {err.strerror}") from err


def as_jsonl(found: "Sequence[Entry]", since: datetime, now: datetime) -> str:
    """One incident per line; times in seconds."""
    return "\n".join(json.dumps(_record(entry)) for entry in found)


def _record(entry: "Entry") -> dict[str, object]:
    from goaround.api.base import rfc3339

    return asdict(entry) | {"opened": rfc3339(entry.opened)}


def as_csv(found: "Sequence[Entry]", since: datetime, now: datetime) -> str:
    """One incident per row; no text can become a formula."""
    from goaround.incident.figures import Entry

    out = io.StringIO()
    rows = csv.DictWriter(out, list(Entry.__dataclass_fields__), lineterminator="\n")
    rows.writeheader()
    for entry in found:
        rows.writerow({key: _cell(value) for key, value in _record(entry).items()})
    return out.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def as_markdown(found: "Sequence[Entry]", since: datetime, now: datetime) -> str:
    """All together, then feature by feature, then one by one."""
    from goaround.incident.figures import summed

    lines = [
        f"# Incidents from {since:%Y-%m-%d} to {now:%Y-%m-%d}",
        "",
        *(_sum(summed(found)) if found else ["No incident: nothing to add up."]),
        *(_trends(found, since, now) if found else ()),
        *(_each(found) if found else ()),
    ]
    return harmless("\n".join(lines))


def _sum(whole: "Sum") -> Iterator[str]:
    from goaround.incident.figures import shortly

    yield f"- incidents: {whole.count}, of them {whole.repeats} repeat an earlier cause"
    yield f"- median time to detect: {shortly(whole.detect)}"
    yield f"- median time to contain: {shortly(whole.contain)}"
    yield f"- median time to resolve: {shortly(whole.resolve)}"
    yield f"- requests exposed: {whole.exposed:,}"
    yield f"- minutes of harm: {whole.harm_minutes:,.1f}"


def _trends(found: "Sequence[Entry]", since: datetime, now: datetime) -> Iterator[str]:
    """The earlier half of the time against the later one."""
    from goaround.incident.figures import trends

    yield from ("", "## By feature", "")
    yield "| Feature | Incidents | Earlier half | Later half | Harm earlier | later | Trend |"
    yield "|---|---|---|---|---|---|---|"
    for one in trends(found, since, now):
        harm = f"{one.earlier.harm_minutes:.1f} min | {one.later.harm_minutes:.1f} min"
        counts = f"{one.whole.count} | {one.earlier.count} | {one.later.count}"
        yield f"| {one.feature} | {counts} | {harm} | {one.word} |"


def _each(found: "Sequence[Entry]") -> Iterator[str]:
    from goaround.incident.figures import shortly

    yield from ("", "## One by one", "")
    yield "| Detected | Incident | Sev | Phase | Cause | TTD | TTC | TTR | Exposed | Business |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for entry in found:
        cause = (entry.cause or "-") + (" (again)" if entry.repeats else "")
        times = " | ".join(map(shortly, (entry.detect, entry.contain, entry.resolve)))
        exposed = "-" if entry.exposed is None else f"{entry.exposed:,}"
        about = f"{entry.name} | {entry.severity} | {entry.phase or '-'} | {cause}"
        business = _quiet(entry.business) or "-"
        yield f"| {entry.opened:%Y-%m-%d %H:%M} | {about} | {times} | {exposed} | {business} |"


def _quiet(text: str) -> str:
    """What a person wrote, in a cell of a table."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|" else c for c in printable(text))
