"""The index desk: asks, beside the passes, whether the indexes of good releases still exist.

Decides when it is asked again. It runs before a way back is needed and never within one; what an
answer means is decided in `rollout/wayback.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from goaround.api.fallback import IndexCheck
from goaround.api.kinds import AIFeature
from goaround.rollout.referred import Indexes, IndexFound, IndexState
from goaround.runtime.errands import AskedDesk
from goaround.runtime.queue import Key, key_of
from goaround.world.asking import Target
from goaround.world.backends import NoBackend, located
from goaround.world.indexes import index_state
from goaround.world.kube import Api

log = logging.getLogger("goaround.indexes")

AT_ONCE: Final = 4
"""Features whose indexes are asked for at once."""

Asked = tuple[str, IndexCheck, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class Case:
    """What is known of the indexes of one feature. asked: its uid, of whom, and which."""

    asked: Asked
    found: Indexes | None = None
    due_at: float = 0.0


class IndexDesk(AskedDesk[Case]):
    """Asks for features. `news` is called when an answer is another than before; `endpoints`: url
    by the name that an administrator gave it."""

    def __init__(
        self,
        api: Api,
        http: httpx.AsyncClient,
        endpoints: Mapping[str, str],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
    ) -> None:
        super().__init__()
        self._api = api
        self._http = http
        self._endpoints = endpoints
        self._news = news
        self._wall = wall
        self._turns = asyncio.Semaphore(AT_ONCE)

    def indexes(self, feature: AIFeature, now: datetime) -> Indexes | None:
        """What was said last; starts asking what is due. None before the first answer, and where
        nothing is to be asked."""
        asked = _asked(feature)
        if asked is None:
            self.forget(*feature.key)
            return None
        case = self._case_of(feature, asked, Case)
        if feature.key not in self._errands and now.timestamp() >= case.due_at:
            self._errands.start(feature.key, self._ask(feature, case))
        asking = case.found is not None and feature.key in self._errands
        return replace(case.found, next_at=None) if asking and case.found else case.found

    async def _ask(self, feature: AIFeature, case: Case) -> None:
        _, check, indexes = case.asked
        async with self._turns:
            try:
                targets = await located(self._api, self._endpoints, feature.key[0], check.endpoint)
                found = {index: await self._state(targets, index, check) for index in indexes}
            except NoBackend as err:
                unknown = IndexFound(IndexState.UNKNOWN, f"indexCheck: {err}"[:512])
                found = dict.fromkeys(indexes, unknown)
            except Exception:
                # the task's top: whatever breaks here must be told, and never says that one is gone
                log.exception("index check failed", extra={"feature": "/".join(feature.key)})
                told = "indexCheck failed; the operator's log says why"
                found = dict.fromkeys(indexes, IndexFound(IndexState.UNKNOWN, told))
        at = self._wall().astimezone(UTC).replace(microsecond=0)
        again = at + timedelta(seconds=check.interval_seconds)
        news = case.found is None or case.found.found != found
        case.found, case.due_at = Indexes(found, at, again), again.timestamp()
        self._errands.finish(feature.key)  # before news: what is next may begin
        if news:
            self._news(key_of(feature))

    async def _state(
        self, targets: Sequence[Target], index: tuple[str, str], check: IndexCheck
    ) -> IndexFound:
        seconds = float(check.timeout_seconds)
        return await index_state(self._http, targets, *index, seconds)


def _asked(feature: AIFeature) -> Asked | None:
    """Both good releases are asked about: the one before last-known-good is behind it."""
    check, status = feature.spec.fallback.index_check, feature.status
    good = (known for known in (status.last_known_good, status.previous_good) if known is not None)
    parts = (known.release.index for known in good)
    indexes = tuple(dict.fromkeys((i.name, i.version) for i in parts if i is not None))
    return (feature.metadata.uid, check, indexes) if check is not None and indexes else None
