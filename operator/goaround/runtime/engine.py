"""The operator without its shell: cache, queue, workers, desks, put together.

Decides when the world was listed and how work is begun and ended; what the work is stands in
`controller.py`, who may do it in `lease.py`.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime

import httpx

from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, OURS, RECORDS
from goaround.api.names import FEATURE_LABEL
from goaround.delivery.control import ControlPorts
from goaround.delivery.replicas import StaticReplicas
from goaround.runtime import assembly
from goaround.runtime.cache import Cache, key_of
from goaround.runtime.claim import Standing
from goaround.runtime.controller import Controller
from goaround.runtime.drifting import DriftReader
from goaround.runtime.health import Health
from goaround.runtime.incidents import Running
from goaround.runtime.lease import Lease, NotOwner, OwnedApi, lease_name
from goaround.runtime.lowering import Descents
from goaround.runtime.metrics import Metrics
from goaround.runtime.options import Options
from goaround.runtime.queue import Key, WorkQueue
from goaround.runtime.rounds import Reader
from goaround.world.golden import Offload
from goaround.world.kube import Api, KubeError, Unavailable

__all__ = ["Operator", "Options", "wall"]

log = logging.getLogger("goaround")

DRAIN_SECONDS = 10.0
SYNC_ATTEMPTS = 60
FRESH_SECONDS = 2.0
TAKE_OVER_SECONDS = 3.0
STUCK_SECONDS = 0.3


def wall() -> datetime:
    return datetime.now(UTC)


class Operator:
    """All parts of one operator process; `start` and `stop` bracket its work."""

    def __init__(
        self,
        options: Options,
        api: Api,
        http: httpx.AsyncClient,
        *,
        flags_http: httpx.AsyncClient | None = None,
        golden_http: httpx.AsyncClient | None = None,
        messages_http: httpx.AsyncClient | None = None,
        clock: Callable[[], datetime] = wall,
        readers: Mapping[str, Reader] | None = None,
        drift_readers: Mapping[str, DriftReader] | None = None,
        jitter: Callable[[], float] = random.random,
        offload: Offload = asyncio.to_thread,
    ) -> None:
        """`clock`, both readers (by provider), `jitter` and `offload` have stand-ins where runs
        must repeat. `flags_http` is for flag replicas alone, so that hanging providers take no
        connection of theirs, `golden_http` for endpoints of tenants, `messages_http` for
        channels; default: `http`."""
        loop = asyncio.get_running_loop()
        self.options = options
        self._identity = options.identity or socket.gethostname()
        self.api = api
        self.cache, self.metrics = Cache(), Metrics(clock)
        self.queue = WorkQueue(loop.time, jitter)
        self.health = Health(loop.time)
        self.desk = assembly.desk_of(
            options.config,
            OwnedApi(api, self.standing),
            http,
            golden_http=golden_http or http,
            news=self.queue.offer,
            metrics=self.metrics,
            clock=clock,
            readers=readers,
            drift_readers=drift_readers,
            offload=offload,
        )
        self.messages = assembly.message_desk(
            options.config,
            OwnedApi(api, self.standing),
            messages_http or http,
            news=self.queue.offer,
            clock=clock,
            owns=lambda: self.standing() is Standing.OWNER,
            jitter=jitter,
        )
        replicas = StaticReplicas(options.flag_replicas)
        self.deliveries = assembly.a_delivery_desk(flags_http or http, replicas, self.queue)
        self.lease = self._candidate(clock) if options.lease else None
        self.metrics.lease_held.set_function(lambda: self.standing() is Standing.OWNER)
        ports = assembly.control_ports(options.control_token, flags_http or http, replicas)
        self.controller = self._controller(ports, clock)
        self._workers: list[asyncio.Task[None]] = []
        self._passes: set[asyncio.Task[None]] = set()
        self._clocks: list[asyncio.Task[None]] = []
        self._may_act = asyncio.Event()
        self._beginning: asyncio.Task[None] | None = None
        self._synced_at = float("-inf")

    def _controller(self, ports: ControlPorts | None, clock: Callable[[], datetime]) -> Controller:
        return Controller(
            api=OwnedApi(self.api, self.standing),
            cache=self.cache,
            queue=self.queue,
            desk=self.desk,
            deliveries=self.deliveries,
            metrics=self.metrics,
            wall=clock,
            instance=self._identity,
            own_namespace=self.options.own_namespace,
            checkpoint_seconds=self.options.config.checkpoint_seconds,
            descents=Descents(ports, self.deliveries, self.metrics, self.owns),
            incidents=Running(assembly.incident_settings(self.options.config), self.messages),
        )

    def _candidate(self, clock: Callable[[], datetime]) -> Lease:
        return Lease(
            self.api,
            self._identity,
            namespace=self.options.own_namespace,
            name=lease_name(self.options.namespace),
            clock=asyncio.get_running_loop().time,
            wall=clock,
            changed=self._tenure,
        )

    def standing(self) -> Standing:
        """What this process may do now."""
        return Standing.OWNER if self.lease is None else self.lease.standing

    def owns(self) -> bool:
        """Whether it is for this process to decide; it may be cut off from the API server."""
        return self.standing() is not Standing.STANDBY

    async def start(self) -> None:
        """List the world, then begin to work on it."""
        self._tick(self._beat())
        await self._sync_until_done()
        self.health.synced = True
        workers = range(self.options.config.workers)
        self._workers += [asyncio.create_task(self._work()) for _ in workers]
        self._tick(self._resync())
        if self.lease is None:
            self._may_act.set()
        else:
            self._tick(self.lease.run())
        log.info("ready", extra={"features": sum(1 for _ in self.cache.all(FEATURES))})

    async def stop(self) -> None:
        """Finish what is in hand, take nothing new."""
        self.health.stopping = True
        self.queue.close()
        self._may_act.set()  # workers of a standby have nothing to finish
        if self._workers:
            await asyncio.wait([*self._workers, *self._passes], timeout=DRAIN_SECONDS)
        ending = [*self._workers, *self._passes, *self._clocks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self.lease is not None:
            await self.lease.release()
        await self.desk.close()
        await self.messages.close()
        await self.deliveries.close()
        await self.controller.close()
        log.info("stopped")

    def _tick(self, clock: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(clock)
        task.add_done_callback(self._stopped_ticking)
        self._clocks.append(task)

    def _stopped_ticking(self, task: asyncio.Task[None]) -> None:
        """One of the clocks died: without its beat the probe fails, and the process is replaced."""
        if not task.cancelled() and (died_of := task.exception()) is not None:
            log.error("a clock died", exc_info=died_of)
            for clock in self._clocks:
                clock.cancel()

    def _tenure(self, began: bool) -> None:
        """The lease was taken or lost. Nothing of the last tenure is kept in memory: another may
        have flown on since, and status says how far."""
        self._may_act.clear()
        self.messages.forget()
        if self._beginning is not None:
            self._beginning.cancel()
        for body in self.cache.all(FEATURES):
            namespace, name = key_of(body)
            self.queue.forget(Key(FEATURES.plural, namespace, name))
            self.desk.forget(namespace, name)
            self.metrics.forget(namespace, name)
        self.metrics.incidents.clear()
        if began:
            self._beginning = asyncio.create_task(self._begin())

    async def _begin(self) -> None:
        """Look at everything, on a fresh list; if there is none soon, on what the watch told."""
        if asyncio.get_running_loop().time() - self._synced_at > FRESH_SECONDS:
            try:
                async with asyncio.timeout(TAKE_OVER_SECONDS):
                    await self.sync()
            except (KubeError, TimeoutError) as err:
                log.warning("not listed at take-over", extra={"error": str(err)})
        for kind in (FEATURES, KILL_SWITCHES, INCIDENTS):
            for body in self.cache.all(kind):
                self.queue.offer(Key(kind.plural, *key_of(body)))
        self._may_act.set()

    async def _sync_until_done(self) -> None:
        for attempt in range(SYNC_ATTEMPTS):
            try:
                await self.sync()
                return
            except Unavailable as err:
                # a fresh CRD answers 429 for seconds after it is established
                log.warning("cannot list yet", extra={"error": str(err)})
                await asyncio.sleep(min(0.2 * 2**attempt, 5))
        raise Unavailable("the API server could not be listed")

    async def sync(self) -> None:
        """Own lists of every kind: the only sign that all was heard, and the cure for gaps."""
        for kind in (*OURS, RECORDS):
            asked_at = self.cache.newest(kind)
            label = FEATURE_LABEL if kind is RECORDS else None
            listed = await self.api.list(kind, namespace=self.options.namespace, label=label)
            for namespace, name in self.cache.replace(kind, listed, asked_at):
                gone = {"metadata": {"namespace": namespace, "name": name}}
                self.controller.concern(kind, self.cache.get(kind, namespace, name) or gone)
        self._synced_at = asyncio.get_running_loop().time()

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self.options.config.resync_seconds)
            try:
                await self.sync()
            except KubeError as err:
                log.warning("resync failed", extra={"error": str(err)})

    async def _beat(self) -> None:
        while True:
            self.health.beat()
            self.metrics.queue_depth.set(len(self.queue))
            await asyncio.sleep(1)

    async def _work(self) -> None:
        """One key after the other. A pass that hangs at the API server goes on by itself: no number
        of them may keep a feature from going down."""
        while await self._may_act.wait() and (key := await self.queue.take()) is not None:
            work = asyncio.create_task(self._looked_at(key))
            self._passes.add(work)
            work.add_done_callback(self._passes.discard)
            await asyncio.wait({work}, timeout=STUCK_SECONDS)

    async def _looked_at(self, key: Key) -> None:
        with self.metrics.pass_seconds.time():
            result = await self._one(key) if self.owns() else self._put_back(key)
        self.metrics.passes.labels(result).inc()

    def _put_back(self, key: Key) -> str:
        """Not ours now: it waits, without a failure, for the next tenure."""
        self.queue.offer(key)
        self.queue.done(key)
        return "not_owner"

    async def _one(self, key: Key) -> str:
        """One pass; whatever happens, the key is given back."""
        try:
            await self.controller.look_at(key)
        except KubeError as err:
            wait = self.queue.failed(key)
            told = {"key": str(key), "error": str(err), "again_in": round(wait, 2)}
            log.warning("pass has to be repeated", extra=told)
            return type(err).__name__
        except NotOwner:
            return self._put_back(key)
        except asyncio.CancelledError:
            raise
        except Exception:
            # the worker's top: one poisoned object must not stop the others
            self.queue.failed(key)
            log.exception("pass failed", extra={"key": str(key)})
            return "error"
        self.queue.done(key)
        return "ok"
