"""`goaround explain FEATURE`: what the evidence of a flight said, and when.

Decides which windows are read again. Reads the feature from the API server and its counts from a
Prometheus; without one, only what status says is told. Exit codes: 0 told, 1 not to be had.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from goaround.cli.command import (
    OK,
    CommandError,
    Parser,
    add_provider,
    duration,
    printable,
    run,
    say,
)
from goaround.cli.connection import add_connection, ask_cluster, where

if TYPE_CHECKING:
    from goaround.api.kinds import AIFeature
    from goaround.cli.signals import Signals

SUMMARY: Final = "what the evidence of a flight said, and when"


def main(argv: Sequence[str], signals: Callable[[], "Signals"]) -> int:
    """The exit code. signals: how they are read, asked for only where something is read."""
    return run(_parser(), argv, partial(_run, signals=signals))


def _parser() -> Parser:
    parser = Parser(prog="goaround explain", description=SUMMARY)
    parser.add_argument("feature", help="name of the AIFeature")
    add_connection(parser)
    add_provider(parser, "replay the windows read from")
    parser.add_argument(
        "--since", type=duration, metavar="2h", help="draw no more than that (all of the flight)"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw into this file, too")
    return parser


def _run(args: argparse.Namespace, signals: Callable[[], "Signals"]) -> int:
    from goaround.cli.cluster import read_feature
    from goaround.rollout.flown import as_flown

    feature = as_flown(read_feature(where(args), args.feature, ask_cluster))
    say("\n".join(_head(feature)))
    if args.prometheus is None:
        lines = [printable(signal.message) for signal in feature.status.signals]
        say("\n".join([*lines, "", "for the history give --prometheus"]))
        return OK
    return _draw(args, feature, signals())


def _head(feature: "AIFeature") -> list[str]:
    status = feature.status
    name, stage = "/".join(feature.key), status.stage or "not seen by the operator yet"
    lines = [f"{name}: {stage}", *([status.summary] if status.summary else [])]
    return [*map(printable, lines), ""]


def _draw(args: argparse.Namespace, feature: "AIFeature", signals: "Signals") -> int:
    from goaround.cli import ranges, svg, terminal
    from goaround.cli.readback import read_back
    from goaround.cli.replay import flight_of, replay, unlike

    now = time.time()
    since = now - args.since if args.since is not None else None
    flown = flight_of(feature, now - args.lag, since)
    if flown is None:
        raise CommandError("nothing is in flight, and nothing flew that status remembers")
    where = ranges.provider(args.prometheus, scrape_seconds=args.scrape, lag_seconds=args.lag)
    found = read_back(feature, flown, where, signals)
    replayed = replay(feature, flown, found.windows)
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    notes = [printable(f"note: {note}") for note in (*found.notes, *unlike(replayed))]
    say("\n".join([*notes, terminal.as_text(replayed, plain=plain)]))
    if args.svg is not None:
        try:
            args.svg.write_text(svg.as_svg("/".join(feature.key), replayed), encoding="utf-8")
        except OSError as err:
            raise CommandError(f"cannot write {args.svg}: {err.strerror}") from err
    return OK
