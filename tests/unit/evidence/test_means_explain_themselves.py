"""What a mean says of itself: in the unit of its score, with its spread and what is missing."""

from dataclasses import replace

import pytest

from goaround.evidence import hint, lines, score_lines
from goaround.evidence.judge import Counts, Max, TestSpec, TestState, Units, combine, report
from goaround.evidence.weighing import weigh
from tests.unit.evidence.test_scores_in_the_engine import (
    COST,
    JUDGE,
    LIMIT,
    VERSUS,
    by_users,
    flown,
    scores,
    window,
)


def line(spec: TestSpec, state: TestState) -> str:
    return report(spec, state, combine([spec], [state], 0.01), level=20).line


def test_a_breach_is_told_in_the_unit_of_the_score() -> None:
    state = flown(VERSUS, [window(10 * i, scores(100, 0.3), scores(900, 0.2)) for i in (1, 2, 3)])
    assert line(VERSUS, state).startswith(
        "judge.vs-stable 0.7 vs 0.8 - 0.04 (n=300/2,700, sd at most 0.1): e-value "
    )
    assert line(VERSUS, state).endswith(" >= 100 -> breach")


def test_a_cost_is_told_with_its_limit() -> None:
    spec = TestSpec("cost", Max(0.5), 10, scale=COST)
    good, bad = (flown(spec, [window(10, scores(500, m))]) for m in (0.25, 0.7))
    assert line(spec, good).startswith("cost 10 within max 20 (n=500, sd at most 4): accepted")
    assert line(spec, bad).startswith("cost 28 > max 20 (n=500, sd at most 4): e-value")


def test_a_mean_without_buckets_says_that_its_spread_is_unknown() -> None:
    spec = replace(LIMIT, scale=replace(JUDGE, bucketed=False))
    state = flown(spec, [window(10, Counts(500, 100))])
    assert "judge 0.8 within min 0.7 (n=500, spread unknown)" in line(spec, state)


def test_what_is_missing_is_hinted_by_the_bet_itself() -> None:
    wide, narrow = (
        hint.needed(LIMIT, flown(LIMIT, [window(10, scores(100, 0.25, sd))]), 3.0)
        for sd in (0.4, 0.1)
    )
    assert wide is not None
    assert narrow is not None
    assert 3 * narrow < wide
    beyond = flown(LIMIT, [window(10, scores(100, 0.35))])
    assert hint.needed(LIMIT, beyond, 3.0) is None
    alone = flown(VERSUS, [window(10, scores(100, 0.2))])
    assert hint.needed(VERSUS, alone, 3.0) is None
    assert hint.needed(VERSUS, TestState("", 0, 0.0), 3.0) is None


@pytest.mark.parametrize(
    ("score", "other", "width", "shown"),
    [
        (0.8, 0.8, 1.0, ("0.8", "0.8")),
        (0.6999, 0.7, 1.0, ("0.6999", "0.7")),
        (31.4, 20.0, 40.0, ("31.4", "20")),
        (-0.001, 0.5, 2.0, ("0", "0.5")),
        (812.0, 700.0, 1000.0, ("812", "700")),
    ],
)
def test_two_scores_are_never_shown_alike_unless_they_are(
    score: float, other: float, width: float, shown: tuple[str, str]
) -> None:
    assert score_lines.numbers(score, other, width) == shown


def test_the_smallest_visible_difference_is_told_in_the_unit_of_the_score() -> None:
    sticky = replace(VERSUS, units=Units.USERS)
    weighed = weigh(sticky, by_users(1, 0.1, sticky))
    assert lines.visible(sticky, weighed).startswith(", smallest visible difference 0.0")
