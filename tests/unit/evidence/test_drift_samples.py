"""How two samples are brought onto the same classes, and which samples are impossible."""

import math

import pytest

from goaround.evidence.distances import measure_psi
from goaround.evidence.model import ImpossibleCounts
from goaround.evidence.samples import (
    OTHER,
    Centroids,
    Histogram,
    Likeness,
    Mix,
    align,
    from_cumulative,
    merged,
)


def test_a_class_summed_up_in_the_baseline_is_summed_up_now() -> None:
    pair = align(Mix({"en": 900, OTHER: 100}), Mix({"en": 800, "fr": 150, "de": 50}))
    assert pair is not None
    shares = dict(zip(pair.names, pair.current, strict=True))
    assert shares == {"en": 800, OTHER: 200}


def test_small_classes_are_merged_until_five_are_expected() -> None:
    pair = align(Mix({"a": 90, "b": 6, "c": 2, "d": 2}), Mix({"a": 91, "b": 5, "c": 3, "d": 1}))
    assert pair is not None
    together = merged(pair, ordered=False)
    assert set(together.names) == {"a", OTHER}
    assert together.reference.sum() == 100


def test_neighbouring_buckets_are_merged_in_their_order() -> None:
    pair = align(
        Histogram((1, 2, 3, 4), (1, 90, 3, 3, 3)), Histogram((1, 2, 3, 4), (1, 90, 3, 3, 3))
    )
    assert pair is not None
    together = merged(pair, ordered=True)
    assert together.names == ("<= 2", "<= 4") or together.names == ("<= 2", "> 4")
    assert together.reference.sum() == 100


def test_histograms_meet_at_their_common_bounds() -> None:
    pair = align(Histogram((1, 2, 4), (10, 20, 30, 40)), Histogram((2, 4, 8), (25, 25, 25, 25)))
    assert pair is not None
    assert pair.names == ("<= 2", "<= 4", "> 4")
    assert pair.reference.tolist() == [30, 30, 40]
    assert pair.current.tolist() == [25, 25, 50]


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (Histogram((1,), (5, 5)), Histogram((2,), (5, 5))),
        (Histogram((1,), (5, 5)), Mix({"a": 5, "b": 5})),
        (Histogram((1,), (0, 0)), Histogram((1,), (5, 5))),
        (Mix({}), Mix({"a": 3})),
        (Mix({"a": 3}), Mix({"a": 3})),
        (Histogram((1,), (2, 2)), Histogram((1,), (2, 2))),
    ],
)
def test_what_cannot_be_compared_has_no_distance(
    reference: Histogram | Mix, current: Histogram | Mix
) -> None:
    assert measure_psi(reference, current) is None


def test_ten_thousand_classes_cost_no_more_than_a_hundred() -> None:
    flood = Mix({f"c{i}": float(1 + i % 7) for i in range(10_000)})
    pair = align(flood, flood)
    assert pair is not None
    assert len(pair.names) == 100
    fine = Histogram(tuple(map(float, range(999))), (9.0,) * 1000)
    pair = align(fine, fine)
    assert pair is not None
    assert len(pair.names) <= 101


@pytest.mark.parametrize(
    "make",
    [
        lambda: Histogram((1, 1), (1, 1, 1)),
        lambda: Histogram((1, math.inf), (1, 1, 1)),
        lambda: Histogram((1,), (1,)),
        lambda: Histogram((1,), (1, -1)),
        lambda: Mix({"a": math.nan}),
        lambda: Likeness(5, 4),
        lambda: Likeness(math.nan, 4),
        lambda: Centroids(3, 1, 1, 2, 2),
        lambda: from_cumulative({1: 5, 2: 3, math.inf: 5}),
        lambda: from_cumulative({1: 5}),
    ],
)
def test_impossible_samples_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ImpossibleCounts):
        make()


def test_cumulative_buckets_become_counts() -> None:
    assert from_cumulative({math.inf: 9, 1: 2, 2: 5}) == Histogram((1, 2), (2, 3, 4))
