"""Passes over incidents: what is seen of one, what is decided, and who carries it out.

Decides nothing itself. What takes long (messages, golden sets) is done beside the passes by desks
that offer the key again when there is news.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from goaround.api.kinds import FEATURES, INCIDENTS, AIFeature, AIIncident
from goaround.incident.decide import decide
from goaround.incident.planned import Effect, Tell, WriteText
from goaround.incident.seen import Seen, Settings
from goaround.runtime.actions import Actions
from goaround.runtime.freezing import EvidenceDesk
from goaround.runtime.queue import Key, WorkQueue
from goaround.runtime.reproducing import ReproductionDesk
from goaround.runtime.sight import Sight
from goaround.runtime.texts import write_text
from goaround.runtime.writes import StatusWriter
from goaround.world.kube import Api


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
        settings: Settings | None = None,
        desk: EvidenceDesk | None = None,
        again: ReproductionDesk | None = None,
    ) -> None:
        self._api = api
        self._sight = sight
        self._actions = actions
        self._writer = writer
        self._queue = queue
        self._now = now
        self._settings = settings or Settings()
        self._evidence = desk
        self._again = again
        self._told: set[str] = set()

    async def look_at(self, key: Key) -> None:
        """One pass. Raises KubeError where it has to be tried again."""
        found = self._sight.parsed(AIIncident, INCIDENTS, key)
        if found is None:
            return
        now = self._now()
        plan = decide(self._observe(found), now)
        await self._do(found, plan.first)
        if plan.status != found.status:
            await self._writer.retried(INCIDENTS, key, found, plan.status.wire())
        await self._do(found, plan.then)
        if plan.wake_at is not None:
            self._queue.offer_in(key, (plan.wake_at - now).total_seconds() + 0.001)

    def _observe(self, incident: AIIncident) -> Seen:
        seen = Seen(
            incident=incident,
            features=tuple(self._features(incident)),
            settings=self._settings,
            annotations=incident.metadata.annotations,
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
