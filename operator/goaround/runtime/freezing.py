"""The evidence desk: freezes what was seen when an incident was opened, beside the passes.

Decides when a provider that does not answer is given up: evidence without figures says so, and is
written all the same. Writes each once: what stands there already is read, and never changed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, AIFeature, AIIncident
from goaround.incident import evidence
from goaround.incident.evidence import Figures, Frozen
from goaround.incident.planned import WriteText
from goaround.runtime.errands import Errands, FeatureKey
from goaround.runtime.lease import NotOwner
from goaround.runtime.queue import Key
from goaround.runtime.readings import shape_of
from goaround.runtime.recent import changed_before
from goaround.runtime.rounds import Reader
from goaround.runtime.texts import config_map
from goaround.world.backoff import doubling
from goaround.world.kube import AlreadyExists, Api, KubeError
from goaround.world.prometheus import FeatureKey as Asked
from goaround.world.prometheus import Provider, Readings, WindowReading

log = logging.getLogger("goaround.evidence")

PAUSES: Final = (0.0, 5.0, 20.0)
"""Seconds before each try of a provider; after the last one there are no figures."""
AT_ONCE: Final = 4


class EvidenceDesk:
    """Freezes for incidents. readers, providers: by name. `news` is called when it is done."""

    def __init__(
        self,
        api: Api,
        readers: Mapping[str, Reader],
        providers: Mapping[str, Provider],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._readers = readers
        self._providers = providers
        self._news = news
        self._wall = wall
        self._known: dict[FeatureKey, Frozen] = {}
        self._failures: dict[FeatureKey, int] = {}
        self._errands = Errands()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def frozen(self, incident: AIIncident, feature: AIFeature | None) -> Frozen | None:
        """What was frozen; begins where something is to be. Nothing is awaited."""
        key = incident.key
        if feature is None or not evidence.is_wanted(incident):
            self._known.pop(key, None)
            return None
        known = self._known.get(key)
        if known is None and key not in self._errands:
            self._errands.start(key, self._freeze(incident, feature))
        return known

    async def close(self) -> None:
        """Stop; another process begins anew where nothing was written."""
        await self._errands.close()

    async def _freeze(self, incident: AIIncident, feature: AIFeature) -> None:
        key = incident.key
        try:
            async with self._turns:
                self._known[key] = await self._written(incident, feature)
            self._failures.pop(key, None)
        except NotOwner:
            return  # the next tenure begins anew
        except KubeError as err:
            told = {"incident": "/".join(key), "error": str(err)}
            log.warning("evidence is not written yet", extra=told)
            await self._paused(key)
        except Exception:
            # the task's top: an incident without evidence goes on, and it is tried again
            log.exception("evidence not frozen", extra={"incident": "/".join(key)})
            await self._paused(key)
        self._errands.finish(key)  # before news: what is next may begin
        self._news(Key(INCIDENTS.plural, *key))

    async def _paused(self, key: FeatureKey) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        await asyncio.sleep(doubling(failures, 1.0, 300.0))

    async def _written(self, incident: AIIncident, feature: AIFeature) -> Frozen:
        name = names.evidence_name(incident.metadata.name)
        if (known := await self._there(incident, name)) is not None:
            return known
        figures = await self._figures(incident, feature)
        now = self._wall().astimezone(UTC).replace(microsecond=0)
        began = evidence.began(feature, figures)
        changed = await self._changed(incident, feature, began)
        text = evidence.content(incident, feature, figures, now, changed=changed)
        text = evidence.with_began(text, began)
        body = config_map(incident, WriteText(name, {evidence.KEY: text})) | {"immutable": True}
        try:
            await self._api.create(CONFIG_MAPS, incident.metadata.namespace, body)
        except AlreadyExists:
            found = await self._there(incident, name)
            if found is None:
                raise
            return found
        return evidence.frozen(name, text)

    async def _changed(
        self, incident: AIIncident, feature: AIFeature, began: datetime | None
    ) -> list[str]:
        detected = evidence.detected(incident)
        if detected is None:
            return []
        known = incident.status.milestones.started_at or began
        return await changed_before(self._api, feature, detected, known)

    async def _there(self, incident: AIIncident, name: str) -> Frozen | None:
        """What an earlier process wrote; None where there is nothing of ours."""
        try:
            body: Json = await self._api.get(CONFIG_MAPS, incident.metadata.namespace, name)
            return evidence.frozen(name, (body.get("data") or {})[evidence.KEY])
        except (KubeError, KeyError, ValueError):
            return None

    async def _figures(self, incident: AIIncident, feature: AIFeature) -> Mapping[str, Figures]:
        named, at = feature.spec.acceptance.provider, evidence.detected(incident)
        reader, provider = self._readers.get(named), self._providers.get(named)
        wanted = list(evidence.names_of(feature))
        if reader is None or provider is None or at is None:
            none = Figures(message=f"acceptance.provider {named} is not configured")
            return dict.fromkeys(wanted, none)
        asked = evidence.ends(at, provider.lag_seconds)
        read = (self._read(reader, feature, name, asked) for name in wanted)
        return dict(zip(wanted, await asyncio.gather(*read), strict=True))

    async def _read(self, reader: Reader, feature: AIFeature, name: str, asked: range) -> Figures:
        """One signal, as its provider counts it; its last excuse where it does not."""
        told = ""
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                shape = shape_of(feature, name, evidence.STEP_SECONDS)
                read = await reader.read(Asked(*feature.key), shape, asked)
            except (KeyError, ValueError) as err:
                return Figures(message=f"cannot be asked for: {err}")
            if isinstance(read, Readings):
                return Figures(points=_points(read.windows))
            told = read.message
        return Figures(message=f"no figures: {told}")


def _points(windows: tuple[WindowReading, ...]) -> dict[str, list[evidence.Point]]:
    found: dict[str, list[evidence.Point]] = {}
    for window in windows:
        for arm, counts in window.arms.items():
            found.setdefault(arm, []).append((window.end, counts.total, counts.bad))
        for arm, value in window.values.items():
            found.setdefault(arm, []).append((window.end, 0.0, value))
    return found
