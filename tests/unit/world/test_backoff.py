"""Waits double from the first to the longest, and none comes at once with all others."""

import pytest

from goaround.world.backoff import doubling, jittered


def test_waits_double_up_to_the_longest() -> None:
    assert [doubling(n, 0.1, 1.0) for n in (1, 2, 3, 4, 5, 6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_any_number_of_failures_waits_the_longest() -> None:
    assert doubling(10**9, 0.1, 30.0) == 30.0
    assert doubling(0, 0.1, 30.0) == 0.1


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 5.0), (0.5, 7.5), (0.999999, 10.0)])
def test_a_wait_is_half_of_it_to_all_of_it(chance: float, seconds: float) -> None:
    assert jittered(10.0, chance) == pytest.approx(seconds, abs=1e-4)
