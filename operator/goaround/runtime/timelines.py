"""Timelines of incidents on the API server: read once when something is to be entered, and kept.

The open part is a ConfigMap that is written on exactly the version that was read; when it is full
it becomes a ControllerRevision, whose data nobody can change. Decides nothing about what is
entered. Whoever else wrote meanwhile wins: the log is then read anew, and decided on again.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, RECORDS, AIIncident
from goaround.incident.entries import Fact, verified
from goaround.incident.log import Log, appended, read
from goaround.runtime.errands import Errands
from goaround.runtime.queue import Key
from goaround.world import policies
from goaround.world.kube import AlreadyExists, Api, Conflict, KubeError, NotFound
from goaround.world.timelines import FILE, open_part, segment, stored_parts

log = logging.getLogger("goaround.timelines")

AUTHOR_POLICY: Final = "goaround-author"
FULL: Final = 100 * 1024
"""Bytes of the open part: all of it travels with each entry."""

SOON, RETRY = timedelta(seconds=2), timedelta(seconds=30)
"""After the first failure, and after each that follows upon it."""

MOST: Final = 200
"""Logs that are kept in memory; another one is read again."""

Where = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, in writing or before it, how often in a row, and when it is tried again."""

    why: str
    writing: bool
    times: int
    again: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of one timeline. version: of the ConfigMap; None: there is none. text: its
    open part."""

    log: Log
    version: str | None
    text: str


class TimelineDesk:
    """The timelines of one operator. `offer` a key when there is news of it, `offer_in` later."""

    def __init__(
        self,
        api: Api,
        *,
        offer: Callable[[Key], None],
        offer_in: Callable[[Key, float], None],
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._offer = offer
        self._offer_in = offer_in
        self._now = now
        self._errands = Errands()
        self._stored: dict[Where, Stored] = {}
        self._troubles: dict[Where, Trouble] = {}

    def log_of(self, where: Where) -> Log | None:
        """As it is stored, as far as this process knows."""
        found = self._stored.get(where)
        return found.log if found is not None else None

    def trouble_of(self, where: Where) -> str | None:
        """Why it cannot be read or written; None where it can, and after a first failure."""
        found = self._troubles.get(where)
        return found.why if found is not None and found.times > 1 else None

    def again_at(self, where: Where) -> datetime | None:
        """When what failed is tried again."""
        found = self._troubles.get(where)
        return found.again if found is not None else None

    def open(self, incident: AIIncident) -> None:
        """Begin to read it, unless that is done or something is under way."""
        known = self.log_of(incident.key)
        if known is not None and not known.is_behind(incident.status.timeline_anchor):
            self._offer(Key(INCIDENTS.plural, *incident.key))
            return
        self._begin(incident, partial(self._read, incident), writing=False)

    def append(self, incident: AIIncident, facts: tuple[Fact, ...]) -> None:
        """Begin to enter these, unless something is under way."""
        self._begin(incident, partial(self._append, incident, facts), writing=True)

    def forget(self, where: Where) -> None:
        """The incident is gone."""
        self._errands.cancel(where)
        self._stored.pop(where, None)
        self._troubles.pop(where, None)

    async def close(self) -> None:
        await self._errands.close()

    # -- beside the passes -----------------------------------------------------------------------

    def _begin(
        self, incident: AIIncident, work: Callable[[], Awaitable[None]], *, writing: bool
    ) -> None:
        where = incident.key
        trouble = self._troubles.get(where)
        if where in self._errands or (trouble is not None and self._now() < trouble.again):
            return
        self._errands.start(where, self._tried(where, work, writing=writing))

    async def _tried(
        self, where: Where, work: Callable[[], Awaitable[None]], *, writing: bool
    ) -> None:
        key = Key(INCIDENTS.plural, *where)
        try:
            await work()
        except (Conflict, AlreadyExists, NotFound):
            self._stored.pop(where, None)  # somebody else wrote: read, and decide again
        except KubeError as err:
            self._failed(where, err, writing=writing)
        else:
            self._succeeded(where, writing=writing)
        self._errands.finish(where)
        self._offer(key)

    def _succeeded(self, where: Where, *, writing: bool) -> None:
        """What can be read cannot always be written."""
        trouble = self._troubles.get(where)
        if trouble is not None and (writing or not trouble.writing):
            del self._troubles[where]

    def _failed(self, where: Where, err: KubeError, *, writing: bool) -> None:
        """It may or may not have been done: only reading it again tells."""
        self._stored.pop(where, None)
        before = self._troubles.get(where)
        times = before.times + 1 if before is not None else 1
        pause = SOON if times == 1 else RETRY
        self._troubles[where] = Trouble(str(err)[:300], writing, times, self._now() + pause)
        log.warning("timeline cannot be kept", extra={"object": str(where), "error": str(err)})
        self._offer_in(Key(INCIDENTS.plural, *where), pause.total_seconds() + 0.001)

    async def _read(self, incident: AIIncident) -> None:
        anchor = incident.status.timeline_anchor
        parts = await stored_parts(self._api, *incident.key, anchor)
        while len(self._stored) >= MOST:
            self._stored.pop(next(iter(self._stored)))
        known = read(parts.lines, anchor, parts.segments)
        self._stored[incident.key] = Stored(known, parts.version, parts.text)

    async def _append(self, incident: AIIncident, facts: tuple[Fact, ...]) -> None:
        held = self._stored.pop(incident.key, None)
        if held is None:
            return
        facts = await self._with_authors(incident, facts)
        known, lines = appended(held.log, facts, self._now())
        new = "".join(f"{line}\n" for line in lines)
        text = held.text
        if text and len(text.encode()) + len(new.encode()) > FULL:
            await self._seal(incident, known.segments + 1, text)
            known, text = replace(known, segments=known.segments + 1), ""
        version = await self._write(incident, held.version, text + new)
        self._stored[incident.key] = Stored(known, version, text + new)

    async def _with_authors(
        self, incident: AIIncident, facts: tuple[Fact, ...]
    ) -> tuple[Fact, ...]:
        """A name is verified where the API server has vouched for it as long as the incident is
        there."""
        born = incident.metadata.creation_timestamp
        if born is None or not any(f.is_claim for f in facts):
            return facts
        since = await policies.in_force(self._api, AUTHOR_POLICY)
        if since is None or since > born:
            return facts
        return tuple(verified(f) if f.is_claim else f for f in facts)

    async def _seal(self, incident: AIIncident, number: int, text: str) -> None:
        body = segment(incident.metadata.name, number, text)
        await self._api.create(RECORDS, incident.metadata.namespace, body)

    async def _write(self, incident: AIIncident, version: str | None, text: str) -> str:
        """The version of the ConfigMap as it is then."""
        namespace, name = incident.key
        if version is None:
            stored = await self._api.create(CONFIG_MAPS, namespace, open_part(name, text))
        else:
            patch: Json = {"metadata": {"resourceVersion": version}, "data": {FILE: text}}
            about = (CONFIG_MAPS, namespace, names.timeline_name(name))
            stored = await self._api.patch(*about, patch)
        return str(stored["metadata"]["resourceVersion"])
