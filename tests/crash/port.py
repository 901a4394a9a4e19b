"""`Api` for one process of ours, on the store: latency, the count of calls, and faults.

A dead process is never answered again, whatever it had under way. The fault itself is chosen by
whoever drives the run.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from goaround.api.base import Json
from goaround.api.kinds import Kind
from goaround.world.kube import AlreadyExists, Body, Conflict, KubeError, NotFound, Unavailable
from tests.crash.faults import Call, Fault, possible
from tests.crash.store import Store

T = TypeVar("T")

TRAVEL_SECONDS: Final = 0.001
TIMEOUT_SECONDS: Final = 30.0
SOMEBODY: Final = "somebody"


class Life(Protocol):
    """The process whose calls these are."""

    name: str
    dead: bool

    def next_fault(self, call: Call) -> Fault | None:
        """Counts the call, and says what goes wrong with it."""

    def die(self) -> None:
        """As by SIGKILL, now."""


class StoreApi:
    """The port of one process."""

    def __init__(self, store: Store, life: Life) -> None:
        self._store = store
        self._life = life

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        call = Call("list", kind.plural)
        return await self._call(call, lambda _: self._store.list(kind, namespace, label))

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        call = Call("get", kind.plural, name)
        return await self._call(call, lambda _: self._store.get(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        call = Call("create", kind.plural, body["metadata"]["name"])
        return await self._call(
            call, lambda author: self._store.create(kind, namespace, body, author)
        )

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        call = Call("delete", kind.plural, name)

        def gone(author: str) -> None:
            with contextlib.suppress(NotFound):
                self._store.delete(kind, namespace, name, author)

        await self._call(call, gone)

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        def commit(author: str) -> Json:
            return self._store.patch(
                kind, namespace, name, patch=patch, status=status, author=author
            )

        def conflict() -> None:
            if "resourceVersion" not in patch.get("metadata", {}):
                raise Conflict("somebody wrote all the time")
            self._store.touch(kind, namespace, name)

        call = Call("patch", kind.plural, name, status)
        return await self._call(call, commit, conflict)

    async def _call(
        self,
        call: Call,
        commit: Callable[[str], T],
        conflict: Callable[[], None] | None = None,
    ) -> T:
        await self._travel()
        fault = self._life.next_fault(call)
        if fault is not None and not possible(fault, call):
            fault = Fault.SERVER_ERROR
        match fault:
            case Fault.CRASH_BEFORE:
                await self._killed()
            case Fault.SERVER_ERROR:
                raise Unavailable(f"500 injected: {call}")
            case Fault.CONFLICT if conflict is not None:
                conflict()
            case Fault.CONFLICT:
                commit(SOMEBODY)  # another one of us was first
                raise AlreadyExists(str(call))
            case Fault.CRASH_AFTER | Fault.TIMEOUT:
                await self._unheard(fault, call, commit)
        answer = commit(self._life.name)
        await self._travel()
        return answer

    async def _unheard(self, fault: Fault, call: Call, commit: Callable[[str], T]) -> None:
        """It is done, or refused, and nobody hears which."""
        with contextlib.suppress(KubeError):
            commit(self._life.name)
        if fault is Fault.CRASH_AFTER:
            await self._killed()
        await asyncio.sleep(TIMEOUT_SECONDS)
        raise Unavailable(f"time-out injected: {call}")

    async def _killed(self) -> None:
        self._life.die()
        await _never()

    async def _travel(self) -> None:
        await asyncio.sleep(TRAVEL_SECONDS)
        if self._life.dead:
            await _never()


async def _never() -> None:
    await asyncio.get_running_loop().create_future()
