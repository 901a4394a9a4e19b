"""The work queue: each key once at a time, due times, back-off with jitter, any number of workers.

Offering a key that waits changes nothing; offering one that is being worked on has it worked on
once more. It decides when, never what.
"""

import asyncio
import contextlib
import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from goaround.api.kinds import FEATURES, AIFeature
from goaround.world.backoff import doubling, jittered

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One object to look at: the plural of its kind, its namespace, its name."""

    plural: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.plural}/{self.namespace}/{self.name}"


def key_of(feature: AIFeature) -> Key:
    """The key under which a feature is looked at."""
    return Key(FEATURES.plural, *feature.key)


class WorkQueue:
    """Keys that are due, in the order in which they became due.

    `clock` is monotonic seconds; `jitter` gives numbers in [0, 1).
    """

    def __init__(
        self,
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._ready: deque[Key] = deque()
        self._waiting: set[Key] = set()
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._failures: dict[Key, int] = {}
        self._news: dict[Key, asyncio.Event] = {}
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Nothing is due now and nothing is being worked on."""
        return not self._ready and not self._working

    def offer(self, key: Key) -> None:
        """Look at `key` as soon as a worker is free."""
        if key in self._working:
            self._again.add(key)
            if (news := self._news.get(key)) is not None:
                news.set()
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.append(key)
            self._changed.set()

    def offer_in(self, key: Key, seconds: float) -> None:
        """Look at `key` in `seconds`, or earlier if it was to be looked at earlier."""
        if seconds <= 0:
            self.offer(key)
            return
        due = self._clock() + seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            if self._heap[0] == (due, key):  # else workers sleep no longer than they should
                self._changed.set()

    async def take(self) -> Key | None:
        """The next key that is due; None once the queue is closed."""
        while not self._closed:
            self._release_due()
            if self._ready:
                key = self._ready.popleft()
                self._waiting.discard(key)
                self._working.add(key)
                return key
            await self._wait()
        return None

    async def offered_again(self, key: Key) -> None:
        """Returns when `key` is offered while it is being worked on; for whoever works on it."""
        news = self._news.setdefault(key, asyncio.Event())
        await news.wait()
        news.clear()

    def done(self, key: Key) -> None:
        """`key` was worked on; its back-off starts over."""
        self._failures.pop(key, None)
        self._finish(key)

    def failed(self, key: Key) -> float:
        """`key` has to be tried again; returns after how many seconds."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        wait = jittered(doubling(count, FIRST_BACKOFF, LONGEST_BACKOFF), self._jitter())
        self._finish(key)
        self.offer_in(key, wait)
        return wait

    def forget(self, key: Key) -> None:
        """The object is gone: no due time and no back-off is kept for it."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    def close(self) -> None:
        """Workers get no more keys; what is being worked on may finish."""
        self._closed = True
        self._changed.set()

    def _finish(self, key: Key) -> None:
        self._working.discard(key)
        self._news.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.offer(key)

    def _release_due(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self.offer(key)

    async def _wait(self) -> None:
        self._changed.clear()
        timeout = max(self._heap[0][0] - self._clock(), 0) if self._heap else None
        with contextlib.suppress(TimeoutError):
            # not wait_for: before Python 3.12 it swallows a cancel that comes with the event, and
            # the worker that was to end waits on
            async with asyncio.timeout(timeout):
                await self._changed.wait()
