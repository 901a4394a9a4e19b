"""Two candidates, any weather, any misfortune: never two that write, and never long nobody."""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.kinds import LEASES
from tests.unit.runtime.lease_sim import NAMESPACE, Process, Weather, World, run

PROMISE_SECONDS = 20.0


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    slowest=st.sampled_from([0.02, 1.0, 4.0, 9.0, 20.0]),
    failing=st.sampled_from([0.0, 0.05, 0.3]),
)
def test_two_never_act_at_the_same_time(seed: int, slowest: float, failing: float) -> None:
    """Whatever is slow, lost, killed, restarted, cut off or deleted: as a true clock sees it."""

    async def story(world: World) -> list[float]:
        chance = world.chance

        def weather() -> Weather:
            return Weather(slowest, failing, chance=random.Random(chance.random()))

        living = {name: world.process(name, weather()).start() for name in "ab"}
        watching = asyncio.ensure_future(world.watch())
        for _ in range(12):
            await asyncio.sleep(chance.uniform(0, 30))
            name = chance.choice("ab")
            await misfortune(world, living, name, weather())
        watching.cancel()
        return world.overlaps

    assert run(story, seed) == []


async def misfortune(world: World, living: dict[str, Process], name: str, weather: Weather) -> None:
    """One thing that happens to a process."""
    chance, victim = world.chance, living[name]
    match chance.choice(["kill", "stop", "cut", "label", "nothing"]):
        case "kill":
            await victim.kill()
            await asyncio.sleep(chance.choice([0, 0, 3, 18]))
            living[name] = world.process(name, weather).start()
        case "stop":
            await victim.stop()
            living[name] = world.process(name, weather).start()
        case "cut":
            victim.weather.reachable = False
            await asyncio.sleep(chance.uniform(0, 25))
            victim.weather.reachable = True
        case "label" if world.store.find(LEASES, NAMESPACE, "goaround") is not None:
            world.store.touch(LEASES, NAMESPACE, "goaround")


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_in_fair_weather_somebody_always_acts_again(seed: int) -> None:
    async def story(world: World) -> None:
        living = {name: world.process(name).start() for name in "ab"}
        for _ in range(6):
            name = world.chance.choice("ab")
            await misfortune(world, living, name, Weather())
            await world.until(lambda: any(p.holds for p in living.values()), PROMISE_SECONDS)
            await asyncio.sleep(world.chance.uniform(0, 10))

    run(story, seed)
