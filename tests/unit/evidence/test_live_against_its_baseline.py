"""Live against a fixed baseline: its own chance is paid for, one episode is one, nothing is proven
by a baseline that is not there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from goaround.api.acceptance import OnBreach, Signal, VsBaseline
from goaround.api.feature import AIFeatureSpec
from goaround.evidence import alarm, live, signal_baseline, vs_baseline
from goaround.evidence.alarm import Alarm
from goaround.evidence.judge import Counts, Max, Min, Verdict, Window
from goaround.evidence.model import STABLE
from goaround.evidence.signal_baseline import DAY, Sample, ends_before, ends_own, pack, unpack
from tests.unit.evidence.live_sim import ERA_WINDOWS, INTERVAL, Era
from tests.unit.evidence.test_live_is_watched_for_ever import NOW
from tests.unit.runtime.bench import feature

DIGEST = "sha256:" + "a" * 64
TWICE = VsBaseline(worse_by_factor="2")
POINTS = VsBaseline(worse_by="0.01")


def a_spec(
    bound: VsBaseline | None = TWICE, *, other: VsBaseline | None = None, **changes: object
) -> AIFeatureSpec:
    """`errors` has the bound, `answered` perhaps another."""
    spec = feature().spec
    first, second = spec.acceptance.signals
    signals = [first.but(vs_baseline=bound, **changes), second.but(vs_baseline=other)]
    return spec.but(acceptance=spec.acceptance.but(signals=signals))


def a_sample(spec: AIFeatureSpec, total: float = 86_400, bad: float = 864) -> Sample:
    how = signal_baseline.measured(spec, errors(spec))
    return Sample(Counts(total, bad), NOW - DAY, NOW, DIGEST, how)


def errors(spec: AIFeatureSpec) -> Signal:
    return spec.acceptance.signals[0]


def an_alarm(spec: AIFeatureSpec | None = None, sample: Sample | None = None) -> Alarm:
    spec = spec or a_spec()
    kept = {errors(spec).name: sample or a_sample(spec)}
    (about,) = vs_baseline.comparisons(spec, DIGEST, kept, NOW)
    return alarm.begun(about, NOW, per_year=1, level=20)


def fed(at: Alarm, minutes: int, share: float, total: float = 600) -> Alarm:
    """So many windows of 60 s."""
    start = at.last_t
    for i in range(1, minutes + 1):
        counts = Counts(total, total * share)
        at = alarm.advanced(at, Window(start + 60 * i, {STABLE: counts}))
    return at


# -- the limit and the budget --------------------------------------------------------------------


def binomial(n: int, p: float) -> list[float]:
    """Probabilities of 0..n bad ones."""
    log = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(n + 1)
    ]  # fmt: skip
    return [math.exp(x) for x in log]


@pytest.mark.parametrize("chance", [0.05, vs_baseline.doubt(1, 1)])
@pytest.mark.parametrize(("n", "p"), [(100, 0.01), (300, 0.2), (1000, 0.005), (1000, 0.5)])
def test_the_limit_lies_below_the_truth_no_more_often_than_it_says(
    chance: float, n: int, p: float
) -> None:
    none = VsBaseline(worse_by="0")
    too_low = sum(
        probability
        for k, probability in enumerate(binomial(n, p))
        if vs_baseline.limit_of(Counts(n, k), none, chance=chance, cluster_size=1) < p
    )
    assert too_low <= chance


def test_a_larger_baseline_sets_a_tighter_limit_and_never_one_below_what_is_allowed() -> None:
    limits = [
        vs_baseline.limit_of(Counts(n, n / 100), TWICE, chance=0.001, cluster_size=1)
        for n in (1e2, 1e3, 1e4, 1e6)
    ]
    assert limits == sorted(limits, reverse=True)
    assert 0.02 < limits[-1] < 0.0215


def test_requests_that_fail_together_count_as_one() -> None:
    many = vs_baseline.limit_of(Counts(1e4, 100), TWICE, chance=0.01, cluster_size=10)
    few = vs_baseline.limit_of(Counts(1e3, 10), TWICE, chance=0.01, cluster_size=1)
    assert many == few


def test_bounds_that_send_back_divide_the_budget_with_the_absolute_ones() -> None:
    back = TWICE.but(on_breach=OnBreach.FALL_BACK)
    spec = a_spec(back, other=TWICE)
    assert vs_baseline.shares(spec) == pytest.approx({"errors": 1 / 3, "answered": 1})
    assert vs_baseline.acting_share(spec) == pytest.approx(2 / 3)


def test_without_a_bound_that_sends_back_absolute_tests_stay_as_they_were() -> None:
    assert vs_baseline.acting_share(a_spec(TWICE)) == 1.0
    assert vs_baseline.comparisons(a_spec(None), DIGEST, {}, NOW) == ()


# -- false alarms --------------------------------------------------------------------------------

YEARS = 1
ERAS_OF_A_YEAR = 366


def false_alarms(
    rate: float, share: float, baseline: int, bound: VsBaseline, *, chance: float
) -> int:
    """In so many years of both detectors. Each era has a baseline of its own, drawn from the same
    release, which then serves at the very edge of what is allowed. chance: that a baseline's limit
    is too low; 1 takes what was counted for the truth."""
    runs, dice = YEARS * ERAS_OF_A_YEAR, np.random.default_rng(44)
    bad = dice.binomial(baseline, share, runs)
    limits = {
        int(k): vs_baseline.limit_of(Counts(baseline, k), bound, chance=chance, cluster_size=1)
        for k in set(bad)
    }
    edge = share * vs_baseline.factor(bound) + vs_baseline.worse_by(bound)
    era = Era(np.array([limits[int(k)] for k in bad]), runs, per_year=vs_baseline.DETECTION)
    crossed = np.zeros(runs, dtype=bool)
    for _ in range(ERA_WINDOWS):
        total = dice.poisson(rate * INTERVAL, runs)
        era.step(dice.binomial(total, edge).astype(float), total.astype(float))
        crossed |= era.breached
    return int(crossed.sum())


@pytest.mark.parametrize(
    ("rate", "share", "baseline", "bound"),
    [
        (0.2, 0.01, 200, TWICE),
        (2.0, 0.01, 172_800, TWICE),
        (20.0, 0.2, 3_600, VsBaseline(worse_by="0")),
    ],
)
def test_a_release_at_the_edge_of_what_its_baseline_allows_alarms_by_chance_once_a_year_at_most(
    rate: float, share: float, baseline: int, bound: VsBaseline
) -> None:
    found = false_alarms(rate, share, baseline, bound, chance=vs_baseline.doubt(1, 1))
    print(f"{found} false alarms in {YEARS} years")
    assert found <= YEARS + 1.65 * YEARS**0.5


def test_who_takes_a_baseline_for_the_truth_alarms_by_chance_all_the_time() -> None:
    """The same simulation without the part of the budget that the baseline needs."""
    assert false_alarms(2.0, 0.01, 3_600, TWICE, chance=1.0) > 50 * YEARS


def test_the_simulation_gives_the_numbers_of_the_engine() -> None:
    dice, one = np.random.default_rng(6), an_alarm()
    bound = one.about.test.bound
    assert isinstance(bound, Max)
    era = Era(np.array([bound.limit]), 1, per_year=vs_baseline.DETECTION)
    for i in range(1, 100):
        total = float(dice.poisson(600.0))
        bad = float(dice.binomial(int(total), 0.021))
        era.step(np.array([bad]), np.array([total]))
        one = alarm.advanced(one, Window(NOW + 60 * i, {STABLE: Counts(total, bad)}))
        breach = live.judged([one.about.test], one.detectors[0], vs_baseline.DETECTION)
        assert breach.log_e == pytest.approx(float(era.log_e[0]), abs=1e-9)


# -- episodes ------------------------------------------------------------------------------------


def test_harm_beyond_the_limit_begins_one_episode_that_lasts_as_long_as_it_does() -> None:
    one = fed(an_alarm(), 60, 0.01)
    assert one.since is None
    began = fed(one, 30, 0.05)
    assert began.since is not None
    later = fed(began, 3 * 60, 0.05)
    assert later.since == began.since
    assert alarm.judged(later).verdict is Verdict.BAD


def test_health_that_is_proven_since_ends_it_and_harm_thereafter_begins_another() -> None:
    ill = fed(an_alarm(), 30, 0.05)
    well = fed(ill, 60, 0.01)
    assert (ill.since is not None, well.since, well.line) == (True, None, "")
    again = fed(well, 30, 0.05)
    assert again.since is not None
    assert ill.since is not None
    assert again.since > ill.since


def test_empty_windows_end_no_episode() -> None:
    ill = fed(an_alarm(), 30, 0.05)
    silent = fed(ill, 2 * 60, 0.0, total=0)
    assert silent.since == ill.since


def test_what_is_within_the_allowance_is_never_told() -> None:
    assert fed(an_alarm(), 12 * 60, 0.0195).since is None


def test_twice_the_limit_is_found_within_minutes() -> None:
    delays, well = [], fed(an_alarm(), 600, 0.01)
    for seed in range(20):
        dice, one, i = np.random.default_rng(seed), well, 0
        while one.since is None:
            i += 1
            total = int(dice.poisson(600))
            counts = Counts(float(total), float(dice.binomial(total, 0.042)))
            one = alarm.advanced(one, Window(one.last_t + 60, {STABLE: counts}))
        delays.append(i)
    print(f"windows of 60 s at 10 req/s: median {np.median(delays)}, most {max(delays)}")
    assert np.median(delays) <= 5
    assert max(delays) <= 12


def test_a_window_that_was_consumed_changes_nothing() -> None:
    one = fed(an_alarm(), 10, 0.02)
    assert alarm.advanced(one, Window(one.last_t, {STABLE: Counts(9, 9)})) == one


def test_the_line_says_what_the_baseline_was_and_what_it_allows() -> None:
    ill = fed(an_alarm(), 30, 0.05)
    assert ill.line.startswith(
        "errors.vs-baseline 5% > baseline 1% x 2, at most 2.3% (n=1,800/86,400):"
    )
    assert ill.line.endswith("-> breach")
    well = alarm.judged(fed(an_alarm(), 60, 0.001))
    assert well.line.startswith("errors.vs-baseline 0.1% within baseline 1% x 2, at most 2.3% ")
    assert "accepted" in well.line


# -- kinds of signals ----------------------------------------------------------------------------


def test_where_lower_is_worse_good_and_bad_change_places() -> None:
    spec = a_spec(VsBaseline(worse_by="0.05"), max=None, min="0.5")
    one = an_alarm(spec, a_sample(spec, 86_400, 0.9 * 86_400))
    bound = one.about.test.bound
    assert isinstance(bound, Min)
    assert 0.84 < bound.limit < 0.85
    ill = fed(one, 60, 0.7)
    assert ill.since is not None
    assert "70% < baseline 90% with misses + 5 points, at least 84" in ill.line
    assert fed(an_alarm(spec, a_sample(spec, 86_400, 0.9 * 86_400)), 120, 0.87).since is None


def test_a_mean_or_latency_is_held_against_its_counts_like_any_other() -> None:
    mean = {"sum": "score_sum{$match}", "count": "score_count{$match}", "worse": "Lower"}
    told = {"name": "errors", "mean": mean, "min": "0.5", "vsBaseline": {"worseBy": "0.1"}}
    scored = Signal.model_validate(told)
    slow = {"histogram": "seconds_bucket{$match}", "slowerThanSeconds": "2.5"}
    latency = Signal.model_validate(
        {"name": "errors", "latency": slow, "max": "0.5", "vsBaseline": {"worseBy": "0.1"}}
    )
    for signal in (scored, latency):
        spec = a_spec()
        spec = spec.but(acceptance=spec.acceptance.but(signals=[signal]))
        one = an_alarm(spec, a_sample(spec, 10_000, 2_000))
        assert isinstance(one.about.test.bound, Max)
        assert fed(one, 60, 0.45).since is not None
        assert fed(one, 120, 0.28).since is None


# -- what is not there proves nothing ------------------------------------------------------------


def test_without_a_baseline_nothing_is_compared_and_that_is_said() -> None:
    spec = a_spec()
    assert vs_baseline.comparisons(spec, DIGEST, {}, NOW) == ()
    assert vs_baseline.gaps(spec, {}, NOW) == {"errors": "it has no baseline yet"}


def test_a_stale_baseline_is_not_compared_with_and_that_is_said() -> None:
    spec = a_spec()
    kept, late = {"errors": a_sample(spec)}, NOW + signal_baseline.STALE_SECONDS + 1
    assert vs_baseline.gaps(spec, kept, late - 1) == {}
    assert vs_baseline.comparisons(spec, DIGEST, kept, late) == ()
    assert "is stale: fly a release" in vs_baseline.gaps(spec, kept, late)["errors"]


def test_counts_of_another_measure_are_not_compared_with() -> None:
    spec = a_spec()
    kept = {"errors": replace(a_sample(spec), measured="00000000")}
    assert vs_baseline.comparisons(spec, DIGEST, kept, NOW) == ()
    assert "measured otherwise" in vs_baseline.gaps(spec, kept, NOW)["errors"]


def test_a_baseline_that_excludes_nothing_is_not_compared_with() -> None:
    spec = a_spec()
    for total, bad in ((50, 1), (100, 45)):
        kept = {"errors": a_sample(spec, total, bad)}
        assert vs_baseline.comparisons(spec, DIGEST, kept, NOW) == ()
        assert "errors" in vs_baseline.gaps(spec, kept, NOW)


# -- how it is taken and kept --------------------------------------------------------------------


def test_a_baseline_is_taken_from_the_day_before_take_off() -> None:
    ends = ends_before(NOW + 17, 0, 60)
    assert (ends[0] - ends.step, ends[-1], ends.step) == (NOW - DAY + 300, NOW, 300)


def test_none_of_its_windows_began_before_stable_did() -> None:
    ends = ends_before(NOW, NOW - 7200 + 17, 60)
    assert ends[0] - ends.step == NOW - 7200 + 300
    short = ends_before(NOW, NOW - 90, 1)
    assert (short[0] - 1, short[-1], short.step) == (NOW - 90, NOW, 1)
    assert not ends_before(NOW, NOW - 30, 60)


def test_what_nothing_served_before_has_its_own_first_day_as_its_baseline() -> None:
    first = ends_own(NOW + 17, NOW + 600)
    assert (first[0] - 300, first[-1]) == (NOW + 300, NOW + 300 + DAY)
    newest = ends_own(NOW, NOW + 10 * DAY + 17)
    assert (newest[0] - 300, newest[-1]) == (NOW + 9 * DAY, NOW + 10 * DAY)


def test_it_is_kept_as_it_is_and_what_is_damaged_is_none() -> None:
    spec = a_spec()
    kept = {"errors": a_sample(spec), "rude": a_sample(spec, 1234.5, 0.1)}
    assert unpack(pack(kept)) == kept
    for text in ("", "{}", "[]", '{"v":2,"signals":{}}', pack(kept)[:-9], pack(kept) * 2):
        assert unpack(text) == {}
    assert unpack(pack(kept).replace("1234.5", "-1")) == {}
