"""`goaround doctor`: is what is installed here whole, does it run, and what may I do?

Decides what is asked, and what a finding means: `ok`, `look` (a person may want to know), `wrong`
(something does not work). Changes nothing. Exit codes: 0, 2 where something is wrong.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from goaround.cli.command import OK, REFUSED, Parser, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.output import add_output, is_coloured, painted, say_as
from goaround.cli.version import HOME

if TYPE_CHECKING:
    from goaround.cli.doctor_features import Finding
    from goaround.world.kube import Api

SUMMARY: Final = "is what is installed whole, does it run, and what may I do"


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround doctor", description=SUMMARY)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="features of all")
    parser.add_argument(
        "--operator-namespace", default=HOME, metavar="NS", help=f"where it runs ({HOME})"
    )
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _doctor(args, ask))


def _doctor(args: argparse.Namespace, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> "list[Finding]":
        from goaround.cli.doctor_checks import examined
        from goaround.cli.doctor_features import Place

        among = None if args.all_namespaces else namespace
        return await examined(api, Place(among, args.operator_namespace, datetime.now(UTC)))

    found = ask(where(args), do)
    if not say_as(args.output, [asdict(f) for f in found]):
        coloured = is_coloured()
        text = harmless("\n".join(_line(f) for f in found)).split("\n")
        say("\n".join(painted(line, coloured) for line in text))
    return REFUSED if any(f.state == "wrong" for f in found) else OK


def _line(found: "Finding") -> str:
    todo = f"\n        do: {found.do}" if found.do else ""
    return f"{found.state:<5} {found.check}: {found.message}{todo}"
