"""Completion: scripts for shells, and what `kubectl goaround …` completes to.

Decides the candidates: verbs, then names of objects from the cluster. Refuses to
say anything when the cluster does not answer: a prompt is no place for errors.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from goaround.cli.command import OK, CommandError, Parser, printable, run, say
from goaround.cli.connection import Ask, Where, ask_cluster

if TYPE_CHECKING:
    from goaround.world.kube import Api

OF_FEATURES: Final = frozenset(
    {
        *("status", "history", "explain", "evidence", "kill", "revive", "approve", "reject"),
        *("promote", "retry", "abort", "hold", "resume"),
    }
)
VERBS: Final = (
    *sorted(OF_FEATURES),
    *("completion", "doctor", "flags", "freeze", "incident", "init", "lint", "operator", "plan"),
    "version",
)
SECOND: Final[Mapping[str, tuple[str, ...]]] = {
    "completion": ("bash", "zsh", "fish"),
    "freeze": ("check",),
}
NO_FILES: Final = 4
"""`ShellCompDirectiveNoFileComp` of cobra, which kubectl reads behind a colon in the last line."""
WITH_VALUE: Final = frozenset(
    {"-n", "--namespace", "--kubeconfig", "--context", "--as", "--as-group", "-o", "--output"}
)

BASH: Final = """\
_goaround() {
  local line; COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] || COMPREPLY+=("$line")
  done < <(kubectl_complete-goaround "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _goaround goaround kubectl-goaround
"""
ZSH: Final = """\
#compdef goaround kubectl-goaround
_goaround() {
  local -a found
  found=("${(@f)$(kubectl_complete-goaround "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#:*}")
  (( $#found )) && compadd -- $found || _files
}
compdef _goaround goaround kubectl-goaround
"""
FISH: Final = """\
function __goaround_complete
  set -l before (commandline -opc)
  kubectl_complete-goaround $before[2..-1] (commandline -ct) 2>/dev/null | string match -v ':*'
end
complete -c goaround -f -a '(__goaround_complete)'
complete -c kubectl-goaround -f -a '(__goaround_complete)'
"""
SCRIPTS: Final = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(argv: Sequence[str]) -> int:
    """`goaround completion SHELL`: the exit code."""
    parser = Parser(
        prog="goaround completion",
        description="a script that completes `goaround`; for `kubectl goaround` the program "
        "kubectl_complete-goaround, which is installed beside it, is enough",
        epilog="bash: source <(goaround completion bash)",
    )
    parser.add_argument("shell", choices=sorted(SCRIPTS))

    def tell(args: object) -> int:
        say(SCRIPTS[getattr(args, "shell", "bash")].rstrip("\n"))
        return OK

    return run(parser, argv, tell)


def complete() -> int:
    """`kubectl_complete-goaround WORD…`, as kubectl calls it: the last word is being written."""
    say(answer(sys.argv[1:]))
    return OK


def answer(words: Sequence[str], ask: Ask = ask_cluster) -> str:
    """A candidate per line, and the directive."""
    begun = words[-1] if words else ""
    found = [word for word in candidates(words[:-1], ask) if word.startswith(begun)]
    return "\n".join([*map(printable, found), f":{NO_FILES if found else 0}"])


def candidates(before: Sequence[str], ask: Ask) -> Sequence[str]:
    """What may follow these words."""
    at, plain = _options(before)
    if before and before[-1] in WITH_VALUE:
        return ("json", "yaml") if before[-1] in ("-o", "--output") else ()
    if not plain:
        return VERBS
    verb = plain[0]
    if len(plain) == 1 and verb in SECOND:
        return SECOND[verb]
    if verb == "incident":
        return _of_incident(plain, at, ask)
    if (len(plain) == 1 and verb in OF_FEATURES) or plain == ["freeze", "check"]:
        return _names("aifeatures", at, ask)
    return ()


def _of_incident(plain: Sequence[str], at: Where, ask: Ask) -> Sequence[str]:
    from goaround.cli.incident import VERBS as OF_INCIDENTS

    if len(plain) == 1:
        return tuple(OF_INCIDENTS)
    if len(plain) == 2 and plain[1] == "open":
        return _names("aifeatures", at, ask)
    return _names("aiincidents", at, ask) if len(plain) == 2 and plain[1] != "list" else ()


def _options(before: Sequence[str]) -> tuple[Where, list[str]]:
    """Where the words point, and those that are no options."""
    given: dict[str, str] = {}
    plain: list[str] = []
    words = iter(before)
    for word in words:
        name, equals, value = word.partition("=")
        if name in WITH_VALUE:
            given[name] = value if equals else next(words, "")
        elif not word.startswith("-"):
            plain.append(word)
    namespace = given.get("-n") or given.get("--namespace")
    at = Where(namespace, given.get("--kubeconfig"), given.get("--context"), given.get("--as"))
    return at, plain


def _names(plural: str, at: Where, ask: Ask) -> Sequence[str]:
    async def do(api: "Api", namespace: str) -> Sequence[str]:
        from goaround.api.resources import FEATURES, INCIDENTS

        kind = FEATURES if plural == FEATURES.plural else INCIDENTS
        return sorted(b["metadata"]["name"] for b in await api.list(kind, namespace=namespace))

    try:
        return ask(at, do)
    except CommandError:
        return ()
