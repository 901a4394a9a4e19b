"""Whatever buckets say: what counts is never more than the plain e-process, alone or combined."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.evidence import clustering, detector, kernel
from goaround.evidence.bets import Floats
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    Max,
    Min,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.kernel import Stakes
from goaround.evidence.weighing import stakes, weigh

BOUNDS: list[Bound] = [
    Max(0.05),
    Min(0.9),
    VsStable(reject_at=0.04, worse_by=0.02),
    VsStable(factor=1.2, reject_factor=2.0),
]
EQUAL = 1e-9


def _bucketed(rng: np.random.Generator, size: int, rate: float) -> tuple[Counts, ...]:
    """Requests of users with failure rates of their own."""
    own = rng.beta(0.4, 0.4 * (1 - rate) / rate, size)
    totals = rng.poisson(rng.uniform(0, 20), size)
    return tuple(Counts(int(n), int(rng.binomial(n, p))) for n, p in zip(totals, own, strict=True))


def _window(rng: np.random.Generator, end: int, size: int) -> Window:
    buckets = {arm: _bucketed(rng, max(size, 1), 0.08) for arm in (CANDIDATE, STABLE)}
    arms = {arm: sum(some, Counts()) for arm, some in buckets.items()}
    return Window(end, arms, buckets if size else {})


def _flown(seed: int, spec: TestSpec, *, labelled: bool = True) -> list[TestState]:
    """States of a flight on which labels come and go, steps change and an hour ends.

    labelled=False: the same requests without any label."""
    rng = np.random.default_rng(seed)
    state, found, end, began = new_state(spec, 0, 0.0), [], 0, 0.0
    size = int(rng.choice([20, 20, 0]))
    for _ in range(30):
        end += int(rng.choice([10, 10, 10, 600, 3600]))
        size = int(rng.choice([size] * 20 + [0, 20, 16]))
        began = float(end - 5) if rng.random() < 0.1 else began
        window = _window(rng, end, size)
        window = window if labelled else replace(window, buckets={})
        state = advance(spec, state, window, step_began=began)
        found.append(state)
    return found


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    bound=st.sampled_from(BOUNDS),
    units=st.sampled_from(Units),
)
def test_what_counts_is_never_more_than_the_plain_e_value(
    seed: int, bound: Bound, units: Units
) -> None:
    """Not more than its own, and not more than that of the same flight without any label."""
    spec, alone = (TestSpec("s", bound, 10, units=u) for u in (units, Units.REQUESTS))
    plain = _flown(seed, alone, labelled=False)
    for state, unlabelled in zip(_flown(seed, spec), plain, strict=True):
        weighed = weigh(spec, state)
        assert weighed.log_x <= weighed.log_e + EQUAL
        assert weighed.log_e <= weigh(alone, unlabelled).log_e + EQUAL
        assert weighed.divided_by >= 1
        assert weighed.accept_by >= 1


@settings(max_examples=15)
@given(seeds=st.lists(st.integers(0, 10**6), min_size=2, max_size=4), alpha=st.floats(0.001, 0.9))
def test_a_combined_breach_is_one_of_the_plain_rule_too(seeds: list[int], alpha: float) -> None:
    specs = [
        TestSpec(f"s{i}", BOUNDS[i], 10, share=1 / len(seeds), units=list(Units)[seed % 2])
        for i, seed in enumerate(seeds)
    ]
    flights = [_flown(seed, spec) for seed, spec in zip(seeds, specs, strict=True)]
    for states in zip(*flights, strict=True):
        plain = [
            math.log(spec.share)
            + float(detector.log_e_value(np.array(state.log_m), np.array(state.log_left)))
            for spec, state in zip(specs, states, strict=True)
        ]
        breach = combine(specs, states, alpha)
        assert breach.log_e <= float(np.logaddexp.reduce(plain)) + EQUAL
        if breach.breached:
            assert float(np.logaddexp.reduce(plain)) >= -math.log(alpha) - EQUAL


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_of_arrays_of_stakes_no_row_gains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = _random_stakes(rng, 50)
    whole, block = (clustering.against_reference(_tables(rng, 50), 1.0, 0.0) for _ in range(2))
    weight = kernel.divided(rows, whole, block, 1 + rng.exponential(size=50))
    assert (weight.log_x <= weight.log_e + EQUAL).all()
    assert (kernel.gross(rows).log_x <= kernel.gross(rows).log_e).all()
    accepted = kernel.accepted(rows, whole)
    assert (accepted <= np.maximum(kernel.accepted(rows), 0) + EQUAL).all()


def _random_stakes(rng: np.random.Generator, n: int) -> Stakes:
    """The block's starts are among all starts, the rest is arbitrary."""
    log_m = rng.normal(0, 20, (n, 6))
    return Stakes(
        log_m=log_m,
        log_left=-rng.exponential(size=n),
        log_mb=log_m - rng.exponential(3, (n, 6)),
        log_mass=-rng.exponential(3, n),
        log_a=rng.normal(0, 10, (n, 2)),
        log_g=rng.normal(0, 20, (n, 6)),
    )


def _tables(rng: np.random.Generator, n: int) -> Floats:
    total = rng.poisson(rng.uniform(0, 50, (n, 1, 1)), (n, 2, 20))
    bad = rng.binomial(total, rng.beta(0.2, 1, (n, 2, 20)))
    rows = np.stack([total[:, 0], bad[:, 0], total[:, 1], bad[:, 1]], axis=1)
    return rows.astype(np.float64)


def test_bets_of_this_block_are_among_all_bets() -> None:
    spec = TestSpec("s", VsStable(factor=1.0, reject_factor=2.0), 10)
    for seed in range(10):
        for state in _flown(seed, spec):
            now = stakes(state)
            assert (now.log_mb <= now.log_m + EQUAL).all()


def test_a_block_stakes_what_its_prior_mass_says() -> None:
    """Without evidence the block's bets grow to their mass, and to no more."""
    spec = TestSpec("s", Max(0.05), 10)
    state = new_state(spec, 0, 0.0)
    for end in range(10, 7210, 10):
        state = advance(spec, state, Window(end, {}), step_began=0.0)
        if end in (3600, 7200):
            assert state.log_mb == pytest.approx((state.log_mass,) * 6, abs=1e-4)
    first = advance(spec, new_state(spec, 0, 0.0), Window(10, {}), step_began=0.0)
    assert math.exp(first.log_mass) == pytest.approx(0.712, abs=5e-4)


def test_a_share_of_the_budget_is_paid_at_the_full_divisor() -> None:
    """Alone, a test with half the budget needs ln E >= (L + ln 2) D."""
    log_e, d = np.array(12.0), 2.0
    rows = replace(kernel.fresh(()), log_m=np.full(6, 12.0), log_left=np.array(-50.0))
    spread = clustering.Spread(np.array(2.0), np.array(2.0), np.array(9.0), np.array(0.0))
    weight = kernel.divided(rows, spread, spread)
    assert float(weight.log_e) == pytest.approx(float(log_e))
    assert float(weight.divided_by) == pytest.approx(d)
    assert float(weight.log_x + math.log(0.5)) == pytest.approx(12 / d - math.log(2))
