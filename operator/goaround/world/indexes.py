"""Whether a retrieval index still exists: one question to whoever keeps it.

Decides by the HTTP status alone. Refuses to take a keeper that does not answer for an index that is
gone, and to read what it says.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from goaround.rollout.referred import IndexFound, IndexState
from goaround.world.asking import Failure, Limits, Question, Target, ask

GONE = frozenset({404, 410})
MOST_BYTES = 65_536


async def index_state(
    client: httpx.AsyncClient, targets: Sequence[Target], name: str, version: str, seconds: float
) -> IndexFound:
    """What the keeper says of `name`@`version`; deleted only if every one that answers says so."""
    query, known = urlencode({"index": name, "version": version}), f"index {name}@{version}"
    why = "nobody answers"
    gone = 0
    for target in targets:
        asked = Target(f"{target.url}?{query}", target.host)
        reply = await ask(client, asked, Question("GET"), Limits(seconds, MOST_BYTES))
        if isinstance(reply, Failure):
            why = f"no whole answer ({reply})"
        elif 200 <= reply.status < 300:
            return IndexFound(IndexState.THERE)
        elif reply.status in GONE:
            gone += 1
        else:
            why = f"HTTP {reply.status}"
    if gone == len(targets) > 0:
        told = f"{known} was deleted: build it again, or let a release land that needs it not"
        return IndexFound(IndexState.DELETED, told)
    return IndexFound(IndexState.UNKNOWN, f"{known} cannot be checked: {why}; see indexCheck")
