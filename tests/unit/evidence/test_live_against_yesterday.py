"""What is live against its own yesterday: told when it is more than twice as bad."""

import numpy as np
import pytest

from goaround.evidence.day import SECONDS, Day, counted, is_worse, packed, unpacked
from goaround.evidence.judge import Counts

MONDAY = 20_000 * SECONDS


def lived(day: Day, begin: int, share: float, *, total: float = 600, minutes: int = 1440) -> Day:
    for i in range(1, minutes + 1):
        day = counted(day, begin + 60 * i, Counts(total, total * share))
    return day


def test_twice_as_bad_as_yesterday_is_told_and_a_little_worse_is_not() -> None:
    calm = lived(Day(), MONDAY, 0.004)
    assert not is_worse(lived(calm, MONDAY + SECONDS, 0.007), 5)
    assert is_worse(lived(calm, MONDAY + SECONDS, 0.016, minutes=60), 5)


def test_the_first_day_is_compared_with_nothing() -> None:
    assert not is_worse(lived(Day(), MONDAY, 0.5), 1)


def test_a_day_of_few_requests_does_not_become_the_yardstick() -> None:
    calm = lived(Day(), MONDAY, 0.004)
    quiet = counted(calm, MONDAY + SECONDS + 60, Counts(3, 3))
    next_day = counted(quiet, MONDAY + 2 * SECONDS + 60, Counts(10, 0))
    assert next_day.past == calm.now


def test_a_window_counts_once() -> None:
    day = counted(Day(), MONDAY + 60, Counts(10, 1))
    assert counted(day, MONDAY + 60, Counts(10, 1)) == day


def test_days_alike_are_hardly_ever_told_apart() -> None:
    dice, told = np.random.default_rng(9), 0
    for _ in range(2000):
        total = 20_000
        past, now = (Counts(total, float(dice.binomial(total, 0.004))) for _ in range(2))
        told += is_worse(Day(MONDAY, past, now), 1)
    assert told == 0


@pytest.mark.parametrize("text", ["", "x", "1/2", "1/2/3/4/5", "nan/0/0/0/0"])
def test_damage_is_forgotten(text: str) -> None:
    assert unpacked(text) == Day()


def test_a_day_survives_packing() -> None:
    day = lived(Day(), MONDAY, 0.004, minutes=7)
    assert unpacked(packed(day)) == day
