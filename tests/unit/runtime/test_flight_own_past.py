"""Signals that are only compared: a shift of stable itself is an outage, and blames nobody."""

import asyncio
from collections.abc import Callable
from typing import Any

from goaround.evidence.judge import Counts
from goaround.world.prometheus import Counts as Read_Counts
from goaround.world.prometheus import Read, Readings, Shape, Unreadable, UnreadableReason
from goaround.world.prometheus import WindowReading as Reading
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, in_virtual_time
from tests.unit.runtime.desk_kit import Bench
from tests.unit.runtime.flown import BEGAN, START, TWO_POINTS, Flown, a_feature, a_signal

COMPARED = (a_signal("toxic", vsStable=TWO_POINTS), a_signal("rude", vsStable=TWO_POINTS))
PAST = {"toxic": Counts(30_000, 300), "rude": Counts(30_000, 300)}


def flown(**parts: Any) -> Flown:
    found = Flown(*COMPARED, **parts)
    found.flight.learn(PAST, float(START))
    return found


def test_a_shift_of_stable_itself_is_an_outage_without_blame() -> None:
    judged = flown().fly(12, 0.20, 0.20).judged()
    assert judged.outage is not None
    assert "stable itself is at 20.0%" in judged.outage.line
    assert judged.breach is None


def test_what_stable_always_did_is_no_outage() -> None:
    assert flown().fly(300, 0.01, 0.01).judged().outage is None


def test_a_candidate_that_is_worse_on_top_of_an_outage_is_blamed() -> None:
    judged = flown().fly(60, 0.60, 0.20).judged()
    assert judged.outage is not None
    assert judged.breach is not None


def test_a_bad_candidate_beside_a_healthy_stable_is_no_outage() -> None:
    judged = flown().fly(30, 0.20, 0.01).judged()
    assert judged.outage is None
    assert judged.breach is not None


def test_the_outage_ends_when_stable_is_as_it_was() -> None:
    found = flown().fly(12, 0.20, 0.20).fly(60, 0.01, 0.01)
    assert found.judged().outage is None


def test_another_process_knows_the_past_and_the_outage() -> None:
    found = flown().fly(12, 0.20, 0.20)
    line = found.judged().outage
    found.crash()
    assert found.flight.baseline == PAST
    assert found.judged().outage == line


def test_without_a_past_nothing_is_held_against_it() -> None:
    found = Flown(*COMPARED)
    found.flight.learn({"toxic": Counts(50, 0)}, float(START))
    assert found.fly(20, 0.20, 0.20).judged().outage is None


# -- reading it ----------------------------------------------------------------------------------


def answers(ready: Callable[[], bool]) -> Callable[[Shape, range], Read]:
    def answer(shape: Shape, ends: range) -> Read:
        if shape.interval == 300 and not ready():
            return Unreadable(UnreadableReason.TIMEOUT, "provider default: no complete answer")
        arms = {"candidate": Read_Counts(100, 1), "stable": Read_Counts(900, 9)}
        return Readings(tuple(Reading(end, arms) for end in ends))

    return answer


def test_the_hour_before_is_read_once_and_again_only_while_it_cannot_be() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        assert BEGAN == BEGIN
        late = {"ready": False}
        bench = Bench(loop, answers(lambda: late["ready"]))
        feature = a_feature(*COMPARED)
        good = feature.status.last_known_good
        assert good is not None
        since = good.but(since=BEGAN.replace(hour=7))
        at = feature.model_copy(update={"status": feature.status.but(last_known_good=since)})
        judged = await bench.fly(at, 40)
        assert judged.unreadable is None
        late["ready"] = True
        await bench.fly(at, 60)
        flight = bench.desk._case(at).flight
        assert flight is not None
        assert flight.baseline == {"toxic": Counts(10_800, 108), "rude": Counts(10_800, 108)}
        hours = [asked for asked in bench.reader.asked if asked.step == 300]
        await bench.fly(at, 100)
        assert [asked for asked in bench.reader.asked if asked.step == 300] == hours
        await asyncio.sleep(0)

    in_virtual_time(test)
