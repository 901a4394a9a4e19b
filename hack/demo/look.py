"""What the demo sees, and how it tells it: status, e-values, events, as they happen."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from goaround.api.kinds import FEATURES, INCIDENTS, AIFeature, AIIncident
from goaround.world.kube import Api, NotFound
from hack.demo.stack import FEATURE, NAMESPACE, Stack
from hack.demo.stream import Ear

SIGNAL_LINE_SECONDS = 2.0


class Look:
    """Reads the world and prints what is new."""

    def __init__(self, stack: Stack, api: Api, http: httpx.AsyncClient, ear: Ear) -> None:
        self.stack, self.api, self.http, self.ear = stack, api, http, ear
        self.began = time.time()
        self._split = ""
        self._told: set[tuple[str, str]] = set()
        self._signals_at = 0.0

    def say(self, text: str) -> None:
        print(f"{time.time() - self.began:7.1f}s  {text}", flush=True)

    async def feature(self) -> AIFeature:
        return AIFeature.model_validate(await self.api.get(FEATURES, NAMESPACE, FEATURE))

    async def incident(self, name: str) -> AIIncident | None:
        try:
            return AIIncident.model_validate(await self.api.get(INCIDENTS, NAMESPACE, name))
        except NotFound:
            return None

    async def evaluations(self) -> dict[str, Any]:
        """What the application itself counted, by variant and by release."""
        answer = await self.http.get(f"{self.stack.app}/evaluations")
        found: dict[str, Any] = answer.json()
        return found

    async def until(
        self, done: Callable[[AIFeature], bool], what: str, seconds: float
    ) -> AIFeature:
        """Watch, and print, until `done`. Raises TimeoutError with the last summary."""
        end = time.monotonic() + seconds
        while True:
            feature = await self.feature()
            self._print_news(feature)
            await self._print_signals(feature)
            if done(feature):
                return feature
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {seconds:.0f} s; {feature.status.summary}")
            await asyncio.sleep(0.2)

    def _print_news(self, feature: AIFeature) -> None:
        status = feature.status
        split = (
            f"{status.stage or '-':12} stable {status.split.stable:3} %  "
            f"candidate {status.split.candidate:3} %  fallback {status.split.fallback:3} %"
        )
        for told in status.history:
            if (key := (told.at.isoformat(), told.reason)) not in self._told:
                self._told.add(key)
                self.say(f"  event {told.reason}: {told.message[:150]}")
        if split != self._split:
            self._split = split
            self.say(split)

    async def _print_signals(self, feature: AIFeature) -> None:
        if time.time() - self._signals_at < SIGNAL_LINE_SECONDS or feature.status.step is None:
            return
        self._signals_at = time.time()
        harm, health = await self._e_values()
        told = "  ".join(
            f"{name}: harm e={harm[name]:.3g} health e={health.get(name, 0):.3g}"
            for name in sorted(harm)
        )
        if told:
            self.say(f"    {told}")

    async def _e_values(self) -> tuple[dict[str, float], dict[str, float]]:
        try:
            text = (await self.http.get(f"{self.stack.operator}/metrics")).text
        except httpx.HTTPError:
            return {}, {}  # the act in which the operator is killed
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if signal := sample.labels.get("signal"):
                    found.setdefault(sample.name, {})[signal] = sample.value
        return (
            found.get("goaround_signal_e_value", {}),
            found.get("goaround_signal_accept_e_value", {}),
        )


def unix(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None
