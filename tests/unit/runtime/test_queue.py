"""The work queue: each key once at a time, at the earliest of its due times, with back-off."""

import asyncio

import pytest

from goaround.runtime.queue import FIRST_BACKOFF, LONGEST_BACKOFF, Key, WorkQueue
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time

CHAT, SEARCH, TAGS = (Key("aifeatures", "shop", name) for name in ("chat", "search", "tags"))


def half() -> float:
    return 0.5


def test_a_key_that_waits_is_not_queued_twice() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        for _ in range(3):
            queue.offer(CHAT)
        assert len(queue) == 1
        assert await queue.take() == CHAT
        queue.done(CHAT)
        assert queue.idle

    in_virtual_time(test)


def test_a_key_offered_while_it_is_worked_on_is_worked_on_once_more() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer(CHAT)
        assert await queue.take() == CHAT
        for _ in range(3):
            queue.offer(CHAT)
        assert len(queue) == 0
        queue.done(CHAT)
        assert await queue.take() == CHAT
        queue.done(CHAT)
        assert queue.idle

    in_virtual_time(test)


def test_keys_come_in_the_order_in_which_they_were_offered() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        for key in (TAGS, CHAT, SEARCH):
            queue.offer(key)
        assert [await queue.take() for _ in range(3)] == [TAGS, CHAT, SEARCH]

    in_virtual_time(test)


@pytest.mark.parametrize("order", [(7.0, 3.0), (3.0, 7.0)], ids=["later first", "earlier first"])
def test_of_two_due_times_the_earlier_counts(order: tuple[float, float]) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        for seconds in order:
            queue.offer_in(CHAT, seconds)
        assert await queue.take() == CHAT
        assert loop.time() == pytest.approx(3.0, abs=0.01)
        queue.done(CHAT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.take(), 60)

    in_virtual_time(test)


def test_a_due_time_that_has_passed_is_now() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer_in(CHAT, -1)
        assert await queue.take() == CHAT
        assert loop.time() < 0.01

    in_virtual_time(test)


def test_a_worker_that_sleeps_until_a_due_time_wakes_for_an_offer() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer_in(CHAT, 100)
        taken = asyncio.create_task(queue.take())
        await asyncio.sleep(1)
        queue.offer(SEARCH)
        assert await taken == SEARCH
        assert loop.time() == pytest.approx(1.0, abs=0.01)

    in_virtual_time(test)


def test_failures_back_off_twice_as_long_each_time_up_to_a_limit() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time, half)
        queue.offer(CHAT)
        waits = []
        for _ in range(12):
            assert await queue.take() == CHAT
            waits.append(queue.failed(CHAT))
        wanted = [min(FIRST_BACKOFF * 2**n, LONGEST_BACKOFF) * 0.75 for n in range(12)]
        assert waits == pytest.approx(wanted)
        assert loop.time() == pytest.approx(sum(wanted[:-1]), abs=0.1)

    in_virtual_time(test)


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.999999, 1.0)])
def test_jitter_shortens_a_wait_by_at_most_half(chance: float, share: float) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time, lambda: chance)
        queue.offer(CHAT)
        await queue.take()
        assert queue.failed(CHAT) == pytest.approx(FIRST_BACKOFF * share, rel=1e-4)

    in_virtual_time(test)


def test_back_off_is_per_key_and_starts_over_after_a_success() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time, half)
        first = FIRST_BACKOFF * 0.75
        queue.offer(CHAT)
        for _ in range(4):
            await queue.take()
            last = queue.failed(CHAT)
        assert last == pytest.approx(8 * first)
        queue.offer(SEARCH)
        assert await queue.take() == SEARCH
        assert queue.failed(SEARCH) == pytest.approx(first)
        for _ in range(2):
            queue.done(await queue.take() or CHAT)
        queue.offer(CHAT)
        await queue.take()
        assert queue.failed(CHAT) == pytest.approx(first)

    in_virtual_time(test)


def test_a_failed_key_that_was_offered_meanwhile_is_tried_at_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time, half)
        queue.offer(CHAT)
        await queue.take()
        queue.offer(CHAT)
        queue.failed(CHAT)
        began = loop.time()
        assert await queue.take() == CHAT
        assert loop.time() - began < 0.01

    in_virtual_time(test)


def test_a_forgotten_key_is_not_due_any_more() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer_in(CHAT, 1)
        queue.offer_in(SEARCH, 2)
        queue.forget(CHAT)
        assert await queue.take() == SEARCH

    in_virtual_time(test)


def test_workers_share_the_keys_and_no_key_is_with_two_of_them() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        at_work: list[Key] = []
        together: list[int] = []
        done: list[Key] = []

        async def worker() -> None:
            while (key := await queue.take()) is not None:
                assert key not in at_work
                at_work.append(key)
                together.append(len(at_work))
                await asyncio.sleep(1)
                at_work.remove(key)
                done.append(key)
                queue.done(key)

        workers = [asyncio.create_task(worker()) for _ in range(3)]
        for _ in range(4):
            for key in (CHAT, SEARCH, TAGS):
                queue.offer(key)
            await asyncio.sleep(0.4)
        await asyncio.sleep(10)
        queue.close()
        await asyncio.gather(*workers)
        assert max(together) == 3
        assert {key: done.count(key) for key in (CHAT, SEARCH, TAGS)} == dict.fromkeys(
            (CHAT, SEARCH, TAGS), 3
        )

    in_virtual_time(test)


def test_a_closed_queue_gives_nothing_to_anybody() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        waiting = [asyncio.create_task(queue.take()) for _ in range(3)]
        await asyncio.sleep(1)
        queue.close()
        queue.offer(CHAT)
        assert await asyncio.gather(*waiting) == [None, None, None]
        assert await queue.take() is None

    in_virtual_time(test)


def test_a_worker_that_sleeps_towards_a_late_key_is_woken_by_an_earlier_one() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer_in(TAGS, 50)
        taking = asyncio.create_task(queue.take())
        await asyncio.sleep(1)
        queue.offer_in(CHAT, 3)
        assert await taking == CHAT
        assert loop.time() == pytest.approx(4.0, abs=0.01)

    in_virtual_time(test)


def test_a_key_that_was_offered_again_goes_to_a_worker_that_waits_already() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer(CHAT)
        await queue.take()
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(1)
        queue.offer(CHAT)
        queue.done(CHAT)
        assert await waiting == CHAT

    in_virtual_time(test)


def test_what_changes_nothing_for_a_sleeping_worker_does_not_wake_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer(CHAT)
        await queue.take()
        queue.offer_in(TAGS, 50)
        asks = 0

        def counted() -> float:
            nonlocal asks
            asks += 1
            return loop.time()

        queue._clock = counted
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(1)
        before = asks
        queue.done(CHAT)
        queue.offer_in(SEARCH, 60)
        asks -= 1  # that offer's own look at the clock
        await asyncio.sleep(1)
        assert asks == before
        assert await waiting == TAGS

    in_virtual_time(test)


def test_a_worker_that_is_cancelled_as_a_key_comes_ends() -> None:
    """Before Python 3.12 `asyncio.wait_for` forgets a cancel that comes with what it waits for."""

    async def test(loop: VirtualTimeLoop) -> None:
        queue = WorkQueue(loop.time)
        queue.offer_in(TAGS, 50)
        worker = asyncio.create_task(queue.take())
        await asyncio.sleep(1)
        queue.offer(CHAT)
        worker.cancel()
        await asyncio.wait([worker])
        assert worker.cancelled()

    in_virtual_time(test)
