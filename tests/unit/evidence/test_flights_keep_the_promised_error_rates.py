"""Simulated flights, fixed seeds: what the theorems promise and what the design measured.

Each flight is a run of 10 s windows with independent requests; alpha 1 %, beta 5 %.
"""

import math

import numpy as np
import pytest

from goaround.evidence import acceptance, detector
from goaround.evidence.hint import divergence
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Counts,
    Max,
    TestSpec,
    VsStable,
    Window,
    advance,
    new_state,
)
from tests.unit.evidence.flights import INTERVAL, Traffic, acceptances, harm_bets, rollback_times

FOUR_HOURS = 4 * 3600 // INTERVAL


def _three_standard_errors(share: float, flights: int) -> float:
    return 3 * math.sqrt(share * (1 - share) / flights)


@pytest.mark.parametrize("per_second", [1, 10, 100])
def test_a_release_at_its_limit_is_rarely_rolled_back(per_second: int) -> None:
    traffic = Traffic(candidate=per_second * INTERVAL, p_candidate=0.02)
    times = rollback_times(Max(0.02), traffic, windows=FOUR_HOURS, flights=500, seed=5)
    false = float(np.mean(np.isfinite(times)))
    print(f"false rollback at max 2 %, {per_second} req/s, 4 h: {100 * false:.1f} %")
    assert false <= 0.01 + _three_standard_errors(0.01, 500)


@pytest.mark.parametrize("per_second", [1, 10, 100])
def test_a_release_as_good_as_stable_is_rarely_rolled_back(per_second: int) -> None:
    """Candidate 10 %, no history: stable's share is learnt on the way."""
    share, stable = per_second * INTERVAL // 10, per_second * INTERVAL * 9 // 10
    traffic = Traffic(candidate=share, p_candidate=0.01, stable=stable, p_stable=0.01)
    bound = VsStable(factor=1.0, reject_factor=2.0)
    times = rollback_times(bound, traffic, windows=FOUR_HOURS, flights=300, seed=6)
    false = float(np.mean(np.isfinite(times)))
    print(f"false rollback against stable, {per_second} req/s, 4 h: {100 * false:.1f} %")
    assert false <= 0.01 + _three_standard_errors(0.01, 300)


@pytest.mark.parametrize(
    ("per_second", "share", "at_most"),
    [(1, 0.05, 1.5), (1, 0.2, 1.5), (1, 1.0, 1.0), (10, 0.05, 1.5), (10, 0.2, 1.0), (10, 1.0, 1.0)],
)
def test_harm_is_proven_within_a_small_multiple_of_the_bound(
    per_second: int, share: float, at_most: float
) -> None:
    """Bound: ln(1/alpha)/KL requests, as time, rounded up to a window (limit 2 %)."""
    traffic = Traffic(candidate=per_second * INTERVAL, p_candidate=share)
    times = rollback_times(Max(0.02), traffic, windows=2000, flights=300, seed=7)
    information = share * math.log(share / 0.02)
    if share < 1:
        information += (1 - share) * math.log((1 - share) / 0.98)
    windows = math.ceil(math.log(100) / information / traffic.candidate)
    median, slow = float(np.median(times)), float(np.quantile(times, 0.95))
    bound = windows * INTERVAL
    print(f"2 -> {100 * share:g} % at {per_second}/s: {median:g}s / {slow:g}s, bound {bound}s")
    assert median <= at_most * bound


@pytest.mark.parametrize(("limit", "n"), [(0.02, 50), (0.05, 20), (0.10, 10), (0.10, 500)])
def test_a_release_at_its_limit_is_rarely_accepted(limit: float, n: int) -> None:
    traffic = Traffic(candidate=n, p_candidate=limit)
    found = acceptances(Max(limit), traffic, windows=400, flights=2000, seed=8)
    for level, when in found.items():
        wrong = float(np.mean(np.isfinite(when)))
        print(f"accepted at max {limit:g} (n={n} a window), level {level:g}: {100 * wrong:.1f} %")
        assert wrong <= 1 / level + _three_standard_errors(1 / level, 2000)


