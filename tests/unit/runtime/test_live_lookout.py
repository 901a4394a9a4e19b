"""The desk watches what is live: on its own grid, from its checkpoint, shown once an hour."""

import asyncio
from datetime import timedelta

from goaround.api.digest import release_digest
from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import (
    AIFeatureStatus,
    KnownRelease,
    Latch,
    LatchCause,
    Split,
    Transition,
)
from goaround.rollout.observed import Judged
from goaround.world.prometheus import Counts, Read, Readings, Shape, WindowReading
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, PROVIDER, Answer, feature, in_virtual_time
from tests.unit.runtime.desk_kit import LAG, Bench
from tests.unit.runtime.test_desk import unreadable

MINUTE, DAY = 60, 86400


def a_live_feature(**changes: object) -> AIFeature:
    plain = feature()
    good = KnownRelease(
        digest=release_digest(plain.spec.release), release=plain.spec.release, since=BEGIN
    )
    promoted = Transition(at=BEGIN, reason=EventReason.PROMOTED, type="Normal", message="landed")
    status = AIFeatureStatus(
        stage=Stage.LIVE, split=Split(stable=100), last_known_good=good, history=[promoted]
    )
    return plain.model_copy(update={"status": status.but(**changes)})


def kept(at: AIFeature, judged: Judged) -> AIFeature:
    """The feature as its checkpoint stands in status."""
    status = at.status.but(evidence=list(judged.evidence), signals=list(judged.signals))
    return at.model_copy(update={"status": status})


def serving(bad: float, total: float = 600, *, from_second: float = 0) -> Answer:
    """So many bad requests a minute, from then on; one in a thousand before."""

    def answer(_: Shape, ends: range) -> Read:
        late = BEGIN.timestamp() + from_second
        return Readings(
            tuple(
                WindowReading(e, {"stable": Counts(total, bad if e > late else total / 1000)})
                for e in ends
            )
        )

    return answer


async def watched(bench: Bench, at: AIFeature, minutes: int) -> Judged:
    """Look once a minute, as the desk asks for it."""
    for _ in range(minutes):
        bench.look(at)
        await asyncio.sleep(MINUTE)
    return bench.look(at)


def landed_before_the_grid(seconds: float) -> AIFeature:
    """Live since so many seconds before a window begins."""
    landed = BEGIN + timedelta(seconds=MINUTE - seconds)
    promoted = Transition(at=landed, reason=EventReason.PROMOTED, type="Normal", message="landed")
    return a_live_feature(history=[promoted])


def test_windows_of_a_minute_are_read_from_the_landing_on() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, serving(0))
        live = landed_before_the_grid(PROVIDER.scrape_seconds)
        await asyncio.sleep(MINUTE)
        first = BEGIN + timedelta(seconds=2 * MINUTE)
        assert bench.look(live).next_at == first + timedelta(seconds=LAG)
        await bench.fly(live, 3 * MINUTE + LAG + 1)
        ends = {end for asked in bench.reader.asked for end in asked}
        assert ends == {int(first.timestamp()) + n * MINUTE for n in range(3)}

    in_virtual_time(test)


def test_what_served_before_counts_for_nobody_while_counters_may_still_tell_of_it() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, serving(0))
        live = landed_before_the_grid(PROVIDER.scrape_seconds - 1)
        await asyncio.sleep(MINUTE)
        await bench.fly(live, 3 * MINUTE + LAG + 1)
        ends = {end for asked in bench.reader.asked for end in asked}
        # the counter that the window from 9:01 on begins with may be older than the landing
        assert min(ends) == int(BEGIN.timestamp()) + 3 * MINUTE

    in_virtual_time(test)


