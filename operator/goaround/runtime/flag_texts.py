"""How a flag replica learns the texts of releases: a named release record at a time.

Decides only when to ask. Refuses to list or watch records: what one holds never changes, so that
reading it once is enough.
"""

import asyncio
import logging

from goaround.api.kinds import RECORDS
from goaround.delivery.flagstate import FlagState
from goaround.delivery.flagtexts import RecordKey
from goaround.runtime import records
from goaround.world.kube import Api, KubeError

log = logging.getLogger("goaround.flags")

LOOK_SECONDS = 0.1
FAILED_SECONDS = 2.0


async def follow(api: Api, state: FlagState) -> None:
    """Read wanted records, for ever. A text that is not there yet is looked for again."""
    told: set[RecordKey] = set()
    while True:
        failed, missing = False, state.texts.missing()
        for record, key in missing.items():
            if record not in state.texts.missing():
                continue  # another record had the same texts
            why = await _learn(api, state, record, key)
            failed = failed or why is not None
            if why is None:
                told.discard(record)
            elif record not in told:
                told.add(record)
                about = {"feature": "/".join(key), "record": record[1], "error": why}
                log.warning("a text of a release cannot be served", extra=about)
        state.texts_asked(missing.keys())
        await asyncio.sleep(FAILED_SECONDS if failed else LOOK_SECONDS)


async def _learn(api: Api, state: FlagState, record: RecordKey, key: tuple[str, str]) -> str | None:
    """Why nothing was learnt; None where something was."""
    try:
        body = await api.get(RECORDS, *record)
    except KubeError as err:
        return f"{type(err).__name__}: {err}"
    found = records.texts(body).values()
    return None if state.learned(key, found) else "the record does not hold it"
