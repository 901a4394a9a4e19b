"""Killing under the real operator: at once, recorded, undone only by deleting every source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, KILL_SWITCHES, AIFeature, AIKillSwitch
from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import ROOT, Stack, running, stopped
from tests.cluster.operator_shop import Shop, a_feature, acceptance, condition, eventually

pytestmark = pytest.mark.cluster

POLICY = ROOT / "crds" / "policies" / "killswitch-delete.yaml"
NAMES = ("early", "git", "two", "flying", "blind", "hanging", "drilled")
SLOW: list[Json] = [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]
SLOW_STEP: Json = {"steps": SLOW, "reenable": SLOW}


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the policy of crds/, which is lifted again: other tests delete switches as they like."""
    plane.kubectl("apply", "--server-side", f"--filename={POLICY}")
    plane.wait_policy()
    try:
        with running(plane, Path(tmp_path_factory.mktemp("kills"))) as stack:
            yield stack
    finally:
        plane.kubectl("delete", f"--filename={POLICY}")


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """Seven features that serve v41; one of them by the provider that can hang."""
    shop = stack.shop()
    plans = {name: a_feature(name) for name in NAMES}
    for name in ("flying", "blind", "hanging"):
        plans[name]["spec"]["ramp"] |= SLOW_STEP
    plans["hanging"]["spec"]["acceptance"] = acceptance(provider="hangs")
    plans["drilled"]["spec"]["watch"] = {"intervalSeconds": 1}
    plans["two"]["metadata"]["labels"] = {"tier": "gold"}
    shop.apply(*plans.values())
    for name in NAMES:
        shop.until_live(name)
    return shop


def kill(shop: Shop, name: str, feature: str) -> None:
    shop.create(KILL_SWITCHES, name, {"featureRef": {"name": feature}, "reason": "wrong answers"})


def switch(shop: Shop, name: str) -> AIKillSwitch:
    body = shop.get(KILL_SWITCHES, name)
    assert body is not None
    return AIKillSwitch.model_validate(body)


def until_latched(shop: Shop, name: str) -> AIKillSwitch:
    eventually(lambda: switch(shop, name).status.latched_at, f"switch {name} latched")
    return switch(shop, name)


def forgive(shop: Shop, name: str) -> None:
    until_latched(shop, name)
    assert shop.delete(KILL_SWITCHES, name).is_success


def take_off(shop: Shop, name: str) -> None:
    shop.ask_for(name, "v42")
    shop.until_stage(name, Stage.RAMPING)


def is_contained(feature: AIFeature) -> bool:
    return feature.status.latches[0].contained_at is not None


def test_a_switch_cannot_be_deleted_before_the_operator_recorded_the_kill(
    stack: Stack, shop: Shop
) -> None:
    with stack.operator.paused():
        kill(shop, "stop-early", "early")
        refused = shop.kubectl("delete", "aiks", "stop-early", check=False)
        assert "has not recorded this kill yet" in refused
        assert shop.feature("early").status.stage is Stage.LIVE
    killed = shop.until_stage("early", Stage.KILLED)
    assert killed.status.split.fallback == 100
    assert condition(killed, "Killed")[:2] == ("True", "KillSwitchEngaged")
    latched = until_latched(shop, "stop-early").status
    assert latched.latched_revision == shop.feature("early").status.revision
    assert latched.message == "killed: early"


def test_deleting_the_switch_brings_last_known_good_back(shop: Shop) -> None:
    assert shop.feature("early").status.stage is Stage.KILLED
    assert "deleted" in shop.kubectl("delete", "aiks", "stop-early")
    back = shop.until_live("early")
    assert [t.reason for t in back.status.history][-1] == "KillReleased"
    assert condition(back, "Killed")[0] != "True"


def test_a_kill_opens_an_incident_that_names_the_reason(shop: Shop) -> None:
    kill(shop, "stop-again", "early")
    killed = shop.until("early", lambda f: is_killed(f) and is_contained(f), "contained")
    incident = shop.get(INCIDENTS, killed.status.latches[0].incident or "")
    assert incident is not None
    assert "wrong answers" in str(incident["spec"]) + str(incident["status"])
    forgive(shop, "stop-again")


def is_killed(feature: AIFeature) -> bool:
    return feature.status.stage is Stage.KILLED


def test_the_switch_in_git_kills_and_disengaging_it_brings_the_release_back(shop: Shop) -> None:
    shop.patch("git", {"spec": {"killSwitch": {"engaged": True, "reason": "audit"}}})
    killed = shop.until_stage("git", Stage.KILLED)
    assert killed.status.split.fallback == 100
    assert condition(killed, "Killed")[:2] == ("True", "SpecKillSwitch")
    assert "audit" in killed.status.history[-1].message
    shop.patch("git", {"spec": {"killSwitch": {"engaged": False}}})
    shop.until_live("git")


