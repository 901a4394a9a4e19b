"""How far decisions have reached: asks the flag replicas beside the passes and remembers."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from goaround.api.kinds import FEATURES, AIFeature
from goaround.delivery.replicas import Replicas, RevisionsAnswer, combined
from goaround.rollout.observed import Delivered
from goaround.runtime.queue import Key


class DeliveryDesk:
    """Answers from the last look; looks again where a decision has not arrived yet."""

    def __init__(self, replicas: Replicas, *, expected: int, news: Callable[[Key], None]) -> None:
        self._replicas = replicas
        self._expected = expected
        self._news = news
        self._answers: Mapping[str, RevisionsAnswer] = {}
        self._asked = False
        self._waiting: set[Key] = set()
        self._task: asyncio.Task[None] | None = None

    def delivered(self, feature: AIFeature, now: datetime) -> Delivered | None:
        """What is known; starts a look where the newest decision is not everywhere."""
        if self._expected == 0:
            return None
        seen = self._seen(feature, now)
        if (
            seen is None
            or seen.replicas < seen.expected
            or (seen.revision or 0) < feature.status.revision
        ):
            self._look(Key(FEATURES.plural, *feature.key))
        return seen

    def behind(self, feature: AIFeature) -> tuple[str, ...]:
        """The replicas that answer, but when last asked streamed an older decision, unlowered."""
        uid, revision = feature.metadata.uid, feature.status.revision
        return tuple(
            url
            for url, answer in self._answers.items()
            if answer.problem is None
            and (one := answer.revisions.get(uid)) is not None
            and one.revision < revision
            and not one.lowered
        )

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _seen(self, feature: AIFeature, now: datetime) -> Delivered | None:
        if not self._asked:
            return None
        view = combined(self._answers, feature.metadata.uid)
        return Delivered(
            revision=view.revision,
            replicas=view.replicas,
            expected=view.expected,
            streams=view.streams,
            at=now,
            problem="; ".join(view.problems)[:256] or None,
        )

    def _look(self, key: Key) -> None:
        self._waiting.add(key)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """One look for everybody who waits; each hears of it only if the answers are news."""
        waiting, self._waiting = self._waiting, set()
        before = self._answers
        self._answers = await self._replicas.view()
        self._asked = True
        if self._answers != before:
            for key in waiting:
                self._news(key)
