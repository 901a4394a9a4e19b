"""`goaround incident VERB …`: which verb is meant, and how the incident is read.

Decides nothing else; a verb is a line in `VERBS`, and is loaded only when it is asked for.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from goaround.cli.command import FAILED, OK

SUMMARY: Final = "what is known of an incident, and what people say of it"
VERBS: Final[dict[str, tuple[str, str, str]]] = {
    "log": ("incident_log", "show", "the whole timeline"),
    "verify": ("incident_log", "verify", "whether the timeline is what was recorded"),
    "note": ("incident_note", "main", "write a note into the timeline"),
}
"""Module, function and words of each; the function takes the arguments and gives the exit code."""


def main(argv: Sequence[str]) -> int:
    """The exit code of a verb; 1 where there is no such verb."""
    verb = argv[0] if argv else ""
    if verb in ("", "-h", "--help"):
        print(usage())
        return OK if verb else FAILED
    if verb not in VERBS:
        print(f"goaround incident: there is no verb {verb!r}\n\n{usage()}", file=sys.stderr)
        return FAILED
    module, function, _ = VERBS[verb]
    code: int = getattr(import_module(f"goaround.cli.{module}"), function)(argv[1:])
    return code


def usage() -> str:
    """All verbs, one a line."""
    lines = [f"  {verb:<9} {words}" for verb, (_, _, words) in VERBS.items()]
    return "\n".join(["usage: goaround incident VERB NAME …", "", *lines])
