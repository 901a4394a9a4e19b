"""Requests by arm: told of a window only once every signal has it."""

from collections.abc import Mapping

from goaround.evidence.judge import Counts, Window
from goaround.runtime.noted import MOST_OPEN, Noted


def windows(end: int, **totals: float) -> Mapping[str, Window]:
    """By signal, requests of the candidate."""
    return {name: Window(end, {"candidate": Counts(n, 0.0)}) for name, n in totals.items()}


def requests(noted: Noted) -> tuple[float, float] | None:
    found = noted.newest
    return (found.end.timestamp(), found.requests["candidate"]) if found is not None else None


def test_an_arm_counts_as_the_signal_that_saw_most_of_it() -> None:
    noted = Noted()
    noted.take(windows(10, errors=0.0), 10)
    noted.settle(0, 10)
    assert requests(noted) is None
    noted.take(windows(10, rude=7.0), 10)
    noted.settle(10, 10)
    assert requests(noted) == (10, 7.0)


def test_what_one_signal_reads_again_later_is_not_told_as_what_all_saw() -> None:
    noted = Noted(since=20)
    for end in (10, 20):
        noted.take(windows(end, errors=0.0), end)
    noted.settle(20, 10)
    assert requests(noted) is None


def test_a_signal_that_is_never_read_costs_no_memory_without_end() -> None:
    noted = Noted()
    for end in range(10, 10 * (3 * MOST_OPEN), 10):
        noted.take(windows(end, errors=0.0), end)
        noted.settle(0, 10)
    noted.take(windows(10, rude=7.0), 10)
    noted.settle(10, 10)
    assert requests(noted) is None
    assert len(noted._partly) == MOST_OPEN
