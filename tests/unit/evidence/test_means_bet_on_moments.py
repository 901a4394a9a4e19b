"""Means keep the promised error rates, and buckets find a small fall of a score much sooner."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from goaround.evidence import kernel, score_bets
from goaround.evidence.bets import Floats
from goaround.evidence.kernel import Gains
from hack.bench.evidence.intervals import wilson
from hack.bench.evidence.means import Bet, Scores, gains, seconds, window

ALPHA, BETA = 0.01, 0.05
SEED = 2026
Bets = Callable[[Floats, Floats, Floats], Gains]


def crossings(
    bets: Bets, world: Scores, bet: Bet, level: float, *, flights: int = 240, windows: int = 120
) -> Floats:
    """Windows until harm is proven (level alpha) or health accepted (beta); inf where never."""
    rng = np.random.default_rng(SEED)
    stakes, past, known = kernel.fresh((flights,)), np.zeros((3, flights)), np.zeros((3, flights))
    found = np.full(flights, np.inf)
    for i in range(1, windows + 1):
        arm, stable = (window(rng, world, bet, flights, candidate=c) for c in (True, False))
        gained = bets(arm, stable, np.stack([past, known]))
        stakes = kernel.move(stakes, gained, 0.7 if i == 1 else 1e-4, interval=10)
        past, known = past + arm, known + stable
        log_e = kernel.plain(stakes).log_e if level == ALPHA else kernel.accepted(stakes)
        found[np.isinf(found) & (log_e >= -math.log(level))] = i
    return found


def ever(found: Floats, told: str) -> float:
    """Lower end of the 95 % interval of the share that ever crossed."""
    wrong = int(np.isfinite(found).sum())
    low, high = wilson(wrong, len(found))
    print(f"{told}: {wrong} of {len(found)} ({low:.3f} to {high:.3f})")
    return low


def against_limit(limit: float) -> Bets:
    return lambda arm, _, before: score_bets.against_limit(limit, tuple(arm), tuple(before[0]))


def against_stable(world: Scores) -> Bets:
    return lambda arm, stable, before: gains(world, Bet.BUCKETS, arm, stable, known=before[1])


@pytest.mark.parametrize("bet", [Bet.BUCKETS, Bet.SUMS])
@pytest.mark.parametrize("sd", [0.05, 0.2, 0.5])
def test_a_score_at_its_limit_is_sent_back_no_more_often_than_alpha(bet: Bet, sd: float) -> None:
    world = Scores(stable=0.3, candidate=0.3, sd=sd, rps=20)
    found = crossings(against_limit(0.3), world, bet, ALPHA)
    assert ever(found, f"at the limit, sd {sd}, {bet}") <= ALPHA


@pytest.mark.parametrize("bet", [Bet.BUCKETS, Bet.SUMS])
@pytest.mark.parametrize("sd", [0.05, 0.2, 0.5])
def test_a_score_at_its_tolerance_is_sent_back_no_more_often_than_alpha(
    bet: Bet, sd: float
) -> None:
    world = Scores(stable=0.2, candidate=0.24, sd=sd, tolerance=0.04, rps=20)
    found = crossings(against_stable(world), world, bet, ALPHA)
    assert ever(found, f"at the tolerance, sd {sd}, {bet}") <= ALPHA


@pytest.mark.parametrize("sd", [0.05, 0.2, 0.5])
def test_a_score_at_the_margin_is_accepted_no_more_often_than_beta(sd: float) -> None:
    world = Scores(stable=0.2, candidate=0.28, sd=sd, tolerance=0.04, rps=20)
    for bets in (against_stable(world), against_limit(0.28)):
        found = crossings(bets, world, Bet.BUCKETS, BETA, flights=200)
        assert ever(found, f"accepted at the margin, sd {sd}") <= BETA


@pytest.mark.parametrize(
    ("world", "factor"),
    [
        (Scores(candidate=0.30, sd=0.1, rps=10), 4.0),
        (Scores(candidate=0.26, sd=0.1), 15.0),
        (Scores(candidate=0.30, sd=0.2, rps=10), 1.5),
        (Scores(candidate=0.30, sd=0.5, rps=10), 0.7),
        (Scores(candidate=0.80, sd=0.1, rps=10), 1.0),
    ],
)
def test_buckets_find_a_falling_score_sooner_than_sums(world: Scores, factor: float) -> None:
    """Tolerance 0.04, ten buckets: with sd 0.1 by a factor of 6; never at a price worth naming."""
    fast, slow = (seconds(world, bet, 40, SEED) for bet in (Bet.BUCKETS, Bet.COUNTS))
    told = float(np.median(fast)), float(np.median(np.minimum(slow, 2400.0)))
    print(
        f"0.8 -> {1 - world.candidate:.2f}, sd {world.sd}: {told[0]:.0f} s, counts {told[1]:.0f} s"
    )
    assert told[1] >= factor * told[0]


@pytest.mark.parametrize(("candidate", "worst"), [(0.30, 1.3), (0.40, 1.5), (0.8, 1.0)])
def test_sums_alone_bet_about_as_well_as_counts(candidate: float, worst: float) -> None:
    """So that one rule serves all means: harm is found in 0.9 to 1.4 x the time."""
    world = Scores(candidate=candidate, sd=0.5, rps=10)
    sums, counts = (float(np.median(seconds(world, b, 60, SEED))) for b in (Bet.SUMS, Bet.COUNTS))
    print(f"0.8 -> {1 - candidate:.1f}, no buckets: {sums:.0f} s, counts {counts:.0f} s")
    assert sums <= worst * counts + 10


@pytest.mark.parametrize("bet", [Bet.BUCKETS, Bet.SUMS])
def test_a_healthy_score_is_accepted_sooner_by_moments_than_by_counts(bet: Bet) -> None:
    world = Scores(stable=0.2, candidate=0.2, sd=0.2, rps=20)

    def by_counts(arm: Floats, _: Floats, before: Floats) -> Gains:
        return kernel.against_limit(0.25, tuple(arm[:2]), tuple(before[0][:2]))

    moments, counts = (
        float(np.median(crossings(bets, world, bet, BETA, flights=60)))
        for bets in (against_limit(0.25), by_counts)
    )
    print(f"accepted, {bet}: {moments:.0f} windows of 20, by counts {counts:.0f}")
    assert moments <= (0.5 if bet is Bet.BUCKETS else 0.8) * counts
