"""The operator is SIGKILLed again and again on the real API server, and nothing is lost or doubled.

The enumeration in `tests/crash` kills at every call of an in-memory API; this is the same question
asked of the real one, at a dozen points of one life.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, KILL_SWITCHES, AIFeature
from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import Stack, free_ports, operator, running
from tests.cluster.operator_shop import Shop, a_feature, digest, eventually, is_live

pytestmark = pytest.mark.cluster

CHAT, BETTER, BAD = "chat", "v42", "v43-bad"
DELAYS = (0.0, 0.004, 0.01, 0.02, 0.035, 0.06, 0.1, 0.2, 0.4, 0.9)
LEAST_KILLS = 10
QUIET_SECONDS = 10.0


@dataclass(slots=True)
class Reaper:
    """Kills the operator some milliseconds after each transition, or in the middle of a quiet time,
    and starts it again."""

    stack: Stack
    shop: Shop
    port: int
    kills: int = 0
    seen: list[AIFeature] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.is_set():
            with operator(self.stack, self.port) as process:
                if self._transition():
                    time.sleep(DELAYS[self.kills % len(DELAYS)])
                    process.child.kill()
                    process.child.wait()
                    self.kills += 1

    def _transition(self) -> bool:
        """True after the next one, or when none comes; False when the story is over."""
        before, begun = self._history(), time.monotonic()
        while not self.stop.wait(0.002):
            if self._history() != before or time.monotonic() - begun > QUIET_SECONDS:
                return True
        return False

    def _history(self) -> object:
        feature = self.shop.feature(CHAT)
        self.seen.append(feature)
        return [(t.at, t.reason) for t in feature.status.history]


@contextmanager
def reaping(stack: Stack, shop: Shop) -> Iterator[Reaper]:
    """The operator lives and dies meanwhile."""
    (port,) = free_ports("killed", 1)
    reaper = Reaper(stack, shop, port)
    thread = threading.Thread(target=reaper.run)
    thread.start()
    try:
        yield reaper
        eventually(lambda: reaper.kills >= LEAST_KILLS, "it died often enough", 120)
    finally:
        reaper.stop.set()
        thread.join()


@pytest.fixture(scope="module")
def life(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reaper]:
    """Adopted, climbed, gone around, reverted, killed and revived, with the operator dying."""
    with running(plane, Path(tmp_path_factory.mktemp("killed"))) as stack:
        stack.operator.end()
        shop = stack.shop()
        shop.apply(a_feature(CHAT))
        with reaping(stack, shop) as reaper:
            shop.until_live(CHAT)
            shop.ask_for(CHAT, BETTER)
            shop.until(CHAT, lambda f: is_live(f, BETTER), "a good climb", 90)
            shop.serve(CHAT, candidate_error=0.4)
            shop.ask_for(CHAT, BAD)
            shop.until(CHAT, _contained, "gone around and contained", 90)
            shop.ask_for(CHAT, BETTER)
            shop.until_live(CHAT, BETTER)
            shop.create(KILL_SWITCHES, "stop", {"featureRef": {"name": CHAT}, "reason": "test"})
            shop.until(CHAT, lambda f: f.status.stage is Stage.KILLED, "killed", 60)
            eventually(lambda: _latched(shop), "the switch is latched", 60)
            shop.delete(KILL_SWITCHES, "stop")
            shop.until_live(CHAT, BETTER)
            eventually(lambda: len(shop.all(INCIDENTS)) == 2, "both incidents", 60)
            eventually(lambda: _told(shop, "KillReleased"), "the last event", 60)
        yield reaper
        with operator(stack, reaper.port):
            shop.empty()


def test_it_died_often_enough_to_prove_anything(life: Reaper) -> None:
    assert life.kills >= LEAST_KILLS


def test_it_ends_where_an_undisturbed_life_ends(life: Reaper) -> None:
    status = life.shop.feature(CHAT).status
    assert is_live(life.shop.feature(CHAT), BETTER)
    assert (status.split.stable, status.candidate, status.kill) == (100, None, None)
    marks = life.shop.records()
    assert marks[digest(BAD)][names.QUARANTINED] == "1"
    assert {m[names.ATTEMPTS] for m in marks.values()} == {"1"}


def test_each_cause_has_one_incident_and_each_transition_one_event(life: Reaper) -> None:
    sources = sorted(i["spec"]["trigger"]["source"] for i in life.shop.all(INCIDENTS))
    assert sources == ["Kill", "Rollback"]
    told = Counter((e["reason"], e["note"]) for e in life.shop.events(CHAT))
    assert set(told.values()) == {1}
    expected = {"Adopted", "RolloutStarted", "StepStarted", "CruiseStarted", "Promoted"}
    assert expected | {"RolledBack", "KillEngaged", "KillReleased"} <= {r for r, _ in told}


def test_no_weight_was_ever_out_of_order(life: Reaper) -> None:
    assert {f.status.split.candidate for f in life.seen} <= {0, 10, 50, 100}
    latched = [f for f in life.seen if any(x.digest == digest(BAD) for x in f.status.latches)]
    assert latched
    assert all(_weight_of(f, BAD) == 0 for f in latched)


def _weight_of(feature: AIFeature, version: str) -> int:
    flown = feature.status.candidate
    mine = flown is not None and flown.digest == digest(version)
    return feature.status.split.candidate if mine else 0


def _contained(feature: AIFeature) -> bool:
    latches = feature.status.latches
    return bool(latches) and latches[0].contained_at is not None


def _latched(shop: Shop) -> bool:
    body: Json = shop.get(KILL_SWITCHES, "stop") or {}
    return "latchedAt" in (body.get("status") or {})


def _told(shop: Shop, reason: str) -> bool:
    return any(e["reason"] == reason for e in shop.events(CHAT))
