"""Presence kills: whatever says killed puts everybody on the fallback, and nothing raises them."""

from datetime import timedelta

import pytest

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import LatchCause, Split
from tests.unit.rollout.build import (
    DIGEST_A,
    DIGEST_B,
    HOLD,
    NAME,
    STEP_DEADLINE,
    A,
    B,
    C,
    a_problem,
    a_spec,
    a_switch,
)
from tests.unit.rollout.flights import STARTS, killed, ramping
from tests.unit.rollout.world import World, bad, good, nothing

IN_FLIGHT = ["preflight", "ramping", "holding", "halfway", "cruising"]


@pytest.mark.parametrize("start", [n for n in STARTS if n != "killed"])
def test_one_pass_puts_everybody_on_the_fallback(start: str) -> None:
    world = STARTS[start]().kill()
    world.look(good)
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))
    assert world.status.latches[0].cause is LatchCause.KILL


def test_the_switch_in_spec_kills_as_well() -> None:
    world = ramping().wants(B, killSwitch={"engaged": True, "reason": "it swears"})
    world.look()
    assert world.status.kill is not None
    assert [(s.kind, s.name, s.reason) for s in world.status.kill.sources] == [
        ("Spec", NAME, "it swears")
    ]


def test_a_switch_in_spec_that_is_not_engaged_kills_nobody() -> None:
    assert ramping().wants(B, killSwitch={"engaged": False}).wait(1).stage is Stage.RAMPING


def test_a_switch_of_another_feature_or_namespace_kills_nobody() -> None:
    world = ramping()
    world.switches["other"] = a_switch(feature="search")
    world.switches["elsewhere"] = a_switch(namespace="elsewhere")
    assert world.wait(1).stage is Stage.RAMPING


def test_an_attempt_whose_end_no_record_tells_is_counted_all_the_same() -> None:
    world = ramping().kill()
    told_last = world.records[DIGEST_B]
    world.look()
    world.switches.clear()
    world.look()
    world.records[DIGEST_B] = told_last  # whoever was to mark the end died, and so did the next
    world.wait(60)
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 2


def test_further_sources_are_noted_and_tell_nothing_new() -> None:
    world = killed()
    history, revision = world.status.history, world.status.revision
    world.kill("second").wait(60)
    assert world.status.kill is not None
    assert [s.name for s in world.status.kill.sources] == ["stop", "second"]
    assert (world.status.history, world.status.revision) == (history, revision)
    assert len(world.status.latches) == 1


def test_a_kill_stays_until_every_source_is_gone() -> None:
    world = killed().kill("second").wait(60, good)
    del world.switches["stop"]
    world.wait(60, good)
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))


def test_a_kill_is_dated_from_its_first_source() -> None:
    world = killed()
    assert world.status.kill is not None
    since = world.status.kill.since
    world.kill("second").wait(60)
    assert world.status.kill.since == since


def test_whatever_git_does_nothing_goes_up_while_killed() -> None:
    world = killed()
    for release in (A, B, C):
        world.wants(release).wait(60, good)
        assert world.status.split == Split(fallback=100)


@pytest.mark.parametrize("start", ["live", "rolled back", *IN_FLIGHT])
def test_the_way_back_leads_to_last_known_good(start: str) -> None:
    world = STARTS[start]().kill().wait(60)
    world.switches.clear()
    world.look()
    assert (world.stage, world.status.split) == (Stage.LIVE, Split(stable=100))
    assert world.status.history[-1].reason == EventReason.KILL_RELEASED
    assert world.status.kill is None


@pytest.mark.parametrize("start", IN_FLIGHT)
def test_what_was_in_flight_starts_again_as_the_next_attempt(start: str) -> None:
    world = STARTS[start]().kill().wait(60)
    world.switches.clear()
    world.wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (flown.release, flown.attempt, world.weight) == (B, 2, 10)
    assert world.records[DIGEST_B].attempts == 2


