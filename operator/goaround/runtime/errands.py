"""Work beside the passes: at most one task per feature, which can be ended at any time.

Decides nothing about what is done, or when; a desk keeps what it learnt. Whatever an errand raises
is its own business: each has words of its own for a failure.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from goaround.api.kinds import AIFeature

FeatureKey = tuple[str, str]


class Errands:
    """The tasks of one desk, by feature."""

    def __init__(self) -> None:
        self._tasks: dict[FeatureKey, asyncio.Task[None]] = {}

    def __contains__(self, key: FeatureKey) -> bool:
        return key in self._tasks

    def start(self, key: FeatureKey, work: Coroutine[Any, Any, None]) -> None:
        """Begin; the key is free again when the work ends, however it does."""
        task = self._tasks[key] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._ended(key, done))

    def finish(self, key: FeatureKey) -> None:
        """The errand that calls this is as good as over: what is next may begin."""
        self._ended(key, asyncio.current_task())

    def cancel(self, key: FeatureKey) -> None:
        """Stop what is under way for a feature, if anything."""
        if (task := self._tasks.pop(key, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop all, and wait until they have."""
        running = list(self._tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, key: FeatureKey, done: asyncio.Task[None] | None) -> None:
        if self._tasks.get(key) is done:
            self._tasks.pop(key, None)


C = TypeVar("C")


class Desk(Generic[C]):
    """What desks have in common: a case for each feature, and errands for cases."""

    def __init__(self) -> None:
        self._cases: dict[FeatureKey, C] = {}
        self._errands = Errands()

    def forget(self, namespace: str, name: str) -> None:
        """Nothing of the feature is kept in memory, and nothing goes on for it."""
        self._cases.pop((namespace, name), None)
        self._errands.cancel((namespace, name))

    async def close(self) -> None:
        """End all errands; another process begins anew from what is stored."""
        await self._errands.close()


class HasAsked(Protocol):
    """A case that says what it is about."""

    @property
    def asked(self) -> object: ...


A = TypeVar("A")
Q = TypeVar("Q", bound=HasAsked)


class AskedDesk(Desk[Q]):
    """A desk whose cases are about what a feature asks for: something else is another case."""

    def _case_of(self, feature: AIFeature, asked: A, begin: Callable[[A], Q]) -> Q:
        case = self._cases.get(feature.key)
        if case is None or case.asked != asked:
            self.forget(*feature.key)
            case = self._cases[feature.key] = begin(asked)
        return case
