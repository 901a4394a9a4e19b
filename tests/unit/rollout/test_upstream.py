"""A feature downstream of one that fails: told, held, sent back at once, and not blamed."""

from collections.abc import Callable

import pytest

from goaround.api.conditions import Condition
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.status import LatchCause
from goaround.rollout.upstream import fails
from tests.unit.rollout.build import CRUISE, DIGEST_B, HOLD, B, a_delivery
from tests.unit.rollout.flights import adopted, cruising, killed, live, ramping, rolled_back
from tests.unit.rollout.world import World, bad, good, live_bad, live_good, quiet

TOLD = ("search is killed, its fallback serves",)


def downstream(world: World) -> World:
    world.upstream = TOLD
    return world


def incident(world: World) -> Condition | None:
    return world.condition(ConditionType.UPSTREAM_INCIDENT)


def test_a_feature_that_is_killed_fails() -> None:
    assert fails(killed().feature) == "chat is killed, its fallback serves"


def test_one_in_a_drill_fails_until_it_is_over() -> None:
    world = live().drills(60).wait(1, live_good)
    assert fails(world.feature) == "chat is in a drill, its fallback serves"
    assert fails(world.wait(61, live_good).feature) is None


def test_one_whose_fallback_serves_after_a_way_down_fails() -> None:
    world = adopted().wait(60, bad)
    assert fails(world.feature) == "chat came back, its fallback serves"


def test_one_that_did_harm_fails_until_it_is_contained() -> None:
    world = rolled_back()
    assert "is not contained yet" in (fails(world.feature) or "")
    world.delivered = a_delivery(world.status.revision)
    world.wait(1, quiet).wait(30, quiet)
    assert world.status.latches[0].contained_at is not None
    assert fails(world.feature) is None


@pytest.mark.parametrize("healthy", [live, ramping, cruising])
def test_one_that_flies_or_serves_does_not_fail(healthy: Callable[[], World]) -> None:
    assert fails(healthy().feature) is None


def test_the_consumer_says_so_as_long_as_it_lasts() -> None:
    world = downstream(live()).wait(60)
    said = incident(world)
    assert said is not None
    assert said.status == "True"
    assert TOLD[0] in said.message
    world.upstream = ()
    assert incident(world.wait(60)) is None


def test_nothing_climbs_meanwhile_and_the_climb_goes_on_afterwards() -> None:
    world = downstream(ramping()).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert (world.status.hold or "").startswith("UpstreamIncident: search is killed")
    world.upstream = ()
    assert world.wait(HOLD + 10, good).weight == 50


def test_nothing_takes_off_into_it() -> None:
    world = downstream(live())
    world.wants(B).wait(60)
    assert (world.stage, world.weight) == (Stage.PREFLIGHT, 0)


def test_a_breach_takes_every_user_away_at_once_and_quarantines_nothing() -> None:
    world = downstream(ramping()).wait(60, bad)
    latch = world.status.latches[0]
    assert (world.stage, world.weight) == (Stage.INCONCLUSIVE, 0)
    assert latch.cause is LatchCause.NO_PROOF
    assert "not blamed on it, for search is killed" in latch.message
    assert world.records[DIGEST_B].quarantined_attempt is None
    assert world.status.history[-1].reason == EventReason.INCONCLUSIVE


def test_it_does_not_fly_again_by_itself() -> None:
    world = downstream(ramping()).wait(60, bad)
    world.upstream = ()
    assert world.wait(CRUISE, good).stage is Stage.INCONCLUSIVE


def test_safety_is_never_excused() -> None:
    world = downstream(ramping()).wait(60, lambda w: bad(w, "toxic"))
    assert world.stage is Stage.ROLLED_BACK
    assert world.records[DIGEST_B].quarantined_attempt == 1


def test_what_is_live_falls_as_ever() -> None:
    world = downstream(live()).wait(60, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.ROLLED_BACK, 100)


def test_a_kill_is_a_kill() -> None:
    assert downstream(ramping()).kill().wait(60).stage is Stage.KILLED
