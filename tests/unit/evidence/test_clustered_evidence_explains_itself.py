"""The lines of divided evidence, and the batch that says what single rows say."""

import math

import numpy as np
import pytest

from goaround.evidence import clustering, detector, kernel
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Counts,
    Judgement,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
    report,
)
from goaround.evidence.weighing import weigh

SPEC = TestSpec("errors", VsStable(factor=1.0, reject_factor=2.0), 10, units=Units.USERS)
KNOWN = Counts(100_000, 1000)


def _flown(candidate: list[int], windows: int = 3, buckets: int = 20) -> TestState:
    """Each bucket: 50 candidate requests a window, with so many bad; stable has 1 % of 450."""
    own = tuple(Counts(50, bad) for bad in candidate)
    other = tuple(Counts(450, 4 + i % 2) for i in range(len(candidate)))
    arms = {CANDIDATE: sum(own, Counts()), STABLE: sum(other, Counts())}
    labels = {CANDIDATE: own, STABLE: other} if buckets else {}
    state = new_state(SPEC, 0, 0.0, KNOWN)
    for i in range(1, windows + 1):
        state = advance(SPEC, state, Window(10 * i, arms, labels), step_began=0.0)
    return state


def _told(state: TestState) -> Judgement:
    return report(SPEC, state, combine([SPEC], [state], 0.01), level=20)


def test_few_users_who_carry_a_difference_hold() -> None:
    told = _told(_flown([20] * 3 + [0] * 17))
    print(told.line)
    assert told.verdict == "Undecided"
    assert "errors 6% vs 1% (n=3,000/27,000): evidence" in told.line
    assert " / clustering " in told.line
    assert " < 3 -> hold: few users carry it" in told.line


def test_the_evidence_of_many_users_breaches_in_spite_of_some_clustering() -> None:
    told = _told(_flown([2, 9] * 10, windows=4))
    print(told.line)
    assert told.verdict == "Bad"
    assert " >= 4.6, t " in told.line
    assert told.line.endswith("-> breach")
    assert "clustering" in told.line


def test_evidence_that_is_not_clustered_is_told_as_ever() -> None:
    told = _told(_flown([3] * 20))
    assert told.line.endswith("-> breach")
    assert "e-value" in told.line


def test_quiet_is_not_read_as_safe() -> None:
    told = _told(_flown([1, 0] * 10))
    print(told.line)
    assert ", smallest visible difference +" in told.line
    assert told.line.endswith(" points")
    assert told.visible is not None
    assert told.visible > 0


def test_what_cannot_be_measured_is_held_with_its_reason() -> None:
    told = _told(_flown([3] * 20, buckets=0))
    print(told.line)
    assert told.verdict == "Undecided"
    assert "-> hold: requests carry no bucket label; users may stick to an arm" in told.line
    assert told.assumptions is not None
    assert told.assumptions.kind == "NoBuckets"


def test_a_line_shows_the_division_it_speaks_of() -> None:
    """evidence / clustering = what is held against the level, to the decimal."""
    line = _told(_flown([20] * 3 + [0] * 17)).line
    evidence, rest = line.split("evidence ")[1].split(" / clustering ")
    by, rest = rest.split(" = ", 1)
    assert float(evidence) / float(by) == pytest.approx(float(rest.split(" ")[0]), abs=0.15)


def test_a_batch_says_what_its_rows_say() -> None:
    """A whole flight of many tests at once through the kernel, and one by one through `advance`."""
    rng = np.random.default_rng(5)
    flights, windows = 7, 12
    stakes = kernel.fresh((flights,))
    whole = block = np.zeros((flights, 4, 20))
    states = [new_state(SPEC, 0, 0.0, KNOWN) for _ in range(flights)]
    for i in range(1, windows + 1):
        total = rng.poisson([[[5.0], [45.0]]] * np.ones((flights, 2, 20)))
        bad = rng.binomial(total, rng.beta(0.5, 20, (flights, 1, 20)))
        table = np.stack([total[:, 0], bad[:, 0], total[:, 1], bad[:, 1]], 1).astype(float)
        stakes = _batched(stakes, table, whole, first=i == 1)
        whole, block = whole + table, block + table
        states = [
            advance(SPEC, state, _window(10 * i, rows.tolist()), step_began=0.0)
            for state, rows in zip(states, table, strict=True)
        ]
    spread = clustering.against_reference(whole, 1.0, 0.0)
    weight, accepted = kernel.divided(stakes, spread, spread), kernel.accepted(stakes, spread)
    for row, state in enumerate(states):
        weighed = weigh(SPEC, state)
        assert weighed.log_e == pytest.approx(float(weight.log_e[row]))
        assert weighed.log_x == pytest.approx(float(weight.log_x[row]))
        assert weighed.t == pytest.approx(float(weight.t[row]))
        assert weighed.log_accept == pytest.approx(float(accepted[row]))


def _batched(
    stakes: kernel.Stakes, table: np.ndarray, whole: np.ndarray, *, first: bool
) -> kernel.Stakes:
    sums, past = table.sum(axis=-1), whole.sum(axis=-1)
    known = (past[:, 3] + KNOWN.bad, past[:, 2] + KNOWN.total)
    arms = (sums[:, 1], sums[:, 0]), (sums[:, 3], sums[:, 2])
    gains = kernel.against_reference(((1.0, 0.0), (2.0, 0.0)), *arms, known)
    fraction = detector.release(first=first, elapsed=10, weight_changed=False)
    return kernel.move(stakes, gains, fraction, new_block=first)


def _window(end: int, rows: list[list[float]]) -> Window:
    own = tuple(Counts(n, k) for n, k in zip(rows[0], rows[1], strict=True))
    other = tuple(Counts(n, k) for n, k in zip(rows[2], rows[3], strict=True))
    arms = {CANDIDATE: sum(own, Counts()), STABLE: sum(other, Counts())}
    return Window(end, arms, {CANDIDATE: own, STABLE: other})


def test_the_level_that_one_of_two_tests_needs_alone_is_told() -> None:
    half = TestSpec("errors", SPEC.bound, 10, share=0.5, units=Units.USERS)
    state = _flown([20] * 3 + [0] * 17)
    breach = combine([half], [state], 0.01)
    line = report(half, state, breach, level=20).line
    assert f"{math.floor(10 * math.log(200)) / 10:g}" in line
