"""What the commands share: how they fail, and how options are read.

Decides the exit codes. Imports nothing heavy: a usage error must not wait for numpy.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 2


class CommandError(Exception):
    """The command cannot go on; the message says what is wrong and what to do."""

    code = FAILED


class Refusal(CommandError):
    """What was asked is not allowed or not acceptable; the message says why."""

    code = REFUSED


class Parser(argparse.ArgumentParser):
    """Usage errors leave with 1: 2 means that the answer is no."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: {message}\n")


def run(parser: Parser, argv: Sequence[str], command: Callable[[argparse.Namespace], int]) -> int:
    """The exit code of `command`; why it cannot go on is told on stderr."""
    args = parser.parse_args(argv)
    try:
        return command(args)
    except CommandError as error:
        print(f"{parser.prog}: {harmless(str(error))}", file=sys.stderr)
        return error.code


def add_provider(parser: Parser, what_for: str) -> None:
    """Options that say which Prometheus is read, and how late it is."""
    parser.add_argument("--prometheus", metavar="URL", help=f"{what_for} here")
    parser.add_argument(
        "--scrape", type=positive, default=15.0, help="seconds between scrapes (15)"
    )
    parser.add_argument("--lag", type=positive, default=10.0, help="the provider's lag (10 s)")


def say(text: str) -> None:
    """Print it; a reader who has seen enough (`| head`) is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # nothing is left to be flushed at exit, which would complain again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def printable(text: str) -> str:
    """The text without anything that would move a cursor; for what others wrote."""
    return "".join(c if c.isprintable() else "?" for c in text)


def harmless(text: str) -> str:
    """The same line by line."""
    return "\n".join(printable(line) for line in text.split("\n"))


def positive(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")
    return value


UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """`90s`, `45m`, `2h`, `1d` in seconds."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.replace(".", "", 1).isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 45m, 2h or 1d")
    return float(number) * UNITS[unit]