def test_while_one_of_two_sources_is_left_nothing_comes_back(shop: Shop) -> None:
    kill(shop, "by-name", "two")
    selector = {"matchLabels": {"tier": "gold"}}
    shop.create(KILL_SWITCHES, "by-label", {"selector": selector, "reason": "all of gold"})
    for name in ("by-name", "by-label"):
        until_latched(shop, name)
    forgive(shop, "by-name")
    left = shop.until("two", lambda f: f.status.kill and len(f.status.kill.sources) == 1, "one")
    assert is_killed(left)
    (rule,) = [r for r in left.status.gate if r.name == "no-kill-source"]
    assert not rule.open
    assert "by-label" in rule.reason
    forgive(shop, "by-label")
    shop.until_live("two")


def test_a_kill_in_mid_ramp_ends_the_flight_and_the_next_one_is_another_attempt(
    shop: Shop,
) -> None:
    take_off(shop, "flying")
    kill(shop, "stop-flying", "flying")
    killed = shop.until_stage("flying", Stage.KILLED)
    assert killed.status.split.candidate == 0
    assert killed.status.latches[0].weight == 10
    forgive(shop, "stop-flying")
    frozen = shop.until("flying", lambda f: f.status.hold, "a freeze")
    assert condition(frozen, "Ready")[:2] == ("Unknown", "ChangeFreeze")
    assert frozen.status.split.stable == 100
    shop.resolve()
    again = shop.until("flying", lambda f: f.status.stage is Stage.RAMPING, "a new attempt")
    assert again.status.candidate is not None
    assert again.status.candidate.attempt == 2
    assert again.status.candidate.re_enables == killed.status.latches[0].incident
    assert "KillReleased" in [t.reason for t in again.status.history]


def test_a_kill_needs_no_prometheus_and_is_not_called_contained_without_it(
    stack: Stack, shop: Shop
) -> None:
    take_off(shop, "blind")
    with stopped(stack.plane.pids["prometheus"]):
        kill(shop, "stop-blind", "blind")
        killed = shop.until_stage("blind", Stage.KILLED)
        assert killed.status.split.fallback == 100
        until_latched(shop, "stop-blind")
        assert not is_contained(shop.feature("blind"))
    shop.until("blind", is_contained, "contained once Prometheus answers")
    forgive(shop, "stop-blind")


def test_a_kill_does_not_wait_for_a_provider_that_hangs(stack: Stack, shop: Shop) -> None:
    take_off(shop, "hanging")
    stack.providers.sick.add("hangs")
    eventually(lambda: stack.providers.hanging, "a query that hangs")
    kill(shop, "stop-hanging", "hanging")
    assert shop.until_stage("hanging", Stage.KILLED).status.split.fallback == 100
    assert stack.providers.hanging
    stack.providers.sick.clear()
    forgive(shop, "stop-hanging")


def test_a_drill_flips_everybody_to_the_fallback_and_back_and_proves_the_switch(
    shop: Shop,
) -> None:
    about: Json = {"featureRef": {"name": "drilled"}, "reason": "monthly", "drill": True}
    shop.create(KILL_SWITCHES, "drill", about | {"durationSeconds": 10})
    drilled = shop.until("drilled", lambda f: f.status.drill, "the drill")
    assert (drilled.status.stage, drilled.status.split.fallback) == (Stage.LIVE, 100)
    assert condition(drilled, "KillSwitchProven")[:2] == ("False", "NeverExercised")
    back = shop.until("drilled", lambda f: f.status.drill is None, "its end")
    assert (back.status.stage, back.status.split.stable) == (Stage.LIVE, 100)
    assert condition(back, "KillSwitchProven")[:2] == ("True", "Exercised")
    measured = shop.until("drilled", flipped_back, "both flips").status.kill_switch
    assert measured is not None
    assert measured.last_drill is not None
    print(f"\ndrill: {measured.last_drill.message}")
    assert measured.last_drill.flip_milliseconds is not None
    eventually(lambda: switch(shop, "drill").status.ended_at, "the switch says so, too")
    assert "drilled" not in str([i["spec"]["affects"] for i in shop.all(INCIDENTS)])
    forgive(shop, "drill")


def flipped_back(feature: AIFeature) -> bool:
    known = feature.status.kill_switch
    last = known.last_drill if known is not None else None
    return last is not None and last.flip_back_milliseconds is not None