def test_harm_is_proven_with_its_window_its_signal_and_its_line() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, serving(120, from_second=10 * MINUTE))
        judged = await bench.fly(a_live_feature(), 10 * MINUTE + LAG + 1)
        assert judged.breach is None
        judged = await bench.fly(a_live_feature(), 2 * MINUTE)
        assert judged.breach is not None
        assert judged.breach.proven_at <= BEGIN + timedelta(seconds=12 * MINUTE + LAG)
        assert judged.breach.signal == "errors"
        assert judged.breach.line.endswith("-> breach")
        assert {s.name: s.verdict for s in judged.signals}["errors"] == "Bad"
        read = len(bench.reader.asked)
        await bench.fly(a_live_feature(), 10 * MINUTE)
        assert len(bench.reader.asked) == read, "nothing is read after the proof"

    in_virtual_time(test)


def test_what_status_keeps_changes_once_an_hour() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench, seen = Bench(loop, serving(0.1)), set()
        for _ in range(3 * 60):
            judged = await watched(bench, a_live_feature(), 1)
            seen.add(tuple(e.state for e in judged.evidence))
        assert 3 <= len(seen - {()}) <= 4

    in_virtual_time(test)


def test_without_traffic_nothing_is_written() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, serving(0, total=0))
        judged = await watched(bench, a_live_feature(), 5 * 60)
        assert (judged.evidence, judged.signals) == ((), ())
        assert judged.through is not None
        assert judged.through >= BEGIN + timedelta(hours=4.9)

    in_virtual_time(test)


def test_another_process_goes_on_from_the_checkpoint_and_reads_again_what_came_after() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        one, live = Bench(loop, serving(0.1)), a_live_feature()
        judged = await watched(one, live, 100)
        other = Bench(loop, serving(0.1))
        other.look(kept(live, judged))
        await asyncio.sleep(1)
        again = other.look(kept(live, judged))
        assert 1 <= sum(map(len, other.reader.asked)) <= 61
        mine = one.desk._case(live).lookout
        theirs = other.desk._case(live).lookout
        assert mine is not None
        assert theirs is not None
        assert theirs.detectors == mine.detectors
        assert again.breach == judged.breach

    in_virtual_time(test)


def test_after_a_long_silence_of_the_operator_only_what_still_matters_is_read() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, serving(0))
        await asyncio.sleep(30 * DAY)
        bench.look(a_live_feature())
        await asyncio.sleep(1)
        assert bench.reader.asked[0].start >= BEGIN.timestamp() + 28 * DAY

    in_virtual_time(test)


def test_an_edited_bound_begins_new_evidence() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench, live = Bench(loop, serving(0.1)), a_live_feature()
        await bench.fly(live, 5 * MINUTE)
        before = bench.desk._case(live).lookout
        first, *rest = live.spec.acceptance.signals
        acceptance = live.spec.acceptance.but(signals=[first.but(max="0.04"), *rest])
        edited = live.model_copy(update={"spec": live.spec.but(acceptance=acceptance)})
        await bench.fly(edited, 2 * MINUTE)
        after = bench.desk._case(edited).lookout
        assert before is not None
        assert after is not None
        assert after is not before
        assert after.pairs[0][1].arm.total < before.pairs[0][1].arm.total

    in_virtual_time(test)


def test_a_provider_that_does_not_answer_is_told_and_sends_nobody_back() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, unreadable)
        judged = await bench.fly(a_live_feature(), 10 * MINUTE)
        assert judged.breach is None
        assert judged.unreadable is not None
        assert "no complete answer" in judged.unreadable

    in_virtual_time(test)


def test_after_a_fall_from_live_what_serves_instead_is_watched_at_once() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        live = a_live_feature()
        good = live.status.last_known_good
        assert good is not None
        latch = Latch(
            cause=LatchCause.SIGNAL,
            at=BEGIN,
            digest="sha256:" + "1" * 64,
            attempt=1,
            back_to=good,
            signal="errors",
            message="errors 9% > max 2%",
            weight=100,
            stage="Live",
            revision=7,
        )
        fell = a_live_feature(stage=Stage.ROLLED_BACK, latches=[latch])
        judged = await Bench(loop, serving(0)).fly(fell, 5 * MINUTE)
        assert (judged.digest, judged.accepted) == (good.digest, True)

    in_virtual_time(test)
