"""Validity by exact enumeration: no expectation under a null exceeds 1."""

import math

import numpy as np
import pytest

from goaround.evidence import acceptance, bets, detector
from goaround.evidence.judge import (
    Bound,
    Counts,
    Max,
    Min,
    TestSpec,
    TestState,
    VsStable,
    combine,
    new_state,
)
from tests.unit.evidence.enumeration import Floats, Shares, Sizes, binomial, outcomes, paths

FAIR = 1 + 1e-9
SETTINGS = 800


def _one_sample_expectation(n: int, p: float, tau: float, q: Floats) -> float:
    k = np.arange(n + 1)[:, None]
    return float(np.max(binomial(n, p) @ np.exp(bets.one_sample(k, n, tau, q))))


def test_the_one_sample_bet_is_fair_at_the_limit_and_loses_inside() -> None:
    rng = np.random.default_rng(1)
    largest = 0.0
    for _ in range(SETTINGS):
        n, tau = int(rng.integers(0, 9)), float(rng.uniform(0.001, 0.999))
        worse = detector.alternatives(tau)
        guess = acceptance.guess_below(tau, Counts(9, int(rng.integers(10))), Counts(), n)
        better = acceptance.alternatives(guess)
        for inside in (0.0, float(rng.uniform()), 1.0):
            at_most, at_least = tau * (1 - inside), tau + (1 - tau) * inside
            for p, q in ((at_most, worse), (at_least, better)):
                largest = max(largest, _one_sample_expectation(n, p, tau, q))
    print(f"largest expectation, one sample: {largest:.12f}")
    assert 1 - 1e-9 <= largest <= FAIR


def _random_boundary(rng: np.random.Generator) -> tuple[float, float]:
    rho = float(rng.choice([1.0, 1.0, 1.2, 1.5, 3.0, 0.7]))
    return rho, float(rng.choice([0.0, 0.0, 0.02, 0.05, 0.3]))


def _two_sample_expectation(
    sizes: Sizes, shares: Shares, boundary: tuple[float, float], bet: tuple[float, Floats, bool]
) -> float:
    x, q, worse = bet
    (n_c, n_s), (p_c, p_s) = sizes, shares
    k_c, k_s = np.arange(n_c + 1)[:, None, None], np.arange(n_s + 1)[None, :, None]
    log_e = bets.two_sample_worse if worse else bets.two_sample_better
    e = np.exp(log_e((k_c, n_c), (k_s, n_s), boundary, x=x, q=q))
    return float(np.max(np.einsum("c,s,csq->q", binomial(n_c, p_c), binomial(n_s, p_s), e)))


@pytest.mark.parametrize("worse", [True, False])
def test_the_count_bet_is_fair_whatever_it_guesses(*, worse: bool) -> None:
    rng = np.random.default_rng(2)
    largest = 0.0
    for _ in range(SETTINGS):
        rho, delta = _random_boundary(rng)
        sizes = (int(rng.integers(0, 9)), int(rng.integers(0, 9)))
        p_s = float(rng.beta(0.5, 2))
        edge = rho * p_s + delta
        if edge > 1:
            p_s, edge = (1 - delta) / rho, 1.0
        x = float(np.clip(rng.beta(0.4, 1), 1e-6, 1 - 1e-6))
        q = np.clip(rng.uniform(size=6), 1e-6, 1 - 1e-6)
        inside = edge * rng.uniform() if worse else edge + (1 - edge) * rng.uniform()
        for p_c in (edge, float(inside)):
            found = _two_sample_expectation(sizes, (p_c, p_s), (rho, delta), (x, q, worse))
            largest = max(largest, found)
    print(f"largest expectation, two samples, worse={worse}: {largest:.12f}")
    assert 1 - 1e-9 <= largest <= FAIR


def test_the_stake_is_never_lost_to_a_single_request() -> None:
    rng = np.random.default_rng(3)
    for _ in range(SETTINGS):
        rho, delta = _random_boundary(rng)
        x, q = rng.uniform(1e-6, 1 - 1e-6, size=2)
        for log_e in (bets.two_sample_worse, bets.two_sample_better):
            for k_c, k_s in ((0, 0), (0, 1), (1, 0), (1, 1)):
                worth = float(log_e((k_c, 1), (k_s, 1), (rho, delta), x=x, q=q))
                assert worth >= 2 * math.log(bets.MIN_FACTOR) - 1e-9


