"""How a flag replica learns the pins of golden runs: a named Secret at a time, while it is wanted.

Decides only when to ask. Refuses to list or watch Secrets: the replica needs no right to do either.
"""

import asyncio
import logging

from goaround.delivery.flagpins import Pinned
from goaround.delivery.flagstate import FlagState
from goaround.world import pins
from goaround.world.kube import Api, KubeError

log = logging.getLogger("goaround.flags")

LOOK_SECONDS = 0.5
FAILED_SECONDS = 5.0


async def follow(api: Api, state: FlagState) -> None:
    """Look for wanted pins, for ever. A Secret that is not there yet is looked for again."""
    while True:
        failed = False
        for key, wanted in state.pins.missing().items():
            try:
                found = await pins.found(api, key[0], wanted.secret, owner=wanted.owner)
            except KubeError as err:
                # golden runs wait meanwhile; users are served as ever
                told = {"feature": "/".join(key), "error": str(err)}
                log.warning("a pin cannot be read", extra=told)
                failed = True
                continue
            if found is not None:
                state.pinned(key, wanted, Pinned(found.candidate, found.stable))
        await asyncio.sleep(FAILED_SECONDS if failed else LOOK_SECONDS)
