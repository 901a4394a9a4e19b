"""Stable's own past sets a limit for stable, where no absolute bound does."""

import numpy as np
import pytest

from goaround.evidence import own_past
from goaround.evidence.judge import Counts, Max, TestSpec, VsStable
from goaround.evidence.own_past import LEAST, limit, past_tests, upper, windows_before

ALLOWED = VsStable(reject_at=0.02, worse_by=0.01)
TESTS = [
    TestSpec("errors", Max(0.02), 10, share=0.5),
    TestSpec("toxic.vs-stable", ALLOWED, 10, share=0.25),
    TestSpec("errors.vs-stable", ALLOWED, 10, share=0.25),
]


def test_the_hour_before_the_take_off_is_read_in_whole_windows() -> None:
    assert list(windows_before(7210, 0)) == list(range(4200, 7201, 300))
    assert list(windows_before(7210, 6601)) == [7200]
    assert not windows_before(7210, 7000)


def test_the_true_share_lies_below_the_upper_bound() -> None:
    dice = np.random.default_rng(1)
    for share, n in ((0.01, 200), (0.3, 500), (0.001, 10_000)):
        bad = dice.binomial(n, share, 2000)
        missed = sum(upper(Counts(n, float(k))) < share for k in set(bad.tolist()))
        worst = [k for k in bad.tolist() if upper(Counts(n, float(k))) < share]
        assert len(worst) <= 0.001 * 2000 + 4, (missed, share, n)


@pytest.mark.parametrize("bad", [0.0, 5.0, 999.0, 1000.0])
def test_the_upper_bound_is_above_what_was_seen_and_at_most_one(bad: float) -> None:
    seen = Counts(1000, bad)
    assert seen.share <= upper(seen) <= 1


def test_twice_the_past_and_what_a_candidate_may_be_worse_by_are_allowed() -> None:
    past = Counts(100_000, 1000)
    found = limit(past, ALLOWED)
    assert found is not None
    assert 2 * 0.01 + 0.01 < found < 0.035


def test_a_past_of_few_requests_or_of_constant_failure_sets_no_limit() -> None:
    assert limit(Counts(LEAST - 1, 0), ALLOWED) is None
    assert limit(Counts(10_000, 6000), ALLOWED) is None


def test_only_signals_without_an_absolute_bound_are_held_against_the_past() -> None:
    past = {"toxic": Counts(10_000, 10), "errors": Counts(10_000, 10)}
    (found,) = past_tests(TESTS, {"errors"}, past)
    assert (found.signal, found.arm, found.share) == ("toxic.outage", "stable", 1.0)
    assert past_tests(TESTS, {"errors"}, {}) == ()


def test_a_past_survives_packing_and_damage_is_read_again() -> None:
    names = ("errors", "toxic", "slow")
    past = {"toxic": Counts(12_345, 17), "slow": Counts(0, 0)}
    assert own_past.unpacked(own_past.packed(past, names), names) == past
    for text in ("", "x,y,z", "1/2,,", "5/1", "nan/0,,"):
        assert own_past.unpacked(text, names) is None
