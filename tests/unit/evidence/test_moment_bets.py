"""The moment bet: fair by enumeration, tight with fine buckets."""

import math
from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import pytest

from goaround.evidence import moments
from goaround.evidence.bets import Floats

FAIR = 1 + 1e-9
SCORES = np.array([0.0, 0.15, 0.4, 0.5, 0.9, 1.0])
EDGES = np.array([0.0, 0.25, 0.5, 1.0])


def _windows(n: int, chances: Floats) -> Iterator[tuple[float, Floats]]:
    """(probability, scores) of every window of n scores, up to order."""
    for picked in combinations_with_replacement(range(len(SCORES)), n):
        times = np.bincount(picked, minlength=len(SCORES))
        ways = math.factorial(n) / math.prod(math.factorial(t) for t in times)
        yield float(ways * np.prod(chances**times)), SCORES[list(picked)]


def _bucketed(scores: Floats) -> float:
    """Upper bound of the squares from buckets that hold their upper edge, as Prometheus does."""
    place = np.clip(np.searchsorted(EDGES, scores) - 1, 0, None).astype(int)
    counts = np.bincount(place, minlength=len(EDGES) - 1)
    return float(moments.square_bound(EDGES, counts, scores.sum()))


def _sums(n: int, chances: Floats, *, exact: bool) -> tuple[Floats, moments.Sums]:
    """Probabilities, and (sum, n, squares) of all windows at once."""
    found = list(_windows(n, chances))
    s2 = [float((s**2).sum()) if exact else _bucketed(s) for _, s in found]
    s1 = [float(s.sum()) for _, s in found]
    return np.array([w for w, _ in found]), (np.array(s1), float(n), np.array(s2))


def _chances(rng: np.random.Generator, mean: float) -> Floats:
    """Random chances of the six scores with this mean."""
    raw = rng.dirichlet(np.full(len(SCORES), rng.choice([0.2, 1.0])))
    now = float(raw @ SCORES)
    towards, part = (5, (mean - now) / (1 - now)) if mean > now else (0, (now - mean) / now)
    mixed = (1 - part) * raw
    mixed[towards] += part
    return np.asarray(mixed)


def _largest(expectations: Floats, spans: Floats) -> float:
    """The largest expectation of a bet that stakes anything at all."""
    return float(np.max(expectations[spans > 0], initial=0.0))


@pytest.mark.parametrize("exact", [True, False])
def test_the_one_sample_bet_is_fair_in_both_directions(*, exact: bool) -> None:
    rng, largest = np.random.default_rng(1), 0.0
    for _ in range(80):
        tau, n = float(rng.uniform(0.01, 0.99)), int(rng.integers(1, 5))
        spread = float(rng.choice([0.0, 0.01, 0.1, 0.3]))
        for side in (True, False):
            inside = float(rng.choice([0.0, 0.0, 0.4]))
            mean = tau * (1 - inside) if side else tau + (1 - tau) * inside
            q = rng.uniform(tau, 1, 6) if side else rng.uniform(0, tau, 6)
            weights, (s1, count, s2) = _sums(n, _chances(rng, mean), exact=exact)
            sums = np.asarray(s1)[:, None], count, np.asarray(s2)[:, None]
            e = np.exp(moments.one_sample(sums, tau, q, spread=spread))
            largest = max(largest, _largest(weights @ e, np.ptp(e, axis=0)))
    print(f"largest expectation, one sample, exact squares={exact}: {largest:.9f}")
    assert 0.9 <= largest <= FAIR


@pytest.mark.parametrize("worse", [True, False])
@pytest.mark.parametrize("exact", [True, False])
def test_the_two_sample_bet_is_fair_whatever_it_guesses(*, worse: bool, exact: bool) -> None:
    rng, largest = np.random.default_rng(2), 0.0
    log_e = moments.log_e_worse if worse else moments.log_e_better
    for _ in range(80):
        rho = float(rng.choice([1.0, 1.0, 1.2, 0.7]))
        delta = float(rng.choice([0.0, 0.0, 0.04, 0.3]))
        mu_s = float(rng.uniform(0, min(1.0, (1 - delta) / rho)))
        edge = rho * mu_s + delta
        inside = float(rng.choice([0.0, 0.0, 0.4]))
        mu_c = edge * (1 - inside) if worse else edge + (1 - edge) * inside
        w_c, (c1, n_c, c2) = _sums(int(rng.integers(1, 4)), _chances(rng, mu_c), exact=exact)
        w_s, (s1, n_s, s2) = _sums(int(rng.integers(1, 4)), _chances(rng, mu_s), exact=exact)
        arm = np.asarray(c1)[:, None, None], n_c, np.asarray(c2)[:, None, None]
        stable = np.asarray(s1)[:, None], n_s, np.asarray(s2)[:, None]
        x, spread = rng.uniform(0, 1, 4), rng.choice([0.0, 0.005, 0.05, 0.25], 4)
        q = rng.uniform(0, 1, 4)
        e = np.exp(log_e(arm, stable, (rho, delta), x=x, q=q, spread=spread))
        largest = max(largest, _largest(np.einsum("c,s,csq->q", w_c, w_s, e), np.ptp(e, (0, 1))))
    print(f"largest expectation, worse={worse}, exact squares={exact}: {largest:.9f}")
    assert 0.9 <= largest <= FAIR


