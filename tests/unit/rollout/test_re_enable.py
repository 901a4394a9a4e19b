"""After harm the way up is frozen, gated and slow; after people's word it is open."""

from datetime import timedelta

import pytest

from goaround.api.conditions import find
from goaround.api.digest import plan_digest
from goaround.api.feature import AIFeatureSpec
from goaround.api.incident import RequestedPhase, Severity
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.ramp import Ramp
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import Split
from goaround.api.trigger import TriggerSource
from goaround.rollout.flown import as_flown, steps_of
from goaround.rollout.freeze import freezing
from goaround.rollout.observed import Checked
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_B,
    HOLD,
    A,
    B,
    C,
    a_spec,
    with_vs_stable,
)
from tests.unit.rollout.flights import live, live_twice, ramping
from tests.unit.rollout.test_preflight import HASH, PREFLIGHT
from tests.unit.rollout.world import World, bad, good, live_bad, quiet, undecided

SLOW = {
    "reenable": [
        {"weightPercent": 5, "holdSeconds": 2 * HOLD},
        {"weightPercent": 100},
    ]
}


def remembering(world: World) -> World:
    world.remembers = True
    return world


def harmed(at_weight: int = 50) -> World:
    """B was proven harmful: at half a P2, at 10 % a P3."""
    world = remembering(ramping())
    if at_weight == 50:
        world.wait(HOLD + 10, good)
    world.wait(60, bad)
    assert world.stage is Stage.ROLLED_BACK
    return world.settle()


def killed_in_flight() -> World:
    """B was killed at 10 %, and the switch is gone again."""
    world = remembering(ramping()).kill().wait(60)
    world.switches.clear()
    return world.wait(10)


def open_rules(world: World) -> dict[str, bool]:
    return {r.name: r.open for r in world.status.gate}


def test_after_a_p2_a_new_release_waits_and_the_hold_names_the_incident() -> None:
    world = harmed().wants(C, ramp=SLOW).wait(60)
    (name,) = world.troubles
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    assert (world.status.hold or "").startswith(f"ChangeFreeze: AIIncident {name} is open.")
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.CHANGE_FREEZE)
    assert open_rules(world)["recovery-requested"] is False


def test_after_a_p3_a_new_release_takes_the_normal_ramp_at_once() -> None:
    world = harmed(10).wants(C, ramp=SLOW).wait(60)
    assert world.weight == 10
    assert world.status.candidate is not None
    assert world.status.candidate.re_enables is None


def test_a_p3_that_people_raise_to_p1_freezes() -> None:
    world = harmed(10)
    world.troubles = {
        n: i.but(spec=i.spec.but(severity=Severity.P1)) for n, i in world.troubles.items()
    }
    assert world.wants(C).wait(60).weight == 0
    assert (world.status.hold or "").startswith("ChangeFreeze")


@pytest.mark.parametrize("said", [RequestedPhase.RESOLVED, RequestedPhase.CANCELLED])
def test_peoples_word_that_it_is_over_ends_the_freeze(said: RequestedPhase) -> None:
    world = harmed().wants(C, ramp=SLOW).wait(60).people(said).wait(1)
    slow = said is RequestedPhase.RESOLVED
    assert world.weight == (5 if slow else 10)


def test_recovery_opens_the_gate_once_the_harm_is_contained() -> None:
    world = harmed().wants(C, ramp=SLOW).people(RequestedPhase.RECOVERING).wait(60)
    assert world.weight == 0
    assert open_rules(world) == {
        "no-kill-source": True,
        "recovery-requested": True,
        "contained": False,
        "classified": True,
        "root-cause": True,
        "guardrail": True,
        "fix-identified": True,
        "fallback-ready": True,
    }
    world.wait(60, quiet).wait(1)
    assert open_rules(world)["contained"]
    assert (world.weight, world.stage) == (5, Stage.RAMPING)


def test_the_re_enable_ramp_is_flown_told_and_ends_in_live() -> None:
    world = harmed().wants(C, ramp=SLOW).people(RequestedPhase.RESOLVED).wait(60)
    (name,) = world.troubles
    flown = world.status.candidate
    assert flown is not None
    assert flown.re_enables == name
    assert f"re-enable ramp after {name}" in (world.status.summary or "")
    assert world.wait(HOLD + 10, good).weight == 5
    assert world.wait(HOLD + 10, good).weight == 100
    assert world.wait(CRUISE + 10, good).stage is Stage.LIVE
    assert world.wants(B).wants(A, ramp=SLOW).wait(60).weight == 10  # what landed ends it


def test_the_default_re_enable_ramp_takes_a_day_and_fits_into_its_deadline() -> None:
    world = harmed()
    default = Ramp().wire()["reenable"]
    world.wants(C, ramp={"reenable": default, "deadlineSeconds": 7200})
    world.people(RequestedPhase.RESOLVED).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert [s.hold_seconds for s in steps_of(world.spec, flown)[:2]] == [43200, 43200]
    assert flown.deadline_at - flown.since > timedelta(hours=24)
    assert world.wait(43000, good).weight == 10
    assert world.wait(300, good).weight == 50


def test_a_retry_flies_the_re_enable_ramp_whatever_the_severity_was() -> None:
    world = harmed(10)
    world.wants(B, ramp=SLOW).signs(DIGEST_B, 1).wait(60)
    assert world.weight == 5
    assert world.status.candidate is not None
    assert world.status.candidate.re_enables == "a retry of attempt 1"