def test_without_stable_requests_nothing_is_compared() -> None:
    for log_e in (bets.two_sample_worse, bets.two_sample_better):
        assert float(log_e((7, 9), (0, 0), (1.0, 0.0), x=0.01, q=0.5)) == 0.0


def test_without_requests_every_bet_stands_still() -> None:
    assert float(bets.one_sample(0, 0, 0.02, 0.1)) == 0.0
    for log_e in (bets.two_sample_worse, bets.two_sample_better):
        assert float(log_e((0, 0), (3, 50), (1.0, 0.02), x=0.01, q=0.5)) == 0.0


def _prepared(spec: TestSpec, rng: np.random.Generator) -> TestState:
    """A test with or without a past, which decides its guesses."""
    n = int(rng.choice([0, 3, 200]))
    history = Counts(n, int(rng.integers(0, n + 1)) // 4)
    return new_state(spec, 0, 0.0, history)


def _bound(rng: np.random.Generator) -> Bound:
    share = float(rng.uniform(0.02, 0.9))
    kinds: list[Bound] = [
        Max(share),
        Min(share),
        VsStable(reject_at=0.1, worse_by=float(rng.choice([0.0, 0.05]))),
        VsStable(factor=1.2, reject_factor=float(rng.choice([1.5, 2.0]))),
    ]
    return kinds[int(rng.integers(4))]


def _null_shares(bound: Bound, rng: np.random.Generator, *, harm: bool) -> Shares:
    """Shares (candidate, stable) on the boundary or inside the null, anew for every window."""
    p_s, inside = float(rng.uniform(0, 0.5)), float(rng.choice([0.0, 0.0, 0.3]))
    if isinstance(bound, VsStable):
        rho, delta = (
            (bound.factor, bound.worse_by) if harm else (bound.reject_factor, bound.reject_at)
        )
        edge = min(rho * p_s + delta, 1.0)
        p_s = min(p_s, (1 - delta) / rho)
    else:
        edge = bound.limit
    low_is_null = harm != isinstance(bound, Min)
    return (edge * (1 - inside) if low_is_null else edge + (1 - edge) * inside), p_s


@pytest.mark.parametrize("harm", [True, False])
def test_whole_flights_gain_nothing_under_the_null(*, harm: bool) -> None:
    """E[E_t] and E[A_t], with guesses learned on the way, by every path through three windows."""
    rng = np.random.default_rng(4)
    largest = 0.0
    for _ in range(12):
        spec = TestSpec("s", _bound(rng), 10, cluster_size=float(rng.choice([1, 1, 1, 2.5])))
        small = 1 if isinstance(spec.bound, VsStable) else 0
        windows = [
            ((int(rng.integers(1, 4)), small * int(rng.integers(1, 3))), shares)
            for shares in (_null_shares(spec.bound, rng, harm=harm) for _ in range(3))
        ]
        mean = 0.0
        for weight, state in paths(spec, _prepared(spec, rng), windows):
            log_e = (
                detector.log_e_value(np.array(state.log_m), np.array(state.log_left))
                if harm
                else acceptance.log_e_value(np.array(state.log_a))
            )
            mean += weight * math.exp(float(log_e))
        largest = max(largest, mean)
    print(f"largest expectation over whole flights, harm={harm}: {largest:.12f}")
    assert 1 - 1e-9 <= largest <= FAIR


def test_signals_that_share_their_requests_gain_nothing_together() -> None:
    specs = [TestSpec("a", Max(0.2), 10, share=0.6), TestSpec("b", Max(0.3), 10, share=0.4)]
    states = [new_state(spec, 0, 0.0) for spec in specs]
    windows = [((3, 0), (0.2, 0.0))] * 3
    first, second = (list(paths(specs[i], states[i], windows)) for i in (0, 1))
    together = sum(
        weight * math.exp(combine(specs, [a, b], 0.01).log_e)
        for (weight, a), (_, b) in zip(first, second, strict=True)
    )
    assert together <= FAIR


def test_the_enumeration_covers_every_outcome() -> None:
    total = sum(weight for weight, _, _ in outcomes((5, 4), (0.3, 0.1)))
    assert total == pytest.approx(1)
