"""The design effect itself: its formulas, spelled out, and what they give for known worlds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.evidence import clustering
from goaround.evidence.bets import Floats


def _table(rng: np.random.Generator, n: int = 1, scale: float = 50.0) -> Floats:
    total = rng.poisson(rng.uniform(0, scale, (n, 2, 20)))
    bad = rng.binomial(total, rng.uniform(0, 0.4, (n, 2, 1)))
    rows = np.stack([total[:, 0], bad[:, 0], total[:, 1], bad[:, 1]], axis=1)
    return rows.astype(np.float64)


def _arm(total: Floats, bad: Floats) -> tuple[float, float, Floats, float]:
    n = float(total.sum())
    p = float(bad.sum()) / n
    variance = p * (1 - p) * (n - float((total**2).sum()) / n) / (n * (n - 1))
    return n, p, (bad - p * total) / n, variance


@given(seed=st.integers(0, 10**6), rho=st.sampled_from([1.0, 1.5, 3.0]))
def test_products_of_rows_give_what_residuals_give(seed: int, rho: float) -> None:
    rng = np.random.default_rng(seed)
    delta = float(rng.choice([0.0, 0.02]))
    table = _table(rng)[0] + np.array([1, 0, 1, 0])[:, None]
    if table[2].sum() < table[0].sum():
        table = table[[2, 3, 0, 1]]  # beside a smaller reference more than residuals counts
    found = clustering.against_reference(table, rho, delta)
    n_c, p_c, u_c, v_c = _arm(table[0], table[1])
    n_s, p_s, u_s, v_s = _arm(table[2], table[3])
    seen, expected = float(((u_c - rho * u_s) ** 2).sum()), v_c + rho**2 * v_s
    edge = min(rho * p_s + delta, 1)
    floor = edge * (1 - edge) / n_c + rho**2 * p_s * (1 - p_s) / n_s
    if expected > 0:
        assert float(found.phi) == pytest.approx(seen / expected)
    assert float(found.error) == pytest.approx(np.sqrt(seen * 20 / 19))
    if floor + seen > 0:
        t = (p_c - edge) / np.sqrt(max(seen * 20 / 19, floor))
        assert float(found.t) == pytest.approx(t, abs=1e-9)


@given(seed=st.integers(0, 10**6))
def test_beside_a_smaller_reference_the_spread_of_the_arm_itself_counts_too(seed: int) -> None:
    table = _table(np.random.default_rng(seed))[0] + np.array([90, 0, 1, 0])[:, None]
    _, _, residuals, expected = _arm(table[0], table[1])
    if table[2].sum() < table[0].sum() and expected > 0:
        found = clustering.against_reference(table, 1.0, 0.0)
        assert float(found.phi) >= float((residuals**2).sum()) / expected - 1e-9


def test_independent_requests_have_no_design_effect_on_average() -> None:
    rng = np.random.default_rng(2)
    total = rng.multinomial(4000, np.full(20, 0.05), size=(3000, 2))
    bad = rng.binomial(total, 0.03)
    rows = [total[:, 0], bad[:, 0], total[:, 1], bad[:, 1]]
    table = np.stack(rows, axis=1).astype(np.float64)
    for found in (
        clustering.against_reference(table, 1.0, 0.0),
        clustering.against_limit(table, 0.03),
    ):
        assert float(found.phi.mean()) == pytest.approx(1, abs=3 * np.sqrt(2 / 19 / 3000))
        assert float(np.mean(clustering.divisor(found.phi, 1.0) > 1)) < 0.25


def test_users_in_both_arms_cancel() -> None:
    rng = np.random.default_rng(3)
    own = rng.beta(0.3, 10, 20)
    n = np.array([1000, 1000])[:, None] * np.ones((2, 20))
    bad = np.stack([n[0] * own, n[1] * own])
    table = np.stack([n[0], bad[0], n[1], bad[1]])
    assert float(clustering.against_reference(table, 1.0, 0.0).phi) == pytest.approx(0, abs=1e-9)
    assert float(clustering.against_limit(table, 0.05).phi) > 5


@pytest.mark.parametrize(
    ("phi", "by"), [(0.0, 1.0), (1.0, 1.0), (1.25, 1.0), (2.0, 2.0), (5.0, 6.0)]
)
def test_small_spreads_divide_nothing(phi: float, by: float) -> None:
    assert float(clustering.divisor(np.array(phi), 1.0)) == pytest.approx(by)
    assert float(clustering.divisor(np.array(3 * phi), 3.0)) == pytest.approx(by)


def test_t_must_reach_two_and_with_clustering_three() -> None:
    assert clustering.t_needed(np.array([1.0, 1.5, 2.0, 9.0])).tolist() == [2, 2.5, 3, 3]


def test_one_guilty_bucket_is_about_one_standard_error() -> None:
    table = np.zeros((4, 20))
    table[0], table[2], table[3] = 100, 900, 0
    table[1, 4] = 100
    assert float(clustering.against_reference(table, 1.0, 0.0).t) == pytest.approx(1, abs=0.01)
    table[1, :4] = 100
    assert 2 < float(clustering.against_reference(table, 1.0, 0.0).t) < 2.6


def test_harm_without_any_spread_passes_and_no_harm_does_not() -> None:
    table = np.zeros((4, 20))
    table[0], table[1], table[2] = 1, 1, 9
    assert clustering.against_reference(table, 1.0, 0.0).t == np.inf
    assert clustering.against_reference(np.zeros((4, 20)), 1.0, 0.0).t == 0
    assert clustering.against_reference(np.zeros((4, 20)), 1.0, 0.0).phi == 1


def test_counts_of_any_size_stay_numbers() -> None:
    for scale in (1e-3, 1.0, 1e12):
        table = _table(np.random.default_rng(4), 50) * scale
        for found in (
            clustering.against_reference(table, 1.0, 0.0),
            clustering.against_limit(table, 0.2),
        ):
            assert np.isfinite([found.phi, found.phi_widest, found.error]).all()
            assert not np.isnan(found.t).any()


def test_bursts_within_a_poll_are_the_cluster_size_measured() -> None:
    rng = np.random.default_rng(5)
    for burst in (1, 5, 20):
        groups = rng.poisson(100 / 20 * 10 / burst, (20, 360, 20))
        bad = rng.binomial(groups, 0.01)
        polls = burst * np.stack([groups, bad], axis=2)
        found = clustering.phi_w(polls)
        print(f"bursts of {burst}: phi_w {found.mean():.2f} +- {found.std():.2f}")
        assert float(found.mean()) == pytest.approx(burst, rel=0.15)


def test_without_polls_nothing_is_clustered() -> None:
    assert clustering.phi_w(np.zeros((0, 2, 20))) == 1
    assert clustering.phi_w(np.zeros((360, 2, 20))) == 1