def test_a_killed_release_needs_a_fix_or_a_retry_while_its_incident_is_open() -> None:
    world = killed_in_flight()
    assert world.status.split == Split(stable=100)
    world.people(RequestedPhase.RECOVERING).wait(10)
    assert world.weight == 0
    closed = [r for r in world.status.gate if not r.open]
    assert [r.name for r in closed] == ["fix-identified"]
    assert f"AISignOff Retry with digest {DIGEST_B}, attempt 1" in closed[0].reason
    world.signs(DIGEST_B, 1).wait(10)
    assert world.weight == 10


def test_another_release_after_a_kill_is_a_fix() -> None:
    world = killed_in_flight().people(RequestedPhase.RECOVERING).wants(C, ramp=SLOW).wait(10)
    assert world.weight == 5


def test_last_known_good_comes_back_under_a_freeze() -> None:
    world = harmed().wants(A).wait(60)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)


def test_a_fallback_that_is_not_ready_keeps_the_gate_closed() -> None:
    world = harmed().wants(C).people(RequestedPhase.RECOVERING).wait(60, quiet)
    ready = find(world.status.conditions, ConditionType.FALLBACK_READY)
    assert ready is not None
    others = [c for c in world.status.conditions if c != ready]
    told = ready.but(status="False", reason="IndexDeleted", message="no rules")
    world.status = world.status.but(conditions=[*others, told])
    (rule,) = [r for r in world.plan().status.gate if r.name == "fallback-ready"]
    assert (rule.open, rule.reason) == (False, "no rules")


def test_nobody_promotes_past_a_freeze() -> None:
    world = remembering(ramping())
    world.kill().wait(10)
    world.switches.clear()
    world.people(RequestedPhase.RECOVERING).wants(C).wait(10)
    assert world.weight == 10
    world.decides(Decision.PROMOTE)
    world.troubles = {
        n: i.but(spec=i.spec.but(requested_phase=None)) for n, i in world.troubles.items()
    }
    world.wait(10, good)
    assert (world.weight, world.stage) == (10, Stage.HOLDING)
    assert world.status.clock_stopped_at is not None


def test_under_a_freeze_a_proof_of_harm_still_goes_down() -> None:
    world = killed_in_flight().people(RequestedPhase.RECOVERING).wants(C).wait(10)
    world.troubles = {
        n: i.but(spec=i.spec.but(requested_phase=None)) for n, i in world.troubles.items()
    }
    world.wait(10, undecided)
    assert world.stage is Stage.HOLDING
    assert world.wait(10, bad).stage is Stage.ROLLED_BACK


def test_until_its_incident_is_written_nothing_new_takes_off() -> None:
    world = harmed()
    unwritten = world.status.latches[0].but(incident_opened_at=None)
    world.status = world.status.but(latches=[unwritten])
    world.incidents.clear()
    hold = world.wants(C).plan().status.hold or ""
    assert "is still to be written" in hold


def test_an_outage_blames_no_release_and_freezes_nothing() -> None:
    world = harmed()
    (one,) = world.troubles.values()
    trigger = one.spec.trigger.but(source=TriggerSource.OUTAGE)
    world.troubles = {"outage": one.but(spec=one.spec.but(trigger=trigger))}
    assert freezing(world.observed()) == []


def test_the_re_enable_ramp_is_judged_without_tolerance_at_five_percent() -> None:
    world = harmed()
    world.wants(C, **with_vs_stable()).people(RequestedPhase.RESOLVED).wait(60)
    strict = as_flown(world.feature).spec
    bound = strict.acceptance.signals[1].vs_stable
    assert bound is not None
    assert (bound.worse_by, bound.reject_at, strict.acceptance.alpha) == ("0", "0.04", "0.05")
    assert strict.ramp.steps == world.spec.ramp.reenable
    assert as_flown(live().feature) == live().feature


def test_a_re_enable_ramp_changes_the_plan_digest_unless_it_is_the_default() -> None:
    wire = a_spec(B).wire()
    spelled_out = AIFeatureSpec.model_validate(
        wire | {"ramp": wire["ramp"] | {"reenable": Ramp().wire()["reenable"]}}
    )
    del wire["ramp"]["reenable"]
    unsaid = AIFeatureSpec.model_validate(wire)
    assert plan_digest(spelled_out) == plan_digest(unsaid)
    assert plan_digest(a_spec(B, ramp=SLOW)) != plan_digest(unsaid)


def checked(world: World) -> World:
    """C waits in pre-flight under the freeze, and passes it."""
    world.wants(C, preflight=PREFLIGHT).wait(5)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    assert not open_rules(world)["preflight-passed"]
    flown = world.status.candidate
    assert flown is not None
    told = PreflightStatus(verdict=PreflightVerdict.PASSED, message="10 of 10")
    world.checked = Checked(flown.digest, flown.attempt, golden=HASH, found=told)
    return world.wait(5)


def test_under_a_freeze_pre_flight_runs_so_that_the_gate_can_open() -> None:
    world = checked(harmed())
    assert open_rules(world)["preflight-passed"]
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    assert (world.status.hold or "").startswith("ChangeFreeze")
    assert (
        world.wait(30 * 86400).stage is Stage.PREFLIGHT
    )  # no deadline while people are waited for
    world.wait(60, quiet).people(RequestedPhase.RESOLVED)
    assert world.wait(1).weight == 10


def test_while_a_release_waits_under_a_freeze_last_known_good_is_watched() -> None:
    world = live_twice()
    world.remembers = True
    world.status = world.status.but(latches=[])
    world.kill().wait(10)
    world.switches.clear()
    world = checked(world.wait(10))
    world.look(live_bad)
    world.wait(5)
    good_now = world.status.last_known_good
    assert (good_now.release if good_now else None) == A
    assert world.status.latches[0].digest == DIGEST_B
    assert world.status.split == Split(stable=100)
    assert world.stage is Stage.PREFLIGHT  # what waited is not to blame, and waits on
