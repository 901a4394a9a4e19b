"""`goaround kill --direct`: for the day when the operator is down, or cannot be written to.

Decides what flag replicas are told past everybody else: the fallback, to all users of whatever is
served. The kill switch is created first all the same, because only it makes the kill last: a
replica forgets what it was told once the operator has decided anything newer.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any, Final

import httpx

from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.status import ALL_FALLBACK
from goaround.cli.command import FAILED, OK, CommandError, harmless, say
from goaround.cli.connection import Ask, where
from goaround.cli.kill import stop
from goaround.cli.lookup import found
from goaround.delivery.control import ControlPorts, Lowering, TokenFile, Told
from goaround.delivery.replicas import StaticReplicas
from goaround.world.kube import Api, KubeError, NotServed

HOW: Final = (
    "--direct tells flag replicas: name each with --flag-replica URL (its HTTP port, for instance "
    "after kubectl port-forward) and give --control-token-file"
)
LASTS: Final = (
    "  without a kill switch it lasts until the operator decides anything newer: create one as "
    "soon as that works (goaround kill without --direct)"
)
ANSWER_SECONDS: Final = 5.0


def kill(args: argparse.Namespace, body: dict[str, Any], ask: Ask) -> int:
    """The exit code: 0 only if the switch stands and every replica that was named serves the
    fallback. Raises CommandError."""
    if args.drill:
        raise CommandError("--direct is no drill: replicas would go on serving the fallback")
    if not args.flag_replica or args.control_token_file is None:
        raise CommandError(HOW)

    async def do(api: Api, namespace: str) -> tuple[AIFeature, str | None]:
        problem = None
        try:
            _, words = await stop(api, namespace, body)
            say(harmless(words))
        except NotServed:
            raise
        except (KubeError, CommandError) as err:
            problem = str(err)
            say(harmless(f"no kill switch: {problem}"))
        return AIFeature.model_validate(
            await found(api, FEATURES, namespace, args.feature)
        ), problem

    feature, problem = ask(where(args), do)
    told = asyncio.run(_lowered(args, wanted_of(feature)))
    say(harmless(f"  {told}"))
    for why in told.problems:
        say(harmless(f"  {why}"))
    if problem is not None:
        say(LASTS)
    return OK if problem is None and told.lowered == told.replicas else FAILED


def wanted_of(feature: AIFeature) -> Lowering:
    """The fallback for everybody, whatever flies or is live. Raises CommandError where nothing is
    served but the fallback."""
    status = feature.status
    flown, good = status.candidate, status.last_known_good
    if flown is not None and status.split.candidate > 0:
        digest, attempt = flown.digest, flown.attempt
    elif good is not None:
        digest, attempt = good.digest, 0
    else:
        raise CommandError("no release is served: the fallback serves everybody already")
    return Lowering(
        uid=feature.metadata.uid,
        attempt=attempt,
        digest=digest,
        split=ALL_FALLBACK,
        revision=status.revision,
    )


async def _lowered(args: argparse.Namespace, wanted: Lowering) -> Told:
    async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as http:
        source = StaticReplicas(tuple(args.flag_replica))
        token = TokenFile(Path(args.control_token_file))
        return await ControlPorts(http, source, token, timeout=ANSWER_SECONDS).lower(wanted)
