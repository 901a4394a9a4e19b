"""Passes over incidents: what is seen of one, what is decided, and who carries it out.

Decides nothing itself. What takes long (messages, golden sets) is done beside the passes by desks
that offer the key again when there is news.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from goaround.api.base import Json
from goaround.api.incident import AIIncidentStatus
from goaround.api.kinds import FEATURES, INCIDENTS, AIFeature, AIIncident
from goaround.api.names import NOTED
from goaround.incident.decide import decide
from goaround.incident.planned import (
    Append,
    Effect,
    KeepTexts,
    OpenLog,
    Plan,
    TakeOff,
    Tell,
    WriteText,
)
from goaround.incident.seen import Seen, Settings
from goaround.runtime.actions import Actions
from goaround.runtime.desk import Desk
from goaround.runtime.incident_metrics import IncidentMetrics
from goaround.runtime.messages import MessageDesk
from goaround.runtime.queue import Key, WorkQueue, key_of
from goaround.runtime.sight import Sight
from goaround.runtime.texts import keep_texts, write_text
from goaround.runtime.timelines import TimelineDesk
from goaround.runtime.writes import StatusWriter
from goaround.world.backoff import doubling
from goaround.world.kube import Api, KubeError

log = logging.getLogger("goaround.incidents")

SETTLES: Final = timedelta(seconds=0.5)
"""Evidence, timeline and delivery follow closely upon one another: one write says them all."""

SOON: Final = 2.0
RETRY: Final = 30.0
"""Seconds until texts that were refused are tried again: at first, and at most."""


@dataclass(frozen=True, slots=True)
class Running:
    """How incidents are run: what the administrator set, and who sends messages."""

    settings: Settings = field(default_factory=Settings)
    messages: MessageDesk | None = None


class Incidents:
    """Knows how to look at an AIIncident."""

    def __init__(
        self,
        *,
        api: Api,
        sight: Sight,
        actions: Actions,
        writer: StatusWriter,
        queue: WorkQueue,
        now: Callable[[], datetime],
        running: Running,
        desk: Desk,
        figures: IncidentMetrics,
    ) -> None:
        self._api = api
        self._sight = sight
        self._actions = actions
        self._writer = writer
        self._queue = queue
        self._now = now
        self._settings, self._messages = running.settings, running.messages
        self._evidence, self._again = desk.evidence, desk.again
        self._figures = figures
        self._told: set[str] = set()
        self._shown: dict[Key, str] = {}
        self._written: dict[Key, datetime] = {}
        self._refused: dict[Key, tuple[int, datetime]] = {}
        self._timelines = TimelineDesk(api, offer=queue.offer, offer_in=queue.offer_in, now=now)

    def changed(self, feature: AIFeature) -> None:
        """Look at its open incidents, and at those of its latches, once for each version: they see
        of it what is stored. What this process wrote it may never hear of as news."""
        key, version = key_of(feature), feature.metadata.resource_version
        if self._shown.get(key) == version:
            return
        self._shown[key] = version
        named = (latch.incident for latch in feature.status.latches if latch.incident is not None)
        still = self._sight.open_incidents(key.namespace, key.name)
        for name in dict.fromkeys((*named, *still)):
            self._queue.offer(Key(INCIDENTS.plural, key.namespace, name))

    def gone(self, key: Key) -> None:
        """The feature does not exist any more."""
        self._shown.pop(key, None)

    async def look_at(self, key: Key) -> None:
        """One pass. Raises KubeError where it has to be tried again."""
        found = self._sight.parsed(AIIncident, INCIDENTS, key)
        if found is None:
            if self._messages is not None:
                self._messages.gone(key.namespace, key.name)
            self._timelines.forget((key.namespace, key.name))
            self._figures.forget(key.namespace, key.name)
            self._written.pop(key, None)
            self._refused.pop(key, None)
            return
        now = self._now()
        if (wait := self._settles_in(key, now)) > 0:
            self._queue.offer_in(key, wait)
            return
        plan = decide(self._observe(found), now)
        same = plan.status == found.status
        if same:  # before anything is awaited: the lease may be lost meanwhile
            self._figures.seen(found, found.status)
        if not await self._kept_texts(key, found, plan, now):
            plan = replace(plan, status=_without_texts(plan.status, found.status))
        if plan.status != found.status:
            if not await self._writer.retried(INCIDENTS, key, found, plan.status.wire()):
                return  # somebody else wrote: nothing is told of this, and it is looked at again
            self._written[key] = now
            self._figures.seen(found, plan.status)
            self._begin(key)
        await self._do(found, plan.then)
        for at in (plan.wake_at, self._timelines.again_at(found.key)):
            if at is not None and at > now:  # the queue keeps the earliest only: each pass says all
                self._queue.offer_in(key, (at - now).total_seconds() + 0.001)

    async def _kept_texts(self, key: Key, found: AIIncident, plan: Plan, now: datetime) -> bool:
        """Whether what status is about to name is stored. Tried again ever less often."""
        failures, again = self._refused.get(key, (0, now))
        if now < again:
            self._queue.offer_in(key, (again - now).total_seconds() + 0.001)
            return False
        try:
            await self._do(found, plan.first)
        except KubeError as err:
            pause = doubling(failures + 1, SOON, RETRY)
            self._refused[key] = (failures + 1, now + timedelta(seconds=pause))
            self._queue.offer_in(key, pause + 0.001)
            log.warning("texts cannot be kept", extra={"object": str(key), "error": str(err)})
            return False
        self._refused.pop(key, None)
        return True

    def _begin(self, key: Key) -> None:
        """What status asks for now is begun at once, and is there when the write has settled."""
        if (stored := self._sight.parsed(AIIncident, INCIDENTS, key)) is not None:
            self._observe(stored)

    def _settles_in(self, key: Key, now: datetime) -> float:
        """Seconds until what follows upon the last write has come; 0: there is nothing to wait for.
        Nobody's safety waits: what people ask for is carried out by passes over the feature."""
        since = now - self._written.get(key, datetime.min.replace(tzinfo=UTC))
        return (SETTLES - since).total_seconds() if timedelta() <= since < SETTLES else 0.0

    def _observe(self, incident: AIIncident) -> Seen:
        seen = Seen(
            incident=incident,
            features=tuple(self._features(incident)),
            settings=self._settings,
            annotations=incident.metadata.annotations,
            sent=self._messages.sent(incident) if self._messages is not None else {},
            log=self._timelines.log_of(incident.key),
            log_trouble=self._timelines.trouble_of(incident.key),
        )
        if self._evidence is None or self._again is None:
            return seen
        return replace(
            seen,
            frozen=self._evidence.frozen(incident, seen.feature),
            reproduced=self._again.reproduced(incident, seen.feature),
        )

    def _features(self, incident: AIIncident) -> Iterable[AIFeature]:
        for ref in incident.spec.affects:
            key = Key(FEATURES.plural, incident.metadata.namespace, ref.name)
            if (feature := self._sight.parsed(AIFeature, FEATURES, key)) is not None:
                yield feature

    async def _do(self, incident: AIIncident, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Tell() if effect.name not in self._told:
                    await self._actions.tell(incident, INCIDENTS, effect.name, effect.transition)
                    self._told.add(effect.name)
                case WriteText():
                    await write_text(self._api, incident, effect)
                case KeepTexts():
                    await keep_texts(self._api, incident, effect)
                case OpenLog():
                    self._timelines.open(incident)
                case Append(facts):
                    self._timelines.append(incident, facts)
                case TakeOff():
                    await self._take_off(incident, effect)

    async def _take_off(self, incident: AIIncident, effect: TakeOff) -> None:
        """On exactly the version that still has these values."""
        key = Key(INCIDENTS.plural, *incident.key)
        newest = self._sight.parsed(AIIncident, INCIDENTS, key)
        if newest is None:
            return
        meta = newest.metadata
        if all(meta.annotations.get(k) == v for k, v in effect.annotations.items()):
            gone = dict.fromkeys(effect.annotations) | {NOTED: str(effect.noted)}
            patch: Json = {
                "metadata": {"resourceVersion": meta.resource_version, "annotations": gone}
            }
            await self._writer.marked(INCIDENTS, key, patch)

    async def close(self) -> None:
        """End what is under way beside the passes."""
        await self._timelines.close()


def _without_texts(planned: AIIncidentStatus, known: AIIncidentStatus) -> AIIncidentStatus:
    """People and clocks do not wait for texts: status says nothing of those that are not kept."""
    rest = planned.but(note_hash=known.note_hash, comms=known.comms)
    same = rest.but(updated_at=known.updated_at, whiteboard=known.whiteboard) == known
    return known if same else rest
