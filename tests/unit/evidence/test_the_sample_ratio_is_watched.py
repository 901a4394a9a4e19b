"""Sample ratio: a wrong split is seen and can be mended; users of unequal activity are none."""

import math

import numpy as np
import pytest

from goaround.evidence.sample_ratio import (
    INDEPENDENT,
    LEVEL,
    STICKY,
    Ratio,
    counted,
    match,
    mismatch,
    packed,
    unpacked,
)


def flown(
    share: float, windows: int, *, weight: float = 0.1, odds: float = STICKY, requests: int = 100
) -> Ratio:
    """Exact shares; every window ten seconds."""
    ratio = Ratio(step_began=5.0)
    for i in range(1, windows + 1):
        arms = (requests * share, requests * (1 - share))
        ratio = counted(ratio, 10 * i, arms, weight, odds)
    return ratio


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.5, 0.98])
def test_a_right_split_is_never_a_mismatch(weight: float) -> None:
    assert flown(weight, 2000, weight=weight).proven_at is None


@pytest.mark.parametrize(
    ("share", "weight"), [(0.05, 0.1), (0.2, 0.1), (0.5, 0.1), (0.1, 0.5), (0.9, 0.98)]
)
def test_half_or_double_the_share_is_proven_soon(share: float, weight: float) -> None:
    ratio = flown(share, 100, weight=weight)
    assert ratio.proven_at is not None
    assert ratio.told[0] == pytest.approx(share)
    assert ratio.told[1] <= 10_000


def test_users_of_unequal_activity_are_no_mismatch_where_they_stick() -> None:
    assert flown(0.13, 5000).proven_at is None
    assert flown(0.13, 5000, odds=INDEPENDENT).proven_at is not None


def test_a_silent_arm_is_another_matter() -> None:
    assert flown(0.0, 500).proven_at is None


def test_a_split_that_was_mended_is_seen_to_be_right_again() -> None:
    ratio = flown(0.5, 100)
    assert ratio.proven_at is not None
    for i in range(101, 140):
        ratio = counted(ratio, 10 * i, (10.0, 90.0), 0.1, STICKY)
    assert ratio == Ratio(5.0, ratio.candidate, ratio.stable)


def test_a_wrong_split_stays_proven_with_the_numbers_of_its_proof() -> None:
    first = flown(0.5, 10)
    later = flown(0.5, 400)
    assert (later.proven_at, later.told) == (first.proven_at, first.told)


def test_within_the_tolerance_a_mismatch_is_proven_less_often_than_the_level() -> None:
    # at the boundary itself, the worst case: 100 rollouts of 100 windows each
    dice, found = np.random.default_rng(3), 0
    edge = 0.1 * STICKY / (0.9 + 0.1 * STICKY)
    totals = np.cumsum(dice.poisson(200, (100, 100)), axis=1)
    for row in totals:
        got = np.cumsum(dice.binomial(np.diff(row, prepend=0), edge))
        values = [mismatch(Ratio(0, c, n - c), 0.1, STICKY) for c, n in zip(got, row, strict=True)]
        found += max(values) >= -math.log(LEVEL)
    assert found <= 2


def test_nothing_seen_proves_nothing() -> None:
    assert mismatch(Ratio(), 0.1, STICKY) == pytest.approx(0)
    assert match(Ratio(), 0.1, STICKY) == 0


def test_what_is_known_survives_packing_and_damage_is_forgotten() -> None:
    ratio = flown(0.5, 20)
    assert unpacked(packed(ratio)) == ratio
    for text in ("", "x", packed(ratio)[:-4], packed(Ratio(math.nan))):
        assert unpacked(text) == Ratio()
