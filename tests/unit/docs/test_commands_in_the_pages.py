"""Commands in the pages can be typed: verbs, flags, resources, targets and files exist.

Our own are read by the real parsers, kubectl and helm are asked for their help. Nothing is run.
"""

import argparse
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import takewhile
from typing import NoReturn

import pytest

from goaround.__main__ import main
from goaround.api.crd import CATEGORY
from goaround.api.kinds import SERVED
from hack.controlplane import ToolMissing, resolve
from tests.cluster.conftest import give_up
from tests.pages import ROOT, Command, commands, inline

OURS = {
    name
    for served in SERVED
    for name in (served.kind.plural, served.singular, served.short, CATEGORY)
}
THEIRS = {
    *(
        "pod",
        "pods",
        "configmap",
        "configmaps",
        "cm",
        "secret",
        "secrets",
        "namespace",
        "ns",
        "lease",
    ),
    *("leases", "events", "crd", "role", "rolebinding", "clusterrolebinding", "clusterroles"),
    *("controllerrevision", "controllerrevisions", "deployment", "statefulset", "service"),
    *("endpointslices", "validatingadmissionpolicy", "validatingadmissionpolicybinding"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings", "all"),
}
ASK_A_RESOURCE = {"get", "describe", "delete", "annotate", "patch", "wait", "label", "edit"}
FILE = re.compile(r"^(?:\./)?((?:docs|examples|hack|charts|crds|tests)(?:/[\w.-]+)*/?)$")


class Understood(BaseException):
    """The parser took every word; nothing after it runs."""


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Sequence[str]], str]:
    """Why the words cannot be typed; empty where they can. They go through whichever parser the
    command really has, and no further."""
    parse = argparse.ArgumentParser.parse_args

    def only_parse(self: argparse.ArgumentParser, *args: object, **kwargs: object) -> NoReturn:
        parse(self, *args, **kwargs)
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)

    def ask(words: Sequence[str]) -> str:
        try:
            return f"usage, code {code}" if (code := main(words)) else ""
        except Understood:
            return ""
        except SystemExit as left:
            return capsys.readouterr().err.splitlines()[-1] if left.code else ""

    return ask


def own() -> Iterator[tuple[Command, list[str]]]:
    """Commands of ours, called by either name, and the words behind that name."""
    for command in (*commands("goaround"), *commands("kubectl")):
        first, *rest = command.words
        if not first.endswith("kubectl"):
            yield command, rest
        elif rest[:1] == ["goaround"]:
            yield command, rest[1:]


def test_every_command_of_ours_is_taken_by_its_parser(
    refused: Callable[[Sequence[str]], str],
) -> None:
    assert [f"{c}: {why}" for c, words in own() if (why := refused(words))] == []


def test_commands_of_ours_in_running_text_exist_too(
    refused: Callable[[Sequence[str]], str],
) -> None:
    broken = []
    for page, (first, *rest) in inline("goaround ", "kubectl goaround "):
        words = rest[1:] if first == "kubectl" else rest
        verbs = list(takewhile(lambda word: word.isalpha() and word.islower(), words))
        if why := refused([*verbs, "--help"]):
            broken.append(f"{page.name}: {' '.join(words)}: {why}")
    assert broken == []


def test_a_word_that_no_parser_knows_is_found(refused: Callable[[Sequence[str]], str]) -> None:
    assert "--colour" in refused(["status", "chat", "--colour"])
    assert refused(["no-such-verb"])


def tool(name: str) -> str:
    try:
        return str(resolve(name))
    except ToolMissing as error:
        give_up(str(error))
        raise


@cache
def options(name: str, *verb: str) -> frozenset[str]:
    """Every flag that the help of a verb knows; empty for a verb that does not exist."""
    asked = [tool(name), *verb] if verb == ("options",) else [tool(name), *verb, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30)
    is_there = verb == ("options",) or f"{name} {verb[0]}" in done.stdout
    found = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout)
    return frozenset(found) if is_there and not done.returncode else frozenset()


def flags(command: Command) -> set[str]:
    found = {word.partition("=")[0] for word in command.words[1:] if word.startswith("-")}
    return found - {"-", "--"}


def verb_of(command: Command) -> str:
    """The first word that is no flag, nor the value of a global one."""
    words = iter(command.words[1:])
    for word in words:
        if word in {"-n", "--namespace", "--context", "--kubeconfig", "--as"}:
            next(words)
        elif not word.startswith("-"):
            return word
    return ""


def unlike(command: Command, known: frozenset[str]) -> str | None:
    """What is wrong with the verb or a flag; None where nothing is."""
    if not known:
        return f"{command}: there is no verb {verb_of(command)}"
    wrong = sorted(flags(command) - known)
    return f"{command}: there is no {', '.join(wrong)}" if wrong else None


def test_kubectl_knows_every_verb_and_its_flags() -> None:
    found = [c for c in commands("kubectl") if c.words[1:2] != ["goaround"]]
    assert len(found) > 50
    assert [told for c in found if (told := unlike(c, kubectl_flags(c))) is not None] == []


def kubectl_flags(command: Command) -> frozenset[str]:
    verb = verb_of(command)
    below = [word for word in command.words if word in {"rolebinding", "role", "can-i"}]
    known = options("kubectl", verb, *below)
    return known | options("kubectl", "options") if known else known


def test_kubectl_is_asked_for_resources_that_exist() -> None:
    asked = [(c, named) for c in commands("kubectl") if (named := resources(c))]
    assert [f"{c}" for c, named in asked if not named <= OURS | THEIRS] == []


def resources(command: Command) -> set[str]:
    """The kinds that a command names as its first word."""
    verb = verb_of(command)
    if verb not in ASK_A_RESOURCE or {"-f", "-k", "--raw"} & set(command.words):
        return set()
    rest = command.words[command.words.index(verb) + 1 :]
    named = next(word for word in rest if not word.startswith("-"))
    return {part.partition("/")[0].partition(".")[0] for part in named.split(",")}


def test_helm_knows_every_verb_and_its_flags() -> None:
    found = commands("helm")
    assert found
    known = {c: options("helm", verb_of(c)) for c in found}
    assert [told for c in found if (told := unlike(c, known[c])) is not None] == []


def test_make_has_every_target_and_variable() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands("make"):
        for word in command.words[1:]:
            name, is_variable, _ = word.partition("=")
            wanted = rf"^{name} \?=" if is_variable else rf"^{name}:"
            assert re.search(wanted, makefile, re.MULTILINE), f"{command}: {word}"


def test_every_file_of_ours_that_is_handed_over_exists() -> None:
    programs = ("kubectl", "helm", "make", "goaround", "kind", "cluster", "python", "gen-crds")
    lost = [
        f"{command}: {name[1]}"
        for program in programs
        for command in commands(program)
        for word in command.words
        if (name := FILE.match(word)) is not None and not (ROOT / name[1]).exists()
    ]
    assert lost == []
