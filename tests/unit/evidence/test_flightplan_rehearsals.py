"""Rehearsals move like the engine, and forecast what it would do."""

import math

import numpy as np
import pytest

from goaround.evidence import detector
from goaround.evidence.bets import Floats
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    Max,
    Min,
    TestSpec,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.rehearsal import (
    Leg,
    Rows,
    Subject,
    Tries,
    climb,
    detect,
    fresh,
    instants,
    move,
)
from tests.unit.evidence.flights import Traffic, acceptances, rollback_times

SEED, RUNS, ALPHA = 20, 160, 0.01


def a_leg(rps: float, weight: float = 0.1, *, level: float = 5.0, most: int = 22200) -> Leg:
    return Leg(
        candidate=rps * weight,
        stable=rps * (1 - weight),
        least=10,
        most=most,
        samples=1,
        level=level,
        first=True,
    )


@pytest.mark.parametrize(
    "bound",
    [Max(0.02), Min(0.97), VsStable(reject_at=0.01), VsStable(0.02, 0.01, 1.2, 1.5)],
    ids=lambda bound: type(bound).__name__,
)
def test_a_rehearsal_moves_as_the_engine_does(bound: Bound) -> None:
    test = TestSpec("errors", bound, 10)
    rng = np.random.default_rng(SEED)
    state, rows = new_state(test, 0, 0.0), fresh(1)
    for end in range(10, 400, 10):
        arm, stable = _drawn(rng, 9, 0.05), _drawn(rng, 70, 0.01)
        harm = test.harm(arm)
        window = Window(end, {CANDIDATE: arm, STABLE: stable})
        state = advance(test, state, window, step_began=0.0)
        fraction = detector.release(first=end == 10, elapsed=10, weight_changed=False)
        rows = move(test, rows, _sums(harm), _sums(stable), fraction=fraction)
    assert rows.stakes.log_m[0] == pytest.approx(np.array(state.log_m), abs=1e-9)
    assert rows.stakes.log_left[0] == pytest.approx(state.log_left)
    assert rows.stakes.log_a[0] == pytest.approx(np.array(state.log_a), abs=1e-9)


def _sums(counts: Counts) -> tuple[Floats, Floats, Floats]:
    return np.array([counts.bad]), np.array([counts.total]), np.array([counts.second])


@pytest.mark.parametrize(
    ("rps", "share"), [(10, 0.05), (10, 0.2), (100, 0.02), (100, 0.05), (100, 1.0)]
)
def test_the_median_against_stable_is_that_of_flights_polled_every_ten_seconds(
    rps: int, share: float
) -> None:
    bound = VsStable(reject_at=0.01)
    told = _forecast(bound, rps, share)
    flown = rollback_times(
        bound, Traffic(rps, share, 9 * rps, 0.01), windows=2000, flights=300, seed=SEED + 1
    )
    assert _close(float(np.median(told)), float(np.median(flown)))


@pytest.mark.parametrize(("rps", "share"), [(10, 0.05), (10, 1.0), (100, 0.03), (100, 0.05)])
def test_the_median_against_a_limit_is_that_of_flights_polled_every_ten_seconds(
    rps: int, share: float
) -> None:
    told = _forecast(Max(0.02), rps, share)
    flown = rollback_times(Max(0.02), Traffic(rps, share), windows=3000, flights=300, seed=SEED + 1)
    assert _close(float(np.median(told)), float(np.median(flown)))


def _forecast(bound: Bound, rps: float, share: float) -> Floats:
    subject = Subject(TestSpec("errors", bound, 10), 0.01)
    tries = Tries(np.full(RUNS, share), np.full(RUNS, 86400.0), np.arange(RUNS))
    dice = np.random.default_rng(SEED)
    return detect(subject, tries, a_leg(rps), fresh(RUNS), alpha=ALPHA, dice=dice)


def _close(told: float, flown: float) -> bool:
    """Within 25 %, or within one window."""
    return abs(told - flown) <= max(0.25 * flown, 10)


