"""`goaround incident list|show|page|comms`: incidents as they are, safe for a terminal.

Decides what comes last, because a terminal shows the end: the whiteboard. Changes nothing;
approving and sending messages is left to the verbs that write.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from goaround.cli import incident_edit
from goaround.cli.command import OK, CommandError, Parser, harmless, run, say
from goaround.cli.connection import Ask, Where, add_connection, ask_cluster, where
from goaround.cli.lookup import found as looked_up
from goaround.cli.output import add_output, say_as, table

if TYPE_CHECKING:
    from goaround.api.kinds import AIIncident
    from goaround.world.kube import Api, Body

OVER: Final = ("Resolved", "Reviewed", "Closed", "Cancelled", "Merged")
COLUMNS: Final = ("NAME", "SEV", "PHASE", "FEATURE", "NEXT-DUE", "COMMANDER", "OPENED")


def list_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround incident list", description="incidents, the gravest first")
    parser.add_argument("--open", action="store_true", help="only those where something burns")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _list(args, ask))


def _list(args: argparse.Namespace, ask: Ask) -> int:
    found = [b for b in read_all(args, ask) if not args.open or _phase(b) not in OVER]
    if say_as(args.output, found):
        return OK
    if not found:
        say("no incident" + (" is open" if args.open else ""))
    else:
        ranked = sorted(found, key=lambda b: (_phase(b) in OVER, _severity(b), _opened(b)))
        say("\n".join(table([COLUMNS, *(_row(b, every=args.all_namespaces) for b in ranked)])))
    return OK


def read_all(args: argparse.Namespace, ask: Ask) -> "list[Body]":
    """The incidents of the namespace, or of all. Raises CommandError."""

    async def do(api: "Api", namespace: str) -> "list[Body]":
        from goaround.api.resources import INCIDENTS

        return await api.list(INCIDENTS, namespace=None if args.all_namespaces else namespace)

    return ask(where(args), do)


def _phase(body: "Body") -> str:
    return str(body.get("status", {}).get("phase", "not seen yet"))


def _severity(body: "Body") -> str:
    return str(body.get("status", {}).get("severity") or body["spec"]["severity"])


def _opened(body: "Body") -> str:
    return str(body["metadata"].get("creationTimestamp", ""))


def _row(body: "Body", *, every: bool) -> tuple[str, ...]:
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    drill = " (drill)" if "drill" in spec else ""
    return (
        f"{meta['namespace']}/{meta['name']}" if every else meta["name"],
        _severity(body) + drill,
        _phase(body),
        spec["affects"][0]["name"],
        status.get("nextDue", "-"),
        spec.get("roles", {}).get("commander", "-"),
        _opened(body),
    )


def show_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround incident show", description="everything that is known of one")
    parser.add_argument("incident", help="name of the AIIncident")
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _show(args, ask))


def _show(args: argparse.Namespace, ask: Ask) -> int:
    body = _read(where(args), args.incident, ask)
    if not say_as(args.output, body):
        say(harmless("\n".join(_told(body))))
    return OK


def _read(at: Where, name: str, ask: Ask) -> "Body":
    async def do(api: "Api", namespace: str) -> "Body":
        from goaround.api.resources import INCIDENTS

        return await looked_up(api, INCIDENTS, namespace, name)

    return ask(at, do)


def _told(body: "Body") -> Iterator[str]:
    """What `describe` has, and the whiteboard at the end."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    yield f"{meta['namespace']}/{meta['name']}  opened {_opened(body)}  {_phase(body)}"
    for title, lines in (
        ("CLOCKS", [_clock(n, d) for n, d in sorted(status.get("deadlines", {}).items())]),
        ("CONDITIONS", [_condition(c) for c in status.get("conditions", [])]),
        (
            "MESSAGES",
            [_message(i, m) for i, m in status.get("comms", {}).get("messages", {}).items()],
        ),
        ("ACTION ITEMS", [_item(item) for item in spec.get("actionItems", [])]),
        ("TIMELINE", status.get("timeline", [])),
        ("WHITEBOARD", status.get("whiteboard", ["the operator has not looked at it yet"])),
    ):
        if lines:
            yield from ("", title, *(f"  {line}" for line in lines))


