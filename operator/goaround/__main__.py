"""The command line: `goaround operator | flags`, and the commands of people.

Decides which process this is, and loads no more than that one needs.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from goaround import __version__

if TYPE_CHECKING:
    from goaround.cli.lint import SignalFaults
    from goaround.cli.signals import Signals

PEOPLE = {
    "status": ("goaround.cli.status:main", "what features do now, and what is next"),
    "history": ("goaround.cli.history:main", "which releases flew, and how it ended"),
    "plan": ("goaround.cli.plan:main", "will a ramp fly, what can it find, how long does it take"),
    "explain": ("goaround.cli.explain:main", "draw what the evidence of a flight said, and when"),
    "evidence": ("goaround.cli.evidence:main", "how flights ended, as a chain to be verified"),
    "kill": ("goaround.cli.kill:kill_main", "serve the fallback to everybody, now"),
    "revive": ("goaround.cli.kill:revive_main", "delete the kill switches of a feature"),
    "approve": ("goaround.cli.decide:main approve", "let an attempt leave the step it is at"),
    "reject": ("goaround.cli.decide:main reject", "end an attempt, without blame"),
    "promote": ("goaround.cli.decide:main promote", "go to the last step without more evidence"),
    "retry": ("goaround.cli.decide:main retry", "fly a release that ended once more"),
    "abort": ("goaround.cli.steer:main abort", "end the attempt that flies, at once"),
    "hold": ("goaround.cli.steer:main hold", "nothing goes up until it is resumed"),
    "resume": ("goaround.cli.steer:main resume", "take a hold off"),
    "incident": ("goaround.cli.incident:main", "an incident, from open to closed"),
    "freeze": ("goaround.cli.freeze:main", "may a pipeline change what belongs to a feature now"),
    "lint": ("goaround.cli.lint:main", "would these manifests be accepted, and are they wise"),
    "init": ("goaround.cli.init:main", "print a first AIFeature, commented and valid"),
    "doctor": ("goaround.cli.doctor:main", "is what is installed whole, and what may I do"),
    "version": ("goaround.cli.version:main", "of this command, and of what is installed"),
    "completion": ("goaround.cli.completion:main", "a script that completes commands in a shell"),
}
"""The commands of people: `module:function`, with words that stand before those of the command
line, and what it does."""

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the chosen command; for the servers 2 is a usage or configuration error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in PEOPLE:
        return _serve(words)
    module, _, called = PEOPLE[words[0]][0].partition(":")
    function, *before = called.split()
    command: Callable[..., int] = getattr(import_module(module), function)
    lent: Mapping[str, Callable[[], object]] = {
        "plan": _signals,
        "explain": _signals,
        "lint": _signal_faults,
    }
    more = [lent[words[0]]] if words[0] in lent else []
    try:
        return command([*before, *words[1:]], *more)
    except KeyboardInterrupt:
        return INTERRUPTED


def _signals() -> "Signals":
    """The operator's own way to ask for signals, lent to the commands: rooms of one rank do not
    import one another."""
    from goaround.cli.signals import Signals
    from goaround.runtime.readings import Purpose, shape_of, understood, wanted

    return Signals(shape_of, wanted, partial(understood, purpose=Purpose.FLIGHT))


def _signal_faults() -> "SignalFaults":
    """The operator's own reading of what a signal says, lent for the same reason."""
    from goaround.cli.lint import SignalFaults
    from goaround.runtime.signal_rules import faults

    return SignalFaults(lambda signal: faults(signal, None))


def _serve(words: Sequence[str]) -> int:
    """The servers, and the help that names all commands."""
    parser = argparse.ArgumentParser(prog="goaround", description=__doc__)
    parser.add_argument("--version", action="version", version=f"goaround {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    operator = commands.add_parser("operator", help="decide and record what each feature does")
    flags = commands.add_parser("flags", help="serve the decisions as a flag stream")
    for name, (_, what) in PEOPLE.items():
        commands.add_parser(name, help=what)
    # each process imports only what it runs: the flag server must not load kopf
    if words[:1] == ["flags"]:
        import asyncio

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
