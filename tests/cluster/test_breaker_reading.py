"""What a real Prometheus says of open breakers, in one query for two features."""

import asyncio
import time
import uuid

import pytest

from goaround.rollout.observed import Opened
from goaround.world.prom_opened import ByFeature
from goaround.world.prom_types import Provider, Unreadable
from goaround.world.prometheus import FeatureKey, PrometheusReader
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import remote_write

pytestmark = pytest.mark.cluster


def test_replicas_with_an_open_breaker_are_counted_by_arm(plane: ControlPlane) -> None:
    now, namespace = int(time.time()), f"breakers-{uuid.uuid4().hex[:8]}"
    chat, mail = FeatureKey(namespace, "chat"), FeatureKey(namespace, "mail")

    def gauge(
        feature: FeatureKey, arm: str, pod: str, value: float
    ) -> tuple[dict[str, str], list[tuple[int, float]]]:
        labels = {"__name__": "ai_breaker_open", "namespace": namespace, "pod": pod}
        return labels | {"ai_feature": feature.name, "ai_variant": arm}, [(now - 5, value)]

    remote_write(
        plane.prometheus,
        [
            gauge(chat, "candidate", "a", 1),
            gauge(chat, "candidate", "b", 0),
            gauge(chat, "stable", "a", 0),
            gauge(mail, "stable", "a", 1),
        ],
    )

    async def ask() -> ByFeature | Unreadable:
        reader = PrometheusReader(Provider("default", plane.prometheus))
        try:
            return await reader.opened([chat, mail], now)
        finally:
            await reader.aclose()

    assert asyncio.run(ask()) == {
        chat: {"candidate": Opened(1, 2), "stable": Opened(0, 1)},
        mail: {"stable": Opened(1, 1)},
    }
