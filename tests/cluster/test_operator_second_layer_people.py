"""What people may do to a flight beside killing it: watch only, and put the brake on.

The brake stops everything that goes up, so it comes after all else has flown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, KILL_SWITCHES, AIFeature, AIKillSwitch
from goaround.api.reasons import Stage
from goaround.api.status import Split
from goaround.runtime.live import BRAKE
from tests.cluster.operator_flags import flags, served
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, digest, eventually, reasons

pytestmark = pytest.mark.cluster

BETTER = "v42"
CLIMBER, FALLER, WATCHED = "climber", "faller", "watched"
STEPS = [{"weightPercent": 10, "holdSeconds": 6, "minSamples": 50}, {"weightPercent": 100}]


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """Three features that serve v41."""
    shop = stack.shop()
    plans = {name: a_feature(name) for name in (CLIMBER, FALLER)}
    for plan in plans.values():
        plan["spec"]["ramp"]["steps"] = STEPS
    plans[WATCHED] = a_feature(WATCHED, mode="Observe")
    plans[WATCHED]["spec"]["ramp"]["cruiseSeconds"] = 4
    shop.apply(*plans.values())
    for name in plans:
        shop.until_live(name)
    return shop


@dataclass(frozen=True, slots=True)
class Watched:
    """Mode Observe, when harm was proven, and when it would have been killed. counted: the
    operator's counter; app: what users get meanwhile; switch: the kill, and its answer."""

    harmed: AIFeature
    killed: AIFeature
    counted: float
    app: Json
    switch: AIKillSwitch


@pytest.fixture(scope="module")
def watched(stack: Stack, shop: Shop) -> Watched:
    shop.serve(WATCHED, candidate_error=0.4)
    shop.ask_for(WATCHED, BETTER)
    harmed = shop.until(WATCHED, lambda f: f.status.would_have, "what it would have done")
    shop.create(KILL_SWITCHES, "stop", {"featureRef": {"name": WATCHED}, "reason": "drill"})
    killed = shop.until(WATCHED, would_have_been_killed, "that it would have been killed")
    eventually(lambda: a_switch(shop).status.latched_at, "the switch is answered")
    found = flags(stack, f"{shop.namespace}/{WATCHED}")
    app, counted = served(found, f"{WATCHED}.release", user="ann"), told_rollbacks(stack, shop)
    answered = a_switch(shop)
    shop.delete(KILL_SWITCHES, "stop")
    return Watched(harmed, killed, counted, app, answered)


def would_have_been_killed(feature: AIFeature) -> bool:
    return "WouldHaveKilled" in (feature.status.would_have or "")


def a_switch(shop: Shop) -> AIKillSwitch:
    body = shop.get(KILL_SWITCHES, "stop")
    assert body is not None
    return AIKillSwitch.model_validate(body)


def told_rollbacks(stack: Stack, shop: Shop) -> float:
    wanted = {"namespace": shop.namespace, "feature": WATCHED}
    families = text_string_to_metric_families(stack.operator.get("/metrics").text)
    name = "goaround_would_have_rolled_back_total"
    found = [s.value for f in families for s in f.samples if (s.name, s.labels) == (name, wanted)]
    assert len(found) == 1
    return found[0]


def test_mode_observe_tells_of_a_rollback_once_and_moves_nobody(
    shop: Shop, watched: Watched
) -> None:
    status = watched.harmed.status
    assert (status.would_have or "").startswith("WouldHaveRolledBack: errors")
    assert status.split == Split(candidate=100)
    assert (status.latches, watched.counted) == ([], 1.0)
    told = reasons(shop.events(WATCHED))
    assert told.count("WouldHaveRolledBack") == 1
    affected = {i["spec"]["affects"][0]["name"] for i in shop.all(INCIDENTS)}
    assert WATCHED not in affected


def test_a_kill_moves_nothing_in_mode_observe_and_apps_see_none_of_it(watched: Watched) -> None:
    status = watched.killed.status
    assert (status.split, status.stage) == (Split(candidate=100), Stage.CRUISING)
    assert status.history[-1].reason == "WouldHaveKilled"
    assert watched.app["prompt"]["version"] == BETTER


def test_a_switch_over_a_feature_in_mode_observe_is_latched_and_says_that_it_kills_nothing(
    watched: Watched,
) -> None:
    status = watched.switch.status
    assert status.latched_at is not None
    assert status.message == f"mode Observe, not killed: {WATCHED}"


@dataclass(frozen=True, slots=True)
class Braked:
    """Both features were at 10 % when the brake was put on; `fallen` and `held` as it still was."""

    held: AIFeature
    fallen: AIFeature
    later: AIFeature


@pytest.fixture(scope="module")
def braked(stack: Stack, shop: Shop, watched: Watched) -> Braked:
    for name in (CLIMBER, FALLER):
        shop.ask_for(name, BETTER)
    for name in (CLIMBER, FALLER):
        shop.until_stage(name, Stage.RAMPING)
    with brake(stack):
        shop.serve(FALLER, candidate_error=0.4)
        shop.until_stage(FALLER, Stage.ROLLED_BACK)
        shop.until_stage(CLIMBER, Stage.HOLDING)
        held, fallen = shop.feature(CLIMBER), shop.feature(FALLER)
    return Braked(held, fallen, shop.until_live(CLIMBER, BETTER))


@contextmanager
def brake(stack: Stack) -> Iterator[None]:
    home = f"--namespace={stack.home}"
    reason = "--from-literal=reason=the night of the vote"
    stack.plane.kubectl(home, "create", "configmap", BRAKE, reason)
    try:
        yield
    finally:
        stack.plane.kubectl(home, "delete", "configmap", BRAKE)


def test_under_the_brake_nothing_goes_up_and_the_object_says_why(braked: Braked) -> None:
    status = braked.held.status
    assert status.split == Split(stable=90, candidate=10)
    assert f"Braked: ConfigMap {BRAKE} in " in (status.hold or "")
    assert "(the night of the vote)" in (status.summary or "")
    assert status.clock_stopped_at is not None


def test_under_the_brake_a_rollback_still_passes(braked: Braked) -> None:
    assert braked.fallen.status.split == Split(stable=100)
    assert braked.fallen.status.latches[0].digest == digest(BETTER)


def test_without_the_brake_the_same_attempt_climbs_on(braked: Braked) -> None:
    told = [t.reason for t in braked.later.status.history]
    assert told[-4:] == ["Holding", "Resumed", "CruiseStarted", "Promoted"]
    assert told.count("RolloutStarted") == 1
    assert braked.later.status.clock_stopped_at is None
