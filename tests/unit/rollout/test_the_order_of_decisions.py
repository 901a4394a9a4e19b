"""One order: kill > roll back > hold > climb. Nothing that is missing stands before a move down."""

from dataclasses import replace

import pytest

from goaround.api.reasons import Stage
from goaround.rollout.decide import decide
from goaround.rollout.observed import Judged
from tests.unit.rollout.build import DIGEST_C, HOLD, STEP_DEADLINE, A, a_problem
from tests.unit.rollout.flights import STARTS, halfway, ramping
from tests.unit.rollout.world import (
    Evidence,
    World,
    bad,
    good,
    judged,
    nothing,
    undecided,
    unreadable,
)


def good_but_unreadable(world: World) -> Judged | None:
    return judged(world, accepted=True, samples=1000, unreadable="signal toxic: time-out")


@pytest.mark.parametrize("evidence", [bad, unreadable, good, undecided, nothing])
def test_a_kill_comes_before_whatever_the_evidence_says(evidence: Evidence) -> None:
    world = ramping().kill()
    world.now = world.status.step.since if world.status.step else world.now
    world.wait(HOLD, evidence)
    assert (world.stage, world.status.split.fallback) == (Stage.KILLED, 100)


def test_a_kill_comes_before_a_deadline() -> None:
    assert ramping().kill().wait(HOLD + STEP_DEADLINE, undecided).stage is Stage.KILLED


def test_a_kill_needs_no_valid_spec() -> None:
    world = ramping().kill()
    world.problems = (a_problem(),)
    assert world.wait(1, nothing).status.split.fallback == 100


def test_rolling_back_comes_before_holding() -> None:
    world = ramping().wait(60, lambda w: bad(w, unreadable="signal toxic: time-out"))
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_rolling_back_comes_before_climbing() -> None:
    world = ramping().wait(HOLD, lambda w: bad(w, accepted=True))
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)


def test_rolling_back_comes_before_giving_up() -> None:
    assert ramping().wait(HOLD + STEP_DEADLINE, bad).stage is Stage.ROLLED_BACK


def test_rolling_back_needs_no_valid_spec() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    assert world.wait(60, bad).stage is Stage.ROLLED_BACK


def test_rolling_back_needs_no_record() -> None:
    world = halfway()
    world.records.clear()
    plan = world.look(bad)
    assert (world.stage, plan.first) == (Stage.ROLLED_BACK, ())


def test_a_release_that_breaks_its_bounds_is_latched_even_where_git_reverts_it() -> None:
    world = halfway().wants(A).wait(1, bad)
    assert world.stage is Stage.LIVE
    assert [x.cause for x in world.status.latches] == ["Signal"]


def test_holding_comes_before_climbing() -> None:
    world = ramping().wait(HOLD, good_but_unreadable)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)


def test_an_invalid_spec_comes_before_climbing() -> None:
    world = ramping()
    world.problems = (a_problem(),)
    world.wait(HOLD, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)


def test_giving_up_comes_before_climbing() -> None:
    assert ramping().wait(HOLD + STEP_DEADLINE, good).stage is Stage.INCONCLUSIVE


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("evidence", [nothing, undecided, good, unreadable, bad])
def test_every_pass_has_a_plan(start: str, evidence: Evidence) -> None:
    world = STARTS[start]()
    split = world.plan(evidence).status.split
    assert split.stable + split.candidate + split.fallback == 100


@pytest.mark.parametrize("start", STARTS)
def test_a_feature_under_deletion_is_left_alone(start: str) -> None:
    world = STARTS[start]().kill()
    seen = world.observed(bad)
    meta = world.feature.metadata.but(deletion_timestamp=world.now)
    plan = decide(replace(seen, feature=world.feature.but(metadata=meta)), world.now)
    assert (plan.status, plan.first, plan.then) == (world.status, (), ())


def test_evidence_of_another_attempt_climbs_nowhere() -> None:
    stale = ramping().wait(HOLD, lambda w: judged(w, attempt=9, accepted=True, samples=1000))
    assert (stale.stage, stale.weight) == (Stage.RAMPING, 10)


def test_evidence_of_another_release_blames_nobody() -> None:
    stale = ramping().wait(HOLD, lambda w: bad(w, digest=DIGEST_C))
    assert (stale.stage, stale.weight) == (Stage.RAMPING, 10)
