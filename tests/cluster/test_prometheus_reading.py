"""What GoAround counts of a real Prometheus' past: windows add up, and nothing is counted twice."""

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goaround.world.prometheus import Counts, FeatureKey, Provider, Readings
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import NONE, read, remote_write, summed

pytestmark = pytest.mark.cluster

SCRAPE = 15
SPAN = 3600


@dataclass(frozen=True, slots=True)
class Series:
    """One counter of the past, as Prometheus stores it."""

    feature: FeatureKey
    variant: str
    pod: str
    result: str
    samples: list[tuple[int, float]] = field(default_factory=list)

    @property
    def labels(self) -> dict[str, str]:
        return {
            "__name__": "ai_requests_total",
            "namespace": self.feature.namespace,
            "ai_feature": self.feature.name,
            "ai_variant": self.variant,
            "pod": self.pod,
            "result": self.result,
        }

    def at(self, instant: int) -> float:
        return max((v for t, v in self.samples if t <= instant), default=0.0)


@dataclass(frozen=True, slots=True)
class Past:
    """Samples of the hour that began at `since`, and where to read them."""

    provider: Provider
    namespace: str
    since: int

    def feature(self, name: str) -> FeatureKey:
        return FeatureKey(self.namespace, name)

    def write(self, *series: Series) -> None:
        remote_write(self.provider.url, [(s.labels, s.samples) for s in series])

    def counter(self, name: str, *runs: Sequence[tuple[int, float]]) -> Series:
        """A series of `name` that grows by 1 a scrape through each run of (second, value)."""
        samples = [
            (self.since + second + n * SCRAPE, value + n)
            for (second, value), (until, _) in runs
            for n in range((until - second) // SCRAPE)
        ]
        one = Series(self.feature(name), "stable", "a", "good", samples)
        self.write(one)
        return one


@pytest.fixture(scope="module")
def past(plane: ControlPlane) -> Past:
    provider = Provider("default", plane.prometheus, scrape_seconds=SCRAPE)
    since = int(time.time()) // 300 * 300 - 2 * SPAN
    return Past(provider, f"past-{uuid.uuid4().hex[:8]}", since)


def lives(past: Past, name: str, seed: int) -> list[Series]:
    """Pods of both arms that come and go; errors are born with the first one; no restarts."""
    rng = random.Random(seed)
    found = []
    for pod in range(8):
        start, end = (0, SPAN) if pod == 0 else sorted(rng.sample(range(SPAN), 2))
        variant = "stable" if pod % 2 == 0 else "candidate"
        for result, rate in (("good", 40), ("bad", 3)):
            one = Series(past.feature(name), variant, f"p{pod}", result)
            value = 0
            for at in range(past.since + start, past.since + end, SCRAPE):
                value += rng.randrange(rate)
                if value:
                    one.samples.append((at, float(value)))
            found.append(one)
    return found


@pytest.fixture(scope="module")
def fleet(past: Past) -> list[Series]:
    series = lives(past, "fleet", seed=41)
    past.write(*(s for s in series if s.samples))
    return series


def truth(series: Sequence[Series], start: int, end: int) -> dict[str, Counts]:
    """What happened after `start` and by `end`, from the samples themselves."""
    sums: defaultdict[str, Counts] = defaultdict(lambda: NONE)
    for s in series:
        events = s.at(end) - s.at(start)
        before, bad = sums[s.variant], events if s.result == "bad" else 0.0
        sums[s.variant] = Counts(before.total + events, before.bad + bad)
    return dict(sums)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(61, SPAN - 1), max_size=8))
def test_the_windows_of_any_split_of_time_add_up_to_the_same(
    past: Past, fleet: list[Series], cuts: set[int]
) -> None:
    instants = [past.since + cut for cut in (60, *sorted(cuts), SPAN)]
    windows = [
        read(past.provider, range(end, end + 1, end - start), past.feature("fleet"))[0]
        for start, end in pairwise(instants)
    ]
    assert summed(*windows) == truth(fleet, instants[0], instants[-1])


