"""Flights that ask people: at the step that asks, and when only the word of people is missing."""

from goaround.api.base import Json
from goaround.api.reasons import Stage
from tests.unit.rollout.build import HOLD, B
from tests.unit.rollout.flights import live
from tests.unit.rollout.world import World, good

FULL: Json = {"signOff": {"mode": "BeforeFullTraffic"}}
TWO: Json = {"signOff": {"mode": "BeforeFullTraffic", "minApprovers": 2}}
ANOTHER = "sha256:" + "0" * 64


def at_half(**parts: Json) -> World:
    """B at 50 %, where people are asked before it goes on."""
    world = live().wants(B, **(parts or FULL)).wait(60).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)
    return world


def waiting(**parts: Json) -> World:
    """Everything but the word of people is there."""
    world = at_half(**parts).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    return world
