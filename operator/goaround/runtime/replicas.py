"""How far decisions have reached: asks the flag replicas beside the passes and remembers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from goaround.api.kinds import AIFeature
from goaround.delivery.replicas import Replicas, RevisionsAnswer, combined
from goaround.rollout.observed import Delivered
from goaround.runtime.queue import Key, key_of

LATE = timedelta(seconds=0.3)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision that is not everywhere, as far as known, and since when it is waited for."""

    uid: str
    revision: int
    since: datetime


class DeliveryDesk:
    """Answers from the last look; looks again where a decision has not arrived yet."""

    def __init__(self, replicas: Replicas, *, expected: int, news: Callable[[Key], None]) -> None:
        self._replicas = replicas
        self._expected = expected
        self._news = news
        self._answers: Mapping[str, RevisionsAnswer] = {}
        self._asked_at: datetime | None = None
        self._wanted: dict[tuple[str, str], Wanted] = {}
        self._waiting: dict[Key, str] = {}
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
            self._want(feature, now)
        else:
            self._wanted.pop(feature.key, None)
        return seen

    def behind(self, feature: AIFeature) -> tuple[str, ...]:
        """The replicas that answer, but 300 ms later still stream an older decision, unlowered."""
        uid, revision = feature.metadata.uid, feature.status.revision
        wanted, asked_at = self._wanted.get(feature.key), self._asked_at
        if wanted is None or asked_at is None or (wanted.uid, wanted.revision) != (uid, revision):
            return ()
        if asked_at < wanted.since + LATE:
            return ()
        return tuple(
            url
            for url, answer in self._answers.items()
            if answer.problem is None
            and (one := answer.revisions.get(uid)) is not None
            and one.revision < revision
            and not one.lowered
        )

    def forget(self, namespace: str, name: str) -> None:
        """The feature is gone."""
        self._wanted.pop((namespace, name), None)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _seen(self, feature: AIFeature, now: datetime) -> Delivered | None:
        if self._asked_at is None:
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

    def _want(self, feature: AIFeature, now: datetime) -> None:
        """Ask, beside the pass, and remember since when this decision is waited for."""
        uid, revision = feature.metadata.uid, feature.status.revision
        known = self._wanted.get(feature.key)
        if known is None or (known.uid, known.revision) != (uid, revision):
            self._wanted[feature.key] = Wanted(uid, revision, now)
        self._waiting[key_of(feature)] = uid
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask(now))

    async def _ask(self, now: datetime) -> None:
        """One look for everybody who waits; each hears of it only if there is news of itself: while
        many go around at once, every answer is news to somebody."""
        waiting, self._waiting = self._waiting, {}
        before = self._answers
        self._answers = await self._replicas.view()
        self._asked_at = now
        for key, uid in waiting.items():
            if combined(before, uid) != combined(self._answers, uid):
                self._news(key)
