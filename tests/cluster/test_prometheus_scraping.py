"""What GoAround counts while a real Prometheus scrapes pods that are born, restart and vanish."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from goaround.world.prometheus import Counts, FeatureKey, Provider, Read
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import Exporter, exporter, read, summed

pytestmark = pytest.mark.cluster

CHAT, SEARCH, LATE = (FeatureKey("shop", name) for name in ("chat", "search", "late"))


def series(feature: FeatureKey, variant: str = "stable", result: str = "good") -> str:
    return (
        f'ai_requests_total{{namespace="{feature.namespace}",ai_feature="{feature.name}",'
        f'ai_variant="{variant}",result="{result}"}}'
    )


@dataclass(frozen=True, slots=True)
class Flight:
    """Some seconds of real scrapes, second by second, and what was read of them in one batch."""

    reads: dict[FeatureKey, Read]

    def total(self, feature: FeatureKey) -> dict[str, Counts]:
        return summed(self.reads[feature])


def settle(*pods: Exporter) -> int:
    """The whole second, now over, by which all that `pods` counted so far is stored."""
    for pod in pods:
        pod.wait_scraped()
    instant = math.ceil(time.time())
    while time.time() < instant:
        time.sleep(0.02)
    return instant


@pytest.fixture(scope="module")
def flight(plane: ControlPlane) -> Iterator[Flight]:
    with exporter() as a, exporter() as b:
        a.add(series(CHAT), 100)
        b.add(series(CHAT), 50)
        a.add(series(SEARCH), 1000)
        a.add(series(SEARCH, result="bad"), 10)
        plane.set_targets([a.address, b.address])
        start = settle(a, b)
        end = fly(a, b)
        ends = range(start + 1, end + 1)
        provider = Provider("default", plane.prometheus, scrape_seconds=1)
        keys = (CHAT, SEARCH, LATE)
        yield Flight(dict(zip(keys, read(provider, ends, *keys), strict=True)))
        plane.set_targets([])


def fly(a: Exporter, b: Exporter) -> int:
    a.add(series(CHAT), 7)
    a.add(series(CHAT, result="bad"), 3)
    a.add(series(SEARCH), 6)
    a.add(series(SEARCH, result="bad"), 1)
    settle(a, b)
    a.restart()
    a.add(series(CHAT), 3)
    a.add(series(CHAT, result="bad"), 1)
    a.add(series(SEARCH), 2)
    settle(a, b)
    b.add(series(LATE), 5000)
    b.add(series(LATE, result="bad"), 50)
    b.add(series(CHAT, "candidate"), 4)
    b.add(series(CHAT, "candidate", "bad"), 2)
    settle(a, b)
    b.add(series(LATE), 5)
    settle(a, b)
    b.is_up = False
    a.add(series(SEARCH), 8)
    for _ in range(3):
        settle(a)
    b.add(series(CHAT), 2)
    b.is_up = True
    return settle(a, b)


def test_a_series_born_with_its_first_error_and_a_restart_count_once(flight: Flight) -> None:
    # 10 before the restart, 4 after it, and 2 of the other pod; 3 + 1 of them bad.
    assert flight.total(CHAT)["stable"] == Counts(total=16.0, bad=4.0)


def test_the_first_series_of_a_candidate_count_from_zero(flight: Flight) -> None:
    assert flight.total(CHAT)["candidate"] == Counts(total=6.0, bad=2.0)


def test_a_feature_that_is_first_seen_is_not_booked_whole(flight: Flight) -> None:
    assert flight.total(LATE) == {"stable": Counts(total=5.0, bad=0.0)}


def test_features_of_one_pod_keep_their_own_counts(flight: Flight) -> None:
    assert flight.total(SEARCH) == {"stable": Counts(total=17.0, bad=1.0)}
