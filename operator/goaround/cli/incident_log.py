"""`goaround incident log INC` and `goaround incident verify INC`: the timeline, and its chain.

Decides the order and the form in which entries are told. Changes nothing. Exit codes: 0 told, 1 not
to be had, 2 with verify: the timeline is not what was recorded.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from goaround.cli.command import OK, REFUSED, Parser, printable, run, say
from goaround.cli.connection import add_connection, ask_cluster, where

if TYPE_CHECKING:
    from goaround.cli.incident_cluster import Read
    from goaround.incident.entries import Entry


def show(argv: Sequence[str]) -> int:
    """`log`: the exit code."""
    parser = parser_of("log", "the whole timeline of an incident, in order of what it tells")
    parser.add_argument(
        "--recorded", action="store_true", help="in the order in which it was recorded"
    )
    parser.add_argument("-o", "--output", choices=("text", "jsonl"), default="text", help="(text)")
    return run(parser, argv, _show)


def verify(argv: Sequence[str]) -> int:
    """`verify`: the exit code."""
    summary = "recompute the chain of a timeline; leave with 2 where it is not what was recorded"
    return run(parser_of("verify", summary), argv, lambda args: verdict(_read(args)))


def parser_of(verb: str, summary: str) -> Parser:
    """Which incident, and where."""
    parser = Parser(prog=f"goaround incident {verb}", description=summary)
    parser.add_argument("incident", help="name of the AIIncident")
    add_connection(parser)
    return parser


def _read(args: argparse.Namespace) -> "Read":
    from goaround.cli.incident_cluster import read_timeline

    return read_timeline(where(args), args.incident, ask_cluster)


def _show(args: argparse.Namespace) -> int:
    for line in told(_read(args), args.output, recorded=args.recorded):
        say(line)
    return OK


def told(read: "Read", output: str, *, recorded: bool) -> Iterator[str]:
    """Lines of text or of JSON; a line that is no entry is told as it stands."""
    from goaround.incident.entries import Entry

    found = [(Entry.read(line), line) for line in read.parts.lines]
    entries = [entry for entry, _ in found if entry is not None]
    strange = [line for entry, line in found if entry is None]
    if not recorded:
        entries.sort(key=lambda e: (e.at, e.seq))
    if output == "jsonl":
        yield from (printable(json.dumps(json.loads(e.line()))) for e in entries)
        return
    yield from map(_line, entries)
    yield from (f"no entry: {printable(line)[:200]}" for line in strange)


def _line(entry: "Entry") -> str:
    """`2026-11-21 14:09:12Z  ana  classify  P2: …`, with when it was learnt if that was later."""
    late = (entry.recorded_at - entry.at).total_seconds() >= 60
    learnt = f" [recorded {entry.recorded_at:%Y-%m-%d %H:%M:%S}Z]" if late else ""
    at = f"{entry.at:%Y-%m-%d %H:%M:%S}Z"
    return printable(f"{at}  {entry.by}  {entry.kind}  {entry.text}{learnt}")


def verdict(read: "Read") -> int:
    """Print whether it is whole; 2 where it is not."""
    from goaround.incident.verifying import faults, newer

    name, anchor = "/".join(read.incident.key), read.incident.status.timeline_anchor
    found = [f"sealed part {n} is missing" for n in read.parts.missing]
    found += faults(read.parts.lines, anchor)
    if found:
        say(f"{name}: NOT what was recorded: {printable(found[0])}")
        for line in found[1:]:
            say(f"  {printable(line)}")
        return REFUSED
    if not read.parts.lines:
        say(f"{name}: nothing has been entered yet")
        return OK
    more = newer(read.parts.lines, anchor)
    beyond = f"; {more} newer ones are not vouched for yet" if more else ""
    say(f"{name}: whole: entries 1 to {anchor.length}, vouched for by status{beyond}")
    return OK