def test_squares_that_are_only_the_sum_leave_the_bet_fair() -> None:
    rng, largest = np.random.default_rng(8), 0.0
    for _ in range(80):
        tau, n = float(rng.uniform(0.01, 0.99)), int(rng.integers(1, 5))
        weights, (s1, count, _) = _sums(n, _chances(rng, tau), exact=False)
        sums = np.asarray(s1)[:, None], count, np.asarray(s1)[:, None]
        q = np.concatenate([rng.uniform(tau, 1, 3), rng.uniform(0, tau, 3)])
        e = np.exp(moments.one_sample(sums, tau, q, spread=tau * (1 - tau)))
        largest = max(largest, _largest(weights @ e, np.ptp(e, axis=0)))
    assert 0.9 <= largest <= FAIR


def test_gross_harm_is_bet_on_by_the_sum_alone_no_matter_the_squares() -> None:
    """Forty scores of 0.9 against at most 0.1: the chord proves what squares do not."""
    exact, coarse = ((36.0, 40.0, s2) for s2 in (32.4, 36.0))
    told = [float(moments.one_sample(s, 0.1, 0.9, spread=0.09)) for s in (exact, coarse)]
    assert told[0] == told[1]
    assert told[0] > 20


@pytest.mark.parametrize("log_e", [moments.log_e_worse, moments.log_e_better])
def test_without_requests_nothing_is_staked(log_e: object) -> None:
    assert callable(log_e)
    nothing, some = (0.0, 0.0, 0.0), (4.0, 10.0, 3.0)
    guess = {"x": 0.3, "q": 0.9 if log_e is moments.log_e_worse else 0.1, "spread": 0.05}
    assert float(log_e(some, nothing, (1.0, 0.0), **guess)) == 0.0
    assert float(log_e(nothing, (3.0, 10.0, 2.0), (1.0, 0.0), **guess)) == 0.0
    assert float(moments.one_sample(nothing, 0.2, 0.4, spread=0.1)) == 0.0


def test_an_alternative_on_the_side_of_the_null_stakes_nothing() -> None:
    sums = (4.0, 10.0, 3.0)
    for log_e, q in ((moments.log_e_worse, 0.1), (moments.log_e_better, 0.9)):
        assert float(log_e(sums, sums, (1.0, 0.0), x=0.4, q=q, spread=0.05)) == 0.0


def test_the_bound_of_squares_is_the_largest_that_the_buckets_allow() -> None:
    rng = np.random.default_rng(3)
    for _ in range(80):
        scores = np.round(rng.uniform(0, 1, int(rng.integers(1, 6))), 2)
        assert _bucketed(scores) >= float((scores**2).sum()) - 1e-12
    assert float(moments.square_bound([0.0, 0.5, 1.0], [0, 2], 1.5)) == pytest.approx(1.25)
    assert float(moments.square_bound([0.0, 1.0], [10], 3.0)) == pytest.approx(3.0)


def test_a_sum_that_contradicts_its_buckets_stays_inside_them() -> None:
    edges, counts = [0.0, 0.5, 1.0], [4, 0]
    assert float(moments.square_bound(edges, counts, 99.0)) == pytest.approx(1.0)
    assert float(moments.square_bound(edges, counts, -1.0)) == 0.0


def test_finer_buckets_give_a_tighter_bound() -> None:
    scores = np.random.default_rng(4).beta(2, 8, 1000)
    bounds = []
    for parts in (1, 5, 20):
        edges = np.linspace(0, 1, parts + 1)
        counts = np.histogram(scores, edges)[0]
        bounds.append(float(moments.square_bound(edges, counts, scores.sum())))
    truth = float((scores**2).sum())
    assert bounds[0] > bounds[1] > bounds[2] > truth
    assert bounds[2] < truth * 1.15


def test_bets_broadcast_over_signals_and_alternatives() -> None:
    s1, n, s2 = np.full((7, 1), 30.0), 100.0, np.full((7, 1), 12.0)
    boundary = np.linspace(0.1, 0.4, 7)
    q = moments.alternatives(boundary, np.full(7, 0.03))
    assert q.shape == (7, 4)
    assert np.all(np.diff(q, axis=-1) > 0)
    assert moments.one_sample((s1, n, s2), boundary[:, None], q, spread=0.03).shape == (7, 4)
    good = moments.acceptable(boundary, 0.05, 0.03)
    assert good.shape == (7, 2)
    assert np.all(good < boundary[:, None])


def test_acceptance_bets_inside_the_bound_even_on_a_bad_guess() -> None:
    good = moments.acceptable(0.2, 0.7, 0.04)
    assert np.all(good < 0.2)
    assert np.all(good >= 0)


def test_the_spread_is_learnt_from_the_past_and_begins_wide() -> None:
    assert float(moments.guess_spread((0, 0, 0), 0.2)) == pytest.approx(0.16)
    scores = np.random.default_rng(5).beta(10, 40, 5000)
    past = scores.sum(), len(scores), (scores**2).sum()
    assert float(moments.guess_spread(past, 0.2)) == pytest.approx(scores.var(), rel=0.1)


def test_the_self_normalised_bet_is_fair_for_any_symmetric_difference() -> None:
    rng = np.random.default_rng(6)
    for _ in range(200):
        offset, stake = -float(rng.uniform(0, 2)), float(rng.uniform(0, 3))
        size = rng.uniform(0, 5, 4)
        both = np.concatenate([offset + size, offset - size])
        assert np.exp(moments.self_normalised(both, stake)).mean() <= FAIR
    assert float(np.max(moments.self_normalised(np.linspace(-9, 9, 999), 1.0))) <= 0.5
