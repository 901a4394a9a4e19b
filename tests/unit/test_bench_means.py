"""The bench of means draws the scores it says, and flies them on the production bets."""

import json

import pytest

from hack.bench.evidence import means, report
from hack.bench.evidence.sizes import DAY, Pace, Sizes

TINY = Sizes(null=2, delay=2, rivals=2, accept=2, pace=Pace(((10 * DAY, 7200.0),)))


def test_means_are_measured_by_each_bet() -> None:
    rows = means.rows(TINY, 1, (means.Scores(candidate=0.30),))
    json.dumps(rows, allow_nan=False)
    (row,) = rows
    assert row["momentSeconds"] < row["countSeconds"]
    assert row["ratio"] == row["countSeconds"] / row["momentSeconds"]
    assert "momentSeconds" in report.means(rows)


@pytest.mark.parametrize(("mean", "sd"), [(0.2, 0.1), (0.05, 0.2), (0.97, 0.1), (0.2, 0.5)])
def test_scores_are_drawn_with_the_mean_that_is_asked_for(mean: float, sd: float) -> None:
    chances = means.chances(mean, sd)
    assert chances.sum() == pytest.approx(1)
    assert chances @ means.ATOMS == pytest.approx(mean, abs=1e-9)
