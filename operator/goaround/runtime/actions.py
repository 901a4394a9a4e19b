"""Effects on the API server: each idempotent, each with a name of its own; none decides."""

import logging
from datetime import datetime

from goaround.api import API_VERSION, names
from goaround.api.base import Json, rfc3339
from goaround.api.incident import AIIncidentSpec
from goaround.api.kinds import (
    EVENTS,
    FEATURES,
    INCIDENTS,
    RECORDS,
    AIFeature,
    Kind,
    Resource,
)
from goaround.api.status import Transition
from goaround.incident.forewarned import forewarned
from goaround.incident.opening import opening
from goaround.rollout.planned import (
    DropRecord,
    Effect,
    OpenIncident,
    OpenSign,
    PostEvent,
    WriteRecord,
    WriteSegment,
)
from goaround.runtime import records, segments
from goaround.runtime.cache import Cache
from goaround.runtime.metrics import Metrics
from goaround.world.kube import AlreadyExists, Api, KubeError, Refused

log = logging.getLogger("goaround.actions")


class Actions:
    """Carries out effects and keeps the cache in step with what was written."""

    def __init__(self, api: Api, cache: Cache, metrics: Metrics, *, instance: str) -> None:
        self._api = api
        self._cache = cache
        self._metrics = metrics
        self._instance = instance

    async def do(self, feature: AIFeature, effect: Effect) -> None:
        """Carry out one effect. Raises KubeError; doing it again is always safe."""
        name = type(effect).__name__
        try:
            match effect:
                case WriteRecord():
                    await self._write_record(feature, effect)
                case DropRecord():
                    await self._drop_record(feature, effect)
                case PostEvent():
                    await self._post_event(feature, effect)
                case OpenIncident():
                    await self._open_incident(feature, effect)
                case OpenSign():
                    await self._open_sign(feature, effect)
                case WriteSegment():
                    await self._write_segment(feature, effect)
        except KubeError:
            self._metrics.effects.labels(name, "failed").inc()
            raise
        self._metrics.effects.labels(name, "done").inc()

    async def _write_record(self, feature: AIFeature, effect: WriteRecord) -> None:
        meta = feature.metadata
        raw = records.body(meta.name, effect)
        try:
            stored = await self._api.create(RECORDS, meta.namespace, raw)
        except AlreadyExists:
            marks: Json = {"metadata": {"annotations": dict(effect.marks)}}
            stored = await self._api.patch(RECORDS, meta.namespace, effect.name, marks)
        self._cache.store(RECORDS, stored)

    async def _drop_record(self, feature: AIFeature, effect: DropRecord) -> None:
        namespace = feature.metadata.namespace
        await self._api.delete(RECORDS, namespace, effect.name)
        self._cache.drop(RECORDS, (namespace, effect.name))

    async def _post_event(self, feature: AIFeature, effect: PostEvent) -> None:
        await self.tell(feature, FEATURES, effect.name, effect.transition)

    async def tell(self, about: Resource, kind: Kind, name: str, told: Transition) -> None:
        """Post one event about an object; a second one of the same name is the same event."""
        body = event(about, kind, name, told, self._instance)
        try:
            await self._api.create(EVENTS, about.metadata.namespace, body)
        except AlreadyExists:
            return
        except Refused as err:
            # a courtesy copy: what happened stands in status, so nothing waits for it
            log.warning("event refused", extra={"object": str(about.key), "error": str(err)})

    async def _open_incident(self, feature: AIFeature, effect: OpenIncident) -> None:
        latch = effect.latch
        if latch.incident is not None:
            await self._create_incident(feature, latch.incident, opening(feature, latch))

    async def _open_sign(self, feature: AIFeature, effect: OpenSign) -> None:
        spec = forewarned(
            feature,
            effect.source,
            effect.cause,
            effect.line,
            since=effect.since,
            digest=effect.digest,
            earlier=effect.earlier,
        )
        try:
            await self._create_incident(feature, effect.name, spec)
        except Refused as err:
            # the sign itself stands in status; nothing waits for its incident
            log.warning("incident refused", extra={"object": effect.name, "error": str(err)})

    async def _create_incident(self, feature: AIFeature, name: str, spec: AIIncidentSpec) -> None:
        meta = feature.metadata
        body: Json = {
            "apiVersion": API_VERSION,
            "kind": INCIDENTS.kind,
            "metadata": {"name": name, "labels": {names.FEATURE_LABEL: meta.name}},
            "spec": spec.wire(),
        }
        try:
            stored = await self._api.create(INCIDENTS, meta.namespace, body)
        except AlreadyExists:
            stored = await self._api.get(INCIDENTS, meta.namespace, name)
        self._cache.store(INCIDENTS, stored)

    async def _write_segment(self, feature: AIFeature, effect: WriteSegment) -> None:
        meta = feature.metadata
        try:
            stored = await self._api.create(
                RECORDS, meta.namespace, segments.body(meta.name, effect)
            )
        except AlreadyExists:
            stored = await self._api.get(RECORDS, meta.namespace, effect.name)
        except Refused as err:
            # the binder waits for whoever may write it; what was decided stands in status
            log.warning("segment refused", extra={"object": effect.name, "error": str(err)})
            return
        self._cache.store(RECORDS, stored)


def event(about: Resource, kind: Kind, name: str, told: Transition, instance: str) -> Json:
    """A core/v1 Event. The uid makes `kubectl describe` show it, and the two old timestamps make it
    show them in order: it sorts by `lastTimestamp`, which events.k8s.io/v1 refuses on creation."""
    meta = about.metadata
    seconds = rfc3339(told.at.replace(microsecond=0))
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": name, "namespace": meta.namespace},
        "eventTime": micro(told.at),
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
        "source": {"component": names.COMPONENT},
        "reportingComponent": names.COMPONENT,
        "reportingInstance": instance[:128],
        "action": told.reason,
        "reason": told.reason,
        "type": told.type,
        "message": told.message[:1024],
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": kind.kind,
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
        },
    }


def micro(at: datetime) -> str:
    """metav1.MicroTime wants six digits."""
    return rfc3339(at).removesuffix("Z").split(".")[0] + f".{at.microsecond:06d}Z"
