"""The forms in which commands print: for people, JSON, YAML; and where colour may be used.

Decides that colour never carries what the words do not say. Refuses to let what others wrote move a
cursor.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from goaround.cli.command import Parser, harmless, say

COLOURS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Bad", "Killed", "RolledBack", "Rejected", "wrong", "False"), "31"),
    **dict.fromkeys(("Undecided", "Unknown", "Holding", "Inconclusive", "look"), "33"),
    **dict.fromkeys(("Good", "Live", "True", "ok"), "32"),
}
"""Words that say how it stands, and the colours that terminals have for them."""
NOTHING_KEPT: Final = " (dry run: nothing was kept)"
"""Said behind whatever the API server checked and did not store."""


def add_output(parser: Parser, plain: str = "text") -> None:
    """`-o`, with the form for people as its default."""
    forms = (plain, "json", "yaml")
    parser.add_argument("-o", "--output", choices=forms, default=plain, help=f"({plain})")


def say_as(form: str, told: object) -> bool:
    """Print it as JSON or YAML; False where the form is one for people."""
    if form == "json":
        say(json.dumps(told, indent=2))
    elif form == "yaml":
        import yaml

        say(yaml.safe_dump(told, sort_keys=False, width=100).rstrip("\n"))
    else:
        return False
    return True


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows under their heads, two blanks apart; one line each."""
    clean = [[harmless(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    for row in clean:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def is_coloured(stream: TextIO | None = None) -> bool:
    """Only on a terminal that did not ask for none (`NO_COLOR`, TERM=dumb)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and (stream or sys.stdout).isatty()


def painted(line: str, coloured: bool) -> str:
    """The line, its words of `COLOURS` in their colours."""
    if not coloured:
        return line
    return " ".join(
        f"\033[{COLOURS[word]}m{word}\033[0m" if word in COLOURS else word
        for word in line.split(" ")
    )
