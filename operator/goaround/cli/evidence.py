"""`goaround evidence FEATURE`: the evidence binder, whether it is whole, and a page of it.

Decides what is read and in which form it is told. Changes nothing. Exit codes: 0 told, 1 not to be
had, 2 with --verify: the chain is broken.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from goaround.cli.command import OK, REFUSED, CommandError, Parser, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where

if TYPE_CHECKING:
    from goaround.cli.evidence_text import Binder

SUMMARY: Final = "how every flight of a feature ended, as a chain that can be verified"


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    return run(_parser(), argv, lambda args: _run(args, ask))


def _parser() -> Parser:
    parser = Parser(prog="goaround evidence", description=SUMMARY)
    parser.add_argument("feature", help="name of the AIFeature")
    add_connection(parser)
    parser.add_argument(
        "--verify", action="store_true", help="recompute the chain; leave with 2 where it is broken"
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json", "markdown"), default="text", help="(text)"
    )
    return parser


def _run(args: argparse.Namespace, ask: Ask) -> int:
    return answer(_read(args, ask), args.output, verify=args.verify)


def answer(binder: "Binder", output: str, *, verify: bool) -> int:
    """Print it as `text`, `json` or `markdown`; the exit code."""
    from goaround.cli import evidence_text

    match output:
        case "json":
            say(evidence_text.as_json(binder))
        case "markdown":
            say(evidence_text.as_markdown(binder))
        case _:
            say(evidence_text.as_text(binder))
    return REFUSED if verify and binder.faults else OK


def _read(args: argparse.Namespace, ask: Ask) -> "Binder":
    from goaround.cli.cluster import read_binder
    from goaround.cli.evidence_text import binder

    namespace, feature, bodies = read_binder(where(args), args.feature, ask)
    if feature is None and not bodies:
        raise CommandError(
            f"there is no AIFeature {args.feature} in namespace {namespace}, nor a binder of it"
        )
    return binder(namespace, args.feature, feature, bodies)
