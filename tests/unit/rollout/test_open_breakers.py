"""Apps that took to the fallback by themselves: told with their number, and nothing climbs."""

import pytest

from goaround.api.conditions import Condition
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.rollout.breakers import line
from goaround.rollout.observed import Breakers, Opened
from tests.unit.rollout.build import HOLD, B
from tests.unit.rollout.flights import live
from tests.unit.rollout.world import World, bad, good, live_good

FALLBACK = {"type": "Rules", "breaker": {"metric": "confidence", "below": "0.70"}}
ARMS = {"stable": (0, 3), "candidate": (2, 5)}


def seen(world: World, arms: dict[str, tuple[int, int]], blind: str | None = None) -> World:
    found = {arm: Opened(*numbers) for arm, numbers in arms.items()}
    world.breakers = Breakers(found, world.now, blind=blind)
    return world


def flying() -> World:
    world = live().wants(B, fallback=FALLBACK)
    world.settle(good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    return world


def said(world: World) -> Condition:
    found = world.condition(ConditionType.BREAKER_OPEN)
    assert found is not None
    return found


def test_open_breakers_hold_a_flight_and_say_how_many_there_are() -> None:
    world = seen(flying(), ARMS).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    told = "2 of 5 replicas (40%) on candidate have the breaker open and serve the fallback"
    assert (world.status.hold or "").startswith(f"BreakerOpen: {told}")
    assert (said(world).status, said(world).reason) == ("True", Reason.BREAKER_OPEN)
    assert said(world).message == f"{told} (confidence below 0.70)"
    assert line(world.observed()) == said(world).message


def test_it_goes_on_when_they_close() -> None:
    world = seen(flying(), ARMS).wait(HOLD + 10, good)
    world = seen(world, {"stable": (0, 3), "candidate": (0, 5)}).wait(10, good)
    assert world.weight == 50
    assert said(world).message == "none is open of 5 on candidate and 3 on stable"


def test_breakers_alone_send_nobody_back_and_proof_does_all_the_same() -> None:
    world = seen(flying(), {"candidate": (5, 5)}).wait(3600)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert world.wait(10, bad).stage is Stage.ROLLED_BACK


def test_breakers_of_what_is_live_are_told_and_move_nobody() -> None:
    world = live()
    world.wants(world.spec.release, fallback=FALLBACK)
    seen(world, {"stable": (1, 2)}).settle(live_good)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
    assert said(world).status == "True"


@pytest.mark.parametrize(
    ("blind", "reason"),
    [(None, Reason.NO_DATA), ("no connection", Reason.PROVIDER_UNAVAILABLE)],
)
def test_what_cannot_be_seen_is_unknown_and_holds_nobody(blind: str | None, reason: Reason) -> None:
    world = seen(flying(), {}, blind).wait(HOLD + 10, good)
    assert world.weight == 50
    assert (said(world).status, said(world).reason) == ("Unknown", reason)


def test_without_a_breaker_in_spec_nothing_is_said() -> None:
    world = seen(live(), ARMS).settle(live_good)
    assert world.condition(ConditionType.BREAKER_OPEN) is None