def test_requests_to_accept_are_those_of_flights_polled_every_ten_seconds() -> None:
    subject = Subject(TestSpec("errors", Max(0.02), 10), 0.01)
    leg = a_leg(100, level=20.0)
    dice = np.random.default_rng(SEED)
    found = climb([subject], leg, [fresh(RUNS)], levels=[5.0, 20.0], dice=dice)
    flown = acceptances(Max(0.02), Traffic(100, 0.01), windows=400, flights=300, seed=SEED + 1)
    for told, level in zip(found.accepted[0], (5.0, 20.0), strict=True):
        assert np.median(told) == pytest.approx(np.median(flown[level]), rel=0.25, abs=100)


def test_a_whole_flight_through_the_front_door_is_found_when_forecast() -> None:
    """Two signals, the production engine, one of them three times as bad as stable."""
    tests = [
        TestSpec("a", VsStable(reject_at=0.01), 10, share=0.5),
        TestSpec("b", Max(0.1), 10, share=0.5),
    ]
    subject = Subject(tests[0], 0.02)
    dice = np.random.default_rng(SEED)
    tries = Tries(np.full(RUNS, 0.06), np.full(RUNS, 86400.0), np.arange(RUNS))
    told = detect(subject, tries, a_leg(60), fresh(RUNS), alpha=ALPHA, dice=dice)
    flown = [_proven(tests, np.random.default_rng(seed)) for seed in range(40)]
    assert _close(float(np.median(told)), float(np.median(flown)))


def _proven(tests: list[TestSpec], rng: np.random.Generator) -> float:
    states = [new_state(test, 0, 0.0) for test in tests]
    for end in range(10, 6000, 10):
        arm, stable = _drawn(rng, 60, 0.06), _drawn(rng, 540, 0.02)
        fine = {CANDIDATE: _drawn(rng, 60, 0.02), STABLE: stable}
        windows = [Window(end, {CANDIDATE: arm, STABLE: stable}), Window(end, fine)]
        states = [
            advance(t, s, w, step_began=0.0) for t, s, w in zip(tests, states, windows, strict=True)
        ]
        if combine(tests, states, ALPHA).breached:
            return end
    return math.inf


def _drawn(rng: np.random.Generator, mean: float, share: float) -> Counts:
    n = rng.poisson(mean)
    return Counts(float(n), float(rng.binomial(n, share)))


def test_clusters_make_a_fault_so_many_times_slower_to_find() -> None:
    plain, clustered = (_median_with_clusters(size) for size in (1, 5))
    assert 3 * plain < clustered < 8 * plain


def _median_with_clusters(size: float) -> float:
    subject = Subject(TestSpec("errors", Max(0.02), 10, cluster_size=size), 0.005)
    tries = Tries(np.full(RUNS, 0.1), np.full(RUNS, 86400.0), np.arange(RUNS))
    dice = np.random.default_rng(SEED)
    return float(np.median(detect(subject, tries, a_leg(20), fresh(RUNS), alpha=ALPHA, dice=dice)))


def test_windows_grow_with_time_and_keep_to_the_grid() -> None:
    found = instants(10, 86400, 600)
    assert len(found) < 160
    assert 600 in found
    assert found[-1] == 86400
    assert all(end % 10 == 0 for end in found)
    assert found[:10] == tuple(range(10, 110, 10))


def test_rows_are_picked_with_all_that_they_remember() -> None:
    test = TestSpec("e", Max(0.02), 10)
    bad, none = np.array([0.0, 9.0, 1.0]), np.zeros(3)
    rows = move(test, fresh(3), (bad, np.full(3, 10.0), bad), (none, none, none), fraction=0.7)
    one: Rows = rows.pick(np.array([1]))
    assert one.runs == 1
    assert one.arm[0].tolist() == [9.0]
    assert one.stakes.log_m[0].tolist() == rows.stakes.log_m[1].tolist()
