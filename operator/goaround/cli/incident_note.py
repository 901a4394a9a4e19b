"""`goaround incident note INC "text"`: a note for the timeline, as an annotation of its own.

Decides its name and its form; the operator enters it and takes the annotation off. Refuses nothing
of what it says: who writes it is a claim, as whoever may annotate may claim anything.
"""

import argparse
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from goaround.cli.command import OK, CommandError, run, say
from goaround.cli.connection import Ask, ask_cluster, where
from goaround.cli.incident_log import parser_of

if TYPE_CHECKING:
    from goaround.world.kube import Api

LONGEST: Final = 6000
SUMMARY: Final = "write a note into the timeline of an incident"


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    parser = parser_of("note", SUMMARY)
    parser.add_argument("text", help="what is to be remembered; never data of users")
    parser.add_argument(
        "--at", help="when it was: 13:52Z (of today, or of yesterday), or 2026-11-21T13:52:00Z"
    )
    return run(parser, argv, lambda args: _note(args, ask))


def _note(args: argparse.Namespace, ask: Ask) -> int:
    now = datetime.now(UTC)
    text, at = checked(args.text), when(args.at, now) if args.at else now

    async def do(api: "Api", namespace: str) -> int:
        from goaround.cli.incident_cluster import annotate, who_am_i

        by = await who_am_i(api)
        annotations = {annotation(now, secrets.token_hex): note(text, at, by)}
        await annotate(api, namespace, args.incident, annotations)
        say(f"{namespace}/{args.incident}: noted {at:%Y-%m-%d %H:%M:%S}Z as {by or 'nobody'}")
        return OK

    return ask(where(args), do)


def checked(text: str) -> str:
    """The text, if it fits. Raises CommandError."""
    if not text.strip():
        raise CommandError("an empty note says nothing: write what is to be remembered")
    if len(text) > LONGEST:
        raise CommandError(
            f"the note has {len(text)} characters, and a note has room for {LONGEST}: put the rest "
            "where it can be linked to, and write where that is"
        )
    return text


def when(text: str, now: datetime) -> datetime:
    """`13:52Z` is the last time that it was 13:52; else RFC 3339. Raises CommandError."""
    from datetime import timedelta

    wrong = f"{text!r} is no time of the past: write 13:52Z, or 2026-11-21T13:52:00Z"
    try:
        if "T" in text:
            at = datetime.fromisoformat(text)
        else:
            clock = datetime.fromisoformat(f"{now:%Y-%m-%d}T{text}")
            at = clock - timedelta(days=1) if clock.tzinfo and clock > now else clock
    except ValueError as err:
        raise CommandError(wrong) from err
    if at.tzinfo is None or at > now:
        raise CommandError(wrong)
    return at.astimezone(UTC)


def annotation(now: datetime, random: Callable[[int], str]) -> str:
    """A name of its own that sorts by time: no note overwrites another one."""
    from goaround.api.names import NOTE

    return f"{NOTE}.{int(now.timestamp() * 1000):012x}{random(5)}"


def note(text: str, at: datetime, by: str | None) -> str:
    """As the operator reads it."""
    from goaround.api.plain import rfc3339

    said = {"at": rfc3339(at), "by": by, "text": text}
    return json.dumps({k: v for k, v in said.items() if v is not None}, ensure_ascii=False)
