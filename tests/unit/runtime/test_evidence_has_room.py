"""What status keeps of evidence fits into it, whatever the traffic; else nothing is written."""

import numpy as np
import pytest

from goaround.api.status import LONGEST_STATE, MOST_STATES
from goaround.evidence.judge import Counts, Window
from goaround.runtime.memory import MOST_CHARACTERS, fitting
from tests.unit.runtime.flown import INTERVAL, START, TWO_POINTS, Flown, a_signal

KIB = 1024
BUCKETS = 20


def crowded(bucket_by: str) -> Flown:
    """Twenty signals with long names and two bounds each."""
    names = [f"signal-{i:02}-{'x' * 50}" for i in range(20)]
    return Flown(
        *[a_signal(n, max="0.05", vsStable=TWO_POINTS) for n in names], bucket_by=bucket_by
    )


def feed(flown: Flown, windows: int, per_second: float) -> None:
    """Requests of unequal users, by bucket; other ones for every signal."""
    dice = np.random.default_rng(1)
    shares = dice.dirichlet(np.ones(BUCKETS))
    for _ in range(windows):
        flown.i += 1
        found: dict[str, list[Window]] = {}
        for name in flown.names:
            buckets = {}
            for arm, rate in (("candidate", per_second / 10), ("stable", per_second)):
                asked = dice.poisson(rate * INTERVAL * shares)
                bad = dice.binomial(asked, 0.03)
                buckets[arm] = tuple(Counts(n, k) for n, k in zip(asked, bad, strict=True))
            totals = {arm: sum(some, Counts()) for arm, some in buckets.items()}
            found[name] = [Window(START + flown.i * INTERVAL, totals, buckets)]
        flown.feed(found)


@pytest.mark.parametrize(("bucket_by", "kept"), [("Request", 18), ("Session", 20)])
def test_twenty_signals_with_buckets_of_users_stay_within_24_kib(bucket_by: str, kept: int) -> None:
    flown = crowded(bucket_by)
    feed(flown, 10, 10_000)
    evidence = flown.judged().evidence
    size = sum(len(e.name) + len(e.state) for e in evidence)
    print(f"{len(evidence)} states, {size:,} B, the longest {max(len(e.state) for e in evidence)}")
    assert len(evidence) == 22
    assert size <= kept * KIB
    assert max(len(e.state) for e in evidence) <= KIB


def test_they_are_taken_over_bit_for_bit() -> None:
    flown = crowded("Session")
    feed(flown, 3, 100)
    before = flown.flight.main.states
    assert flown.crash().flight.main.states == before


def test_a_text_that_is_too_long_is_left_out_and_the_others_are_kept() -> None:
    kept = fitting([("a", "x"), ("b", "x" * (LONGEST_STATE + 1)), ("c", "x" * LONGEST_STATE)])
    assert [e.name for e in kept] == ["a", "c"]


def test_what_comes_first_is_kept_where_there_is_no_room_for_all() -> None:
    found = [(f"signal-{i}", "x" * LONGEST_STATE) for i in range(40)]
    kept = fitting(found)
    assert [e.name for e in kept] == [name for name, _ in found[: len(kept)]]
    assert sum(len(e.name) + len(e.state) for e in kept) > MOST_CHARACTERS - 2 * LONGEST_STATE
    assert len(fitting((str(i), "x") for i in range(100))) == MOST_STATES


def test_what_was_left_out_is_gathered_again_from_the_beginning_of_the_step() -> None:
    flown = Flown(a_signal("errors", max="0.05"), a_signal("rude", max="0.05"))
    flown.fly(6, 0.01, 0.01)
    evidence = [e for e in flown.judged().evidence if e.name != "rude"]
    status = flown.feature.status.but(evidence=evidence)
    flown.feature = flown.feature.model_copy(update={"status": status})
    assert flown.begun().last_t == START