def test_without_last_known_good_the_way_back_is_the_ramp() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle().kill().wait(60)
    world.switches.clear()
    world.wait(60)
    assert (world.stage, world.status.split) == (Stage.RAMPING, Split(candidate=10, fallback=90))


def test_what_was_proven_harmful_stays_down_after_a_kill() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle().wait(60, bad).kill().wait(60)
    world.switches.clear()
    world.wait(60)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(fallback=100))


def test_a_retry_that_was_killed_in_flight_needs_another_retry() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle().wait(60, bad)
    world.signs(DIGEST_A, 1).wait(60).kill().wait(60)
    world.switches.clear()
    world.settle().wait(60)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, Split(fallback=100))
    assert "AISignOff Retry for attempt 2" in world.status.history[-1].message
    world.signs(DIGEST_A, 2).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


@pytest.mark.parametrize("kills", [1, 5])
def test_what_came_back_without_proof_stays_down_after_a_kill(kills: int) -> None:
    world = STARTS["inconclusive"]()
    for _ in range(kills):
        world.kill().wait(60)
        world.switches.clear()
        world.wait(60)
    assert (world.stage, world.status.split) == (Stage.INCONCLUSIVE, Split(stable=100))
    assert world.status.history[-1].reason == EventReason.KILL_RELEASED
    assert world.wait(3600, good).stage is Stage.INCONCLUSIVE
    world.signs(DIGEST_B, 1).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_without_last_known_good_it_stays_on_the_fallback_after_a_kill() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle().wait(HOLD + STEP_DEADLINE)
    assert world.stage is Stage.INCONCLUSIVE
    world.kill().wait(60)
    world.switches.clear()
    world.wait(60)
    assert (world.stage, world.status.split) == (Stage.INCONCLUSIVE, Split(fallback=100))


@pytest.mark.parametrize("when", ["under the kill", "after it"])
def test_another_plan_lets_it_fly_again_after_a_kill(when: str) -> None:
    world = STARTS["inconclusive"]().kill().wait(60)
    gentle = {"steps": [{"weightPercent": w} for w in (5, 100)]}
    if when == "under the kill":
        world.wants(B, ramp=gentle)
    world.switches.clear()
    world.wait(60)
    if when == "after it":
        world.wants(B, ramp=gentle).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 5)


def test_git_may_go_back_to_last_known_good_under_a_kill() -> None:
    world = STARTS["inconclusive"]().kill().wait(60).wants(A)
    world.switches.clear()
    assert world.wait(60).stage is Stage.LIVE


def test_an_invalid_spec_does_not_hold_back_the_way_to_last_known_good() -> None:
    world = killed()
    world.problems = (a_problem(),)
    world.switches.clear()
    assert world.wait(60).status.split == Split(stable=100)


def test_a_kill_of_a_feature_nobody_flew_yet_is_a_kill() -> None:
    world = World().kill()
    world.look()
    assert (world.stage, world.status.latches[0].digest) == (Stage.KILLED, None)


def test_a_kill_does_not_quarantine() -> None:
    record = killed().records[DIGEST_B]
    assert (record.quarantined_attempt, record.outcome) == (None, "Kill")


def test_the_gate_says_what_would_open_it() -> None:
    world = killed()
    (rule,) = world.status.gate
    assert (rule.open, rule.reason) == (False, "delete or disengage AIKillSwitch stop")
    world.switches.clear()
    (rule,) = world.wait(1).status.gate
    assert (rule.open, rule.reason) == (True, "nothing says killed")


def test_a_kill_is_said_even_where_spec_is_invalid() -> None:
    world = ramping().kill()
    world.problems = (a_problem(),)
    world.wait(1)
    assert world.status.summary == "fallback serves; killed by AIKillSwitch stop"


def test_a_killed_feature_waits_for_news_only() -> None:
    world = killed()
    world.now += timedelta(seconds=60)
    assert world.plan(nothing).wake_at is None
