"""The way down with the ground taken from under it: a bad release is at 10 %, and something fails.

Each test measures, on the wire of every replica that can be reached, the seconds from the proof of
harm to a candidate share of 0, and then asks for the same end: rolled back, contained, once.
"""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Latch
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import stopped
from tests.cluster.operator_shop import Shop, a_feature, condition, digest, eventually, reasons
from tests.cluster.refusal_kit import (
    HEADER,
    NAMES,
    Rig,
    Row,
    disk_full,
    refused,
    rig,
    stopped_for,
    until_zero,
)

pytestmark = pytest.mark.cluster

PAUSE_SECONDS = 15.0
PRODUCT_SECONDS = 10.0
BAD = "v42"
ONE_STEP: Json = {"steps": [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]}


ROWS: list[Row] = []


@pytest.fixture(scope="module")
def stage(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Rig]:
    """The rig; when it is taken down, the table is printed."""
    with rig(plane, Path(tmp_path_factory.mktemp("refusal"))) as made:
        yield made
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        print("\n".join(["", HEADER, *map(str, ROWS)]))


@dataclass(slots=True)
class Flight:
    """One feature whose bad release is at 10 %."""

    rig: Rig
    shop: Shop
    name: str
    spoilt_at: float = 0.0
    mended_at: float = 0.0

    def spoil(self) -> None:
        """From now on the candidate answers badly."""
        self.spoilt_at = time.time()
        self.shop.serve(self.name, candidate_error=0.4)

    def until_zero(self, *replicas: str) -> None:
        until_zero(self.rig, self.spoilt_at, *(replicas or NAMES))

    @property
    def latch(self) -> Latch:
        return self.shop.feature(self.name).status.latches[0]

    def until_down(self) -> AIFeature:
        return self.shop.until_stage(self.name, Stage.ROLLED_BACK, seconds=60)

    def ended(self, fault: str) -> Row:
        """The end that every fault must come to, and what was measured on the way."""
        self.until_down()
        landed = self.shop.until(self.name, _is_contained, "contained", 60)
        eventually(partial(self._incident_is, "Contained"), "the incident is contained")
        (latch,) = landed.status.latches
        marks = self.shop.records()[digest(BAD)]
        assert (marks[names.QUARANTINED], marks[names.OUTCOME]) == ("1", "Signal")
        told = reasons(self.shop.events(self.name))
        assert (told.count("RolledBack"), told.count("Contained")) == (1, 1)
        assert landed.status.split.stable == 100
        for name in NAMES:
            eventually(partial(self._is_unlowered, name), f"{name} streams what status says")
        row = self._measured(fault, latch)
        ROWS.append(row)
        return row

    def _measured(self, fault: str, latch: Latch) -> Row:
        assert latch.proven_at is not None
        proven = latch.proven_at.timestamp()
        ears = self.rig.ears.items()
        zero = {n: at - proven for n, ear in ears if (at := ear.zero_after(self.spoilt_at))}
        assert max(zero.values()) <= PRODUCT_SECONDS
        written = self._written_at()
        return Row(fault, zero, latch.at.timestamp() - proven, written - proven)

    def _written_at(self) -> float:
        """When the operator logged that status holds the rollback."""
        assert self.rig.operator is not None
        mine = f"{self.shop.namespace}/{self.name}"
        (line,) = [
            one
            for one in self.rig.operator.lines()
            if one.get("feature") == mine and one.get("reason") == "RolledBack"
        ]
        return datetime.fromisoformat(line["at"]).timestamp()

    def _incident_is(self, phase: str) -> bool:
        (only,) = self.shop.all(INCIDENTS)
        return bool(only.get("status", {}).get("phase") == phase)

    def _is_unlowered(self, name: str) -> bool:
        feature = self.shop.feature(self.name)
        one = self.rig.revisions(name)["revisions"].get(feature.metadata.uid, {})
        return one.get("revision") == feature.status.revision and "lowered" not in one


def _is_contained(feature: AIFeature) -> bool:
    return feature.status.latches[0].contained_at is not None


@contextmanager
def flight(stage: Rig, name: str) -> Iterator[Flight]:
    """v41 is last-known-good, v42 has 10 % of the users of both replicas and is good so far."""
    shop = stage.shop()
    plan = a_feature(name)
    plan["spec"]["ramp"] |= ONE_STEP
    with stage.listening((shop.namespace, name)):
        shop.apply(plan)
        shop.until_live(name)
        shop.ask_for(name, BAD)
        eventually(lambda: [e.share for e in stage.ears.values()] == [10, 10], "10 % everywhere")
        time.sleep(1.0)  # a window or two in which all is well
        yield Flight(stage, shop, name)
        shop.empty()


def _refused_while(stage: Rig, one: Flight, fault: AbstractContextManager[None]) -> None:
    """Goes around under `fault`, which ends when users are off and it has lasted its time."""
    before = stage.lowered_total()
    with fault:
        one.spoil()
        one.until_zero()
        assert stage.lowered_total() > before
        assert str(stage.lowered()[-1]["message"]) == "lowered on 2 of 2 flag replicas"
    one.mended_at = time.time()


