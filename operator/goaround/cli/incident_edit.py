"""`goaround incident classify|assign|…`: what people judge, written into spec.

Decides which fields of the object as it was read have to change; somebody else's change in between
is read and kept. Refuses nothing by itself: the API server does, in its own words.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from goaround.cli.command import OK, CommandError, Parser, harmless, printable, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.incident_verbs import VERBS, Kind, Option, Verb
from goaround.cli.lookup import found
from goaround.cli.moments import future, past
from goaround.cli.output import NOTHING_KEPT, add_output, say_as
from goaround.cli.paths import NotThere, leaves, put, reach, without

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]

TRIES: Final = 5
ENDS: Final = ("Resolved", "Closed")
LEVELS: Final = ("Engineer", "Senior")
REPEATED: Final = (Kind.EACH, Kind.PERSON, Kind.PAIR)


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code; the first word, or two, is the verb."""
    name = _named(argv)
    verb = VERBS[name]
    parser = parser_of(name, verb, datetime.now(UTC))
    return run(parser, argv[len(name.split()) :], lambda args: _edit(args, verb, ask))


def _named(words: Sequence[str]) -> str:
    """One word, or two where the first is a group. Leaves where the second makes no sense."""
    first = words[0]
    seconds = [verb.split()[1] for verb in VERBS if verb.startswith(f"{first} ")]
    if not seconds:
        return first
    parser = Parser(prog=f"goaround incident {first}")
    parser.add_argument("verb", choices=seconds)
    return f"{first} {parser.parse_args(words[1:2]).verb}"


def parser_of(name: str, verb: Verb, now: datetime) -> Parser:
    """The options of one verb."""
    parser = Parser(prog=f"goaround incident {name}", description=verb.help)
    parser.add_argument("incident", help="name of the AIIncident")
    for option in verb.options:
        _add(parser, option, now)
    add_connection(parser, writes=True)
    add_output(parser)
    return parser


def _add(parser: Parser, option: Option, now: datetime) -> None:
    more: dict[str, Any] = {"help": option.help}
    if option.kind is Kind.PAIR:
        more |= {"metavar": "KEY=TEXT", "type": _pair(option.choices)}
        more["help"] += f"; KEY is {', '.join(option.choices)}"
    elif option.choices:
        more |= {"choices": option.choices, "metavar": option.dest.upper()}
        more["help"] += f": {', '.join(option.choices)}"
    if option.kind in REPEATED:
        more |= {"action": "append"}
    if option.flag.startswith("-"):
        more |= {"required": option.required, "dest": option.dest}
    readers = {Kind.NUMBER: int, Kind.TRUTH: _truth, Kind.PAST: past(now), Kind.FUTURE: future(now)}
    if (reader := readers.get(option.kind)) is not None:
        more |= {"type": reader}
    if option.default is not None:
        more |= {"default": option.default}
    parser.add_argument(option.flag, **more)


def _pair(keys: tuple[str, ...]) -> Any:
    def read(text: str) -> tuple[str, str]:
        key, equals, said = text.partition("=")
        if not equals or key not in keys:
            raise argparse.ArgumentTypeError(f"{text!r}: write KEY=TEXT, KEY of {', '.join(keys)}")
        return key, said

    return read


def _truth(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r}: write yes or no")
    return text == "yes"


def said(verb: Verb, args: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], object]]:
    """Path, keys of the lists in it, and value of everything that these options say."""
    words = {key: value for key, value in args.items() if isinstance(value, str)}
    for option in verb.options:
        value = args[option.dest]
        if value is None or not option.path:
            continue
        match option.kind:
            case Kind.PAIR:
                yield from ((f"{option.path}.{key}", words, text) for key, text in value)
            case Kind.PERSON:
                yield from (entry for person in value for entry in _person(option.path, person))
            case _:
                yield option.path, words, value
    yield from ((path, words, value) for path, value in verb.says.items())


def _person(path: str, text: str) -> Iterator[tuple[str, dict[str, str], object]]:
    """`NAME` or `NAME:Senior`; other colons belong to the name."""
    who, _, level = text.rpartition(":")
    if level not in LEVELS:
        who, level = text, ""
    yield f"{path}.who", {"who": who}, who
    if level:
        yield f"{path}.level", {"who": who}, level


def changed(spec: Mapping[str, Any], verb: Verb, args: Mapping[str, Any]) -> Json:
    """The whole spec as it should be. Raises CommandError."""
    after = deepcopy(dict(spec))
    words = {key: value for key, value in args.items() if isinstance(value, str)}
    try:
        if verb.known is not None:
            reach(after, verb.known, words)
        for path in verb.anew:
            without(after, path)
        for path, keys, value in said(verb, args):
            put(after, path, value, keys)
    except NotThere as err:
        raise CommandError(str(err)) from err
    return after


def _edit(args: argparse.Namespace, verb: Verb, ask: Ask) -> int:
    if not list(said(verb, vars(args))):
        raise CommandError("nothing is said: give at least one option (--help lists them)")

    async def do(api: "Api", namespace: str) -> int:
        before, after = await _written(api, namespace, args, verb)
        if not say_as(args.output, after):
            say(harmless("\n".join(_told(namespace, before, after))))
            if args.dry_run:
                say(NOTHING_KEPT.strip())
        return OK

    return ask(where(args), do)


async def _written(
    api: "Api", namespace: str, args: argparse.Namespace, verb: Verb
) -> "tuple[Body, Body]":
    """The object before and after. Raises CommandError, KubeError."""
    from goaround.api.resources import INCIDENTS
    from goaround.world.kube import Conflict, merge_patch

    for _ in range(TRIES):
        before = await found(api, INCIDENTS, namespace, args.incident)
        spec = before["spec"]
        wanted = merge_patch(spec, changed(spec, verb, vars(args)))
        version = {"resourceVersion": before["metadata"]["resourceVersion"]}
        patch = {"metadata": version, "spec": wanted}
        if not wanted:
            return before, before
        try:
            return before, await api.patch(INCIDENTS, namespace, args.incident, patch)
        except Conflict:
            continue  # somebody else wrote: decide again on what they left
    raise CommandError(f"others keep writing {args.incident}: try again")


def _shown(value: object) -> str:
    """As people would write it."""
    if value is None:
        return "not set"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _count(fields: int) -> str:
    return {0: "nothing", 1: "1 field"}.get(fields, f"{fields} fields")


def _told(namespace: str, before: "Body", after: "Body") -> Iterator[str]:
    """What is different now, one line per field, and what the operator still misses."""
    was, now = dict(leaves(before["spec"])), dict(leaves(after["spec"]))
    lines = [
        f"  {path}: {_shown(was.get(path))} -> {_shown(now.get(path))}"
        for path in sorted({*was, *now})
        if was.get(path) != now.get(path)
    ]
    name = printable(after["metadata"]["name"])
    yield f"aiincident {namespace}/{name}: {_count(len(lines))} changed"
    yield from lines
    if after["spec"].get("requestedPhase") in ENDS:
        for found in after.get("status", {}).get("conditions", []):
            if found["type"] == "Closable" and found["status"] == "False":
                yield f"  before it can be closed, as last seen: {found['message']}"
