"""Flights whose users stick to an arm: what is measured, what pauses, and what still sends back."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Reason
from goaround.evidence.assumptions import Kind
from goaround.evidence.judge import Counts, Units, Window
from goaround.rollout.doubts import cannot_judge
from goaround.rollout.observed import Observed
from goaround.runtime.flight import Flight, begin
from goaround.world.prometheus import Counts as ReadCounts
from goaround.world.prometheus import Read, Readings, Shape, Unreadable, UnreadableReason
from goaround.world.prometheus import WindowReading as Reading
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.desk_kit import Bench
from tests.unit.runtime.flown import (
    BEGAN,
    INTERVAL,
    START,
    TWO_POINTS,
    Flown,
    a_feature,
    a_signal,
)

SIGNALS = (a_signal("errors", max="0.05", vsStable=TWO_POINTS), a_signal("rude", max="0.05"))
BUCKETS = 20


def by_session() -> Flown:
    return Flown(*SIGNALS, bucket_by="Session")


def with_buckets(flown: Flown, number: int, arms: Mapping[str, Sequence[float]]) -> Flown:
    """So many windows; arms: share of bad requests by bucket, all buckets are as many."""
    for _ in range(number):
        flown.i += 1
        each = {arm: flown.requests[arm] / BUCKETS for arm in arms}
        buckets = {arm: tuple(Counts(each[arm], each[arm] * p) for p in arms[arm]) for arm in arms}
        totals = {arm: sum(some, Counts()) for arm, some in buckets.items()}
        window = Window(START + flown.i * INTERVAL, totals, buckets)
        flown.feed({name: [window] for name in flown.names})
    return flown


def evenly(share: float) -> list[float]:
    return [share] * BUCKETS


def test_a_plain_breach_of_unmeasured_users_pauses_without_blame() -> None:
    judged = by_session().fly(30, 0.12, 0.01).judged()
    assert judged.breach is None
    assert judged.outage is None
    assert judged.paused is not None
    assert judged.paused.begins
    assert "requests carry no bucket label" in judged.paused.message
    assert "lesser harm pauses" in judged.paused.message


def test_the_same_counts_send_back_where_requests_are_declared_independent() -> None:
    judged = Flown(*SIGNALS).fly(30, 0.12, 0.01).judged()
    assert judged.breach is not None
    assert judged.paused is None


def test_gross_harm_sends_unmeasured_users_back() -> None:
    assert by_session().fly(30, 0.60, 0.01).judged().breach is not None


def test_harm_is_looked_for_while_it_pauses() -> None:
    flown = by_session().fly(30, 0.12, 0.01)
    assert flown.judged().paused is not None
    assert flown.fly(30, 0.80, 0.01).judged().breach is not None


def test_the_text_of_a_pause_does_not_count() -> None:
    flown = by_session().fly(30, 0.12, 0.01)
    before = flown.judged().paused
    assert flown.fly(3, 0.12, 0.01).judged().paused == before


def test_evidence_that_walks_about_the_level_does_not_begin_a_pause_in_every_window() -> None:
    began, held = 0, 0
    flown = Flown(*(a_signal(n, max="0.05") for n in ("errors", "rude")), bucket_by="Session")
    dice = np.random.default_rng(0)
    was, hold = False, None
    for _ in range(250):
        judged = flown.fly(1, 0.06, 0.01, dice).judged()
        reached = judged.paused is not None and judged.paused.begins
        status = flown.feature.status.but(hold=hold)
        why = cannot_judge(Observed(flown.feature, judged=judged), status)
        began, held = began + (reached != was), held + ((why is None) != (hold is None))
        was, hold = reached, why
    assert held > 0, "the walk never reached the level"
    # measured over 12 such walks of 300 windows: 114 changes without the hold, 32 with it
    assert 2 * held < began


def test_data_of_unmeasured_users_never_promotes() -> None:
    judged = by_session().fly(200, 0.001, 0.001).judged()
    assert not judged.accepted
    assert judged.assumed is not None
    assert (judged.assumed.sound, judged.assumed.reason) == (False, Reason.NO_BUCKETS)


def test_harm_that_all_buckets_of_users_carry_sends_back() -> None:
    arms = {"candidate": evenly(0.12), "stable": evenly(0.01)}
    assert with_buckets(by_session(), 30, arms).judged().breach is not None


def test_harm_of_one_bucket_of_users_sends_nobody_back() -> None:
    one = [1.0, *[0.01] * (BUCKETS - 1)]
    judged = with_buckets(by_session(), 30, {"candidate": one, "stable": evenly(0.01)}).judged()
    assert judged.breach is None
    assert judged.paused is None


def test_measured_users_promote() -> None:
    arms = {"candidate": evenly(0.001), "stable": evenly(0.001)}
    judged = with_buckets(by_session(), 100, arms).judged()
    assert judged.accepted
    assert judged.assumed is not None
    assert (judged.assumed.sound, judged.assumed.reason) == (True, Reason.MEASURED)


def test_independent_requests_are_declared_by_the_split() -> None:
    assumed = Flown(*SIGNALS).fly(3, 0.01, 0.01).judged().assumed
    assert assumed is not None
    assert (assumed.sound, assumed.reason) == (True, Reason.DECLARED_INDEPENDENT)


def test_nothing_is_assumed_before_the_first_request() -> None:
    assert by_session().judged().assumed is None


def test_nobody_is_assigned_to_an_arm_while_a_release_is_adopted() -> None:
    feature = a_feature(*SIGNALS, beside=False, bucket_by="Session")
    candidate = feature.status.candidate
    assert candidate is not None
    status = feature.status.but(candidate=candidate.but(adopted=True))
    flight = begin(feature.model_copy(update={"status": status}), START + 1.0)
    assert flight is not None
    assert {test.units for test in flight.main.specs} == {Units.REQUESTS}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_assumption_is_a_reason_of_the_condition(kind: Kind) -> None:
    assert Reason(kind.value)


# -- clustering within one poll ------------------------------------------------------------------


def before_the_flight(feature: AIFeature) -> AIFeature:
    """Stable has served for two hours."""
    good = feature.status.last_known_good
    assert good is not None
    since = good.but(since=BEGAN.replace(hour=7))
    return feature.model_copy(update={"status": feature.status.but(last_known_good=since)})


def bursts(_: Shape, ends: range) -> Read:
    """Every poll of stable, all requests of one bucket are bad, those of the others are not."""
    found = []
    for number, end in enumerate(ends):
        some = [ReadCounts(5, 5 if b == number % BUCKETS else 0) for b in range(BUCKETS)]
        found.append(Reading(end, {"stable": ReadCounts(100, 5)}, {"stable": tuple(some)}))
    return Readings(tuple(found))


def flight_of(bench: Bench, feature: AIFeature) -> Flight:
    flight = bench.desk._case(feature).flight
    assert flight is not None
    return flight


def test_clustering_within_a_poll_is_measured_before_the_first_window() -> None:
    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, bursts)
        feature = before_the_flight(a_feature(*SIGNALS))
        await bench.fly(feature, 30)
        polls, *windows = [asked for asked in bench.reader.asked if asked.step == INTERVAL]
        assert polls[-1] <= START < min(end for asked in windows[1:] for end in asked)
        assert all(s.phi_w > 3 for s in flight_of(bench, feature).main.states)

    in_virtual_time(test)


@pytest.mark.parametrize("seconds", [0.1, 60.0])
def test_without_an_answer_the_flight_goes_on_as_unclustered(seconds: float) -> None:
    def answer(shape: Shape, ends: range) -> Read:
        if ends[0] < START:
            return Unreadable(UnreadableReason.TIMEOUT, "no complete answer")
        return bursts(shape, ends)

    async def test(loop: VirtualTimeLoop) -> None:
        bench = Bench(loop, answer)
        bench.reader.seconds = seconds
        feature = before_the_flight(a_feature(*SIGNALS))
        bench.look(feature)
        await bench.until(BEGAN.replace(second=6))
        bench.reader.seconds = 0.1
        await bench.fly(feature, 30)
        flight = flight_of(bench, feature)
        assert flight.last_t > START
        assert {s.phi_w for s in flight.main.states} == {1.0}

    in_virtual_time(test)


def test_another_process_goes_on_with_the_clustering_that_was_measured() -> None:
    flown = Flown(*SIGNALS)
    flown.flight.measured(dict.fromkeys(flown.names, 4.0))
    flown.fly(3, 0.01, 0.01).crash()
    assert {s.phi_w for s in flown.flight.main.states} == {4.0}


def test_the_clustering_that_was_measured_outlives_an_outage() -> None:
    flown = Flown(*SIGNALS)
    flown.flight.measured(dict.fromkeys(flown.names, 2.0))
    flown.fly(30, 0.40, 0.40)
    assert flown.judged().outage is not None
    flown.fly(60, 0.001, 0.001)
    assert flown.judged().outage is None
    assert {s.phi_w for s in flown.flight.main.states} == {2.0}


def test_what_began_to_bet_keeps_the_clustering_it_began_with() -> None:
    flown = Flown(*SIGNALS).fly(1, 0.01, 0.01)
    flown.flight.measured(dict.fromkeys(flown.names, 9.0))
    assert {s.phi_w for s in flown.flight.main.states} == {1.0}
