"""Gaps of a watch, silence, and an API server that stops: what the operator makes of each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from goaround.api.kinds import FEATURES, KILL_SWITCHES
from goaround.api.reasons import Stage
from tests.cluster.lease_kit import Airfield, airfield, held, told
from tests.cluster.operator_kit import Process, stopped
from tests.cluster.operator_shop import Shop, a_feature, eventually, reasons
from tests.cluster.tcp_proxy import Proxy, proxied

pytestmark = pytest.mark.cluster

CHAT = "chat"
BETTER = "v42"
NEVER = 86400
GAP_SECONDS = 3.0
REQUEST_SECONDS = 30.0
INACTIVITY_SECONDS = 70.0
PAUSE_SECONDS = 35.0


@dataclass(frozen=True, slots=True)
class Line:
    """An operator whose way to the API server is in our hands, and a live feature."""

    shop: Shop
    operator: Process
    proxy: Proxy

    def shows(self, name: str) -> bool:
        """Whether the operator has figures of the feature."""
        series = f'feature="{name}",namespace="{self.shop.namespace}"'
        return series in self.operator.get("/metrics").text


@pytest.fixture(scope="module")
def place(cluster_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airfield]:
    with airfield(Path(tmp_path_factory.mktemp("faults"))) as made:
        yield made


@contextmanager
def line(place: Airfield, name: str, *more: str, resync: int) -> Iterator[Line]:
    shop = place.shop()
    with (
        proxied(place.user(name), place.plane.server) as (proxy, kubeconfig),
        place.operator(name, *more, kubeconfig=kubeconfig, resync=resync) as operator,
    ):
        shop.apply(a_feature(CHAT))
        shop.until_live(CHAT)
        yield Line(shop, operator, proxy)


def kill(shop: Shop) -> None:
    shop.create(KILL_SWITCHES, "stop", {"featureRef": {"name": CHAT}, "reason": "it swears"})


def test_what_happened_in_a_gap_of_the_watch_is_acted_on_after_it(place: Airfield) -> None:
    with line(place, "gap", resync=NEVER) as on:
        on.proxy.cut()
        kill(on.shop)
        time.sleep(GAP_SECONDS)
        on.proxy.mend()
        on.shop.until_stage(CHAT, Stage.KILLED)
        eventually(lambda: "KillEngaged" in reasons(on.shop.events(CHAT)), "the event")


def test_a_deletion_in_a_gap_is_found_by_the_next_list(place: Airfield) -> None:
    """After a gap a watch never reports what vanished."""
    with line(place, "deletion", resync=2) as on:
        assert on.shows(CHAT)
        on.proxy.cut()
        on.shop.delete(FEATURES, CHAT)
        time.sleep(GAP_SECONDS)
        on.proxy.mend()
        eventually(lambda: not on.shows(CHAT), "the operator forgot the feature")
        on.shop.apply(a_feature(CHAT))
        on.shop.until_live(CHAT)


def test_a_watch_that_fell_silent_does_not_hide_a_kill_from_the_next_list(place: Airfield) -> None:
    with line(place, "silence", resync=2) as on:
        assert on.proxy.swallow() > len("watch")
        began = time.monotonic()
        kill(on.shop)
        on.shop.until_stage(CHAT, Stage.KILLED, REQUEST_SECONDS + 20)
        print(f"\nsilent watch, list every 2 s: killed after {time.monotonic() - began:.1f} s")
        eventually(lambda: held(on.operator) == 1, "the lease is held")


def test_a_watch_that_fell_silent_recovers_by_itself(place: Airfield) -> None:
    """Neither our list helps here nor that of a new tenure: the stream has to be found dead."""
    with line(place, "deaf", "--no-lease", resync=NEVER) as on:
        on.proxy.swallow()
        began = time.monotonic()
        kill(on.shop)
        on.shop.until_stage(CHAT, Stage.KILLED, INACTIVITY_SECONDS + 30)
        print(f"\nsilent watch, no list: killed after {time.monotonic() - began:.1f} s")


def test_an_api_server_that_stops_for_half_a_minute_is_survived(place: Airfield) -> None:
    with line(place, "pause", resync=NEVER) as on:
        with stopped(place.plane.pids["kube-apiserver"]):
            time.sleep(PAUSE_SECONDS)
            assert held(on.operator) == 0  # nothing is written on hope
            assert on.operator.get("/livez").status_code == 200
        began = time.monotonic()
        eventually(lambda: held(on.operator) == 1, "the lease is held again")
        on.shop.ask_for(CHAT, BETTER)
        on.shop.until_live(CHAT, BETTER)
        print(f"\nafter a pause of {PAUSE_SECONDS} s: landed in {time.monotonic() - began:.1f} s")
        assert on.operator.child.poll() is None
        assert len(told(on.operator, "lease taken")) == 1  # nobody had it in between
