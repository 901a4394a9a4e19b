"""Buckets of scores on a real Prometheus: squares that hold through births, restarts and gaps."""

import random
import time
import uuid
from dataclasses import replace

import pytest

from goaround.world.prometheus import FeatureKey, Kind, Provider, Readings, Shape
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import Labels, read
from tests.cluster.test_prometheus_kinds import GAP, INTERVAL, RESTART, SCRAPE, SPAN, Metric, Past

pytestmark = pytest.mark.cluster

ARMS = ("stable", "candidate")
SCORES = (1.0, 2.5, 4.75)
BOUNDS = ("1.0", "2", "3.0", "4.5", "+Inf")
TRUTH = "x_badness_squared"
SUMS = Shape(
    "x_score_sum{$match}",
    "x_score_count{$match}",
    INTERVAL,
    kind=Kind.MEAN,
    lowest=1.0,
    highest=5.0,
    lower_is_worse=True,
)
MEASURED = replace(SUMS, buckets="x_score_bucket{$match}")


def pod_series(arm: str, pod: str, since: int, born: int) -> list[Metric]:
    """A judge in one pod, which restarts once; its scrapes fail for two minutes. No exporter tells
    the squares: they are the truth to compare with."""
    rng = random.Random(pod)
    names: list[tuple[str, Labels]] = [(f"x_score_{part}", {}) for part in ("sum", "count")]
    names += [("x_score_bucket", {"le": le}) for le in BOUNDS]
    names += [(TRUTH, {})]
    values = [0.0] * len(names)
    samples: list[list[tuple[int, float]]] = [[] for _ in names]
    for at in range(since + born, since + SPAN, SCRAPE):
        if at - since == RESTART:
            values = [0.0] * len(names)
        judged = [rng.choice(SCORES) for _ in range(rng.randrange(20, 60))]
        below = (sum(score <= float(le) for score in judged) for le in BOUNDS)
        squares = sum(((5 - score) / 4) ** 2 for score in judged)
        grown = (sum(judged), len(judged), *below, squares)
        values = [v + g for v, g in zip(values, grown, strict=True)]
        if not GAP[0] <= at - since < GAP[1]:
            for kept, value in zip(samples, values, strict=True):
                kept.append((at, value))
    return [
        Metric(arm, "b07", name, labels, kept, pod, since + RESTART)
        for (name, labels), kept in zip(names, samples, strict=True)
    ]


@pytest.fixture(scope="module")
def past(plane: ControlPlane) -> Past:
    provider = Provider("default", plane.prometheus, scrape_seconds=SCRAPE)
    since = int(time.time()) // 300 * 300 - 3600
    pods = [
        pod_series(arm, f"{arm}-{n}", since, born)
        for arm, n, born in (
            ("stable", 0, 0),
            ("stable", 1, 450),
            ("candidate", 0, 300),
            ("candidate", 1, 1050),
        )
    ]
    feature = FeatureKey(f"scores-{uuid.uuid4().hex[:8]}", "chat")
    found = Past(provider, feature, since, [m for pod in pods for m in pod])
    found.write(found.series)
    return found


def readings(past: Past, shape: Shape, ends: range) -> Readings:
    (found,) = read(past.provider, ends, past.feature, shape=shape)
    assert isinstance(found, Readings), found
    return found


@pytest.mark.parametrize("arm", ARMS)
def test_buckets_of_scores_bound_their_squares_whatever_happens(past: Past, arm: str) -> None:
    start, end = past.since + 300, past.since + SPAN
    found = readings(past, MEASURED, range(start + INTERVAL, end + 1, INTERVAL))
    windows = [w.arms[arm] for w in found.windows if arm in w.arms]
    assert all(c.squares is not None for c in windows)
    squares = sum(c.squares or 0.0 for c in windows)
    truth = sum(m.growth(start, end) for m in past.series if (m.arm, m.name) == (arm, TRUTH))
    print(
        f"{arm}: squares {squares:.1f}, in truth {truth:.1f}, sum {sum(c.bad for c in windows):.1f}"
    )
    assert truth * (1 - 1e-9) <= squares <= 1.1 * truth


def test_buckets_change_nothing_else_of_a_reading(past: Past) -> None:
    ends = range(past.since + 310, past.since + SPAN + 1, INTERVAL)
    plain, found = readings(past, SUMS, ends), readings(past, MEASURED, ends)
    assert [w.buckets for w in found.windows] == [w.buckets for w in plain.windows]
    for one, other in zip(plain.windows, found.windows, strict=True):
        bare = {arm: replace(counts, squares=None) for arm, counts in other.arms.items()}
        assert bare == one.arms


def test_any_split_of_time_reads_the_same_squares(past: Past) -> None:
    ends = range(past.since + 310, past.since + SPAN + 1, INTERVAL)
    cut = len(ends) // 3
    whole = readings(past, MEASURED, ends)
    pieces = readings(past, MEASURED, ends[:cut]), readings(past, MEASURED, ends[cut:])
    assert whole.windows == pieces[0].windows + pieces[1].windows
