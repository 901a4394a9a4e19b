"""What an operator does with its lease: who works on keys, on what, and who only listens."""

import asyncio

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from goaround.runtime.engine import Operator
from goaround.runtime.lease import lease_name
from goaround.world.prometheus import FeatureKey, Read, Shape
from tests.crash.store import Commit
from tests.unit.runtime.lease_operators import Writers, create, operator
from tests.unit.runtime.lease_sim import Weather, World, run

OTHER: Json = {"spec": {"release": {"model": {"name": "chat-7b", "version": "2"}}}}


def metric(of: Operator, name: str) -> float | None:
    return of.metrics.registry.get_sample_value(name)


def test_only_the_owner_works_and_the_standby_keeps_what_it_hears() -> None:
    async def story(world: World) -> None:
        writers = Writers(world)
        async with operator(world, "a") as a, operator(world, "b") as b:
            create(world)
            await asyncio.sleep(10)
            assert set(writers.seen) == {"a"}
            assert (metric(a, "goaround_lease_held"), metric(b, "goaround_lease_held")) == (1, 0)
            assert b.cache.get(FEATURES, "shop", "chat") == world.store.get(
                FEATURES, "shop", "chat"
            )
            assert b.health.ready

    run(story)


def test_keys_of_a_standby_are_kept_once_each() -> None:
    async def story(world: World) -> None:
        async with operator(world, "a"), operator(world, "b") as b:
            create(world)
            for _ in range(100):
                world.store.touch(FEATURES, "shop", "chat")
            await asyncio.sleep(60)
            assert len(b.queue) == 1

    run(story)


def test_who_takes_over_lists_first_and_so_finds_what_its_watch_missed() -> None:
    async def story(world: World) -> None:
        writers = Writers(world)
        async with operator(world, "a") as a, operator(world, "b", hears=False) as b:
            await asyncio.sleep(5)
            await a.stop()
            create(world)
            await world.until(lambda: "b" in writers.seen, 4)
            assert b.owns()

    run(story)


def test_who_takes_over_and_cannot_list_works_on_what_it_heard() -> None:
    """No list may stand before a kill."""

    async def story(world: World) -> None:
        writers = Writers(world)

        async def never(*_: object, **__: object) -> list[Json]:
            await asyncio.sleep(3600)
            return []

        async with operator(world, "a") as a, operator(world, "b") as b:
            await asyncio.sleep(5)
            b.api.list = never  # type: ignore[method-assign]
            await a.stop()
            create(world)
            await world.until(lambda: "b" in writers.seen, 7)

    run(story)


def test_whoever_lost_the_lease_writes_nothing_and_counts_no_failure() -> None:
    async def story(world: World) -> None:
        writers, weather = Writers(world), Weather()
        async with operator(world, "a", weather=weather) as a, operator(world, "b"):
            await asyncio.sleep(5)
            weather.reachable = False
            await world.until(lambda: world.spec()["holderIdentity"] == "b", 20)
            weather.reachable = True
            create(world)
            await asyncio.sleep(30)
            assert set(writers.seen) == {"b"}
            assert not a.owns()
            errors = a.metrics.registry.get_sample_value(
                "goaround_passes_total", {"result": "error"}
            )
            assert errors is None

    run(story)


def test_a_pass_that_loses_the_lease_in_the_middle_writes_no_more() -> None:
    """Its first write is answered when its time is over; the rest is done by the next owner."""

    async def story(world: World) -> None:
        writers, weather = Writers(world), Weather()

        def slow_down(commit: Commit) -> None:
            if writers.seen:
                weather.late = 12.0

        world.store.hearers.append(slow_down)
        async with operator(world, "a", weather=weather) as a, operator(world, "b"):
            await world.until(a.owns, 1)
            create(world)
            await asyncio.sleep(60)
            began_as_owner = writers.seen.count("a")
            assert writers.seen[:began_as_owner] == ["a"] * began_as_owner
            assert "b" in writers.seen
            given_up = a.metrics.registry.get_sample_value(
                "goaround_passes_total", {"result": "Unavailable"}
            )
            assert given_up

    run(story)


def shows(of: Operator) -> bool:
    return (
        'goaround_feature_weight_percent{arm="stable",feature="chat"' in of.metrics.text().decode()
    )


def test_who_lost_the_lease_shows_no_features_and_forgets_their_flights() -> None:
    async def story(world: World) -> None:
        weather = Weather()
        async with operator(world, "a", weather=weather) as a, operator(world, "b") as b:
            create(world)
            await asyncio.sleep(5)
            assert (shows(a), shows(b)) == (True, False)
            weather.reachable = False
            await world.until(b.owns, 20)
            weather.reachable = True
            await world.until(lambda: not a.owns(), 40)
            await world.until(lambda: shows(b), 5)
            assert not shows(a)

    run(story)


class SlowReader:
    """A provider that never answers; counts who waits for it."""

    def __init__(self) -> None:
        self.waiting = 0

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read:
        self.waiting += 1
        try:
            await asyncio.sleep(86400)
            raise AssertionError("nobody waits that long")
        finally:
            self.waiting -= 1


def test_evidence_of_an_ended_tenure_is_not_read_on() -> None:
    """It would be joined to a flight that another has flown on meanwhile."""

    async def story(world: World) -> None:
        reader, weather = SlowReader(), Weather()
        async with (
            operator(world, "a", weather=weather, reader=reader) as a,
            operator(world, "b", reader=SlowReader()) as b,
        ):
            create(world)
            await world.until(lambda: reader.waiting > 0, 60)
            weather.reachable = False
            await world.until(b.owns, 20)
            weather.reachable = True
            await world.until(lambda: not a.owns(), 40)
            await asyncio.sleep(1)
            assert reader.waiting == 0

    run(story)


def test_who_is_cut_off_from_the_api_server_goes_on_deciding_but_writes_nothing() -> None:
    """So that the way down past the API server stays open; another cannot have the lease, either,
    as far as one can know."""

    async def story(world: World) -> None:
        writers, weather = Writers(world), Weather()
        async with operator(world, "a", weather=weather) as a:
            create(world)
            await asyncio.sleep(5)
            weather.reachable = False
            await asyncio.sleep(20)
            written = len(writers.seen)
            world.store.touch(FEATURES, "shop", "chat")  # heard, hence looked at
            world.store.patch(FEATURES, "shop", "chat", patch=OTHER, status=False, author="person")
            await asyncio.sleep(10)
            assert a.owns()
            assert metric(a, "goaround_lease_held") == 0
            assert shows(a)
            tried = a.metrics.registry.get_sample_value(
                "goaround_passes_total", {"result": "Unavailable"}
            )
            assert tried
            assert [w for w in writers.seen[written:] if w == "a"] == []
            weather.reachable = True
            await world.until(lambda: writers.seen.count("a") > written, 70)

    run(story)


def test_a_standby_ends_at_once_and_an_owner_releases() -> None:
    async def story(world: World) -> None:
        async with operator(world, "a"):
            async with operator(world, "b"):
                create(world)
                await asyncio.sleep(5)
                ending = world.loop.time()
            assert world.loop.time() - ending < 1
            assert world.spec()["holderIdentity"] == "a"
        assert "holderIdentity" not in world.spec()

    run(story)


def test_operators_of_two_namespaces_are_no_rivals() -> None:
    assert len({lease_name(None), lease_name("shop"), lease_name("bank")}) == 3
    assert lease_name(None) == "goaround"