@pytest.mark.parametrize("interval", [5, 10, 60, 300])
def test_every_window_of_a_catch_up_is_exact(
    past: Past, fleet: list[Series], interval: int
) -> None:
    start = past.since + 300
    ends = range(start + interval, past.since + SPAN + 1, interval)
    (whole,) = read(past.provider, ends, past.feature("fleet"))
    assert isinstance(whole, Readings)
    for window in whole.windows:
        expected = truth(fleet, window.end - interval, window.end)
        assert {arm: expected[arm] for arm in window.arms} == window.arms
        assert all(expected[arm] == NONE for arm in expected.keys() - window.arms.keys())


def test_a_catch_up_gives_the_windows_that_single_passes_would_have_given(
    past: Past, fleet: list[Series]
) -> None:
    ends = range(past.since + 1200, past.since + 1500, 10)
    (whole,) = read(past.provider, ends, past.feature("fleet"))
    assert isinstance(whole, Readings)
    for window in whole.windows:
        (single,) = read(
            past.provider, range(window.end, window.end + 1, 10), past.feature("fleet")
        )
        assert single == Readings((window,))


def test_a_gap_shorter_than_the_look_back_is_booked_once(past: Past) -> None:
    past.counter("gap", ((0, 100), (600, 0)), ((1200, 500), (1800, 0)))
    ends = range(past.since + 310, past.since + 1800, 10)
    (whole,) = read(past.provider, ends, past.feature("gap"))
    # From the sample at 300 (120) to the last one (500 + 39).
    assert summed(whole) == {"stable": Counts(total=419.0, bad=0.0)}


def test_a_feature_that_was_gone_for_longer_is_anchored_anew(past: Past) -> None:
    past.counter("gone", ((0, 100), (600, 0)), ((1800, 500), (2400, 0)))
    ends = range(past.since + 310, past.since + 2400, 10)
    (whole,) = read(past.provider, ends, past.feature("gone"))
    assert isinstance(whole, Readings)
    # 120 to 139 before the gap, 500 to 539 after it, and not the 361 between.
    assert summed(whole) == {"stable": Counts(total=19.0 + 39.0, bad=0.0)}
    returned = next(w for w in whole.windows if w.end >= past.since + 1800)
    assert returned.arms == {}


def test_a_restart_in_the_past_starts_from_zero_again(past: Past) -> None:
    past.counter("restart", ((0, 100), (600, 0)), ((600, 3), (1200, 0)))
    ends = range(past.since + 310, past.since + 1200, 10)
    (whole,) = read(past.provider, ends, past.feature("restart"))
    assert summed(whole) == {"stable": Counts(total=19.0 + 42.0, bad=0.0)}


def test_a_newborn_arm_counts_from_zero_though_nobody_asks_for_the_other(past: Past) -> None:
    past.counter("newborn", ((0, 100), (1200, 0)))
    born = Series(past.feature("newborn"), "candidate", "c", "bad", [(past.since + 600, 2.0)])
    past.write(born)
    ends = range(past.since + 310, past.since + 1200, 10)
    (whole,) = read(past.provider, ends, born.feature, variants=("candidate",))
    assert summed(whole) == {"candidate": Counts(total=2.0, bad=2.0)}


def test_features_of_one_batch_do_not_mix(past: Past, fleet: list[Series]) -> None:
    twin = lives(past, "twin", seed=43)
    past.write(*(s for s in twin if s.samples))
    ends = range(past.since + 310, past.since + SPAN, 10)
    names = [past.feature("fleet"), past.feature("twin"), FeatureKey("elsewhere", "fleet")]
    together = read(past.provider, ends, *names)
    assert together == [read(past.provider, ends, name)[0] for name in names]
    assert summed(together[2]) == {}


@pytest.mark.parametrize("name", ['x"} or vector(1)', "a|fleet", ".*", "flee.", "é\n\\", ""])
def test_a_hostile_name_reads_nothing_of_anybody(
    past: Past, fleet: list[Series], name: str
) -> None:
    ends = range(past.since + 310, past.since + 330, 10)
    for batch in ([past.feature(name)], [past.feature(name), past.feature("nobody")]):
        for one in read(past.provider, ends, *batch):
            assert summed(one) == {}
