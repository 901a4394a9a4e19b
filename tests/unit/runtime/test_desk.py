"""The desk: reads what is due and nothing else, one read at a time, and never forgets a proof."""

import asyncio
from datetime import datetime, timedelta

import pytest

from goaround.api.digest import plan_digest, release_digest
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Candidate, EvidenceState, Split, Step
from goaround.rollout.observed import Judged
from goaround.runtime.desk import Desk
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import Read, Shape, Unreadable, UnreadableReason
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import (
    BEGIN,
    PROVIDER,
    Answer,
    ScriptedReader,
    feature,
    in_virtual_time,
    steady,
)

INTERVAL = 10
LAG = PROVIDER.lag_seconds
NEVER = timedelta(days=1)


class Bench:
    """A desk with one scripted reader; `news` counts what it told."""

    def __init__(self, loop: VirtualTimeLoop, answer: Answer) -> None:
        self.loop = loop
        self.reader = ScriptedReader(answer)
        self.news: list[Key] = []
        self.desk = Desk(
            {"default": self.reader},
            {"default": PROVIDER},
            news=self.news.append,
            metrics=Metrics(),
            wall=loop.wall,
        )

    def look(self, at: AIFeature) -> Judged:
        found = self.desk.judged(at, self.loop.wall())
        assert found is not None
        return found

    async def until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - self.loop.wall()).total_seconds())

    async def fly(self, at: AIFeature, seconds: float) -> Judged:
        """Look as often as the desk asks for it, and whenever it has news."""
        end = self.loop.wall() + timedelta(seconds=seconds)
        while True:
            heard = len(self.news)
            judged = self.look(at)
            wake = min(end, judged.next_at or end)
            while self.loop.wall() < wake and len(self.news) == heard:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            if self.loop.wall() >= end:
                await asyncio.sleep(self.reader.seconds * 2)
                return self.look(at)


def a_flight(**changes: object) -> AIFeature:
    """A candidate at 10 % whose step began at BEGIN."""
    plain = feature()
    candidate = Candidate(
        digest=release_digest(plain.spec.release),
        release=plain.spec.release,
        since=BEGIN,
        plan_digest=plan_digest(plain.spec),
        attempt=1,
        deadline_at=BEGIN + NEVER,
    )
    status = AIFeatureStatus(
        stage=Stage.RAMPING,
        split=Split(candidate=10, fallback=90),
        candidate=candidate,
        step=Step(index=0, since=BEGIN, deadline_at=BEGIN + NEVER),
    )
    return plain.model_copy(update={"status": status.but(**changes)})


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
