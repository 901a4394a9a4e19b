"""People gate the way up: who counts, where they are asked, and what their word may not do."""

from datetime import timedelta

import pytest

from goaround.api.base import Json
from goaround.api.feature import RiskTier, SignOffMode
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.signoff import Decision
from goaround.rollout.observed import UNREAD, Guarded
from goaround.rollout.signoffs import asks
from tests.unit.rollout.asking import ANOTHER, FULL, TWO, at_half, waiting
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_B,
    HOLD,
    STEP_DEADLINE,
    B,
    a_spec,
)
from tests.unit.rollout.flights import live
from tests.unit.rollout.world import World, bad, good, undecided


def reasons(world: World) -> list[str]:
    return [t.reason for t in world.status.history]


@pytest.mark.parametrize(
    ("parts", "asked"),
    [
        ({}, []),
        (FULL, [1]),
        ({"signOff": {"mode": "EveryStep"}}, [0, 1]),
        ({"riskTier": "High"}, [1]),
        ({"riskTier": "Limited"}, []),
        ({"riskTier": "High", "signOff": {"mode": "EveryStep"}}, [0, 1]),
    ],
)
def test_the_mode_says_which_steps_ask(parts: Json, asked: list[int]) -> None:
    world = at_half()
    spec, step = a_spec(B, **parts), world.status.step
    assert step is not None
    at = [i for i in range(3) if asks(spec, world.status.but(step=step.but(index=i)))]
    assert at == asked


def test_a_step_may_ask_whatever_the_mode_even_the_last_one() -> None:
    steps = [{"weightPercent": 10, "requireSignOff": True}, {"weightPercent": 100}]
    last = [{"weightPercent": 10}, {"weightPercent": 100, "requireSignOff": True}]
    world = at_half()
    step = world.status.step
    assert step is not None
    for plan, asked in ((steps, [0]), (last, [1])):
        spec = a_spec(B, ramp={"steps": plan})
        assert [i for i in (0, 1) if asks(spec, world.status.but(step=step.but(index=i)))] == asked


def test_the_default_of_a_high_risk_is_before_full_traffic() -> None:
    assert a_spec(riskTier="High").sign_off_mode is SignOffMode.BEFORE_FULL_TRAFFIC
    assert a_spec(riskTier="Minimal").sign_off_mode is SignOffMode.NEVER
    assert a_spec(riskTier="High").risk_tier is RiskTier.HIGH


def test_a_plan_of_one_step_asks_before_its_first_user() -> None:
    world = live().wants(B, ramp={"steps": [{"weightPercent": 100}]}, **FULL).wait(60)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)
    assert (world.status.hold or "").startswith("AwaitingSignOff: 0 of 1")
    world.decides(Decision.APPROVE).wait(60)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)


def test_an_adopted_release_asks_nobody() -> None:
    world = World(spec=a_spec(signOff={"mode": "EveryStep"})).settle().wait(CRUISE + 10, good)
    assert world.stage is Stage.LIVE


def test_without_sign_offs_nothing_of_it_stands_in_status() -> None:
    world = live().wants(B).wait(60)
    assert world.status.sign_off is None
    assert world.condition(ConditionType.AWAITING_SIGN_OFF) is None


def test_people_are_asked_last_when_the_evidence_is_complete() -> None:
    world = at_half().wait(HOLD + 10, undecided)
    assert (world.stage, world.status.clock_stopped_at) == (Stage.RAMPING, None)
    world.wait(10, good)
    assert reasons(world)[-1] == EventReason.SIGN_OFF_REQUESTED
    told = world.status.history[-1].message
    assert world.status.plan_digest is not None
    assert world.status.plan_digest in told
    assert "attempt 1" in told


def test_the_wait_stands_in_conditions_and_status() -> None:
    world = waiting()
    ready, asked = (
        world.condition(k) for k in (ConditionType.READY, ConditionType.AWAITING_SIGN_OFF)
    )
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.AWAITING_SIGN_OFF)
    assert asked is not None
    assert (asked.status, asked.reason) == ("True", Reason.PENDING)
    said = world.status.sign_off
    assert said is not None
    assert world.status.candidate is not None
    assert said.plan_digest == world.status.candidate.plan_digest
    assert (said.attempt, said.needed, said.approvals) == (1, 1, [])


def test_the_wait_is_told_once_and_writes_nothing_more() -> None:
    world = waiting()
    before = world.status
    for _ in range(5):
        plan = world.look(good)
        assert not plan.urgent
        world.now += timedelta(seconds=10)
    assert world.status.history == before.history
    assert world.status.clock_stopped_at == before.clock_stopped_at


