"""Who may act: one Lease, one owner, any number of warm standbys.

Carries out what `claim.py` decides. Refuses to write on hope: the right to it ends by itself when
the lease could not be renewed in time, whatever the server holds.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from goaround.api.base import Json
from goaround.api.kinds import LEASES, Kind
from goaround.runtime.actions import micro
from goaround.runtime.claim import Claim, Record, Sight, Standing, Times, claim, read, seen
from goaround.world.kube import AlreadyExists, Api, Body, Conflict, KubeError, NotFound, Unavailable

log = logging.getLogger("goaround.lease")

NAME = "goaround"
SOON = 0.05
AGAIN_SECONDS = 0.2


class NotOwner(Exception):
    """This process may not write now. The key waits for the next tenure, here or elsewhere."""


def lease_name(scope: str | None) -> str:
    """One lease per scope (None: all namespaces): operators of two namespaces are no rivals."""
    return f"{NAME}.{scope}" if scope else NAME


class Lease:
    """One candidate for the lease. `changed` is told when a tenure begins (True), and when it is
    known to have ended (False).

    `clock` is monotonic seconds; `wall` is only written down, for people.
    """

    def __init__(
        self,
        api: Api,
        identity: str,
        *,
        namespace: str,
        clock: Callable[[], float],
        wall: Callable[[], datetime],
        changed: Callable[[bool], None],
        name: str = NAME,
        times: Times | None = None,
    ) -> None:
        self._api = api
        self._me = identity
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._wall = wall
        self._changed = changed
        self._times = times or Times()
        self._sight: Sight | None = None
        self._tenure: str | None = None
        self._mine = False
        self._until = 0.0
        self._waits_for = ""
        self._failed = False

    @property
    def standing(self) -> Standing:
        """What this process may do now."""
        if not self._mine:
            return Standing.STANDBY
        return Standing.OWNER if self._clock() < self._until else Standing.ADRIFT

    async def run(self) -> None:
        """Take the lease when it is free, renew it, stand by otherwise; until cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(self.pause())

    async def turn(self) -> None:
        """One look, and what it allows; a failure only costs time."""
        self._failed = False
        try:
            async with asyncio.timeout(self._times.request):
                self._sight = seen(self._sight, await self._stored(), self._clock())
                await self._act(self._sight)
        except (AlreadyExists, Conflict):
            pass  # another was faster; the next look shows what it wrote
        except (KubeError, TimeoutError) as err:
            self._failed = True
            told = {"error": str(err) or type(err).__name__, "standing": self.standing}
            log.warning("lease not reached", extra=self._where() | told)

    def pause(self) -> float:
        """Seconds to the next look: the one that finds a record expired comes just in time, and an
        owner whose connection is dead has time left for another one."""
        if self._failed and self.standing is Standing.OWNER:
            return AGAIN_SECONDS
        left = 0.0
        if not self._mine and self._sight is not None and self._sight.record is not None:
            left = self._sight.since + self._sight.record.seconds - self._clock()
        return max(left, SOON) if 0 < left < self._times.retry else self._times.retry

    async def release(self) -> None:
        """Give the lease up, so that a standby need not wait for it to expire. To be called when
        `run` and all effects have ended. If it fails, the lease expires."""
        if self._mine:
            self._end("released")
        nobody = {"holderIdentity": None, "renewTime": micro(self._wall())}
        try:
            async with asyncio.timeout(self._times.request):
                stored = await self._stored()
                if stored is not None and self._is_mine(read(stored)):
                    await self._patch(stored["metadata"]["resourceVersion"], nobody)
        except (KubeError, TimeoutError) as err:
            told = {"error": str(err) or type(err).__name__}
            log.warning("lease not released", extra=self._where() | told)

    async def _stored(self) -> Body | None:
        try:
            return await self._api.get(LEASES, self._namespace, self._name)
        except NotFound:
            return None

    async def _act(self, sight: Sight) -> None:
        sent = self._clock()
        renewal: Json = {
            "holderIdentity": self._me,
            "leaseDurationSeconds": self._times.lease,
            "renewTime": micro(self._wall()),
        }
        match claim(sight, self._me, self._tenure, sent):
            case Claim.WAIT:
                self._stand_by(sight)
                return
            case Claim.CREATE:
                stored = await self._create(renewal | self._new_tenure(sight))
            case Claim.TAKE:
                if self._mine:
                    self._end("another had it meanwhile")
                stored = await self._patch(sight.version, renewal | self._new_tenure(sight))
            case Claim.RENEW:
                stored = await self._patch(sight.version, renewal)
        self._sight = seen(sight, stored, self._clock())
        self._tenure = read(stored).tenure
        self._begin(sent + self._times.renew)

    def _new_tenure(self, sight: Sight) -> Json:
        term = sight.record.term + 1 if sight.record is not None else 0
        acquired = micro(self._wall())
        if self._tenure is not None:
            # known before it is sent: if only the answer gets lost, the record is still ours
            self._tenure = f"{term}/{acquired}"
        return {"acquireTime": acquired, "leaseTransitions": term}

    async def _create(self, spec: Json) -> Body:
        body: Json = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name},
            "spec": spec,
        }
        return await self._api.create(LEASES, self._namespace, body)

    async def _patch(self, version: str | None, spec: Json) -> Body:
        patch: Json = {"metadata": {"resourceVersion": version}, "spec": spec}
        return await self._api.patch(LEASES, self._namespace, self._name, patch)

    def _is_mine(self, record: Record) -> bool:
        return record.holder == self._me and record.tenure == self._tenure

    def _stand_by(self, sight: Sight) -> None:
        holder = sight.record.holder if sight.record is not None else ""
        if self._mine:
            self._end(f"taken by {holder}")
        if holder != self._waits_for:
            log.info("standing by", extra=self._where() | {"holder": holder})
        self._waits_for = holder

    def _begin(self, until: float) -> None:
        began, self._mine, self._until, self._waits_for = not self._mine, True, until, ""
        if began:
            log.info("lease taken", extra=self._where())
            self._changed(True)

    def _end(self, why: str) -> None:
        self._mine = False
        log.info("lease given up", extra=self._where() | {"why": why})
        self._changed(False)

    def _where(self) -> dict[str, object]:
        where = f"{self._namespace}/{self._name}"
        return {"lease": where, "identity": self._me, "tenure": self._tenure}


class OwnedApi:
    """`Api` that writes only for the owner: asks before every write, reads always.

    At the port, and not in each effect, so that no effect of tomorrow can forget to ask. Writes
    raise NotOwner on a standby; adrift they raise Unavailable, like any write in an outage.
    """

    def __init__(self, api: Api, standing: Callable[[], Standing]) -> None:
        self._api = api
        self._standing = standing

    async def list(
        self, kind: Kind, *, namespace: str | None = None, label: str | None = None
    ) -> list[Body]:
        return await self._api.list(kind, namespace=namespace, label=label)

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        return await self._api.get(kind, namespace, name)

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        self._ask()
        return await self._api.create(kind, namespace, body)

    async def patch(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        self._ask()
        return await self._api.patch(kind, namespace, name, patch, status=status)

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        self._ask()
        await self._api.delete(kind, namespace, name)

    def _ask(self) -> None:
        match self._standing():
            case Standing.STANDBY:
                raise NotOwner("the lease is not held")
            case Standing.ADRIFT:
                raise Unavailable("the lease could not be renewed in time")
