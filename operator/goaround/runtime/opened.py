"""The breaker desk: how many replicas have taken to the fallback by themselves, beside the passes.

Decides when that is asked: for all features of a provider together, while they state a breaker.
What it means for a flight is decided in `rollout/breakers.py`.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from goaround.api.kinds import FEATURES, AIFeature
from goaround.rollout.observed import Breakers
from goaround.runtime.errands import Errands
from goaround.runtime.errands import FeatureKey as Key_
from goaround.runtime.queue import Key
from goaround.world.prom_opened import ByFeature
from goaround.world.prom_types import Unreadable
from goaround.world.promql import FeatureKey

log = logging.getLogger("goaround.breakers")

EVERY_SECONDS: Final = 15.0
CHUNK: Final = 200


class BreakerReader(Protocol):
    """Whoever reads the gauges of one provider, as `PrometheusReader` does."""

    async def opened(self, features: Collection[FeatureKey], at: int) -> ByFeature | Unreadable: ...


class BreakerDesk:
    """Asks for features. `news` is called when the answer about one is another than before."""

    def __init__(
        self,
        readers: Mapping[str, BreakerReader],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
    ) -> None:
        self._readers = readers
        self._news = news
        self._wall = wall
        self._wanted: dict[str, set[FeatureKey]] = {name: set() for name in readers}
        self._due_at: dict[str, float] = {}
        self._found: dict[FeatureKey, Breakers] = {}
        self._errands = Errands()

    def opened(self, feature: AIFeature, now: datetime) -> Breakers | None:
        """What was said last; starts asking what is due. None before the first answer, and where
        no breaker is stated."""
        provider, key = feature.spec.acceptance.provider, FeatureKey(*feature.key)
        if feature.spec.fallback.breaker is None or provider not in self._readers:
            self.forget(*feature.key)
            return None
        for name, wanted in self._wanted.items():
            (wanted.add if name == provider else wanted.discard)(key)
        errand: Key_ = (provider, "")
        new = key not in self._found
        due = now.timestamp() >= self._due_at.get(provider, 0.0)
        if errand not in self._errands and (new or due):
            self._errands.start(errand, self._ask(provider))
        return self._found.get(key)

    def forget(self, namespace: str, name: str) -> None:
        """Nothing of the feature is kept in memory."""
        key = FeatureKey(namespace, name)
        self._found.pop(key, None)
        for wanted in self._wanted.values():
            wanted.discard(key)

    async def close(self) -> None:
        """Stop asking."""
        await self._errands.close()

    async def _ask(self, provider: str) -> None:
        await asyncio.sleep(0)  # features that are looked at just now join
        at = self._wall().astimezone(UTC).replace(microsecond=0)
        found: dict[FeatureKey, Breakers] = {}
        again = at + timedelta(seconds=EVERY_SECONDS)
        wanted = sorted(self._wanted[provider])
        for some in (wanted[i : i + CHUNK] for i in range(0, len(wanted), CHUNK)):
            read = await self._read(provider, some, int(at.timestamp()))
            for key in some:
                if isinstance(read, str):
                    found[key] = Breakers({}, at, blind=read, next_at=again)
                else:
                    found[key] = Breakers(read.get(key, {}), at, next_at=again)
        self._due_at[provider] = again.timestamp()
        news = [key for key, now in found.items() if _is_news(self._found.get(key), now)]
        self._found |= {key: one for key, one in found.items() if key in self._wanted[provider]}
        self._errands.finish((provider, ""))  # before news: what is next may begin
        for key in news:
            self._news(Key(FEATURES.plural, key.namespace, key.name))

    async def _read(
        self, provider: str, features: Collection[FeatureKey], at: int
    ) -> ByFeature | str:
        """The answer, or why there is none, in words."""
        try:
            read = await self._readers[provider].opened(features, at)
        except Exception:
            # the task's top: whatever breaks here must be told, and opens no breaker
            log.exception("breakers cannot be read", extra={"provider": provider})
            return "reading failed; the operator's log says why"
        return read.message if isinstance(read, Unreadable) else read


def _is_news(before: Breakers | None, now: Breakers) -> bool:
    return before is None or (before.arms, before.blind) != (now.arms, now.blind)
