"""The operator without its shell: cache, queue, workers, desks, put together.

Decides when the world was listed and how work is begun and ended; what the work is stands in
`controller.py`.
"""

import asyncio
import logging
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from goaround.api.kinds import FEATURES, OURS, RECORDS
from goaround.api.names import FEATURE_LABEL
from goaround.delivery.replicas import Replicas, StaticReplicas
from goaround.runtime.cache import Cache
from goaround.runtime.config import Config
from goaround.runtime.controller import Controller
from goaround.runtime.desk import Desk
from goaround.runtime.health import Health
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key, WorkQueue
from goaround.runtime.replicas import DeliveryDesk
from goaround.world.kube import Api, KubeError, Unavailable
from goaround.world.prometheus import PrometheusReader

log = logging.getLogger("goaround")

DRAIN_SECONDS = 10.0
SYNC_ATTEMPTS = 60


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    config: Config
    kubeconfig: str | None = None
    host: str = "0.0.0.0"
    port: int = 8080
    namespace: str | None = None
    flag_replicas: tuple[str, ...] = ()
    identity: str = ""


def wall() -> datetime:
    return datetime.now(UTC)


class Operator:
    """All parts of one operator process; `start` and `stop` bracket its work."""

    def __init__(self, options: Options, api: Api, http: httpx.AsyncClient) -> None:
        loop = asyncio.get_running_loop()
        self.options = options
        self.api = api
        self.cache = Cache()
        self.metrics = Metrics()
        self.queue = WorkQueue(loop.time)
        self.health = Health(loop.time)
        providers = {p.name: p.provider() for p in options.config.providers}
        self.readers = {name: PrometheusReader(p, http) for name, p in providers.items()}
        self.desk = Desk(
            self.readers, providers, news=self.queue.offer, metrics=self.metrics, wall=wall
        )
        source = StaticReplicas(options.flag_replicas)
        self.deliveries = DeliveryDesk(
            Replicas(http, source), expected=len(options.flag_replicas), news=self.queue.offer
        )
        self.controller = Controller(
            api=api,
            cache=self.cache,
            queue=self.queue,
            desk=self.desk,
            deliveries=self.deliveries,
            metrics=self.metrics,
            wall=wall,
            instance=options.identity or socket.gethostname(),
            checkpoint_seconds=options.config.checkpoint_seconds,
        )
        self._workers: list[asyncio.Task[None]] = []
        self._clocks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """List the world, then begin to work on it."""
        self._clocks.append(asyncio.create_task(self._beat()))
        await self._sync_until_done()
        self.health.synced = True
        workers = range(self.options.config.workers)
        self._workers += [asyncio.create_task(self._work()) for _ in workers]
        self._clocks.append(asyncio.create_task(self._resync()))
        log.info("ready", extra={"features": sum(1 for _ in self.cache.all(FEATURES))})

    async def stop(self) -> None:
        """Finish what is in hand, take nothing new."""
        self.health.stopping = True
        self.queue.close()
        if self._workers:
            await asyncio.wait(self._workers, timeout=DRAIN_SECONDS)
        ending = [*self._workers, *self._clocks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self.desk.close()
        await self.deliveries.close()
        log.info("stopped")

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
        while (key := await self.queue.take()) is not None:
            with self.metrics.pass_seconds.time():
                result = await self._one(key)
            self.metrics.passes.labels(result).inc()

    async def _one(self, key: Key) -> str:
        """One pass; whatever happens, the key is given back."""
        try:
            await self.controller.look_at(key)
        except KubeError as err:
            wait = self.queue.failed(key)
            told = {"key": str(key), "error": str(err), "again_in": round(wait, 2)}
            log.warning("pass has to be repeated", extra=told)
            return type(err).__name__
        except asyncio.CancelledError:
            raise
        except Exception:
            # the worker's top: one poisoned object must not stop the others
            self.queue.failed(key)
            log.exception("pass failed", extra={"key": str(key)})
            return "error"
        self.queue.done(key)
        return "ok"
