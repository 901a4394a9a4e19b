"""The change desk: looks at the objects that `watch.objects` names, beside the passes.

Decides when they are looked at again, and what to say of one that cannot be read. It moves nobody
and stops nothing: what changed is for people and incidents.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from goaround.api.changes import WatchedKind, WatchedObject
from goaround.api.kinds import (
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    AIFeature,
    Kind,
)
from goaround.api.names import ledger_name
from goaround.ledger.book import Book, looked, own, status_of
from goaround.ledger.facts import GONE, Look, look
from goaround.rollout.referred import Changes
from goaround.runtime.errands import AskedDesk
from goaround.runtime.lease import NotOwner
from goaround.runtime.queue import Key, key_of
from goaround.world.kube import Api, KubeError, NotFound, Refused
from goaround.world.ledgers import NotALedger, Stored, fetch, keep

log = logging.getLogger("goaround.changes")

AT_ONCE: Final = 4
"""Features whose objects are read at once."""

LOOK_SECONDS: Final = 60.0

KINDS: Final[Mapping[WatchedKind, Kind]] = {
    WatchedKind.DEPLOYMENT: DEPLOYMENTS,
    WatchedKind.STATEFUL_SET: STATEFUL_SETS,
    WatchedKind.DAEMON_SET: DAEMON_SETS,
    WatchedKind.CONFIG_MAP: CONFIG_MAPS,
}

Asked = tuple[str, tuple[WatchedObject, ...]]


@dataclass(slots=True)
class Case:
    """What is known of one feature's objects. asked: its uid, and which; stored: the ledger as it
    was written last, None before it was read."""

    asked: Asked
    found: Changes | None = None
    stored: Stored | None = None
    due_at: float = 0.0
    problems: dict[str, str] = field(default_factory=dict)


class ChangeDesk(AskedDesk[Case]):
    """Looks at objects for features. `news` is called when there is something new to say."""

    def __init__(
        self, api: Api, *, news: Callable[[Key], None], wall: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._api = api
        self._news = news
        self._wall = wall
        self._turns = asyncio.Semaphore(AT_ONCE)

    def changes(self, feature: AIFeature, now: datetime) -> Changes | None:
        """What was found last; starts looking where that is due. None before the first look, and
        where nothing is named."""
        asked = (feature.metadata.uid, tuple(feature.spec.watch.objects))
        if not asked[1]:
            self.forget(*feature.key)
            return None
        case = self._case_of(feature, asked, Case)
        if feature.key not in self._errands and now.timestamp() >= case.due_at:
            self._errands.start(feature.key, self._look(feature, case))
        looking = case.found is not None and feature.key in self._errands
        return replace(case.found, next_at=None) if looking and case.found else case.found

    async def _look(self, feature: AIFeature, case: Case) -> None:
        case.problems = {}
        async with self._turns:
            try:
                await self._looked(feature, case)
            except NotOwner:
                return  # the next tenure begins anew, from the ledger
            except NotALedger as err:
                case.problems[""] = str(err)
            except KubeError as err:
                case.stored = None  # somebody wrote in between, or nobody knows: read it again
                name = ledger_name(feature.key[1])
                case.problems[""] = (
                    f"changes cannot be looked at, or kept in {name} ({type(err).__name__})"
                )
            except Exception:
                # the task's top: whatever breaks here must be told, and blames nobody
                log.exception("change look failed", extra={"feature": "/".join(feature.key)})
                case.problems[""] = "the look at changes failed; the operator's log says why"
        self._say(feature, case)

    def _say(self, feature: AIFeature, case: Case) -> None:
        at = self._wall().astimezone(UTC)
        again = at + timedelta(seconds=LOOK_SECONDS)
        told = status_of(case.stored.book, feature.key[1], at) if case.stored is not None else None
        if told is None and case.found is not None:
            told = case.found.status
        before, problems = case.found, tuple(case.problems.values())
        case.found = Changes(told, problems, next_at=again)
        case.due_at = again.timestamp()
        self._errands.finish(feature.key)  # before news: what is next may begin
        if before is None or (before.status, before.problems) != (told, problems):
            self._news(key_of(feature))

    async def _looked(self, feature: AIFeature, case: Case) -> None:
        """One look at everything, and the ledger written where something is new. A crash before
        the write finds the same again. Raises KubeError, NotALedger, NotOwner."""
        namespace, name = feature.key
        stored = case.stored or await fetch(self._api, namespace, name)
        seen: dict[str, Look] = {}
        for about in case.asked[1]:
            found = await self._one(feature, case, about) or stored.book.seen.get(about.title)
            if found is not None:
                seen[about.title] = found
        history = own(name, feature.status.history)
        book: Book = looked(stored.book, seen, history, self._wall().astimezone(UTC))
        if stored.version is None or book != stored.book:
            stored = await keep(self._api, namespace, name, stored, book)
        case.stored = stored

    async def _one(self, feature: AIFeature, case: Case, about: WatchedObject) -> Look | None:
        """What an object is now; None where that cannot be said. One that is not there is told."""
        namespace, name = feature.key
        if about.kind is WatchedKind.CONFIG_MAP and about.name == ledger_name(name):
            case.problems[about.title] = f"{about.title} is the ledger itself: take it out"
            return None
        try:
            body = await self._api.get(KINDS[about.kind], namespace, about.name)
        except NotFound:
            case.problems[about.title] = f"there is no {about.title}: create it, or take it out"
            return GONE
        except Refused:
            plural = KINDS[about.kind].plural
            told = f"{about.title} may not be read: give the operator's role verb get on {plural}"
            case.problems[about.title] = told
            return None
        return look(about.kind, body)