def test_while_people_are_asked_no_deadline_runs() -> None:
    world = waiting().wait(3 * STEP_DEADLINE, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    world.decides(Decision.APPROVE).wait(10, good)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    assert world.status.candidate is not None
    assert world.status.candidate.deadline_at > world.now


def test_a_wait_goes_on_while_its_evidence_cannot_be_read_for_a_moment() -> None:
    world = waiting()
    before = world.status
    world.wait(10, lambda _: None)
    assert (world.status.hold, world.status.clock_stopped_at) == (
        before.hold,
        before.clock_stopped_at,
    )
    assert world.status.history == before.history


def test_proof_of_harm_ends_the_wait() -> None:
    assert waiting().wait(10, bad).stage is Stage.ROLLED_BACK


def test_a_kill_ends_the_wait() -> None:
    assert waiting().kill().wait(10, good).stage is Stage.KILLED


def test_an_approval_lets_it_go_on_and_is_told_with_its_name() -> None:
    world = waiting().decides(Decision.APPROVE).wait(10, good)
    assert (world.stage, world.weight) == (Stage.CRUISING, 100)
    (told,) = [t.message for t in world.status.history if t.reason == EventReason.SIGN_OFF_GRANTED]
    assert "approved by ann (AISignOff approve-ann-" in told
    assert world.status.clock_stopped_at is None


def test_an_approval_given_early_still_waits_for_the_evidence() -> None:
    world = at_half().decides(Decision.APPROVE).wait(HOLD + 10, undecided)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)
    assert world.wait(10, good).weight == 100
    assert EventReason.SIGN_OFF_REQUESTED not in reasons(world)


def test_an_approval_of_an_earlier_step_does_not_count_at_the_next() -> None:
    every: Json = {"signOff": {"mode": "EveryStep"}}
    world = live().wants(B, **every).wait(60).decides(Decision.APPROVE).wait(HOLD + 10, good)
    assert world.weight == 50
    world.wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)


def test_two_approvers_must_be_two_people() -> None:
    world = waiting(**TWO).decides(Decision.APPROVE).wait(10, good)
    world.decides(Decision.APPROVE, at=world.now + timedelta(seconds=1)).wait(10, good)
    assert world.weight == 50
    assert "1 of 2 approvals" in (world.status.hold or "")
    assert (world.status.hold or "").endswith("; approved so far by ann")
    assert world.decides(Decision.APPROVE, by="bob").wait(10, good).weight == 100


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": ANOTHER},
        {"digest": DIGEST_B},
        {"attempt": 2},
        {"by": "git"},
        {"feature": "search"},
    ],
    ids=["another plan", "the release alone", "another attempt", "the author", "another feature"],
)
def test_an_approval_of_something_else_does_not_count(changes: Json) -> None:
    world = waiting().decides(Decision.APPROVE, **changes)
    world.sign_offs = [s for s in world.sign_offs if s.spec.feature_ref.name == "chat"]
    assert world.wait(10, good).weight == 50


def test_an_approval_that_names_nobody_does_not_count() -> None:
    world = waiting().decides(Decision.APPROVE)
    (one,) = world.sign_offs
    world.sign_offs = [one.but(spec=one.spec.but(approver=None))]
    assert world.wait(10, good).weight == 50


def test_an_approval_expires() -> None:
    world = at_half(signOff={"mode": "BeforeFullTraffic", "validForSeconds": 60})
    world.decides(Decision.APPROVE).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    assert world.decides(Decision.APPROVE).wait(10, good).weight == 100


def test_an_allow_list_of_groups_narrows_who_counts() -> None:
    world = waiting(signOff={"mode": "BeforeFullTraffic", "groups": ["leads"]})
    world.decides(Decision.APPROVE, groups=["team"]).wait(10, good)
    assert world.weight == 50
    world.decides(Decision.APPROVE, by="bob", groups=["team", "leads"]).wait(10, good)
    assert world.weight == 100


def test_an_approval_that_is_withdrawn_in_time_does_not_count() -> None:
    world = at_half().decides(Decision.APPROVE).wait(10, undecided)
    assert world.status.sign_off is not None
    assert [a.approver for a in world.status.sign_off.approvals] == ["ann"]
    world.sign_offs.clear()
    world.wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)


def test_another_plan_voids_what_was_approved() -> None:
    world = at_half().decides(Decision.APPROVE).wait(10, undecided)
    world.wants(B, ramp={"steps": [{"weightPercent": w} for w in (10, 60, 100)]}, **FULL)
    world.wait(60).wait(HOLD + 10, good).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 60)
    assert world.status.sign_off is not None
    assert (world.status.sign_off.attempt, world.status.sign_off.approvals) == (2, [])


@pytest.mark.parametrize("guarded", [UNREAD, Guarded(missing="goaround-author is gone: apply it")])
def test_without_the_policies_nobody_counts_and_the_object_says_what_to_do(
    guarded: Guarded,
) -> None:
    world = waiting()
    world.guarded = guarded
    world.decides(Decision.APPROVE).wait(10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    assert world.status.hold == f"SignOffPolicyMissing: {guarded.missing}"
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", Reason.SIGN_OFF_POLICY_MISSING)


def test_an_approval_made_before_the_policy_stood_does_not_count() -> None:
    world = waiting().decides(Decision.APPROVE)
    world.guarded = Guarded(since=world.now + timedelta(seconds=1))
    assert world.wait(10, good).weight == 50
    assert world.decides(Decision.APPROVE, by="bob").wait(10, good).weight == 100


def test_the_same_second_as_the_step_counts_because_stamps_have_no_fractions() -> None:
    world = at_half()
    step = world.status.step
    assert step is not None
    world.status = world.status.but(step=step.but(since=step.since + timedelta(milliseconds=700)))
    world.decides(Decision.APPROVE, at=step.since)
    assert world.wait(HOLD + 10, good).weight == 100
