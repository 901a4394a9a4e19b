"""`goaround status [FEATURE] [-w]`: what features do now, as a table or one feature's page.

Decides which questions are answered first. Reads objects as they are stored, without models, so
that it starts at once and shows fields of a newer operator, too. Changes nothing.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from goaround.cli.command import OK, Parser, harmless, run, say
from goaround.cli.connection import (
    Ask,
    Follow,
    add_connection,
    ask_cluster,
    follow_cluster,
    where,
)
from goaround.cli.output import add_output, is_coloured, painted, say_as, table

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]

COLUMNS: Final = ("NAME", "STAGE", "SPLIT", "LIVE", "READY", "INCIDENT", "SUMMARY")
WIDTH: Final = 60
"""Of a summary in the table; the page has all of it."""
OVER: Final = ("Resolved", "Reviewed", "Closed", "Cancelled", "Merged")
CLEAR: Final = "\033[H\033[2J"


def main(argv: Sequence[str], ask: Ask = ask_cluster, follow: Follow = follow_cluster) -> int:
    """The exit code; with -w it goes on until it is interrupted."""
    parser = Parser(prog="goaround status", description="what features do now, and what is next")
    parser.add_argument("feature", nargs="?", help="one AIFeature (all of the namespace)")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    parser.add_argument("-w", "--watch", action="store_true", help="again after every change")
    add_connection(parser)
    add_output(parser)
    return run(parser, argv, lambda args: _status(args, ask, follow))


def _status(args: argparse.Namespace, ask: Ask, follow: Follow) -> int:
    if not args.watch:
        features, incidents = ask(where(args), _reader(args))
        _tell(args, features, incidents)
        return OK
    from goaround.api.resources import FEATURES

    for features in follow(where(args), FEATURES, args.feature, every=args.all_namespaces):
        _separate()
        _tell(args, features, ask(where(args), _incidents(args)) if features else [])
        if args.feature and not features:
            break
    return OK


def _separate() -> None:
    """A terminal shows one state at a time, a file one below the other."""
    say(CLEAR if sys.stdout.isatty() else "---")


def _reader(args: argparse.Namespace) -> Any:
    async def do(api: "Api", namespace: str) -> "tuple[list[Body], list[Body]]":
        from goaround.api.resources import FEATURES
        from goaround.cli.lookup import found

        if args.feature:
            features = [await found(api, FEATURES, namespace, args.feature)]
        else:
            features = await api.list(
                FEATURES, namespace=None if args.all_namespaces else namespace
            )
        return features, await _incidents(args)(api, namespace)

    return do


def _incidents(args: argparse.Namespace) -> Any:
    async def do(api: "Api", namespace: str) -> "list[Body]":
        """Those that are open; none where they may not be read."""
        from goaround.api.resources import INCIDENTS
        from goaround.world.kube import Refused

        try:
            listed = await api.list(INCIDENTS, namespace=None if args.all_namespaces else namespace)
        except Refused:
            return []
        return [b for b in listed if b.get("status", {}).get("phase") not in OVER]

    return do


def _tell(
    args: argparse.Namespace, features: "Sequence[Body]", incidents: "Sequence[Body]"
) -> None:
    if args.feature:
        told: Any = features[0] if features else None
        if say_as(args.output, told):
            return
        lines = page(features[0], incidents, datetime.now(UTC)) if features else iter(["deleted"])
    elif say_as(args.output, list(features)):
        return
    else:
        lines = overview(features, incidents, every=args.all_namespaces)
    coloured = is_coloured()
    say("\n".join(painted(line, coloured) for line in harmless("\n".join(lines)).split("\n")))


def overview(
    features: "Sequence[Body]", incidents: "Sequence[Body]", *, every: bool
) -> Iterator[str]:
    """A line per feature."""
    if not features:
        yield "no AIFeature here (-n NAMESPACE, or -A for all; `goaround init` writes a first one)"
        return
    ordered = sorted(features, key=_key)
    yield from table([COLUMNS, *(_row(f, incidents, every=every) for f in ordered)])


def _key(body: "Body") -> tuple[str, str]:
    return (str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"]))


def _row(body: "Body", incidents: "Sequence[Body]", *, every: bool) -> tuple[str, ...]:
    status, (namespace, name) = body.get("status", {}), _key(body)
    split, mine = status.get("split", {}), mine_of(incidents, body)
    summary = status.get("summary") or "the operator has not looked at it yet"
    return (
        f"{namespace}/{name}" if every else name,
        status.get("stage", "-"),
        "/".join(str(split.get(arm, 0)) for arm in ("stable", "candidate", "fallback")),
        status.get("live", "-"),
        condition(status, "Ready").get("status", "-"),
        f"{len(mine)} open" if mine else "-",
        summary if len(summary) <= WIDTH else f"{summary[: WIDTH - 1]}…",
    )


def mine_of(incidents: "Sequence[Body]", feature: "Body") -> "list[Body]":
    """Incidents that name the feature."""
    namespace, name = _key(feature)
    return [
        i
        for i in incidents
        if i["metadata"].get("namespace", "") == namespace
        and name in {ref.get("name") for ref in i["spec"].get("affects", [])}
    ]


def condition(status: Mapping[str, Any], kind: str) -> Json:
    """The condition of this type, or {}."""
    return next((dict(c) for c in status.get("conditions", []) if c.get("type") == kind), {})


def page(feature: "Body", incidents: "Sequence[Body]", now: datetime) -> Iterator[str]:
    """Everything about one feature; what is next comes last, where a terminal ends."""
    from goaround.cli import status_page

    yield from status_page.lines(feature, mine_of(incidents, feature), now)
