"""The grid: which windows there are, and when each becomes readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goaround.api.feature import ALLOWED_INTERVALS
from goaround.evidence import grid
from goaround.evidence.grid import IntervalRefused

intervals = st.sampled_from(ALLOWED_INTERVALS)
instants = st.floats(min_value=1e9, max_value=4e9)
lags = st.floats(min_value=0, max_value=600)


def test_the_allowed_intervals_are_the_divisors_of_300() -> None:
    divisors = [n for n in range(1, 301) if 300 % n == 0]
    assert list(ALLOWED_INTERVALS) == divisors
    assert [grid.require_interval(n) for n in divisors] == divisors


@pytest.mark.parametrize("interval", [0, -10, 7, 90, 600])
def test_a_refused_interval_is_told_which_ones_there_are(interval: int) -> None:
    with pytest.raises(IntervalRefused, match=r"use 1, 2, 3, 4, .* 150, 300$"):
        grid.require_interval(interval)


@given(began=instants, interval=intervals)
def test_the_first_window_starts_at_the_first_instant_not_before_the_step(
    began: float, interval: int
) -> None:
    start = grid.first_window_start(began, interval)
    assert start % interval == 0
    assert began <= start < began + interval


def test_a_step_that_begins_on_the_grid_wastes_no_window() -> None:
    assert grid.first_window_start(1_700_000_000, 10) == 1_700_000_000


@given(now=instants, lag=lags, interval=intervals)
def test_the_latest_window_is_complete_and_the_next_one_is_not(
    now: float, lag: float, interval: int
) -> None:
    end = grid.latest_end(now, lag, interval)
    assert end % interval == 0
    assert end <= now - lag + grid.TOLERANCE
    assert end + interval > now - lag


@given(step=st.integers(min_value=10**6, max_value=10**7), lag=lags, interval=intervals)
def test_a_window_can_be_read_at_the_moment_it_is_due(step: int, lag: float, interval: int) -> None:
    last = step * 300
    due = grid.due(last, interval, lag)
    assert list(grid.ends(last, due, lag, interval)) == [last + interval]
    assert list(grid.ends(last, due - 0.001, lag, interval)) == []


def test_a_catch_up_reads_every_window_once_and_in_order() -> None:
    assert list(grid.ends(1000, 1047.5, 10, 10)) == [1010, 1020, 1030]


def test_time_that_runs_backwards_reads_nothing() -> None:
    assert list(grid.ends(1000, 500, 10, 10)) == []


def test_a_last_instant_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="no instant of the 10 s grid"):
        grid.ends(1005, 2000, 10, 10)
