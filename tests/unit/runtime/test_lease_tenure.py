"""Tenures: how one is taken, kept, lost and given up, in virtual time."""

import asyncio

import pytest

from goaround.api.kinds import LEASES
from goaround.runtime.claim import Standing
from tests.unit.runtime.lease_sim import NAMESPACE, Weather, World, run

PROMISE_SECONDS = 20.0


def test_a_free_lease_is_taken_at_once() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        assert await world.until(lambda: a.holds, 1) < 0.1
        assert world.spec()["holderIdentity"] == "a"

    run(story)


def test_the_owner_keeps_it_while_it_lives() -> None:
    async def story(world: World) -> None:
        a, b = world.process("a").start(), world.process("b")
        await world.until(lambda: a.holds, 1)
        b.start()
        await asyncio.sleep(600)
        assert (a.told, b.told) == ([True], [])

    run(story)


def test_a_standby_only_reads() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(60)
        assert set(b.api.calls) == {"get"}

    run(story)


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_owner_is_followed_within_the_promise(seed: int) -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(30 + world.chance.uniform(0, 4))
        await a.kill()
        waited = await world.until(lambda: b.holds, PROMISE_SECONDS)
        assert waited > 10  # else a slow owner would be taken for a dead one
        assert world.spec()["leaseTransitions"] == 1

    run(story, seed)


def test_a_restart_under_the_same_identity_takes_its_lease_back_at_once() -> None:
    async def story(world: World) -> None:
        first = world.process("a").start()
        await world.until(lambda: first.holds, 1)
        world.process("b").start()
        await asyncio.sleep(30)
        await first.kill()
        again = world.process("a").start()
        assert await world.until(lambda: again.holds, 1) < 0.1

    run(story)


def test_of_two_twins_the_younger_acts_and_they_do_not_take_turns() -> None:
    async def story(world: World) -> None:
        old = world.process("a").start()
        await world.until(lambda: old.holds, 1)
        young = world.process("a").start()
        await asyncio.sleep(300)
        assert (old.told, young.told) == ([True, False], [True])
        await young.kill()
        await world.until(lambda: old.holds, PROMISE_SECONDS)

    run(story)


def test_an_old_twin_that_ends_does_not_release_the_lease_of_the_younger() -> None:
    async def story(world: World) -> None:
        old = world.process("a").start()
        await world.until(lambda: old.holds, 1)
        young = world.process("a").start()
        await asyncio.sleep(5)
        await old.stop()
        assert world.spec()["holderIdentity"] == "a"
        assert young.holds

    run(story)


def test_a_released_lease_is_taken_at_the_next_look() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(31)
        await a.stop()
        assert "holderIdentity" not in world.spec()
        assert await world.until(lambda: b.holds, 3) < 2.5

    run(story)


def test_a_standby_that_ends_releases_nothing() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(5)
        await b.stop()
        assert world.spec()["holderIdentity"] == "a"
        assert a.holds

    run(story)


def test_an_owner_that_cannot_renew_stops_before_another_may_begin() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(30)
        a.weather.reachable = False
        stopped = await world.until(lambda: not a.holds, 11)
        taken = await world.until(lambda: b.holds, PROMISE_SECONDS - stopped)
        assert taken > 4  # the margin, which also covers clocks of unequal speed
        assert a.lease.standing is Standing.ADRIFT  # it cannot know that another has it
        a.weather.reachable = True
        await world.until(lambda: a.lease.standing is Standing.STANDBY, 40)
        assert a.told == [True, False]

    run(story)


def test_a_lost_lease_does_not_end_the_process_which_stands_by() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        a.weather.reachable = False
        await world.until(lambda: b.holds, PROMISE_SECONDS)
        a.weather.reachable = True
        await asyncio.sleep(60)
        assert b.holds
        assert a.lease.standing is Standing.STANDBY
        await b.kill()
        await world.until(lambda: a.holds, PROMISE_SECONDS)
        assert a.told == [True, False, True]

    run(story)


def test_an_outage_ends_the_right_to_write_but_not_the_tenure() -> None:
    """Nobody can take a lease from a server that is not there."""

    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        a.weather.reachable = False
        await asyncio.sleep(60)
        assert a.lease.standing is Standing.ADRIFT
        a.weather.reachable = True
        await world.until(lambda: a.holds, 40)
        assert a.told == [True]
        assert world.spec()["leaseTransitions"] == 0

    run(story)


def test_a_tenure_that_another_had_in_between_is_a_new_one() -> None:
    """Even if that one has ended, too: what it did is not in our memory."""

    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        a.weather.reachable = False
        await world.until(lambda: b.holds, PROMISE_SECONDS)
        await b.stop()
        a.weather.reachable = True
        await world.until(lambda: a.holds, 40)
        assert a.told == [True, False, True]

    run(story)


def test_a_process_that_was_stopped_for_long_does_not_hold_when_it_wakes() -> None:
    async def story(world: World) -> None:
        a = world.process("a")
        await a.lease.turn()
        assert a.holds
        await asyncio.sleep(21)  # no turn in all that time, as under SIGSTOP
        assert a.lease.standing is Standing.ADRIFT

    run(story)


def test_a_dead_connection_and_some_refusals_do_not_cost_the_right_to_write() -> None:
    """A look that hangs is given up while there is time for others, and those follow quickly."""

    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        await asyncio.sleep(30)
        a.api.calls.clear()
        a.weather.late = 60.0
        await world.until(lambda: bool(a.api.calls), 3)
        await asyncio.sleep(1)  # this look hangs now
        a.weather.late, a.weather.failing = 0.0, 1.0
        for _ in range(130):
            await asyncio.sleep(0.05)
            assert a.holds
        a.weather.failing = 0.0
        for _ in range(100):
            await asyncio.sleep(0.05)
            assert a.holds

    run(story)


def test_a_lost_answer_does_not_cost_the_tenure() -> None:
    """Taken, but the answer never came: the next look finds its own claim."""

    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b", Weather(failing=0.3)).start()
        await a.kill()
        await world.until(lambda: b.holds, PROMISE_SECONDS + 10)

    for seed in range(20):
        run(story, seed)


def test_a_lease_that_somebody_deletes_is_made_again_by_its_owner() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        b = world.process("b").start()
        await asyncio.sleep(9)
        world.store.delete(LEASES, NAMESPACE, "goaround", "somebody")
        await asyncio.sleep(30)
        assert (a.told, b.told) == ([True], [])

    run(story)


def test_a_lease_that_somebody_labels_stays_with_its_owner() -> None:
    async def story(world: World) -> None:
        a = world.process("a").start()
        await world.until(lambda: a.holds, 1)
        for _ in range(100):
            world.store.touch(LEASES, NAMESPACE, "goaround")
            await asyncio.sleep(0.37)
        assert a.told == [True]

    run(story)