@pytest.mark.parametrize(
    ("part", "n", "at_most"), [(0.25, 10, 1.1), (0.5, 10, 1.6), (0.5, 1000, 3.1)]
)
def test_a_good_release_is_accepted_within_a_small_multiple_of_the_bound(
    part: float, n: int, at_most: float
) -> None:
    """Median requests against ln(20)/KL, at a part of the 2 % limit; windows of 1,000 count in
    whole windows."""
    share = part * 0.02
    traffic = Traffic(candidate=n, p_candidate=share)
    found = acceptances(Max(0.02), traffic, windows=12_000 // n, flights=300, seed=9)
    median = float(np.median(found[20.0]))
    bound = math.log(20) / divergence(share, 0.02)
    print(f"accepting {100 * share:g} % below 2 %, n={n}: {median:g} requests, bound {bound:.0f}")
    assert median <= at_most * max(bound, n)


def test_the_simulated_flight_is_the_flight_that_the_engine_flies() -> None:
    """One path through `advance` and through the vectorised formulas: the same numbers."""
    rng = np.random.default_rng(10)
    spec = TestSpec("s", Max(0.02), INTERVAL)
    state = new_state(spec, 0, 0.0)
    log_m, log_left, log_a = np.full((1, 6), -np.inf), np.zeros(1), np.zeros(2)
    seen = Counts()
    for i in range(1, 50):
        window = Counts(100, int(rng.binomial(100, 0.03)))
        state = advance(spec, state, Window(10 * i, {CANDIDATE: window}), step_began=0.0)
        fraction = 0.7 if i == 1 else 10 / 86400
        q = np.array([1.4, 1.75, 2.4, 4.5, 12, 400]) * 0.02 / 0.98
        e = ((q / (1 + q)) / 0.02) ** window.bad * ((1 / (1 + q)) / 0.98) ** window.good
        log_m, log_left = detector.step(log_m, log_left, np.log(e), fraction)
        x = acceptance.guess_below(0.02, seen, Counts(), 100)
        y = np.array([x, x / 2])
        log_a = log_a + np.log((y / 0.02) ** window.bad * ((1 - y) / 0.98) ** window.good)
        seen = seen + window
    assert state.log_m == pytest.approx(log_m[0])
    assert state.log_left == pytest.approx(log_left[0])
    assert state.log_a == pytest.approx(log_a)


def test_the_simulated_comparison_is_the_one_that_the_engine_makes() -> None:
    rng = np.random.default_rng(11)
    bound = VsStable(factor=1.2, reject_factor=2.0)
    spec = TestSpec("s", bound, INTERVAL)
    state, traffic, seen_bad = new_state(spec, 0, 0.0), Traffic(10, 0.03, 40, 0.02), 0.0
    log_m, log_left = np.full((1, 6), -np.inf), np.zeros(1)
    for i in range(1, 30):
        k_c, k_s = rng.binomial(10, 0.03, (1, 1)), rng.binomial(40, 0.02, (1, 1))
        arms = {CANDIDATE: Counts(10, int(k_c[0, 0])), STABLE: Counts(40, int(k_s[0, 0]))}
        state = advance(spec, state, Window(10 * i, arms), step_began=0.0)
        past = (np.array([seen_bad]), (i - 1) * 40)
        log_e = harm_bets(bound, traffic, (k_c, k_s), past)
        log_m, log_left = detector.step(log_m, log_left, log_e, 0.7 if i == 1 else 10 / 86400)
        seen_bad += int(k_s[0, 0])
    assert state.log_m == pytest.approx(log_m[0])


def test_total_failure_against_an_unknown_stable_is_proven_in_one_window() -> None:
    spec = TestSpec("s", VsStable(worse_by=0.02, reject_at=0.04), INTERVAL)
    arms = {CANDIDATE: Counts(10, 10), STABLE: Counts(90, 1)}
    state = advance(spec, new_state(spec, 0, 0.0), Window(10, arms), step_began=0.0)
    log_e = detector.log_e_value(np.array(state.log_m), np.array(state.log_left))
    assert float(log_e) >= math.log(100)
