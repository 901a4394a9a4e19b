"""Revision, kstatus conditions, columns: what a status says of itself, and when it is written."""

from datetime import timedelta

import pytest

from goaround.api.feature import Release
from goaround.api.reasons import ConditionType, Reason, Stage
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, HOLD, NOW, B, C, a_delivery, a_problem
from tests.unit.rollout.flights import (
    STARTS,
    halfway,
    holding,
    killed,
    live,
    preflight,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import Evidence, World, bad, good, undecided, unreadable

KSTATUS = {
    "adopted": ("Unknown", Reason.CRUISING, ConditionType.RECONCILING),
    "live": ("True", Reason.ROLLOUT_COMPLETE, None),
    "preflight": ("Unknown", Reason.PREFLIGHT, ConditionType.RECONCILING),
    "ramping": ("Unknown", Reason.RAMPING, ConditionType.RECONCILING),
    "holding": ("Unknown", Reason.HOLDING, ConditionType.RECONCILING),
    "halfway": ("Unknown", Reason.RAMPING, ConditionType.RECONCILING),
    "cruising": ("Unknown", Reason.CRUISING, ConditionType.RECONCILING),
    "rolled back": ("False", Reason.ROLLED_BACK, ConditionType.STALLED),
    "inconclusive": ("False", Reason.INCONCLUSIVE, ConditionType.STALLED),
    "killed": ("False", Reason.KILLED, ConditionType.STALLED),
}
COLUMNS = {
    "adopted": ("Cruising", "100%", DIGEST_A),
    "live": ("Live", "0%", DIGEST_A),
    "preflight": ("Preflight", "0%", DIGEST_A),
    "ramping": ("Ramping", "10%", DIGEST_A),
    "halfway": ("Ramping", "50%", DIGEST_A),
    "cruising": ("Cruising", "100%", DIGEST_A),
    "rolled back": ("RolledBack", "0%", DIGEST_A),
    "inconclusive": ("Inconclusive", "0%", DIGEST_A),
    "killed": ("Killed", "0%", "fallback"),
}


@pytest.mark.parametrize("start", KSTATUS)
def test_ready_and_one_abnormal_condition_follow_kstatus(start: str) -> None:
    world = STARTS[start]()
    status, reason, abnormal = KSTATUS[start]
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == (status, reason)
    both = (ConditionType.RECONCILING, ConditionType.STALLED)
    assert [k for k in both if world.condition(k)] == ([abnormal] if abnormal else [])


@pytest.mark.parametrize("start", STARTS)
def test_a_bad_spec_is_stalled_and_never_reconciling(start: str) -> None:
    world = STARTS[start]()
    world.problems = (a_problem(),)
    world.wait(1)
    assert world.condition(ConditionType.STALLED)
    assert not world.condition(ConditionType.RECONCILING)


@pytest.mark.parametrize("start", KSTATUS)
def test_conditions_speak_of_the_generation_they_saw(start: str) -> None:
    world = STARTS[start]()
    world.generation += 1
    world.wait(1)
    assert world.status.observed_generation == world.generation
    assert {c.observed_generation for c in world.status.conditions} == {world.generation}


@pytest.mark.parametrize("asked", [B, C])
def test_a_new_release_is_never_called_ready_before_it_serves(asked: Release) -> None:
    world = halfway().wants(asked)
    for _ in range(4):
        world.look(undecided)
        ready = world.condition(ConditionType.READY)
        assert ready is not None
        assert ready.status != "True"
        world.now += timedelta(milliseconds=1)


def test_the_way_back_from_a_kill_is_not_called_ready_while_spec_wants_more() -> None:
    world = killed()
    world.switches.clear()
    world.look()
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (world.stage, ready.status) == (Stage.LIVE, "Unknown")


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    world = ramping()
    before = world.condition(ConditionType.READY)
    after = world.wait(HOLD, good).wait(HOLD, good).condition(ConditionType.READY)
    assert before is not None
    assert after is not None
    assert before.reason != after.reason
    assert before.last_transition_time == after.last_transition_time


def test_a_condition_that_turns_gets_a_new_time() -> None:
    world = ramping().wait(60, bad)
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert ready.last_transition_time >= world.now - timedelta(milliseconds=10)


def test_killed_says_by_what() -> None:
    by_switch = killed().condition(ConditionType.KILLED)
    world = ramping().wants(B, killSwitch={"engaged": True}).wait(1)
    by_spec = world.condition(ConditionType.KILLED)
    assert by_switch is not None
    assert by_spec is not None
    assert (by_switch.reason, by_spec.reason) == ("KillSwitchEngaged", "SpecKillSwitch")


@pytest.mark.parametrize("start", COLUMNS)
def test_columns_tell_stage_weight_and_what_serves(start: str) -> None:
    status = STARTS[start]().status
    stage, weight, live_release = COLUMNS[start]
    assert (status.stage, status.weight, status.live) == (stage, weight, _short(live_release))


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def test_the_summary_says_what_serves_and_why() -> None:
    assert rolled_back().status.summary == (
        f"{_short(DIGEST_A)} serves; errors ratio 4.1% vs 2.0%: e-value 312 >= 100 -> breach"
    )
    assert holding().status.summary == (
        f"{_short(DIGEST_B)} holds at 10%: signal errors: the provider does not answer"
    )
    assert live().status.summary == f"{_short(DIGEST_A)} serves everybody; last-known-good"


def test_signals_are_healthy_only_when_every_one_is_accepted() -> None:
    kind = ConditionType.SIGNALS_HEALTHY
    world = ramping()
    said = []
    for evidence in (undecided, good, unreadable, bad):
        healthy = world.wait(1, evidence).condition(kind)
        assert healthy is not None
        said.append((healthy.status, healthy.reason))
    assert said == [
        ("Unknown", "Undecided"),
        ("True", "WithinLimits"),
        ("Unknown", "NoData"),
        ("False", "LimitExceeded"),
    ]


def test_delivered_needs_every_replica() -> None:
    kind = ConditionType.DELIVERED
    world = ramping()
    newest = world.status.revision
    said = []
    answers = [
        a_delivery(newest - 1),
        a_delivery(newest),
        a_delivery(newest, replicas=1),
        a_delivery(None, replicas=0),
    ]
    for answer in answers:
        world.delivered = answer
        delivered = world.wait(1).condition(kind)
        assert delivered is not None
        said.append((delivered.status, delivered.reason))
    assert said == [
        ("False", "Pending"),
        ("True", "Delivered"),
        ("Unknown", "ReplicasUnreachable"),
        ("Unknown", "ReplicasUnreachable"),
    ]


def test_the_revision_is_the_time_of_the_decision() -> None:
    world = World(now=NOW)
    world.look()
    assert world.status.revision == int(NOW.timestamp())


def test_two_decisions_in_one_second_have_two_revisions() -> None:
    world = preflight()
    first = world.status.revision
    assert world.settle().status.revision == first + 1


def test_a_revision_never_falls_with_the_clock() -> None:
    world = ramping()
    before = world.status.revision
    world.now -= timedelta(days=1)
    world.kill().look()
    assert world.status.revision == before + 1


@pytest.mark.parametrize("evidence", [undecided, good, unreadable])
def test_the_revision_stays_while_nobody_is_moved(evidence: Evidence) -> None:
    world = ramping()
    revision = world.status.revision
    assert world.wait(60, evidence).status.revision == revision


def test_a_latch_carries_the_revision_of_its_own_decision() -> None:
    status = rolled_back().status
    assert status.latches[0].revision == status.revision


def test_readings_alone_are_not_urgent() -> None:
    world = ramping()
    world.wait(10)
    plan = world.plan(good)
    assert plan.status != world.status
    assert not plan.urgent


def test_a_decision_is_urgent() -> None:
    world = ramping()
    assert world.plan(bad).urgent
    assert world.plan(unreadable).urgent
    assert world.kill().plan().urgent


def test_how_far_it_was_delivered_is_not_urgent_by_itself() -> None:
    world = ramping()
    world.delivered = a_delivery(world.status.revision)
    world.wait(1)
    world.delivered = a_delivery(world.status.revision + 5)
    assert not world.plan().urgent


@pytest.mark.parametrize("start", STARTS)
def test_a_status_fits_the_schema_it_is_stored_under(start: str) -> None:
    status = STARTS[start]().status
    assert type(status).model_validate(status.wire()) == status
