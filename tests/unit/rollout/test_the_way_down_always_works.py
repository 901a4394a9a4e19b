"""Every stage, every way down, every obstacle: in that very pass the candidate has nobody.

The obstacles are those which kept other controllers from going down (`notes/rivals.md`, section 4),
and everything that people can put in the way up here.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.signoff import Decision
from goaround.api.status import Split
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import UNREAD, Checked, Delivered
from tests.unit.rollout.asking import waiting
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, B, C, a_problem, a_retry
from tests.unit.rollout.flights import (
    cruising,
    halfway,
    holding,
    live,
    live_twice,
    preflight,
    ramping,
)
from tests.unit.rollout.test_preflight import PREFLIGHT
from tests.unit.rollout.world import Evidence, World, bad, good, nothing, unreadable

Change = Callable[[World], object]


def in_preflight() -> World:
    """It waits for its verdict, at 0 %."""
    return live().wants(B, preflight=PREFLIGHT).settle(nothing)


STAGES: dict[str, Callable[[], World]] = {
    "preflight": in_preflight,
    "before the first step": preflight,
    "ramping": ramping,
    "half way": halfway,
    "holding": holding,
    "asking people": waiting,
    "cruising": cruising,
}


def _spec(world: World, **parts: object) -> None:
    """Git changes parts of spec, and leaves the rest as it is."""
    world.spec = world.spec.model_validate(world.spec.wire() | parts)
    world.generation += 1


def _fails(world: World) -> None:
    found = PreflightStatus(verdict=PreflightVerdict.FAILED, message="9 of 10 cases")
    world.checked = Checked(digest=DIGEST_B, attempt=1, golden="sha256:" + "1" * 64, found=found)


WAYS: dict[str, tuple[Change, Evidence | None]] = {
    "a kill switch": (lambda w: w.kill(), None),
    "the kill switch of spec": (lambda w: _spec(w, killSwitch={"engaged": True}), None),
    "an abort": (lambda w: w.aborted(), None),
    "proof of harm": (lambda w: None, bad),
    "a rejection": (lambda w: w.decides(Decision.REJECT), None),
    "a rollback": (lambda w: _spec(w, rollbackTo=DIGEST_A), None),
    "another release": (lambda w: _spec(w, release=C.wire()), None),
    "a failed pre-flight": (_fails, nothing),
}


def _behind(world: World) -> None:
    """This clock is an hour behind what status speaks of."""
    world.now -= timedelta(hours=1)


def _gone(world: World) -> None:
    """No record, no policy, no flag replica: whatever could be missing is."""
    world.records.clear()
    world.guarded = UNREAD
    world.delivered = Delivered(revision=None, replicas=0, expected=2, streams=0, at=world.now)


def _everything(world: World) -> None:
    for what, (change, _) in OBSTACLES.items():
        if what != "all of them at once":
            change(world)


OBSTACLES: dict[str, tuple[Change, Evidence]] = {
    "nothing": (lambda w: None, good),
    "the spec is wrong, or what it names is missing": (
        lambda w: setattr(w, "problems", (a_problem(),)), good),
    "no Prometheus": (lambda w: None, unreadable),
    "nothing was read since the start": (lambda w: None, nothing),
    "the brake": (lambda w: setattr(w, "braked", "Braked: for the holidays"), good),
    "suspended by Git": (lambda w: _spec(w, suspend=True), good),
    "held by whoever is on call": (lambda w: w.held(), good),
    "a clock that is behind": (_behind, good),
    "objects that are gone": (_gone, good),
    "an open sign-off": (lambda w: _spec(w, signOff={"mode": "EveryStep"}), good),
    "a promotion": (lambda w: w.status.candidate and w.decides(Decision.PROMOTE), good),
    "a retry": (lambda w: w.sign_offs.append(a_retry(DIGEST_B, 1, at=w.now)), good),
    "all of them at once": (_everything, unreadable),
}  # fmt: skip


@pytest.fixture(scope="module", params=STAGES)
def flying(request: pytest.FixtureRequest) -> World:
    """Flown there once; each case begins from a copy."""
    world = STAGES[request.param]()
    assert world.status.candidate is not None
    return world


def _copy(world: World) -> World:
    return World(
        spec=world.spec,
        status=world.status,
        now=world.now,
        generation=world.generation,
        records=dict(world.records),
        incidents=set(world.incidents),
        sign_offs=list(world.sign_offs),
    )


def test_whatever_is_in_the_way_the_candidate_has_nobody_in_that_very_pass(flying: World) -> None:
    for (way, (go, seen)), (obstacle, (stand, else_seen)) in product(
        WAYS.items(), OBSTACLES.items()
    ):
        if seen is nothing and flying.status.preflight is None:
            continue  # there is no pre-flight to fail
        if seen is bad and flying.status.step is None:
            continue  # nobody uses it, so that nobody can be harmed
        world = _copy(flying)
        stand(world)
        go(world)
        plan = world.plan(seen or else_seen)
        case = f"{way} against {obstacle}"
        assert plan.status.split.candidate == 0, case
        assert not in_flight(plan.status), case
        nothing_first = plan.first == () or flying.weight == 0
        assert nothing_first, f"{case}: {plan.first} would come before the way down"


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_whatever_is_in_the_way_a_rollback_leaves_what_is_live_in_that_very_pass(
    landed: World, obstacle: str
) -> None:
    world, (stand, seen) = _copy(landed), OBSTACLES[obstacle]
    stand(world)
    _spec(world, rollbackTo=DIGEST_A)
    plan = world.plan(seen)
    good = plan.status.last_known_good
    assert good is not None
    assert (good.digest, plan.status.split, plan.first) == (DIGEST_A, Split(stable=100), ())


@pytest.fixture(scope="module")
def landed() -> World:
    return live_twice()