def _clock(name: str, clock: "Body") -> str:
    done = f", done {clock['metAt']}" if "metAt" in clock else ""
    return f"{name}: {clock.get('state', 'Pending')}, due {clock['due']}{done}"


def _condition(found: "Body") -> str:
    return f"{found['type']}={found['status']} {found['reason']}: {found['message']}"


def _message(name: str, message: "Body") -> str:
    sent = f", {message['channels']}" if "channels" in message else ""
    return f"{name}: {message['kind']} {message['state']}{sent}"


def _item(item: "Body") -> str:
    state = "done" if item.get("done") else f"due {item['due']}"
    return f"{item['name']}: {item['title']} ({item['owner']}, {state})"


def page_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = Parser(prog="goaround incident page", description="the one-page note, as it is now")
    parser.add_argument("incident", help="name of the AIIncident")
    add_connection(parser)
    parser.add_argument("-o", "--output", choices=("md", "html", "json"), default="md", help="(md)")
    return run(parser, argv, lambda args: _page(args, ask))


def _page(args: argparse.Namespace, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        from goaround.api.kinds import FEATURES, INCIDENTS, AIFeature
        from goaround.incident import note, note_text
        from goaround.world.kube import NotFound, Refused

        incident = parsed(await api.get(INCIDENTS, namespace, args.incident))
        try:
            body = await api.get(FEATURES, namespace, incident.spec.affects[0].name)
            feature: AIFeature | None = AIFeature.model_validate(body)
        except (NotFound, Refused, ValueError):
            feature = None  # a note is made without it; it then says less
        forms = {
            "md": note_text.as_markdown,
            "html": note_text.as_html,
            "json": note_text.as_json,
        }
        say(forms[args.output](note.page(incident, feature)).rstrip("\n"))
        return OK

    return ask(where(args), do)


def parsed(body: "Body") -> "AIIncident":
    """The incident as a model. Raises CommandError."""
    from pydantic import ValidationError

    from goaround.api.kinds import AIIncident

    try:
        return AIIncident.model_validate(body)
    except ValidationError as err:
        name = body.get("metadata", {}).get("name", "?")
        raise CommandError(
            f"this version does not understand incident {name} ({err.error_count()} faults)"
        ) from err


def comms_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code; `draft` shows a text, `approve` and `sent` are said in spec."""
    verbs = Parser(prog="goaround incident comms", description="messages")
    verbs.add_argument("verb", choices=("draft", "approve", "sent"))
    if verbs.parse_args(argv[:1]).verb != "draft":
        return incident_edit.main(["comms", *argv], ask)
    parser = Parser(prog="goaround incident comms draft", description="the text of a message")
    parser.add_argument("incident", help="name of the AIIncident")
    parser.add_argument("message", nargs="?", help="its id; without it, all ids are listed")
    add_connection(parser)
    return run(parser, argv[1:], lambda args: _draft(args, ask))


def _draft(args: argparse.Namespace, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        from goaround.api.resources import CONFIG_MAPS, INCIDENTS
        from goaround.world.kube import NotFound

        body = await api.get(INCIDENTS, namespace, args.incident)
        known = body.get("status", {}).get("comms", {}).get("messages", {})
        try:
            stored = await api.get(CONFIG_MAPS, namespace, f"{args.incident}-comms")
        except NotFound as err:
            raise CommandError(f"no message of {args.incident} was written yet") from err
        if args.message is None:
            say(harmless("\n".join(_message(name, m) for name, m in sorted(known.items()))))
            return OK
        say(harmless(_text(stored.get("data") or {}, args.message, known)))
        return OK

    return ask(where(args), do)


def _text(texts: "Body", message: str, known: "Body") -> str:
    """The text of this id; of several, the one whose hash status names (`<id>.<part of hash>`)."""
    mine = [key for key in sorted(texts) if key == message or key.rpartition(".")[0] == message]
    if not mine:
        raise CommandError(f"there is no message {message}: there is {', '.join(known) or 'none'}")
    wanted = str(known.get(message, {}).get("hash", ""))
    return str(texts[next((k for k in mine if k.rpartition(".")[2] in wanted), mine[-1])])
