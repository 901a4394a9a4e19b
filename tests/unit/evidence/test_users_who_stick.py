"""Simulated worlds, fixed seeds: users who stick to an arm neither roll back nor promote alone."""

import numpy as np
import pytest

from goaround.evidence.bets import Floats
from tests.unit.evidence.crowds import Crowd, fly

BETA = 5.0


def _three_standard_errors(flights: int) -> float:
    return 3 * float(np.sqrt(BETA * (100 - BETA) / flights))


def percent(times: Floats) -> float:
    return 100 * float(np.mean(np.isfinite(times)))


@pytest.mark.parametrize(("users", "rps"), [(2_000, 100), (10_000, 10)])
def test_users_who_stick_do_not_roll_back_a_healthy_release(users: int, rps: int) -> None:
    seen = fly(Crowd(rps, users), flights=100, seed=12, phi_w=1.0)
    print(f"{users} users, {rps} req/s: plain {percent(seen.plain)} %, {percent(seen.divided)} %")
    assert percent(seen.plain) > 10
    assert percent(seen.divided) <= 1.5


@pytest.mark.parametrize(("users", "rps"), [(2_000, 10), (10_000, 100)])
def test_users_who_join_at_every_step_do_not_roll_back_a_healthy_release(
    users: int, rps: int
) -> None:
    """10, 50 and 98 %: the last leaves a stable arm of few users."""
    steps = {3600: 0.5, 7200: 0.98}
    seen = fly(Crowd(rps, users), flights=200, seed=18, phi_w=1.0, steps=steps)
    print(f"{users} users, steps: plain {percent(seen.plain)} %, {percent(seen.divided)} %")
    assert percent(seen.plain) > 20
    assert percent(seen.divided) <= 1.5


@pytest.mark.parametrize("worse", [2.0, 5.0, 20.0])
def test_independent_requests_are_delayed_by_a_tenth_at_most(worse: float) -> None:
    seen = fly(Crowd(10), flights=150, seed=13, worse=worse, phi_w=1.0)
    plain, divided = float(np.median(seen.plain)), float(np.median(seen.divided))
    print(f"1 -> {worse:g} %: median {plain:g} s -> {divided:g} s")
    assert divided <= max(1.1 * plain, plain + 10)


def test_bursts_are_measured_and_paid_for() -> None:
    crowd = Crowd(10, burst=5)
    assert percent(fly(crowd, flights=50, seed=14, hours=4, phi_w=1.0).plain) > 50
    seen = fly(crowd, flights=100, seed=14, hours=8)
    print(f"bursts of 5, phi_w measured: {percent(seen.plain)} %, {percent(seen.divided)} %")
    assert percent(seen.divided) <= 1.5


def test_users_who_stick_do_not_break_a_limit_that_the_release_keeps() -> None:
    seen = fly(Crowd(10, 2_000), flights=100, seed=15, limit=0.01, phi_w=1.0)
    print(f"at the limit: plain {percent(seen.plain)} %, divided {percent(seen.divided)} %")
    assert percent(seen.plain) > 10
    assert percent(seen.divided) <= 1.5


@pytest.mark.parametrize(("share", "reference"), [(0.1, True), (1.0, False)])
def test_users_who_stick_seldom_promote_a_release_at_its_limit(
    *, share: float, reference: bool
) -> None:
    crowd = Crowd(10, 2_000, share=share)
    seen = fly(crowd, flights=100, seed=16, limit=0.01, phi_w=1.0, reference=reference)
    print(f"at the limit, {share:.0%} of 2,000 users: {percent(seen.accepted):.1f} % accepted")
    assert percent(seen.accepted) <= BETA + _three_standard_errors(100)


def test_users_who_stick_seldom_promote_a_release_at_its_margin() -> None:
    seen = fly(Crowd(100, 10_000), flights=100, seed=17, worse=2.0, phi_w=1.0)
    print(f"at the margin, 10,000 users: {percent(seen.accepted):.1f} % accepted")
    assert percent(seen.accepted) <= BETA + _three_standard_errors(100)
