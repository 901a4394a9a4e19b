"""What GoAround counts, against a real Prometheus: windows add up, and nothing is counted twice."""

import asyncio
import math
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    PrometheusReader,
    Provider,
    Read,
    Readings,
    Shape,
)
from hack.controlplane import ControlPlane
from tests.cluster.prometheus_feed import Exporter, exporter, remote_write

pytestmark = pytest.mark.cluster

BAD = 'ai_requests_total{$match,result="bad"}'
TOTAL = "ai_requests_total{$match}"
SCRAPE = 15
SPAN = 3600
NONE = Counts(total=0.0, bad=0.0)


def read(provider: Provider, ends: range, *features: FeatureKey) -> list[Read]:
    """The readings of `features`, in one batch."""

    async def run() -> list[Read]:
        reader = PrometheusReader(provider)
        shape = Shape(BAD, TOTAL, ends.step)
        try:
            return await asyncio.gather(*(reader.read(f, shape, ends) for f in features))
        finally:
            await reader.aclose()

    return asyncio.run(run())


def summed(*reads: Read) -> dict[str, Counts]:
    """Events per arm, over all windows."""
    sums: defaultdict[str, Counts] = defaultdict(lambda: NONE)
    for one in reads:
        assert isinstance(one, Readings), one
        for window in one.windows:
            for arm, counts in window.arms.items():
                before = sums[arm]
                sums[arm] = Counts(before.total + counts.total, before.bad + counts.bad)
    return dict(sums)


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


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


CHAT, SEARCH, LATE = (FeatureKey("shop", name) for name in ("chat", "search", "late"))


def series(feature: FeatureKey, variant: str = "stable", result: str = "good") -> str:
    return (
        f'ai_requests_total{{namespace="{feature.namespace}",ai_feature="{feature.name}",'
        f'ai_variant="{variant}",result="{result}"}}'
    )


@dataclass(frozen=True, slots=True)
class Flight:
    """Some seconds of real scrapes, second by second, and what was read of them in one batch."""

    reads: dict[FeatureKey, Read]

    def total(self, feature: FeatureKey) -> dict[str, Counts]:
        return summed(self.reads[feature])


def settle(*pods: Exporter) -> int:
    """The whole second, now over, by which all that `pods` counted so far is stored."""
    for pod in pods:
        pod.wait_scraped()
    instant = math.ceil(time.time())
    while time.time() < instant:
        time.sleep(0.02)
    return instant


@pytest.fixture(scope="module")
def flight(plane: ControlPlane) -> Iterator[Flight]:
    with exporter() as a, exporter() as b:
        a.add(series(CHAT), 100)
        b.add(series(CHAT), 50)
        a.add(series(SEARCH), 1000)
        a.add(series(SEARCH, result="bad"), 10)
        plane.set_targets([a.address, b.address])
        start = settle(a, b)
        end = fly(a, b)
        ends = range(start + 1, end + 1)
        provider = Provider("default", plane.prometheus, scrape_seconds=1)
        keys = (CHAT, SEARCH, LATE)
        yield Flight(dict(zip(keys, read(provider, ends, *keys), strict=True)))
        plane.set_targets([])


def fly(a: Exporter, b: Exporter) -> int:
    a.add(series(CHAT), 7)
    a.add(series(CHAT, result="bad"), 3)
    a.add(series(SEARCH), 6)
    a.add(series(SEARCH, result="bad"), 1)
    settle(a, b)
    a.restart()
    a.add(series(CHAT), 3)
    a.add(series(CHAT, result="bad"), 1)
    a.add(series(SEARCH), 2)
    settle(a, b)
    b.add(series(LATE), 5000)
    b.add(series(LATE, result="bad"), 50)
    b.add(series(CHAT, "candidate"), 4)
    b.add(series(CHAT, "candidate", "bad"), 2)
    settle(a, b)
    b.add(series(LATE), 5)
    settle(a, b)
    b.is_up = False
    a.add(series(SEARCH), 8)
    for _ in range(3):
        settle(a)
    b.add(series(CHAT), 2)
    b.is_up = True
    return settle(a, b)


def test_a_series_born_with_its_first_error_and_a_restart_count_once(flight: Flight) -> None:
    # 10 before the restart, 4 after it, and 2 of the other pod; 3 + 1 of them bad.
    assert flight.total(CHAT)["stable"] == Counts(total=16.0, bad=4.0)


def test_the_first_series_of_a_candidate_count_from_zero(flight: Flight) -> None:
    assert flight.total(CHAT)["candidate"] == Counts(total=6.0, bad=2.0)


def test_a_feature_that_is_first_seen_is_not_booked_whole(flight: Flight) -> None:
    assert flight.total(LATE) == {"stable": Counts(total=5.0, bad=0.0)}


def test_features_of_one_pod_keep_their_own_counts(flight: Flight) -> None:
    assert flight.total(SEARCH) == {"stable": Counts(total=17.0, bad=1.0)}
