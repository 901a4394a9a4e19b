"""What a plan asks of the world: records before a climb, nothing before a way down."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from goaround.api import names
from goaround.api.base import rfc3339
from goaround.api.reasons import EventReason, Stage
from goaround.rollout.planned import Effect, OpenIncident, PostEvent
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_A,
    DIGEST_B,
    DIGEST_C,
    NAME,
    NOW,
    RAMP_DEADLINE,
    UID,
    A,
    B,
    C,
    writes,
)
from tests.unit.rollout.flights import (
    STARTS,
    cruising,
    halfway,
    killed,
    live,
    live_twice,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import World, bad, good, undecided

CLIMBS = ["nothing", "live", "preflight", "rolled back", "inconclusive"]


def test_a_flight_is_recorded_before_it_is_said() -> None:
    world = live().wants(B)
    plan = world.plan()
    (record,) = writes(plan.first)
    assert (record.name, record.digest) == (names.record_name(NAME, DIGEST_B), DIGEST_B)
    assert record.marks == {
        names.ATTEMPTS: "1",
        names.OUTCOME: "Flying",
        names.TOOK_OFF_AT: rfc3339(plan.status.history[-1].at),
    }


def test_a_landing_is_recorded_before_it_is_said() -> None:
    world = cruising()
    world.now += timedelta(seconds=CRUISE)
    plan = world.plan(good)
    (record,) = writes(plan.first)
    assert plan.status.last_known_good is not None
    since = plan.status.last_known_good.since
    assert record.marks[names.OUTCOME] == "Good"
    assert record.marks[names.QUARANTINED] is None
    assert record.marks[names.GOOD_SINCE] == rfc3339(since)


def test_a_landing_leaves_its_record_good() -> None:
    record = live_twice().records[DIGEST_B]
    assert (record.outcome, record.quarantined_attempt) == ("Good", None)


@pytest.mark.parametrize("start", ["preflight", "ramping", "holding", "halfway", "cruising"])
@pytest.mark.parametrize("why", ["kill", "breach", "deadline", "revert", "superseded"])
def test_nothing_is_asked_before_a_way_down(start: str, why: str) -> None:
    world = STARTS[start]()
    world.records.clear()
    evidence = undecided
    match why:
        case "kill":
            world.kill()
        case "breach":
            evidence = bad
        case "deadline":
            world.now += timedelta(seconds=RAMP_DEADLINE)
        case "revert":
            world.wants(A)
        case "superseded":
            world.wants(C)
    if world.weight == 0:
        return  # nobody is moved
    plan = world.plan(evidence)
    assert plan.status.split.candidate == 0
    assert plan.first == ()


@pytest.mark.parametrize("start", ["ramping", "halfway", "cruising"])
def test_a_plan_change_takes_the_candidate_down_before_it_records_the_next_attempt(
    start: str,
) -> None:
    world = STARTS[start]().wants(B, ramp={"steps": [{"weightPercent": 100}]})
    plan = world.look()
    assert (world.weight, plan.first) == (0, ())
    assert world.records[DIGEST_B].attempts == 2


def test_a_record_that_vanished_is_written_again() -> None:
    world = live()
    world.records.clear()
    world.wait(60)
    assert world.records[DIGEST_A].good_since is not None


def test_a_record_that_is_there_is_not_written_again() -> None:
    for start in STARTS.values():
        world = start()
        world.look()
        plan = world.plan()
        assert not writes((*plan.first, *plan.then))


def test_a_flight_that_made_way_is_not_left_flying() -> None:
    world = halfway().wants(C).wait(60)
    assert world.records[DIGEST_B].outcome == "Superseded"
    assert world.records[DIGEST_C].outcome == "Flying"


def test_whoever_hears_of_a_record_before_the_status_that_it_is_for_leaves_it_flying() -> None:
    world = live().wants(B)
    before = world.status
    world.look()
    world.status, world.braked = before, "Braked: we look into it"
    assert not writes(world.plan().then)
    world.wait(CRUISE).braked = None
    world.look()
    assert world.status.candidate is not None
    assert (world.status.candidate.attempt, world.records[DIGEST_B].attempts) == (1, 1)


def test_what_made_way_is_marked_even_if_the_pass_that_moved_it_died() -> None:
    world = halfway()
    world.status = world.wants(B, rollbackTo=DIGEST_A).plan().status
    assert world.status.candidate is None
    world.now += timedelta(seconds=1)
    (mark,) = writes(world.plan().then)
    assert (mark.digest, mark.marks) == (DIGEST_B, {names.OUTCOME: "Superseded"})


def test_a_flight_without_a_time_of_take_off_made_way_as_well() -> None:
    world = halfway()
    old = world.records[DIGEST_B]
    world.records[DIGEST_B] = replace(old, took_off_at=None)
    world.wants(C).settle()
    assert world.records[DIGEST_B].outcome == "Superseded"


def test_events_have_names_that_follow_from_status() -> None:
    world = live().wants(B)
    once, again = (posts(world.plan().then) for _ in range(2))
    assert once == again
    (post,) = once
    assert post.name == names.event_name(NAME, UID, world.now, EventReason.ROLLOUT_STARTED)


def test_an_event_is_asked_for_until_it_is_known_to_be_posted() -> None:
    world = live().wants(B)
    wanted = posts(world.plan().then)
    world.status, told = world.plan().status, world.told
    world.now += timedelta(seconds=1)
    assert set(wanted) <= set(posts(world.plan().then))
    world.look()
    assert world.told != told
    assert posts(world.plan().then) == []


def test_after_a_restart_status_remembers_what_was_told() -> None:
    world = ramping().wait(60, undecided)
    world.look(undecided)
    world.told = None
    assert posts(world.plan().then) == []


def test_a_memory_older_than_status_tells_nothing_twice() -> None:
    world = ramping().wait(60)
    world.look()
    world.told = NOW - timedelta(days=1)
    world.look()
    assert world.status.announced_at is not None
    assert world.status.announced_at >= world.status.history[-1].at


@pytest.mark.parametrize("memory", ["a new process", "this process"])
def test_a_forged_time_of_the_last_event_silences_nothing_and_is_repaired(memory: str) -> None:
    world = ramping()
    told = world.told
    if memory == "a new process":
        world.told = None
    world.status = world.status.but(announced_at=NOW.replace(year=9000))
    plan = world.look(undecided)
    assert plan.urgent
    assert world.status.announced_at == (told if memory == "this process" else None)
    world.wait(60, bad)
    assert world.status.history[-1] in world.events.values()
    world.look(bad)
    assert world.status.announced_at == world.status.history[-1].at


def test_a_time_within_five_minutes_of_the_clock_is_believed() -> None:
    world = ramping()
    known = world.now + timedelta(minutes=4)
    world.status = world.status.but(announced_at=known)
    assert world.plan(undecided).status.announced_at == known


def test_events_of_a_clock_that_was_put_right_are_not_posted_again_and_again() -> None:
    world = ramping().wait(60, bad)
    world.look()
    world.now -= timedelta(days=365)
    assert posts(world.plan().then) == []


def test_there_is_one_event_per_transition_and_none_per_tick() -> None:
    world = ramping()
    told = len(world.events)
    for _ in range(10):
        world.wait(10, undecided)
    assert len(world.events) == told


@pytest.mark.parametrize("start", ["rolled back", "inconclusive", "killed"])
def test_each_way_down_opens_one_incident(start: str) -> None:
    world = STARTS[start]()
    for _ in range(3):
        world.wait(60)
    assert world.incidents == {world.status.latches[0].incident}


def test_an_incident_is_asked_for_until_it_was_seen() -> None:
    world = ramping()
    world.look(bad)
    name = world.status.latches[0].incident
    for _ in range(2):
        world.incidents.clear()
        asked = [e for e in world.plan().then if isinstance(e, OpenIncident)]
        assert [e.latch.incident for e in asked] == [name]
    world.wait(1)
    world.wait(1)
    assert not [e for e in world.plan().then if isinstance(e, OpenIncident)]
    assert world.status.latches[0].incident_opened_at is not None


def test_an_incident_that_was_seen_is_not_opened_again_when_people_delete_it() -> None:
    world = rolled_back().wait(60)
    world.incidents.clear()
    assert world.wait(60).incidents == set()


def test_the_same_decision_taken_again_names_the_same_incident() -> None:
    world = ramping()
    world.now += timedelta(seconds=60)
    first = world.plan(bad).status.latches[0].incident
    world.now += timedelta(seconds=30)
    assert world.plan(bad).status.latches[0].incident == first


def test_two_attempts_open_two_incidents() -> None:
    world = rolled_back().signs(DIGEST_B, 1).wait(60).wait(60, bad).wait(1)
    assert len(world.incidents) == 2


def test_two_kills_open_two_incidents() -> None:
    world = killed()
    world.switches.clear()
    world.wait(60).kill().wait(60)
    assert len(world.incidents) == 2


@pytest.mark.parametrize("start", CLIMBS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_pass_that_died_before_its_status_is_repeated_as_it_was(start: str, times: int) -> None:
    def prepared() -> World:
        world = STARTS[start]()
        if start == "live":
            world.wants(B)
        return world.signs(DIGEST_B, 1)

    undisturbed, world = prepared(), prepared()
    for _ in range(times):
        world.look(lost=True)
    for one in (undisturbed, world):
        one.settle()
    assert world.status == undisturbed.status
    assert world.records == undisturbed.records


def test_a_landing_that_died_before_its_status_lands_again() -> None:
    world = cruising()
    world.now += timedelta(seconds=CRUISE)
    world.look(good, lost=True)
    world.wait(1, good)
    assert world.stage is Stage.LIVE
    assert world.status.last_known_good is not None
    assert world.records[DIGEST_B].good_since == world.status.last_known_good.since


def posts(effects: Iterable[Effect]) -> list[PostEvent]:
    return [e for e in effects if isinstance(e, PostEvent)]


def test_no_event_is_lost_when_the_clock_steps_back() -> None:
    world = ramping()
    world.now -= timedelta(seconds=30)
    world.look(bad)
    assert world.status.history[-1].reason == EventReason.ROLLED_BACK
    assert world.status.history[-1] in world.events.values()


def test_two_passes_in_one_millisecond_tell_two_events() -> None:
    world = live().wants(B)
    world.look()
    world.look()
    assert [t in world.events.values() for t in world.status.history[-2:]] == [True, True]
