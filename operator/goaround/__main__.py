"""The command line: `goaround operator | flags | plan | explain | evidence | incident | kill …`.

Decides which process this is, and loads no more than that one needs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from goaround import __version__

if TYPE_CHECKING:
    from goaround.cli.signals import Signals

DAY = {
    "incident": ("goaround.cli.incident:main", "an incident, from open to closed"),
    "freeze": ("goaround.cli.freeze:main", "may a pipeline change what belongs to a feature now"),
    "kill": ("goaround.cli.kill:kill_main", "serve the fallback to everybody, now"),
    "revive": ("goaround.cli.kill:revive_main", "delete the kill switches of a feature"),
    "status": ("goaround.cli.kill:status_main", "what a feature does now, in a few lines"),
}
"""The commands of a bad day: `module:function`, and what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the chosen command; for the servers 2 is a usage or configuration error."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = words[:1]
    if chosen == ["plan"]:
        from goaround.cli import plan

        return plan.main(words[1:], _signals)
    if chosen == ["explain"]:
        from goaround.cli import explain

        return explain.main(words[1:], _signals)
    if chosen == ["evidence"]:
        from goaround.cli import evidence

        return evidence.main(words[1:])
    if chosen and chosen[0] in DAY:
        module, _, function = DAY[chosen[0]][0].partition(":")
        code: int = getattr(import_module(module), function)(words[1:])
        return code
    return _serve(words)


def _signals() -> "Signals":
    """The operator's own way to ask for signals, lent to the commands: rooms of one rank do not
    import one another."""
    from goaround.cli.signals import Signals
    from goaround.runtime.readings import Purpose, shape_of, understood, wanted

    return Signals(shape_of, wanted, partial(understood, purpose=Purpose.FLIGHT))


def _serve(words: Sequence[str]) -> int:
    """The servers, and the help that names all commands."""
    parser = argparse.ArgumentParser(prog="goaround", description=__doc__)
    parser.add_argument("--version", action="version", version=f"goaround {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    operator = commands.add_parser("operator", help="decide and record what each feature does")
    flags = commands.add_parser("flags", help="serve the decisions as a flag stream")
    commands.add_parser("plan", help="will a ramp fly, what can it find, how long does it take")
    commands.add_parser("explain", help="draw what the evidence of a flight said, and when")
    commands.add_parser("evidence", help="how every flight ended, as a chain that can be verified")
    for name, (_, what) in DAY.items():
        commands.add_parser(name, help=what)
    # each process imports only what it runs: the flag server must not load kopf
    if words[:1] == ["flags"]:
        from goaround.runtime import flags as flag_server

        flag_server.add_arguments(flags)
        return asyncio.run(flag_server.serve(parser.parse_args(words)))
    if words[:1] != ["operator"]:
        parser.parse_args(words)  # tells the usage and leaves
    from goaround.runtime import app
    from goaround.runtime.config import ConfigError

    app.add_arguments(operator)
    args = parser.parse_args(words)
    try:
        return app.main(args)
    except ConfigError as err:
        parser.exit(2, f"goaround: {err}\n")


if __name__ == "__main__":
    sys.exit(main())
