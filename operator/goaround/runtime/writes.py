"""Status writes: on exactly the version that was observed, into the cache, and counted.

Decides what becomes of an object that somebody else wrote or deleted meanwhile. Refuses to write
what is not a status.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, AIFeature, Kind, Resource
from goaround.api.reasons import EventReason
from goaround.api.status import AIFeatureStatus, LatchCause
from goaround.runtime.cache import Cache
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.kube import Api, Body, Conflict, KubeError, NotFound, merge_patch

log = logging.getLogger("goaround.controller")


class StatusWriter:
    """Writes through to the cache. `concern` hears of every object that changed or vanished by it;
    `offer` of a key that has to be looked at again."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        metrics: Metrics,
        *,
        concern: Callable[[Kind, Body], None],
        offer: Callable[[Key], None],
    ) -> None:
        self._api = api
        self._cache = cache
        self._metrics = metrics
        self._concern = concern
        self._offer = offer
        self._written: dict[str, datetime] = {}

    async def feature(
        self,
        feature: AIFeature,
        status: AIFeatureStatus,
        now: datetime,
        clock: Callable[[], datetime],
    ) -> AIFeature:
        """The feature as stored with `status`. now: of the pass. Raises KubeError."""
        stored = await self._patch(FEATURES, feature, status.wire())
        self._written[feature.metadata.uid] = now
        self._count(feature, status, now, clock)
        return AIFeature.model_validate(stored)

    def written_at(self, feature: AIFeature) -> datetime | None:
        """When this process wrote its status last."""
        return self._written.get(feature.metadata.uid)

    async def retried(self, kind: Kind, key: Key, found: Resource, status: Json) -> bool:
        """Write status; on 409 read live, and let the queue decide again. Whether it is written."""
        return await self._settled(kind, key, self._patch(kind, found, status))

    async def marked(self, kind: Kind, key: Key, patch: Json) -> None:
        """Patch metadata on the version that it names; on 409 as above."""
        await self._settled(kind, key, self._api.patch(kind, key.namespace, key.name, patch))

    async def _settled(self, kind: Kind, key: Key, write: Awaitable[Body]) -> bool:
        try:
            stored = await write
            self._cache.store(kind, stored)
        except Conflict:
            await self.refresh(kind, key)
            self._offer(key)
        except NotFound:
            self._vanished(kind, key)
        else:
            self._concern(kind, stored)
            return True
        return False

    async def refresh(self, kind: Kind, key: Key) -> None:
        """One live read into the cache."""
        try:
            self._cache.store(kind, await self._api.get(kind, key.namespace, key.name))
        except NotFound:
            self._vanished(kind, key)

    async def _patch(self, kind: Kind, found: Resource, status: Json) -> Body:
        """Merge-patch status on exactly the version that was observed."""
        meta = found.metadata
        before = (self._cache.get(kind, *found.key) or {}).get("status") or {}
        patch: Json = {
            "metadata": {"resourceVersion": meta.resource_version},
            "status": merge_patch(before, status),
        }
        try:
            stored = await self._api.patch(kind, meta.namespace, meta.name, patch, status=True)
        except KubeError as err:
            self._metrics.status_writes.labels(kind.kind, type(err).__name__).inc()
            raise
        self._metrics.status_writes.labels(kind.kind, "ok").inc()
        self._cache.store(kind, stored)
        return stored

    def _vanished(self, kind: Kind, key: Key) -> None:
        """Deleted unheard: forget it now, and look at what it concerned, not at the next list."""
        gone = {"metadata": {"namespace": key.namespace, "name": key.name}}
        known = self._cache.get(kind, key.namespace, key.name) or gone
        self._cache.drop(kind, (key.namespace, key.name))
        self._concern(kind, known)

    def _count(
        self,
        feature: AIFeature,
        status: AIFeatureStatus,
        now: datetime,
        clock: Callable[[], datetime],
    ) -> None:
        namespace, name = feature.key
        self._metrics.show(namespace, name, status)
        known = {(t.at, t.reason) for t in feature.status.history}
        for told in status.history:
            if (told.at, told.reason) in known:
                continue
            self._metrics.transitions.labels(namespace, name, told.reason).inc()
            if told.reason == EventReason.WOULD_HAVE_ROLLED_BACK:
                self._metrics.would_have_rolled_back.labels(namespace, name).inc()
            log.info(
                told.message,
                extra={"feature": f"{namespace}/{name}", "reason": told.reason},
            )
        latch = status.latches[0] if status.latches else None
        fresh = latch is not None and latch.at not in {x.at for x in feature.status.latches}
        if latch is not None and fresh and latch.cause is LatchCause.SIGNAL:
            proven = latch.proven_at or now
            self._metrics.proof_seconds.observe((clock() - proven).total_seconds())
