"""`goaround kill|revive FEATURE`: the fallback for everybody, at once, and the way back.

Decides names only: the same words are the same switch. A kill is created before anything is read,
so that nothing stands before it; who may revive is decided by the API server.
"""

import argparse
import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from goaround.cli.command import (
    OK,
    REFUSED,
    CommandError,
    Parser,
    Refusal,
    harmless,
    positive,
    run,
    say,
)
from goaround.cli.connection import Ask, add_connection, ask_cluster, where
from goaround.cli.lookup import missing
from goaround.cli.output import NOTHING_KEPT, add_output, say_as

if TYPE_CHECKING:
    from goaround.world.kube import Api, Body

Json = dict[str, Any]

PAUSE_SECONDS: Final = 0.25


def kill_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code: 2 where the API server refuses, or where there is no such feature."""
    parser = Parser(prog="goaround kill", description="serve the fallback to everybody, now")
    parser.add_argument("feature", help="name of the AIFeature")
    parser.add_argument("--reason", required=True, help="why, for everybody who finds it")
    parser.add_argument("--drill", action="store_true", help="practice: it ends by itself")
    parser.add_argument("--seconds", type=int, help="length of the drill, 10 to 900 (180)")
    parser.add_argument("--wait", type=positive, default=10.0, help="seconds to wait for it (10)")
    parser.add_argument(
        "--direct",
        action="store_true",
        help="for the day the operator is down: tell the flag replicas, too",
    )
    parser.add_argument(
        "--flag-replica",
        action="append",
        default=[],
        metavar="URL",
        help="one of them",
    )
    parser.add_argument(
        "--control-token-file", metavar="FILE", help="their token (Secret of the chart)"
    )
    add_connection(parser, writes=True)
    add_output(parser)
    return run(parser, argv, lambda args: _kill(args, ask))


def revive_main(argv: Sequence[str], ask: Ask = ask_cluster) -> int:
    """The exit code: 2 where the API server refuses, or where something else keeps it down."""
    description = "delete the kill switches of a feature, so that last-known-good serves again"
    parser = Parser(prog="goaround revive", description=description)
    parser.add_argument("feature", help="name of the AIFeature")
    add_connection(parser, writes=True)
    return run(parser, argv, lambda args: _revive(args, ask))


def switch(args: argparse.Namespace) -> Json:
    """The AIKillSwitch that is created."""
    from goaround.api.resources import KILL_SWITCHES

    about = f"{args.feature}\0{args.reason}\0{args.drill}"
    spec: Json = {"featureRef": {"name": args.feature}, "reason": args.reason}
    spec |= {"drill": True} if args.drill else {}
    spec |= {"durationSeconds": args.seconds} if args.seconds is not None else {}
    name = f"stop-{args.feature}-{hashlib.sha256(about.encode()).hexdigest()[:6]}"
    return {
        "apiVersion": KILL_SWITCHES.api_version,
        "kind": KILL_SWITCHES.kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def _kill(args: argparse.Namespace, ask: Ask) -> int:
    if args.direct and not args.dry_run:
        from goaround.cli import kill_direct

        return kill_direct.kill(args, switch(args), ask)
    body = switch(args)

    async def do(api: "Api", namespace: str) -> int:
        name = body["metadata"]["name"]
        made, told = await stop(api, namespace, body)
        is_told = say_as(args.output, made)
        if not is_told:
            say(harmless(told + (NOTHING_KEPT if args.dry_run else "")))
        if not await _exists(api, namespace, args.feature):
            raise await _nobody(api, args, namespace, name)
        if not args.dry_run and not is_told:
            say(harmless(await _recorded(api, namespace, name, args.wait)))
        return OK

    return ask(where(args), do)


async def _nobody(api: "Api", args: argparse.Namespace, namespace: str, name: str) -> Refusal:
    from goaround.api.resources import FEATURES

    told = await missing(api, FEATURES, namespace, args.feature)
    if args.dry_run:
        return Refusal(f"{told}. This switch would stop nothing")
    undo = f"kubectl delete aiks {name} -n {namespace}"
    return Refusal(f"{told}. This switch stops nothing: delete it: {undo}")


async def stop(api: "Api", namespace: str, body: Json) -> "tuple[Body, str]":
    """The switch as it stands, and what became of it in words. Raises KubeError."""
    from goaround.api.resources import KILL_SWITCHES
    from goaround.world.kube import AlreadyExists

    name = body["metadata"]["name"]
    try:
        made = await api.create(KILL_SWITCHES, namespace, body)
    except AlreadyExists as err:
        known = await api.get(KILL_SWITCHES, namespace, name)
        if known.get("status", {}).get("endedAt") or known["metadata"].get("deletionTimestamp"):
            raise CommandError(
                f"aikillswitch {name} is there and stops nobody any more: delete it (kubectl "
                f"delete aiks {name} -n {namespace}), or give another --reason"
            ) from err
        return known, f"aikillswitch {namespace}/{name} was there before, with the same words"
    return made, f"aikillswitch {namespace}/{name} created"


async def _exists(api: "Api", namespace: str, feature: str) -> bool:
    from goaround.api.resources import FEATURES
    from goaround.world.kube import NotFound, Refused

    try:
        await api.get(FEATURES, namespace, feature)
    except NotFound:
        return False
    except Refused:
        return True  # who may kill need not be allowed to read
    return True


async def _recorded(api: "Api", namespace: str, name: str, seconds: float) -> str:
    """What the operator says of it, as soon as it does."""
    from goaround.api.resources import KILL_SWITCHES
    from goaround.world.kube import Refused

    until = time.monotonic() + seconds
    while True:
        try:
            status = (await api.get(KILL_SWITCHES, namespace, name)).get("status", {})
        except Refused:
            return "  whether it is recorded you may not read; it works all the same"
        if at := status.get("latchedAt"):
            return f"  {status.get('message') or 'recorded'} (recorded {at})"
        if time.monotonic() >= until:
            return (
                "  not recorded by the operator yet; flag replicas obey the switch without it: "
                f"kubectl get aiks {name} -n {namespace}"
            )
        _pause(PAUSE_SECONDS)


def _pause(seconds: float) -> None:
    time.sleep(seconds)


def _revive(args: argparse.Namespace, ask: Ask) -> int:
    async def do(api: "Api", namespace: str) -> int:
        from goaround.api.resources import FEATURES, KILL_SWITCHES
        from goaround.world.kube import NotFound

        try:
            feature = await api.get(FEATURES, namespace, args.feature)
        except NotFound:
            feature = {}
        mine, others = _sources(await api.list(KILL_SWITCHES, namespace=namespace), feature, args)
        for name in mine:
            await api.delete(KILL_SWITCHES, namespace, name)
            did = "would be deleted" if args.dry_run else "deleted"
            say(harmless(f"aikillswitch {namespace}/{name} {did}"))
        if not mine:
            say(harmless(f"no kill switch names {args.feature} in namespace {namespace}"))
        for told in others:
            say(harmless(f"  it stays down: {told}"))
        return REFUSED if others else OK

    return ask(where(args), do)


def _sources(
    switches: "list[Body]", feature: "Body", args: argparse.Namespace
) -> tuple[list[str], list[str]]:
    """Switches of this feature alone, and what else keeps it down, in words."""
    mine = [
        s["metadata"]["name"]
        for s in switches
        if s["spec"].get("featureRef", {}).get("name") == args.feature
    ]
    return sorted(mine), list(_others(switches, feature))


def _others(switches: "list[Body]", feature: "Body") -> Iterator[str]:
    labels = feature.get("metadata", {}).get("labels", {}).items()
    for found in switches:
        wanted = found["spec"].get("selector", {}).get("matchLabels", {})
        if wanted and wanted.items() <= labels:
            name = found["metadata"]["name"]
            yield f"aikillswitch {name} stops all with {wanted}; deleting it revives them, too"
    if feature.get("spec", {}).get("killSwitch", {}).get("engaged"):
        yield "spec.killSwitch.engaged is true: disengage it in Git"
