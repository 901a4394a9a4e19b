"""Candidates for one lease on an API server with delays and faults, in virtual time.

Every process has a clock of its own that is off by hours, and a wall clock that is off by days; all
run at the same speed. A call that its caller gave up may still be carried out, as in life.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from goaround.api.kinds import LEASES, Kind
from goaround.runtime.claim import Standing
from goaround.runtime.lease import Lease
from goaround.world.kube import Body, Unavailable
from tests.crash.clock import VirtualTimeLoop
from tests.crash.store import Store

T = TypeVar("T")

BEGIN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NAMESPACE = "goaround-system"
QUICK = 0.01


@dataclass(slots=True)
class Weather:
    """The network now: longest seconds that a call travels, each way, and how often it fails."""

    slowest: float = QUICK
    failing: float = 0.0
    late: float = 0.0  # seconds that every answer comes late
    reachable: bool = True
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def delay(self) -> float:
        # most calls are quick, and some are as slow as can be
        return self.slowest * self.chance.random() ** 4

    def fails(self) -> bool:
        return self.chance.random() < self.failing


class StormyApi:
    """`Api` for one process."""

    def __init__(self, store: Store, weather: Weather, who: str) -> None:
        self._store = store
        self.weather = weather
        self._who = who
        self.calls: list[str] = []

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        return await self._call("list", lambda: self._store.list(kind, namespace, label))

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        return await self._call("get", lambda: self._store.get(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        return await self._call(
            "create", lambda: self._store.create(kind, namespace, body, self._who)
        )

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        def commit() -> Body:
            return self._store.patch(
                kind, namespace, name, patch=patch, status=status, author=self._who
            )

        return await self._call("patch", commit)

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        await self._call("delete", lambda: self._store.delete(kind, namespace, name, self._who))

    async def _call(self, verb: str, commit: Callable[[], T]) -> T:
        self.calls.append(verb)
        serving = asyncio.ensure_future(self._serve(commit))
        serving.add_done_callback(lambda done: done.cancelled() or done.exception())
        answer = await asyncio.shield(serving)
        await asyncio.sleep(self.weather.delay() + self.weather.late)
        if self.weather.fails():
            raise Unavailable("the answer was lost")
        return answer

    async def _serve(self, commit: Callable[[], T]) -> T:
        await asyncio.sleep(self.weather.delay())
        if not self.weather.reachable:
            await asyncio.sleep(30)
            raise Unavailable("not reachable")
        if self.weather.fails():
            raise Unavailable("the request was lost")
        return commit()


class Process:
    """One life of a candidate; `told` is what it heard of its tenures."""

    def __init__(self, world: "World", identity: str, weather: Weather | None = None) -> None:
        self.world = world
        self.weather = weather or Weather()
        self.told: list[bool] = []
        self.api = StormyApi(world.store, self.weather, identity)
        chance = world.chance
        ahead, days = chance.uniform(-9e3, 9e3), chance.uniform(-9, 9)
        self.lease = Lease(
            self.api,
            identity,
            namespace=NAMESPACE,
            clock=lambda: world.loop.time() + ahead,
            wall=lambda: world.loop.wall() + timedelta(days=days),
            changed=self._changed,
        )
        self.alive = True
        self._running: asyncio.Task[None] | None = None

    @property
    def holds(self) -> bool:
        return self.alive and self.lease.standing is Standing.OWNER

    def start(self) -> "Process":
        self._running = asyncio.ensure_future(self.lease.run())
        return self

    async def kill(self) -> None:
        """As by SIGKILL: nothing is released, and what is under way may still arrive."""
        self.alive = False
        await self._end()

    async def stop(self) -> None:
        """As by SIGTERM."""
        await self._end()
        await self.lease.release()
        self.alive = False

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    def _changed(self, began: bool) -> None:
        self.told.append(began)
        self.world.check()


class World:
    """All processes and the store."""

    def __init__(self, loop: VirtualTimeLoop, seed: int = 0) -> None:
        self.loop = loop
        self.chance = random.Random(seed)
        self.store = Store(loop.wall)
        self.processes: list[Process] = []
        self.overlaps: list[float] = []

    def process(self, identity: str, weather: Weather | None = None) -> Process:
        made = Process(self, identity, weather)
        self.processes.append(made)
        return made

    def check(self) -> None:
        """Note when two act at the same time, as a true clock sees it."""
        if sum(p.holds for p in self.processes) > 1:
            self.overlaps.append(self.loop.time())

    async def watch(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(0.1)

    async def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """After how many seconds it held; fails when it takes longer than `seconds`."""
        began = self.loop.time()
        while not holds():
            assert self.loop.time() - began < seconds, f"not within {seconds} s"
            await asyncio.sleep(QUICK)
        return self.loop.time() - began

    def spec(self) -> Body:
        found: Body = self.store.get(LEASES, NAMESPACE, "goaround")["spec"]
        return found


def run(story: Callable[[World], Coroutine[None, None, T]], seed: int = 0) -> T:
    """Tell a story in a world of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(BEGIN)) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualTimeLoop)
        return runner.run(story(World(loop, seed)))
