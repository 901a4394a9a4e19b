"""`goaround incident open FEATURE`: a person noticed something that no metric did.

Decides the name: the same words on the same day are the same incident, so that a repeat opens no
second one.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from goaround.cli.command import OK, CommandError, Parser, harmless, run, say
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.incident_verbs import SEVERITIES, SUMMARY
from goaround.cli.lookup import missing
from goaround.cli.moments import past
from goaround.cli.output import NOTHING_KEPT, add_output, say_as

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]


def main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code."""
    now = datetime.now(UTC)
    return run(_parser(now), argv, lambda args: _open(args, now, ask))


def _parser(now: datetime) -> Parser:
    parser = Parser(prog="goaround incident open", description="open an incident by hand")
    parser.add_argument("feature", help="name of the AIFeature")
    parser.add_argument("--severity", choices=SEVERITIES, required=True, help="how grave it is")
    parser.add_argument("--reason", required=True, help="why it is that grave")
    for option in SUMMARY:
        more: dict[str, Any] = {"type": past(now)} if option.flag == "--since" else {}
        parser.add_argument(option.flag, help=option.help, **more)
    kinds = ("Practice", "Tabletop")
    parser.add_argument("--drill", choices=kinds, help="it is an exercise: counts nowhere")
    add_connection(parser, writes=True)
    add_output(parser)
    return parser


def manifest(args: argparse.Namespace, namespace: str, now: datetime) -> Json:
    """The object that is created."""
    from goaround.api import names
    from goaround.api.resources import INCIDENTS

    summary = {
        "whatBroke": args.what or args.reason,
        "noticedBy": args.noticed_by,
        "scope": args.scope,
        "firstSeen": args.since,
    }
    spec: Json = {
        "affects": [{"name": args.feature}],
        "trigger": {"source": "Drill" if args.drill else "Manual", "key": args.reason},
        "severity": args.severity,
        "severityReason": args.reason,
        "summary": {key: said for key, said in summary.items() if said is not None},
    }
    cause = f"{args.drill or 'Manual'} {args.reason}"
    name = names.incident_name(args.feature, now, uid=namespace, attempt="", cause=cause)
    return {
        "apiVersion": INCIDENTS.api_version,
        "kind": INCIDENTS.kind,
        "metadata": {"name": name, "labels": {names.FEATURE_LABEL: args.feature}},
        "spec": spec | ({"drill": args.drill} if args.drill else {}),
    }


def _open(args: argparse.Namespace, now: datetime, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        body = manifest(args, namespace, now)
        await _known(api, namespace, args.feature)
        made, told = await _created(api, namespace, body)
        if not say_as(args.output, made):
            say(harmless(told + (NOTHING_KEPT if args.dry_run else "")))
        return OK

    return ask(where(args), do)


async def _known(api: "Api", namespace: str, feature: str) -> None:
    """Raises CommandError where there is surely no such feature."""
    from goaround.api.resources import FEATURES
    from goaround.world.kube import NotFound, NotServed, Refused

    try:
        await api.get(FEATURES, namespace, feature)
    except NotServed:
        raise
    except NotFound as err:
        raise CommandError(await missing(api, FEATURES, namespace, feature)) from err
    except Refused:
        return  # who may report need not be allowed to read features


async def _created(api: "Api", namespace: str, body: Json) -> "tuple[Body, str]":
    """The incident as it stands, and what became of it in words."""
    from goaround.api.resources import INCIDENTS
    from goaround.world.kube import AlreadyExists

    name = body["metadata"]["name"]
    try:
        made = await api.create(INCIDENTS, namespace, body)
    except AlreadyExists:
        known = await api.get(INCIDENTS, namespace, name)
        return known, f"aiincident {namespace}/{name} was opened before, with the same words"
    return made, "\n".join(
        [
            f"aiincident {namespace}/{name} opened",
            f"  next: kubectl goaround incident assign {name} -n {namespace} --commander YOU",
            f"  read: kubectl goaround incident show {name} -n {namespace}",
        ]
    )
