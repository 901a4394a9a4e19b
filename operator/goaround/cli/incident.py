"""`goaround incident VERB …`: an incident from the command line, from open to closed.

Decides which verb is meant, and loads it only when it is asked for; a verb is a line in `VERBS`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from goaround.cli.command import FAILED, OK, say

SUMMARY: Final = "what is known of an incident, and what people say of it"
VERBS: Final[dict[str, tuple[str, str, str]]] = {
    "open": ("incident_open", "main", "open one by hand"),
    "list": ("incident_show", "list_main", "all of them, or those where something burns"),
    "show": ("incident_show", "show_main", "everything that is known of one"),
    "page": ("incident_show", "page_main", "its one-page note, as Markdown, HTML or JSON"),
    "report": ("incident_report", "main", "what the incidents of some time add up to"),
    "summary": ("incident_edit", "main summary", "the one paragraph that everybody reads first"),
    "classify": ("incident_edit", "main classify", "say how grave it is"),
    "assign": ("incident_edit", "main assign", "say who runs it"),
    "impact": ("incident_edit", "main impact", "say what it does to people and business"),
    "times": ("incident_edit", "main times", "correct a time that people know better"),
    "check": ("incident_edit", "main check", "say what was found on a path of the diagnosis"),
    "contain": ("incident_edit", "main contain", "ask for something to be lowered"),
    "rca": ("incident_edit", "main rca", "say why it happened"),
    "fix": ("incident_edit", "main fix", "say what is done about it for good"),
    "guardrail": ("incident_edit", "main guardrail", "name what catches it from now on"),
    "recover": ("incident_edit", "main recover", "a fix is found and may fly through the gate"),
    "reopen": ("incident_edit", "main recover", "the same, of one that was resolved"),
    "resolve": ("incident_edit", "main resolve", "it is over"),
    "review": ("incident_edit", "main review", "say what was learnt"),
    "action": ("incident_edit", "main action", "add NAME … | done NAME: what is still done"),
    "comms": ("incident_show", "comms_main", "draft | approve | sent: messages"),
    "close": ("incident_edit", "main close", "nothing is left to do"),
    "cancel": ("incident_edit", "main cancel", "it was none"),
    "note": ("incident_note", "main", "write a note into the timeline"),
    "log": ("incident_log", "show", "the whole timeline"),
    "verify": ("incident_log", "verify", "whether the timeline is what was recorded"),
    "merge": ("incident_edit", "main merge", "it is one with another"),
}
"""Module, function and words of each; the function takes the arguments, behind those that stand
after its name here, and gives the exit code."""


def main(argv: Sequence[str]) -> int:
    """The exit code of a verb; 1 where there is no such verb."""
    verb = argv[0] if argv else ""
    if verb in ("", "-h", "--help"):
        say(usage())
        return OK if verb else FAILED
    if verb not in VERBS:
        print(f"goaround incident: there is no verb {verb!r}\n\n{usage()}", file=sys.stderr)
        return FAILED
    module, called, _ = VERBS[verb]
    function, *before = called.split()
    found = getattr(import_module(f"goaround.cli.{module}"), function)
    code: int = found([*before, *argv[1:]])
    return code


def usage() -> str:
    """All verbs, one a line."""
    lines = [f"  {verb:<9} {words}" for verb, (_, _, words) in VERBS.items()]
    return "\n".join(["usage: goaround incident VERB … (VERB --help says more)", "", *lines])
