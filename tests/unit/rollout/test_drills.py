"""A drill puts everybody on the fallback for a while, and leaves nothing but what it showed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from goaround.api.conditions import find
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import Split
from goaround.rollout.drill import lifted
from goaround.rollout.kills import again_in, latched
from tests.unit.rollout.build import HOLD, NAME, B, a_delivery, a_drill, a_window
from tests.unit.rollout.flights import halfway, live, live_twice, ramping, rolled_back
from tests.unit.rollout.test_preflight import PREFLIGHT
from tests.unit.rollout.world import (
    World,
    bad,
    good,
    live_bad,
    live_good,
    quiet,
)

SECONDS = 60


def drilling(world: World) -> World:
    world.remembers = True
    world.drills(SECONDS)
    world.settle()
    assert world.status.drill is not None
    return world


def over(world: World) -> World:
    return world.wait(SECONDS + 1)


def test_everybody_gets_the_fallback_and_the_stage_stays() -> None:
    world = drilling(live())
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(fallback=100))
    assert world.status.live == "fallback"
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.DRILL)
    assert "drill drill" in (world.status.summary or "")


@pytest.mark.parametrize("start", [live, halfway, rolled_back])
def test_afterwards_exactly_the_split_of_before_serves(start: Callable[[], World]) -> None:
    world = start()
    before = world.status
    world = over(drilling(world))
    assert (world.stage, world.status.split) == (before.stage, before.split)
    assert world.status.drill is None
    assert world.status.revision > before.revision


def test_a_drill_opens_no_incident_and_freezes_nothing() -> None:
    world = over(drilling(live()))
    assert (world.troubles, world.status.latches) == ({}, [])
    assert world.wants(B).wait(10).weight == 10


def test_it_ends_at_once_when_its_switch_is_deleted() -> None:
    world = drilling(live())
    world.switches.clear()
    assert world.wait(1).status.split == Split(stable=100)


def test_it_ends_although_nobody_does_anything() -> None:
    world = drilling(live())
    due = world.plan().wake_at
    assert due is not None
    assert due <= world.now + timedelta(seconds=SECONDS)


def test_nothing_climbs_meanwhile_and_the_step_takes_its_whole_time() -> None:
    world = ramping().wait(HOLD - 120, good)
    world = drilling(world)
    assert world.wait(SECONDS - 5, good).status.split == Split(fallback=100)
    assert (world.status.hold or "").startswith("Drill: drill")
    assert world.status.clock_stopped_at is not None
    assert world.wait(6, good).weight == 10
    assert world.wait(HOLD - 480 - SECONDS + 30, good).weight == 10  # without the drill: enough
    assert world.wait(60, good).weight == 50


def test_deadlines_move_by_the_time_of_the_drill() -> None:
    world = ramping()
    before = world.status.step
    world = over(drilling(world)).wait(1)
    after = world.status.step
    assert before is not None
    assert after is not None
    assert after.deadline_at - before.deadline_at >= timedelta(seconds=SECONDS - 1)


def test_a_new_release_waits_for_its_end() -> None:
    world = drilling(live()).wants(B)
    world.wait(5)
    assert world.stage is Stage.LIVE
    assert (world.status.hold or "").startswith("Drill")
    assert over(world).wait(5).weight == 10


def test_harm_that_is_proven_in_a_drill_goes_down_beneath_it() -> None:
    world = drilling(halfway())
    world.wait(5, bad)
    assert world.stage is Stage.ROLLED_BACK
    assert world.status.split == Split(fallback=100)
    assert over(world).status.split == Split(stable=100)


def test_last_known_good_may_turn_bad_in_a_drill() -> None:
    world = drilling(live_twice())
    good_before = world.status.last_known_good
    world.look(lambda w: live_bad(replace(w, status=lifted(w.status))))
    assert over(world).status.last_known_good != good_before


def test_a_kill_ends_a_drill_and_goes_on_after_it() -> None:
    world = drilling(halfway())
    world.kill().wait(1)
    assert (world.stage, world.status.drill) == (Stage.KILLED, None)
    assert over(world).status.split == Split(fallback=100)
    del world.switches["stop"]
    assert world.wait(1).stage is Stage.LIVE


def test_a_killed_feature_is_not_drilled() -> None:
    world = ramping().kill().wait(1)
    world.drills(SECONDS)
    assert world.wait(1).status.drill is None
    assert world.status.kill is not None
    assert [s.name for s in world.status.kill.sources] == ["stop"]


def test_before_its_first_step_a_release_is_not_drilled() -> None:
    world = live().wants(B, preflight=PREFLIGHT).wait(1)
    assert world.stage is Stage.PREFLIGHT
    world.drills(SECONDS)
    assert world.wait(1).status.drill is None


def by_brake(world: World) -> World:
    world.braked = "Braked: by people"
    return world


@pytest.mark.parametrize("stop", [by_brake, World.held])
def test_no_brake_and_no_hold_leaves_the_fallback_after_a_drill(
    stop: Callable[[World], World],
) -> None:
    world = halfway()
    before = world.status.split
    world = over(stop(drilling(world)))
    assert (world.status.drill, world.status.split) == (None, before)
    assert world.wait(HOLD, good).status.split == before


def test_no_status_keeps_a_drill_longer_than_the_longest() -> None:
    world = drilling(live())
    forged = world.status.drill
    assert forged is not None
    world.status = world.status.but(drill=forged.but(until=world.now + timedelta(days=400)))
    world.wait(899)
    assert world.status.split == Split(fallback=100)
    assert world.wait(2).status.split == Split(stable=100)


def test_a_drill_that_was_missed_is_not_made_up_for() -> None:
    world = live()
    world.switches["drill"] = a_drill(world.now - timedelta(seconds=SECONDS), SECONDS)
    assert world.settle().status.drill is None


def test_flips_and_effect_are_measured() -> None:
    world = drilling(live())
    world.now += timedelta(milliseconds=400)
    drill = world.status.drill
    assert drill is not None
    world.delivered = a_delivery(drill.revision)
    world.settle()
    world.wait(20, quiet)
    over(world)
    world.now += timedelta(milliseconds=300)
    world.delivered = a_delivery(world.status.revision)
    world.settle()
    known = world.status.kill_switch
    assert known is not None
    last = known.last_drill
    assert last is not None
    assert last.flip_milliseconds is not None
    assert 400 <= last.flip_milliseconds < 500
    assert last.flip_back_milliseconds is not None
    assert 300 <= last.flip_back_milliseconds < 400
    assert known.last_exercised == last.contained_at is not None
    assert "no request reached any release" in last.message


def test_without_an_effect_a_drill_proves_nothing() -> None:
    world = drilling(live())
    served = a_window(world.now + timedelta(seconds=20), stable=5.0, fallback=9.0)
    world.wait(40, lambda w: live_good(w, traffic=served))
    world = over(world)
    proven = world.condition(ConditionType.KILL_SWITCH_PROVEN)
    assert proven is not None
    assert (proven.status, proven.reason) == ("False", Reason.NEVER_EXERCISED)


def test_a_kill_whose_effect_was_seen_proves_the_switch_for_31_days() -> None:
    world = live().kill().wait(1).wait(60, quiet)
    proven = find(world.status.conditions, ConditionType.KILL_SWITCH_PROVEN)
    assert proven is not None
    assert (proven.status, proven.reason) == ("True", Reason.EXERCISED)
    world.wait(32 * 86400)
    late = find(world.status.conditions, ConditionType.KILL_SWITCH_PROVEN)
    assert late is not None
    assert (late.status, late.reason) == ("False", Reason.NOT_EXERCISED_LATELY)
    assert "kubectl create -f examples/drill.yaml" in late.message


def test_the_switch_of_a_drill_is_latched_and_ended_by_what_features_say() -> None:
    world = live()
    switch = a_drill(world.now, SECONDS)
    assert latched(switch, [world.feature], world.now).latched_at is None
    world.switches["drill"] = switch
    world.settle()
    begun = latched(switch, [world.feature], world.now)
    assert (begun.latched_at, begun.ended_at) == (world.now, None)
    assert begun.latched_revision == world.status.revision
    assert again_in(switch, begun, world.now)
    over(world)
    ended = latched(switch.but(status=begun), [world.feature], world.now)
    assert ended.ended_at == world.now
    assert again_in(switch, ended, world.now) is None
    assert ended.message == f"drill of {NAME}"


def test_the_events_tell_of_a_drill_and_of_its_end() -> None:
    world = over(drilling(live()))
    told = [t.reason for t in world.status.history]
    assert told[-2:] == [EventReason.DRILL_STARTED, EventReason.DRILL_ENDED]
