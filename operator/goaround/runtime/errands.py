"""Work beside the passes: at most one task per feature, which can be ended at any time.

Decides nothing about what is done, or when; a desk keeps what it learnt. Whatever an errand raises
is its own business: each has words of its own for a failure.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

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
