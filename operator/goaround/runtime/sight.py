"""The world as one pass sees it: objects from the cache, evidence from the desks.

Decides nothing and awaits nothing; what must be read live stands in `live.py`. An object that is
not what the schema says is none, and the log says so.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from goaround.api.base import Json
from goaround.api.incident_status import ENDED
from goaround.api.kinds import (
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    RECORDS,
    SIGN_OFFS,
    AIFeature,
    AIIncident,
    AIKillSwitch,
    AISignOff,
    Kind,
    Resource,
)
from goaround.api.names import FEATURE_LABEL
from goaround.delivery.flagset import wanted_keys
from goaround.rollout.chain import Segment
from goaround.rollout.drill import lifted
from goaround.rollout.flown import as_flown
from goaround.rollout.observed import Guarded, Observed, Record
from goaround.rollout.tightened import closely
from goaround.rollout.upstream import fails
from goaround.runtime import segments as written
from goaround.runtime.cache import Cache, key_of
from goaround.runtime.desk import Desk
from goaround.runtime.queue import Key
from goaround.runtime.replicas import DeliveryDesk
from goaround.runtime.rules import claims, lacks_a_key, problems
from goaround.world.kube import Body

log = logging.getLogger("goaround.controller")

KEYLESS = "lacks its flag key"

R = TypeVar("R", bound=Resource)


class Sight:
    """Reads the cache of one operator."""

    def __init__(
        self,
        cache: Cache,
        desk: Desk,
        deliveries: DeliveryDesk,
    ) -> None:
        self._cache = cache
        self._desk = desk
        self._deliveries = deliveries
        self._claiming = cache.index(FEATURES, claims)
        self._keyless = cache.index(FEATURES, lambda body: [KEYLESS] if lacks_a_key(body) else [])
        self._feeding = cache.index(FEATURES, consumers_of)
        self._affected = cache.index(INCIDENTS, affected)
        self._open = cache.index(INCIDENTS, lambda body: [] if has_ended(body) else affected(body))
        self._recorded = cache.index(RECORDS, lambda body: [feature_of(body)])

    def observe(
        self,
        feature: AIFeature,
        now: datetime,
        *,
        announced_at: datetime | None,
        guarded: Guarded,
    ) -> Observed:
        """The world as the cache and the desks know it; nothing is awaited. announced_at: up to
        when transitions of the feature are known to have been posted."""
        namespace, name = feature.key
        stored = tuple(self._stored(namespace, name))
        records = tuple(r for r in stored if isinstance(r, Record))
        # a drill is none of the business of evidence, which is judged by the plan that flies
        troubles = tuple(self._troubles(namespace, name))
        beneath = closely(feature.but(status=lifted(feature.status)), troubles)
        baselined = self._desk.baselined(beneath, records, now)
        return Observed(
            feature=feature,
            switches=tuple(self.all(AIKillSwitch, KILL_SWITCHES, namespace)),
            sign_offs=tuple(
                s
                for s in self.all(AISignOff, SIGN_OFFS, namespace)
                if s.spec.feature_ref.name == name
            ),
            records=records,
            incidents=frozenset(self._opened(feature)),
            troubles=troubles,
            judged=self._desk.judged(as_flown(beneath), now),
            drift=self._desk.drifted(beneath, records, now),
            baselined=baselined,
            checked=self._desk.checked(feature, now),
            contents=self._desk.contents(feature, now),
            indexes=self._desk.indexes(feature, now),
            changes=self._desk.changes(feature, now),
            breakers=self._desk.opened(feature, now),
            problems=tuple(problems(feature, self._rivals(feature), self._desk.providers)),
            delivered=self._deliveries.delivered(feature, now),
            announced_at=announced_at,
            guarded=guarded,
            upstream=tuple(self._upstream(feature)),
            segments=tuple(s for s in stored if isinstance(s, Segment)),
        )

    def feature(self, key: Key) -> AIFeature | None:
        """One whose status says what no operator wrote is made again from its records."""
        if (found := self.parsed(AIFeature, FEATURES, key)) is not None:
            return found
        body = self._cache.get(FEATURES, key.namespace, key.name)
        return validated(AIFeature, {**body, "status": {}}) if body is not None else None

    def parsed(self, model: type[R], kind: Kind, key: Key) -> R | None:
        """One object; None where there is none, or none that can be read."""
        where = (key.namespace, key.name)
        return self._cache.parsed(kind, where, partial(validated, model))

    def all(self, model: type[R], kind: Kind, namespace: str) -> Iterable[R]:
        """Every object of a kind that can be read."""
        for name in self.names(kind, namespace):
            found = self.parsed(model, kind, Key(kind.plural, namespace, name))
            if found is not None:
                yield found

    def names(self, kind: Kind, namespace: str) -> list[str]:
        return [key_of(b)[1] for b in self._cache.all(kind, namespace)]

    def without_a_key(self, namespace: str) -> Iterable[str]:
        """The features that wait for a flag key."""
        return self._keyless.names(namespace, KEYLESS)

    def claimants(self, feature: AIFeature) -> list[str]:
        """Whoever claims one of its flag keys; itself too."""
        namespace, _ = feature.key
        named = (n for k in wanted_keys(feature) for n in self._claiming.names(namespace, k))
        return list(dict.fromkeys(named))

    def open_incidents(self, namespace: str, feature: str) -> Iterable[str]:
        """The incidents that name the feature and have not ended."""
        return self._open.names(namespace, feature)

    def _rivals(self, feature: AIFeature) -> list[Body]:
        namespace, _ = feature.key
        bodies = (self._cache.get(FEATURES, namespace, n) for n in self.claimants(feature))
        return [body for body in bodies if body is not None]

    def _opened(self, feature: AIFeature) -> Iterable[str]:
        """Those incidents of its latches that exist."""
        for latch in feature.status.latches:
            name = latch.incident
            if name and self._cache.get(INCIDENTS, feature.metadata.namespace, name) is not None:
                yield name

    def _upstream(self, feature: AIFeature) -> Iterable[str]:
        """What fails of those that name it as consumer."""
        namespace, name = feature.key
        for other in self._feeding.names(namespace, name):
            found = self.parsed(AIFeature, FEATURES, Key(FEATURES.plural, namespace, other))
            if found is not None and other != name and (told := fails(found)) is not None:
                yield told

    def _troubles(self, namespace: str, feature: str) -> Iterable[AIIncident]:
        """Every incident that names the feature."""
        for name in self._affected.names(namespace, feature):
            found = self.parsed(AIIncident, INCIDENTS, Key(INCIDENTS.plural, namespace, name))
            if found is not None:
                yield found

    def _stored(self, namespace: str, feature: str) -> Iterable[Record | Segment]:
        """Release records and segments of the evidence binder."""
        for name in self._recorded.names(namespace, feature):
            found = self._cache.parsed(RECORDS, (namespace, name), written.read)
            if found is not None:
                yield found


def consumers_of(feature: Body) -> list[str]:
    """Names of the features that go on with what this one returns."""
    listed = (feature.get("spec") or {}).get("consumers") or []
    named = ((c.get("featureRef") or {}).get("name") for c in listed if isinstance(c, dict))
    return [str(name) for name in named if name]


def feature_of(record: Body) -> str:
    """The feature that a release record is labelled with; empty where it has no label."""
    found: Json = record.get("metadata", {}).get("labels") or {}
    return str(found.get(FEATURE_LABEL, ""))


def affected(incident: Body) -> list[str]:
    """The features that an incident names."""
    named: list[Json] = (incident.get("spec") or {}).get("affects") or []
    return [str(one.get("name", "")) for one in named]


def has_ended(incident: Body) -> bool:
    """Whether nothing is due any more in an incident."""
    return (incident.get("status") or {}).get("phase") in ENDED


def validated(model: type[R], body: Body) -> R | None:
    """The object, or None where it is not what the schema says (said in the log)."""
    try:
        return model.model_validate(body)
    except ValidationError as err:
        first = err.errors()[0]
        log.error(
            "object cannot be read",
            extra={"object": "/".join(key_of(body)), "where": str(first["loc"])},
        )
        return None
