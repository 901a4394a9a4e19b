"""The desk: reads what is due and nothing else, one read at a time; what fails is Unknown."""

import asyncio
from datetime import timedelta

from goaround.runtime.queue import Key
from goaround.world.prometheus import Read, Shape, Unreadable, UnreadableReason
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, in_virtual_time, steady
from tests.unit.runtime.desk_kit import INTERVAL, LAG, Bench, a_flight


def unreadable(_: Shape, __: range) -> Read:
    return Unreadable(UnreadableReason.TIMEOUT, "provider default: no complete answer within 5 s")


def test_nothing_is_read_before_a_window_is_due() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        due = BEGIN + timedelta(seconds=INTERVAL + LAG)
        assert bench.look(a_flight()).next_at == due
        await bench.until(due - timedelta(seconds=0.5))
        assert bench.look(a_flight()).next_at == due
        assert bench.reader.asked == []
        await bench.until(due)
        bench.look(a_flight())
        await asyncio.sleep(1)
        first = int(BEGIN.timestamp()) + INTERVAL
        assert bench.reader.asked == [range(first, first + 1, INTERVAL)]

    in_virtual_time(test)


def test_signals_of_one_shape_are_read_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        judged = await bench.fly(a_flight(), 3 * INTERVAL + LAG + 1)
        assert {s.name for s in judged.signals} == {"errors", "answered"}
        assert len(bench.reader.asked) == 3

    in_virtual_time(test)


def test_there_is_one_read_at_a_time_however_slow_it_is_and_none_is_lost() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        bench.reader.seconds = 25.0
        for _ in range(100):
            bench.look(a_flight())
            await asyncio.sleep(1)
        assert bench.reader.most == 1
        read = [end for ends in bench.reader.asked for end in ends]
        assert read == list(range(read[0], read[-1] + 1, INTERVAL))

    in_virtual_time(test)


def test_the_end_of_a_read_offers_the_feature_again() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        await bench.until(BEGIN + timedelta(seconds=INTERVAL + LAG))
        bench.look(a_flight())
        assert bench.news == []
        await asyncio.sleep(1)
        assert bench.news == [Key("aifeatures", "shop", "chat")]

    in_virtual_time(test)


def test_what_cannot_be_read_is_unknown_and_is_asked_for_again_after_a_pause() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, unreadable)
        judged = await bench.fly(a_flight(), INTERVAL + LAG + 6)
        assert {s.verdict for s in judged.signals} == {"Unknown"}
        assert "no complete answer within 5 s" in judged.signals[0].message
        assert judged.breach is None
        assert not judged.accepted
        # after 0, then pauses of 1, 2 and 4 seconds, and the time of the reads
        assert len(bench.reader.asked) == 3

    in_virtual_time(test)


def test_a_fault_holds_only_after_a_grace_and_is_over_with_the_first_good_read() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, unreadable)
        early = await bench.fly(a_flight(), INTERVAL + LAG + 2 * INTERVAL)
        assert early.unreadable is None
        late = await bench.fly(a_flight(), 2 * INTERVAL)
        assert late.unreadable is not None
        assert late.unreadable.startswith("signal errors: provider default: no complete answer")
        bench.reader.answer = steady(0)
        mended = await bench.fly(a_flight(), 20)
        assert mended.unreadable is None
        assert mended.through is not None
        assert mended.through > BEGIN + timedelta(seconds=4 * INTERVAL)

    in_virtual_time(test)


def test_windows_that_could_not_be_read_are_read_later() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, unreadable)
        await bench.fly(a_flight(), 60)
        bench.reader.answer = steady(0)
        judged = await bench.fly(a_flight(), 40)
        bench_without = Bench(loop, steady(0))
        undisturbed = await bench_without.fly(a_flight(), 1)
        assert judged.total == undisturbed.total
        assert judged.signals == undisturbed.signals

    in_virtual_time(test)


def test_a_reader_that_breaks_is_a_fault_like_any_other() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        def broken(_: Shape, __: range) -> Read:
            raise RuntimeError("nobody thought of this")

        bench = Bench(loop, broken)
        judged = await bench.fly(a_flight(), 60)
        assert judged.unreadable is not None
        assert "the operator's log says why" in judged.unreadable
        bench.reader.answer = steady(0)
        mended = await bench.fly(a_flight(), 30)
        assert mended.unreadable is None
        assert mended.total > 0

    in_virtual_time(test)
