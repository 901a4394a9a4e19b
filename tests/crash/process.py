"""One life of the operator in the simulation, and its death at any call.

All of its tasks belong to it, so that a crash takes everything at once. What the code under test
logs as an error, or lets escape, counts as a fault.
"""

import asyncio
import contextvars
import logging
import math
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import httpx

from goaround.api.base import Json
from goaround.api.kinds import Kind
from goaround.runtime.cache import key_of, version
from goaround.runtime.config import Config, EndpointConfig, ProviderConfig
from goaround.runtime.engine import Operator, Options
from tests.crash.clock import VirtualTimeLoop
from tests.crash.faults import Call, Fault
from tests.crash.port import StoreApi
from tests.crash.store import Store
from tests.crash.traffic import ModelReader, Traffic

RESTART_SECONDS: Final = 1.0
"""At least; a new life begins at a whole second, so that crashes which leave the same behind are
followed by the same life (`forks.py` plays it once)."""

REPLICA: Final = "http://flags.invalid"
CONFIG: Final = Config(
    providers=[ProviderConfig(name="default", url="http://metrics.invalid", lag_seconds=2)],
    endpoints=[EndpointConfig(name="golden", url="http://golden.invalid/ask")],
    workers=2,
    resync_seconds=60,
    checkpoint_seconds=30,
)

_process: contextvars.ContextVar["Process"] = contextvars.ContextVar("process")


async def at_once(work: Callable[..., Any], /, *args: Any) -> Any:
    """In virtual time nothing is computed elsewhere."""
    return work(*args)


class Surroundings(Protocol):
    """What a process lives in."""

    loop: VirtualTimeLoop
    store: Store
    traffic: Traffic
    faults: list[str]

    def arrived(self, call: Call) -> Fault | None:
        """A call reached the API server; what goes wrong with it."""

    def revisions(self, request: httpx.Request) -> httpx.Response:
        """What the flag replica answers."""

    def relaunch(self, name: str, hearing: float) -> None:
        """Begin another life of a process that died."""


class Process:
    """One life of one operator process."""

    def __init__(self, world: Surroundings, name: str, hearing: float) -> None:
        self.name = name
        self.dead = False
        self.hearing = hearing
        self.tasks: set[asyncio.Task[Any]] = set()
        self.operator: Operator | None = None
        self._world = world

    def begin(self) -> None:
        """Everything that is begun from here on is part of this life."""
        context = contextvars.copy_context()
        context.run(_process.set, self)
        task = context.run(self._world.loop.create_task, self._live())
        task.add_done_callback(self._began)

    def _began(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (died_of := task.exception()) is not None:
            self._world.faults.append(f"{self.name} could not begin: {died_of!r}")

    def next_fault(self, call: Call) -> Fault | None:
        return self._world.arrived(call)

    def die(self) -> None:
        """As by SIGKILL: nothing of it acts any more, and another one is begun."""
        self.end()
        loop = self._world.loop
        at = math.ceil(loop.time() + RESTART_SECONDS)
        loop.call_at(at, self._world.relaunch, self.name, self.hearing)

    def end(self) -> None:
        self.dead = True
        for task in self.tasks:
            task.cancel()

    async def _live(self) -> None:
        world = self._world
        transport = httpx.MockTransport(world.revisions)
        http = httpx.AsyncClient(transport=transport, trust_env=False)
        self.operator = Operator(
            Options(config=CONFIG, flag_replicas=(REPLICA,), identity=self.name),
            StoreApi(world.store, self),
            http,
            clock=world.loop.wall,
            readers={"default": ModelReader(world.traffic)},
            jitter=lambda: 0.5,
            offload=at_once,
        )
        await self.operator.start()

    def hears_nothing_new(self, kind: Kind, body: Json, removed: bool) -> bool:
        """Hears it; whether that surely left everything as it was: bodies, and that none is due."""
        if self.operator is None or self.dead:
            return True
        cache, queue = self.operator.cache, self.operator.queue
        before, was_idle = [id(b) for b in cache.all(kind)], queue.idle
        self.hear(kind, body, removed)
        return was_idle and queue.idle and [id(b) for b in cache.all(kind)] == before

    def knows(self, kind: Kind, body: Json, removed: bool) -> bool:
        """Whether it surely would not listen: it has no ear, or wrote that, or something newer."""
        if self.operator is None or self.dead:
            return True
        known = self.operator.cache.get(kind, *key_of(body))
        return not removed and known is not None and version(known) >= version(body)

    def hear(self, kind: Kind, body: Json, removed: bool) -> None:
        if self.operator is not None and not self.dead:
            self.operator.controller.heard(kind, body, removed=removed)


def tracked(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    **context: Any,
) -> asyncio.Task[Any]:
    """Every task belongs to the process that began it, so that all of it can die at once."""
    task = asyncio.Task(work, loop=loop, **context)
    if (process := _process.get(None)) is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


class _Errors(logging.Handler):
    """What the operator logs as an error is a fault of ours."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        what = record.exc_info[1] if record.exc_info else ""
        self._found.append(f"logged: {record.getMessage()} {what!r}")


@contextmanager
def errors_in(found: list[str]) -> Iterator[None]:
    log, handler = logging.getLogger("goaround"), _Errors(found)
    propagated, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagated


def unexpected(told: dict[str, Any]) -> str:
    return f"loop: {told.get('message')} {told.get('exception')!r}"
