"""The desk: a proof stays, another process goes on, and what is over is forgotten."""

import asyncio
from datetime import timedelta

import pytest

from goaround.api.reasons import Stage
from goaround.api.status import EvidenceState
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, in_virtual_time, steady
from tests.unit.runtime.desk_kit import INTERVAL, LAG, Bench, a_flight


def test_a_breach_stays_whatever_is_read_later() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(40))
        judged = await bench.fly(a_flight(), 3 * INTERVAL)
        assert judged.breach is not None
        assert judged.breach.started_at == BEGIN
        asked = len(bench.reader.asked)
        bench.reader.answer = steady(0)
        later = await bench.fly(a_flight(), 10 * INTERVAL)
        assert later.breach == judged.breach
        assert len(bench.reader.asked) == asked

    in_virtual_time(test)


def test_harm_is_provable_when_its_window_ended_and_the_provider_lagged() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(40))
        judged = await bench.fly(a_flight(), 3 * INTERVAL)
        assert judged.breach is not None
        assert judged.breach.proven_at == BEGIN + timedelta(seconds=INTERVAL + LAG)

    in_virtual_time(test)


def test_another_process_goes_on_from_the_state_that_status_holds() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        first = Bench(loop, steady(1))
        half = await first.fly(a_flight(), 50)
        whole = await first.fly(a_flight(), 50)
        second = Bench(loop, steady(1))
        resumed = a_flight(evidence=list(half.evidence), signals=list(half.signals))
        taken_over = await second.fly(resumed, 1)
        assert taken_over.evidence == whole.evidence
        assert taken_over.total == whole.total
        (ends,) = second.reader.asked
        assert half.through is not None
        assert ends[0] == int(half.through.timestamp()) + INTERVAL

    in_virtual_time(test)


@pytest.mark.parametrize("state", ["", "not a state", "AAAA"])
def test_a_state_that_cannot_be_unpacked_starts_new_evidence(state: str) -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        forged = [EvidenceState(name="errors", state=state)]
        judged = await bench.fly(a_flight(evidence=forged), 3 * INTERVAL + LAG + 1)
        assert judged.breach is None
        assert judged.total == 300

    in_virtual_time(test)


def test_another_attempt_starts_without_the_evidence_of_the_last() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(40))
        assert (await bench.fly(a_flight(), 3 * INTERVAL)).breach is not None
        flown = a_flight().status.candidate
        assert flown is not None
        again = bench.look(a_flight(candidate=flown.but(attempt=2)))
        assert again.breach is None
        assert again.attempt == 2

    in_virtual_time(test)


def test_a_feature_that_does_not_fly_is_not_read() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        live = a_flight(stage=Stage.LIVE, candidate=None, step=None)
        for _ in range(10):
            assert bench.desk.judged(live, loop.wall()) is None
            await asyncio.sleep(60)
        assert bench.reader.asked == []

    in_virtual_time(test)


def test_a_feature_that_is_gone_is_not_read_any_more() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        await bench.until(BEGIN + timedelta(seconds=INTERVAL + LAG))
        bench.look(a_flight())
        await asyncio.sleep(0.05)
        assert bench.reader.under_way == 1
        bench.desk.forget("shop", "chat")
        await asyncio.sleep(0.01)
        assert bench.reader.under_way == 0
        await asyncio.sleep(60)
        assert bench.news == []

    in_virtual_time(test)


def test_an_unknown_provider_is_never_asked() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, steady(0))
        bench.desk.providers = {}
        await asyncio.sleep(60)
        assert bench.desk.judged(a_flight(), loop.wall()) is None
        assert bench.reader.asked == []

    in_virtual_time(test)
