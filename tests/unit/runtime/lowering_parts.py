"""An API server that is sick, and flag replicas that can be dead, hang, or hear no events."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from goaround.api.kinds import FEATURES, KILL_SWITCHES, Kind
from goaround.delivery.control import Lowering, NotLowered, TokenFile
from goaround.delivery.flaghttp import revisions
from goaround.delivery.flagserver import Replica
from goaround.delivery.flagstate import FlagState, Snapshot
from goaround.delivery.streams import Streams
from goaround.world.kube import Body
from tests.unit.delivery.control_kit import CHAT, candidate_share
from tests.unit.runtime.bench import MemoryApi

CONTROL: Final = 8017

Fault = Callable[[], Awaitable[None]]


def refusing(error: Exception) -> Fault:
    async def fault() -> None:
        raise error

    return fault


def hanging(seconds: float, error: Exception | None = None) -> Fault:
    """Takes so long, and is done then, or fails."""

    async def fault() -> None:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error

    return fault


async def _well() -> None:
    return


class SickApi(MemoryApi):
    """Status writes of features meet `sick`, and every call meets `frozen`, while these are set.

    `sent` are the revisions of the status writes that arrived, whatever became of them, `cancelled`
    counts those that the operator gave up; `done` are the calls that were carried out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sick: Fault | None = None
        self.frozen: Fault | None = None
        self.sent: list[int] = []
        self.done: list[str] = []
        self.cancelled = 0

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        if kind is FEATURES and status:
            known = self.body(kind, namespace, name).get("status", {})
            self.sent.append(patch["status"].get("revision", known.get("revision", 0)))
            try:
                await (self.sick or _well)()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return await super().patch(kind, namespace, name, patch, status=status)

    async def _called(self, call: str) -> None:
        await super()._called(call)
        if self.frozen is not None:
            await self.frozen()
        self.done.append(call)


@dataclass
class Flags:
    """One flag replica. `told` are the lowerings that reached it; `changed` is called after one."""

    url: str
    changed: Callable[[], None]
    token: TokenFile
    dead: bool = False
    hangs: bool = False
    deaf: bool = False
    told: list[Lowering] = field(default_factory=list)
    _seen: tuple[Snapshot | None, int] = (None, 0)

    def __post_init__(self) -> None:
        self.begin(())

    def begin(self, bodies: tuple[Body, ...]) -> None:
        """Started anew: it knows what is listed now, and nothing else."""
        self.state = FlagState(on_change=lambda _: None)
        self.state.list_features(bodies)
        self.state.list_switches(())
        self.replica = Replica.of(self.url, self.state, Streams(1))

    @property
    def share(self) -> int:
        """Percent of users on the candidate."""
        now = self.state.snapshot(CHAT)
        if self._seen[0] is not now:
            self._seen = now, candidate_share(self.state)
        return self._seen[1]

    def heard(self, kind: Kind, body: Body) -> None:
        if self.deaf or self.dead:
            return
        if kind is FEATURES:
            self.state.see_feature("MODIFIED", body)
        if kind is KILL_SWITCHES:
            self.state.see_switch("MODIFIED", body)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.dead:
            raise httpx.ConnectError("nobody listens")
        if request.url.path == "/revisions":
            return httpx.Response(200, json=revisions(self.replica) | {"control": CONTROL})
        assert request.url.port == CONTROL
        if not self.token.admits(request.headers["Authorization"]):
            return httpx.Response(401, json={"reason": "wrong token"})
        wanted = Lowering.model_validate_json(request.content)
        self.told.append(wanted)
        try:
            answer = {"candidate": self.state.lower(wanted)}
        except NotLowered as error:
            return httpx.Response(409, json={"reason": str(error), "candidate": error.candidate})
        self.changed()
        return httpx.Response(200, json=answer)
