"""Worlds at some point of a flight: A came first, B comes after it.

Each is flown there once for each release; every test gets a copy of its own.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from goaround.api.feature import Release
from goaround.api.reasons import Stage
from tests.unit.rollout.build import CRUISE, DIGEST_B, HOLD, STEP_DEADLINE, A, B, a_spec
from tests.unit.rollout.world import World, bad, good, undecided, unreadable

Flight = Callable[..., World]


def once(fly: Flight) -> Flight:
    """`fly`, flown once for each release."""
    known: dict[str, World] = {}

    @wraps(fly)
    def copied(*release: Release) -> World:
        key = "".join(r.model_dump_json() for r in release)
        if key not in known:
            known[key] = fly(*release)
        return known[key].copied()

    return copied


@once
def adopted(release: Release = A) -> World:
    """The first release was taken over and cruises."""
    return World(spec=a_spec(release)).settle()


@once
def live(release: Release = A) -> World:
    """`release` is last-known-good and spec asks for it."""
    world = adopted(release).wait(CRUISE + 10, good)
    assert world.stage is Stage.LIVE
    return world


@once
def ramping(release: Release = B) -> World:
    """`release` is at the first step, beside A."""
    world = live().wants(release).wait(60)
    assert world.stage is Stage.RAMPING
    return world


@once
def halfway(release: Release = B) -> World:
    world = ramping(release).wait(HOLD + 10, good)
    assert world.weight == 50
    return world


@once
def cruising(release: Release = B) -> World:
    world = halfway(release).wait(HOLD + 10, good)
    assert world.stage is Stage.CRUISING
    return world


@once
def holding(release: Release = B) -> World:
    world = ramping(release).wait(60, unreadable)
    assert world.stage is Stage.HOLDING
    return world


@once
def preflight(release: Release = B) -> World:
    world = live().wants(release)
    world.now += timedelta(seconds=60)
    world.look()
    assert world.stage is Stage.PREFLIGHT
    return world


@once
def rolled_back(release: Release = B) -> World:
    world = ramping(release).wait(60, bad)
    assert world.stage is Stage.ROLLED_BACK
    return world


@once
def inconclusive(release: Release = B) -> World:
    world = ramping(release).wait(HOLD + STEP_DEADLINE, undecided)
    assert world.stage is Stage.INCONCLUSIVE
    return world


@once
def killed(release: Release = B) -> World:
    world = ramping(release).kill().wait(60)
    assert world.stage is Stage.KILLED
    return world


STARTS: dict[str, Callable[[], World]] = {
    "nothing": World,
    "adopted": adopted,
    "live": live,
    "preflight": preflight,
    "ramping": ramping,
    "holding": holding,
    "halfway": halfway,
    "cruising": cruising,
    "rolled back": rolled_back,
    "inconclusive": inconclusive,
    "killed": killed,
}


def fly_to_live(world: World) -> World:
    """Good evidence until the release of spec is last-known-good."""
    for _ in range(6):
        world.wait(CRUISE, good)
        if world.stage is Stage.LIVE:
            return world
    raise AssertionError(f"did not land: {world.status.summary}")


@once
def live_twice() -> World:
    """B is last-known-good, A was before it."""
    return fly_to_live(live().wants(B))


@once
def retry_landed() -> World:
    """B was proven harmful, was asked for again, and landed."""
    world = rolled_back()
    return fly_to_live(world.signs(DIGEST_B, 1))