def _is_told_of_refusal(one: Flight) -> None:
    """Status came last, holds the time of the decision, and says what was done meanwhile."""
    feature, latch = one.until_down(), one.latch
    assert latch.at.timestamp() < one.mended_at <= one._written_at() + 0.5
    (told,) = [t for t in feature.status.history if t.reason == "RolledBack"]
    assert told.at == latch.at
    assert "lowered on 2 of 2 flag replicas; status could not be written" in told.message


def test_without_a_fault_no_control_port_is_needed(stage: Rig) -> None:
    with flight(stage, "calm") as one:
        before = stage.lowered_total()
        one.spoil()
        one.until_zero()
        one.ended("none")
        assert stage.lowered_total() == before


def test_status_writes_are_refused(stage: Rig) -> None:
    with flight(stage, "refused") as one:

        def still_climbing() -> bool:
            return one.shop.feature("refused").status.stage is Stage.RAMPING

        with refused(stage.plane):
            _refused_while(stage, one, nullcontext())
            assert still_climbing()
            assert stage.revisions("one")["revisions"].popitem()[1]["lowered"] is True
            time.sleep(6)
            assert still_climbing()
            assert [e.share for e in stage.ears.values()] == [0, 0]
        one.mended_at = time.time() - 1.0  # the server may take it as soon as the policy goes
        _is_told_of_refusal(one)
        one.ended("(a) status writes refused (403)")


def test_etcd_stands_still(stage: Rig) -> None:
    with flight(stage, "etcd") as one:
        _refused_while(stage, one, stopped_for(stage.plane.pids["etcd"], PAUSE_SECONDS))
        assert one.until_down().status.latches[0].at.timestamp() < one.mended_at
        one.ended(f"(b) etcd paused for {PAUSE_SECONDS:.0f} s: writes hang")


def test_the_disk_of_etcd_is_full(stage: Rig) -> None:
    with flight(stage, "full") as one:
        _refused_while(stage, one, disk_full(stage.plane))
        _is_told_of_refusal(one)
        one.ended("(g) disk of etcd full: no write is taken")


@pytest.mark.parametrize(
    "seconds",
    [
        PAUSE_SECONDS,
        pytest.param(
            90.0,
            marks=pytest.mark.skipif(
                not os.environ.get("GOAROUND_LONG"), reason="takes minutes: set GOAROUND_LONG"
            ),
        ),
    ],
)
def test_the_api_server_stands_still(stage: Rig, seconds: float) -> None:
    with flight(stage, f"paused-{seconds:.0f}") as one:
        _refused_while(stage, one, stopped_for(stage.plane.pids["kube-apiserver"], seconds))
        assert one.until_down().status.latches[0].at.timestamp() < one.mended_at
        one.ended(f"(c) API server paused for {seconds:.0f} s")


def test_one_of_two_replicas_is_killed(stage: Rig) -> None:
    with flight(stage, "killed") as one:
        stage.kill_flags("two")
        one.spoil()
        one.until_zero("one")
        down = one.shop.until(
            "killed", lambda f: condition(f, "Delivered")[1] == "ReplicasUnreachable", "told"
        )
        assert "1 of 2 flag replicas answer" in condition(down, "Delivered")[2]
        assert not _is_contained(one.until_down())
        stage.ears["two"].heard.clear()  # what was said before it died counts for nothing
        stage.start_flags("two")
        row = one.ended("(d) one of two killed (2: once it is back)")
        assert row.zero["one"] <= PRODUCT_SECONDS


def test_one_of_two_replicas_cannot_reach_the_api_server(stage: Rig) -> None:
    with flight(stage, "deaf") as one:
        with stage.proxy.dead():
            one.spoil()
            one.until_zero("one", "two")
            down = one.until_down()
            deaf = stage.revisions("two")["revisions"][down.metadata.uid]
            assert deaf["lowered"] is True
            assert deaf["revision"] < down.status.revision
            assert "they have not heard of it" in stage.lowered()[-1]["reason"]
            _until_told(one, "has not heard of the decision")
            stage.kill_flags("two")
            stage.start_flags("two")
            eventually(lambda: _listed(stage) is False, "it says that nothing is listed")
            assert stage.flags["two"].get("/readyz").status_code == 503
            _until_told(one, "is not ready: not everything is listed")
            assert not _is_contained(one.shop.feature("deaf"))
        one.ended("(e) one replica cut off from the API server")


def _listed(stage: Rig) -> object:
    """What the second replica says of itself; None while it is not up yet."""
    with suppress(httpx.HTTPError):
        return stage.revisions("two")["listed"]
    return None


def _until_told(one: Flight, words: str) -> None:
    one.shop.until(
        one.name,
        lambda f: f.status.delivery is not None and words in f.status.delivery.message,
        words,
    )


def test_prometheus_is_gone_after_the_proof(stage: Rig) -> None:
    with flight(stage, "blind") as one, ExitStack() as faults:
        policy = faults.enter_context(ExitStack())
        policy.enter_context(refused(stage.plane))
        _refused_while(stage, one, nullcontext())
        with stopped(stage.plane.pids["prometheus"]):
            policy.close()
            assert one.until_down().status.split.stable == 100
            time.sleep(4)
            assert not _is_contained(one.shop.feature("blind"))
        one.ended("(f) Prometheus stopped after the proof, with (a)")
