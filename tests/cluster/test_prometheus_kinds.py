"""Every kind of signal on a real Prometheus: exact through restarts, births and a scrape outage."""

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goaround.world.prometheus import Counts, FeatureKey, Kind, Provider, Readings, Shape
from goaround.world.prometheus import UnreadableReason as Reason
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import NONE, Labels, read, remote_write, summed

pytestmark = pytest.mark.cluster

SCRAPE, INTERVAL, SPAN, RESTART, GAP = 15, 10, 1500, 600, (900, 1020)
ARMS = ("stable", "candidate")
TAGS = ("ok", "bad")
RATIO = Shape('x_total{$match,tag="bad"}', "x_total{$match}", INTERVAL)
INCIDENTS = Shape("x_incidents_total{$match}", "x_total{$match}", INTERVAL, kind=Kind.COUNT)
SLOW = Shape("x_seconds_bucket{$match}", "x_seconds_bucket{$match}", INTERVAL, kind=Kind.LATENCY)
JUDGE = Shape("x_score_sum{$match}", "x_score_count{$match}", INTERVAL, kind=Kind.MEAN)
SHAPES = {
    "ratio": RATIO,
    "count": INCIDENTS,
    "latency": replace(SLOW, slower_than="1"),
    "mean": replace(JUDGE, lowest=1.0, highest=5.0, lower_is_worse=True),
    "mean of moods": replace(
        JUDGE, bad="x_mood_sum{$match}", total="x_mood_count{$match}", lowest=-1.0
    ),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One series: its name and own labels, its samples, and when its pod restarted."""

    arm: str
    bucket: str
    name: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float]]
    pod: str
    restarted: int

    def growth(self, start: int, end: int) -> float:
        """What was counted after `start` and by `end`; from 0 after a restart or a birth."""
        found, (before, value) = 0.0, (start, 0.0)
        for at, now in self.samples:
            if start < at <= end:
                found += now if before < self.restarted <= at else now - value
            before, value = at, now
        return found


def pod_series(arm: str, pod: str, seed: int, since: int, born: int) -> list[Metric]:
    """All metrics of one pod: it restarts once, and its scrapes fail for two minutes."""
    rng = random.Random(seed)
    names: list[tuple[str, Labels]] = [
        *(("x_total", {"tag": tag}) for tag in TAGS),
        ("x_incidents_total", {}),
        *(("x_seconds_bucket", {"le": le}) for le in ("0.5", "1.0", "+Inf")),
        *((f"x_{of}_{part}", {}) for of in ("score", "mood") for part in ("sum", "count")),
    ]
    found = []
    for bucket in (f"b{n:02}" for n in (0, 7, 19)):
        values = [0.0] * len(names)
        samples: list[list[tuple[int, float]]] = [[] for _ in names]
        for at in range(since + born, since + SPAN, SCRAPE):
            if at - since == RESTART:
                values = [0.0] * len(names)
            scores = rng.randrange(1, 12)
            fast = rng.randrange(5, 20)
            grown = [
                rng.randrange(20, 40),
                rng.randrange(1, 4),
                1,
                fast,
                fast + 5,
                fast + 8,
                sum(rng.choice((1, 2.5, 4.75)) for _ in range(scores)),
                scores,
                sum(rng.choice((-0.5, 0.25, 1.0)) for _ in range(scores)),
                scores,
            ]
            values = [v + g for v, g in zip(values, grown, strict=True)]
            if not GAP[0] <= at - since < GAP[1]:
                for kept, value in zip(samples, values, strict=True):
                    kept.append((at, value))
        found += [
            Metric(arm, bucket, name, labels, kept, pod, since + RESTART)
            for (name, labels), kept in zip(names, samples, strict=True)
        ]
    return found


@dataclass(frozen=True, slots=True)
class Past:
    provider: Provider
    feature: FeatureKey
    since: int
    series: list[Metric] = field(repr=False)

    def write(self, series: Sequence[Metric], **labels: str) -> None:
        remote_write(
            self.provider.url,
            [
                (
                    {
                        "__name__": m.name,
                        "namespace": self.feature.namespace,
                        "ai_feature": self.feature.name,
                        "ai_variant": m.arm,
                        "ai_bucket": m.bucket,
                        "pod": m.pod,
                        **m.labels,
                        **labels,
                    },
                    m.samples,
                )
                for m in series
            ],
        )

    def counts(self, kind: str, start: int, end: int, **only: str) -> Counts:
        """The truth about one arm (and bucket), from the samples themselves."""

        def grown(name: str, **labels: str) -> float:
            return sum(
                m.growth(start, end)
                for m in self.series
                if m.name == name
                and only.items() <= {"arm": m.arm, "bucket": m.bucket}.items()
                and labels.items() <= m.labels.items()
            )

        match kind:
            case "ratio":
                return Counts(grown("x_total"), grown("x_total", tag="bad"))
            case "count":
                return Counts(grown("x_total"), grown("x_incidents_total"))
            case "latency":
                total = grown("x_seconds_bucket", le="+Inf")
                return Counts(total, total - grown("x_seconds_bucket", le="1.0"))
            case "mean":
                total = grown("x_score_count")
                return Counts(total, (5 * total - grown("x_score_sum")) / 4)
            case _:
                total = grown("x_mood_count")
                return Counts(total, (grown("x_mood_sum") + total) / 2)


@pytest.fixture(scope="module")
def past(plane: ControlPlane) -> Past:
    provider = Provider("default", plane.prometheus, scrape_seconds=SCRAPE)
    since = int(time.time()) // 300 * 300 - 3600
    pods = [
        pod_series(arm, f"{arm}-{n}", seed, since, born)
        for seed, (arm, n, born) in enumerate(
            [("stable", 0, 0), ("stable", 1, 450), ("candidate", 0, 300), ("candidate", 1, 1050)]
        )
    ]
    feature = FeatureKey(f"kinds-{uuid.uuid4().hex[:8]}", "chat")
    found = Past(provider, feature, since, [m for pod in pods for m in pod])
    found.write(found.series)
    return found


def close(found: Mapping[str, Counts], truth: Mapping[str, Counts]) -> bool:
    return found.keys() == truth.keys() and all(
        (c.total, c.bad) == pytest.approx((truth[arm].total, truth[arm].bad))
        for arm, c in found.items()
    )


@pytest.mark.parametrize("kind", SHAPES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(31, SPAN // INTERVAL - 1), max_size=4))
def test_the_passes_of_any_split_of_time_read_what_happened(
    past: Past, kind: str, cuts: set[int]
) -> None:
    instants = [past.since + INTERVAL * cut for cut in (30, *sorted(cuts), SPAN // INTERVAL)]
    reads = [
        read(
            past.provider,
            range(start + INTERVAL, end + 1, INTERVAL),
            past.feature,
            shape=SHAPES[kind],
        )[0]
        for start, end in pairwise(instants)
    ]
    truth = {arm: past.counts(kind, instants[0], instants[-1], arm=arm) for arm in ARMS}
    assert close(summed(*reads), truth)


@pytest.mark.parametrize("kind", SHAPES)
def test_each_bucket_of_users_is_counted_by_itself(past: Past, kind: str) -> None:
    start, end = past.since + 300, past.since + SPAN
    ends = range(start + INTERVAL, end + 1, INTERVAL)
    (whole,) = read(past.provider, ends, past.feature, shape=SHAPES[kind])
    assert isinstance(whole, Readings), whole
    for arm in ARMS:
        sums = [NONE] * 20
        for window in whole.windows:
            if arm in window.buckets:
                sums = [a + b for a, b in zip(sums, window.buckets[arm], strict=True)]
        for number in (0, 7, 19):
            truth = past.counts(kind, start, end, arm=arm, bucket=f"b{number:02}")
            assert close({arm: sums[number]}, {arm: truth})
        assert sums.count(NONE) == 17


def test_a_bound_that_the_histogram_lacks_is_told_with_those_it_has(past: Past) -> None:
    ends = range(past.since + 400, past.since + 421, INTERVAL)
    (told,) = read(past.provider, ends, past.feature, shape=replace(SLOW, slower_than="2.5"))
    assert getattr(told, "reason", None) is Reason.NO_BUCKET
    assert "no bucket le='2.5'; bounds there are: 0.5, 1.0, +Inf. Take one of these" in str(told)


def test_pods_whose_buckets_changed_are_no_reading(past: Past) -> None:
    changed = replace(past, feature=FeatureKey(past.feature.namespace, "changed"))
    mine = [m for m in past.series if m.name == "x_seconds_bucket" and m.arm == "stable"]
    changed.write([m for m in mine if m.pod == "stable-0" or m.labels["le"] != "1.0"])
    ends = range(past.since + 610, past.since + 801, INTERVAL)
    shape = SHAPES["latency"]
    (told,) = read(past.provider, ends, changed.feature, shape=shape)
    assert getattr(told, "reason", None) is Reason.NO_BUCKET


def test_arms_told_apart_by_pods_read_only_their_namespace(past: Past) -> None:
    foreign = f"{past.feature.namespace}-foreign"
    remote_write(
        past.provider.url,
        [
            (
                {
                    "__name__": "vllm:done_total",
                    "namespace": namespace,
                    "pod": f"{arm}-0",
                    "why": why,
                },
                [(past.since + t, float(n * t)) for t in range(0, 600, SCRAPE)],
            )
            for namespace, n in ((past.feature.namespace, 1), (foreign, 1000))
            for arm, why, n in (("cand", "abort", n), ("cand", "stop", 3 * n), ("st", "stop", n))
        ],
    )
    shape = Shape(
        'vllm:done_total{$match,why="abort"}',
        "vllm:done_total{$match}",
        INTERVAL,
        arms=(("candidate", 'pod=~"cand-.*"'), ("stable", 'pod=~"st-.*"')),
    )
    ends = range(past.since + 70, past.since + 361, INTERVAL)
    both = [past.feature, FeatureKey(past.feature.namespace, "another")]
    for one in read(past.provider, ends, *both, shape=shape):
        assert summed(one) == {"candidate": Counts(1200.0, 300.0), "stable": Counts(300.0, 0.0)}


def test_a_slice_is_counted_by_itself(past: Past) -> None:
    start, end = past.since + 300, past.since + 600
    ends = range(start + INTERVAL, end + 1, INTERVAL)
    shape = replace(RATIO, bad="x_total{$match}", only=("tag", "bad"))
    (one,) = read(past.provider, ends, past.feature, shape=shape)
    for arm, counts in summed(one).items():
        bad = past.counts("ratio", start, end, arm=arm).bad
        assert counts == Counts(bad, bad)


def test_late_truth_is_read_when_it_is_final(past: Past) -> None:
    ends = range(past.since + 310, past.since + 601, INTERVAL)
    (prompt,) = read(past.provider, ends, past.feature, shape=RATIO)
    later = range(ends.start + 600, ends.stop + 600, INTERVAL)
    (late,) = read(past.provider, later, past.feature, shape=replace(RATIO, offset=600))
    assert isinstance(prompt, Readings)
    assert isinstance(late, Readings)
    assert [w.arms for w in late.windows] == [w.arms for w in prompt.windows]


def test_a_query_gives_one_value_per_arm_and_knows_no_other_feature(past: Past) -> None:
    ends = range(past.since + 400, past.since + 421, INTERVAL)
    promql = 'sum(rate(x_total{$match,tag="bad"}[2m])) / sum(rate(x_total{$match}[2m]))'
    shape = Shape(promql, "", INTERVAL, kind=Kind.QUERY)
    nobody = FeatureKey(past.feature.namespace, "nobody")
    ours, theirs = read(past.provider, ends, past.feature, nobody, shape=shape)
    assert isinstance(ours, Readings), ours
    assert isinstance(theirs, Readings), theirs
    assert {arm for w in ours.windows for arm in w.values} == set(ARMS)
    assert all(0.02 < value < 0.2 for w in ours.windows for value in w.values.values())
    assert all(w.values == {} for w in theirs.windows)
