"""What is done about drift, in which words, and how a baseline is kept."""

import pytest

from goaround.api.drift import TrainingReference
from goaround.evidence.baseline import (
    LARGEST_BYTES,
    Baseline,
    Calibrated,
    Kept,
    Reference,
    ReferenceKind,
    UnreadableBaseline,
    pack,
    unpack,
)
from goaround.evidence.distances import Measure, Noise, Statistic, measure_psi
from goaround.evidence.drift import (
    Action,
    Band,
    DriftVerdict,
    Finding,
    gravest,
    judge,
    measure,
    measure_pair,
    rank,
)
from goaround.evidence.samples import OTHER, Centroids, Histogram, Likeness, Mix

NOW = 2_000_000.0
DAY = 86_400.0
PINNED = Reference(ReferenceKind.BASELINE, NOW - 20 * DAY)
BAND = Band("language", Statistic.PSI, 0.2, Action.HOLD)
CALM = Mix({"en": 8800.0, "de": 1200.0})
MOVED = Mix({"en": 690.0, "de": 310.0})


def _judged(
    current: Mix, band: Band = BAND, *, now: float = NOW, out_since: float | None = None
) -> Finding:
    return judge(band, measure(band, CALM, current), PINNED, now=now, out_since=out_since)


def test_a_large_and_proven_shift_does_what_its_band_says() -> None:
    assert _judged(MOVED).verdict is DriftVerdict.HOLD
    alerting = Band("language", Statistic.PSI, 0.2)
    assert _judged(MOVED, alerting).verdict is DriftVerdict.ALERT


def test_the_line_of_an_alarm_says_size_limit_noise_requests_age_and_what_moved() -> None:
    assert _judged(MOVED).line == (
        "language: PSI 0.226 > 0.2 (noise up to 0.0119, n=1,000/10,000) vs the baseline, 20 d old; "
        "most: de 12.0% -> 31.0%: hold"
    )


def test_a_quiet_line_says_from_where_on_it_sees() -> None:
    line = _judged(Mix({"en": 88.0, "de": 12.0})).line
    assert line == (
        "language: PSI 0 <= 0.2 (sees from 0.2 on, n=100/10,000) vs the baseline, 20 d old: quiet"
    )


def test_a_large_distance_of_few_requests_stays_quiet_and_says_why() -> None:
    found = _judged(Mix({"en": 40.0, "de": 10.0}), Band("language", Statistic.PSI, 0.01))
    assert found.verdict is DriftVerdict.QUIET
    assert "but noise alone reaches" in found.line


def test_a_proven_but_harmless_shift_stays_quiet() -> None:
    found = _judged(Mix({"en": 850_000.0, "de": 150_000.0}))
    assert found.measure is not None
    assert found.measure.is_proven
    assert found.verdict is DriftVerdict.QUIET


def test_drift_counts_only_once_it_lasts() -> None:
    band = Band("language", Statistic.PSI, 0.2, Action.HOLD, for_seconds=600)
    first = _judged(MOVED, band)
    assert first.verdict is DriftVerdict.QUIET
    assert first.out_since == NOW
    assert first.line.endswith("out of band for 0 of 600 s")
    later = _judged(MOVED, band, now=NOW + 600, out_since=first.out_since)
    assert later.verdict is DriftVerdict.HOLD
    assert _judged(CALM, band, now=NOW + 700, out_since=later.out_since).out_since is None


def test_a_clock_that_went_back_neither_loses_nor_invents_time() -> None:
    band = Band("language", Statistic.PSI, 0.2, Action.HOLD, for_seconds=600)
    found = _judged(MOVED, band, now=NOW - 900, out_since=NOW)
    assert found.verdict is DriftVerdict.QUIET
    assert found.out_since == NOW - 900


def test_nothing_to_compare_is_unknown_and_keeps_the_time_out_of_band() -> None:
    found = _judged(Mix({}), out_since=NOW - 60)
    assert found.verdict is DriftVerdict.UNKNOWN
    assert found.out_since == NOW - 60
    assert found.line.startswith("language: cannot be compared")


def test_inputs_are_ranked_by_multiples_of_their_limits() -> None:
    slight = Finding("a", DriftVerdict.ALERT, "", 0.1, _measure(0.2))
    strong = Finding("b", DriftVerdict.ALERT, "", 0.1, _measure(0.9))
    noise = Finding("c", DriftVerdict.QUIET, "", 0.1, _measure(3.0, floor=9.0))
    unknown = Finding("d", DriftVerdict.UNKNOWN, "", 0.1)
    assert [f.name for f in rank([slight, noise, unknown, strong])] == ["b", "a"]


def test_ten_inputs_at_most_are_named() -> None:
    many = [Finding(f"i{i}", DriftVerdict.ALERT, "", 0.1, _measure(0.9)) for i in range(30)]
    assert len(rank(many)) == 10


def _measure(raw: float, floor: float = 0.01) -> Measure:
    return Measure(Statistic.PSI, raw, 0.0, floor, 100, 100)


@pytest.mark.parametrize(
    ("said", "speaks"),
    [
        ([], DriftVerdict.QUIET),
        ([DriftVerdict.QUIET, DriftVerdict.UNKNOWN], DriftVerdict.UNKNOWN),
        ([DriftVerdict.UNKNOWN, DriftVerdict.ALERT], DriftVerdict.ALERT),
        ([DriftVerdict.ALERT, DriftVerdict.HOLD, DriftVerdict.QUIET], DriftVerdict.HOLD),
    ],
)
def test_the_gravest_verdict_speaks_for_all(said: list[DriftVerdict], speaks: DriftVerdict) -> None:
    assert gravest(said) is speaks


def test_a_statistic_only_measures_the_samples_it_is_made_for() -> None:
    noise = Noise(0.01, 1.0, 9)
    near = Likeness(60, 100)
    assert measure(Band("s", Statistic.MEAN_COSINE, 0.05), near, near) is None
    assert measure(Band("s", Statistic.MEAN_COSINE, 0.05), near, near, noise) is not None
    assert measure(Band("s", Statistic.KS, 0.1), CALM, CALM) is None
    pair = Centroids(90, 100, 100, 50, 50)
    assert measure_pair(Band("s", Statistic.COSINE, 0.05), pair, None) is None
    assert measure_pair(BAND, pair, noise) is None
    found = measure_pair(Band("s", Statistic.COSINE, 0.05), pair, noise)
    assert found is not None
    assert found.raw == pytest.approx(0.1)


@pytest.mark.parametrize(
    "wrong", [{"limit": 0.0}, {"cluster_size": 0.5}, {"for_seconds": -1.0}, {"limit": float("nan")}]
)
def test_bands_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Band(**({"name": "x", "statistic": Statistic.PSI, "limit": 0.1} | wrong))  # type: ignore[arg-type]


def _baseline() -> Baseline:
    inputs: dict[str, Kept] = {
        "length": Histogram((64.0, 256.0, 1024.0), (120.0, 4000.0, 881.0, 3.0)),
        "language": CALM,
        "stability": Calibrated(Likeness(612.5, 1000), Noise(0.02, 1.0, 12)),
    }
    return Baseline(inputs, NOW - 3600, NOW, "sha256:" + "a" * 64)


def test_a_baseline_survives_packing() -> None:
    assert unpack(pack(_baseline())) == _baseline()


def test_training_counts_can_be_written_by_hand() -> None:
    key = TrainingReference.model_fields["key"].description or ""
    example = key.split("`")[-2]
    assert unpack(example).inputs == {
        "age": Histogram((30.0, 60.0), (5.0, 9.0, 2.0)),
        "sex": Mix({"f": 8.0, "m": 8.0}),
    }


def test_a_baseline_knows_its_age() -> None:
    assert _baseline().reference.age(NOW + 5 * DAY) == 5 * DAY
    assert Reference(ReferenceKind.TRAINING).age(NOW) is None


def test_ten_wide_inputs_fit_and_still_show_a_shift() -> None:
    wide = Histogram(tuple(i / 7 for i in range(300)), (1e6 + 1,) * 301)
    many = Mix({f"class-{i}-{'ü' * 12}": 1000.0 + i for i in range(200)} | {"x" * 500: 9.0})
    inputs: dict[str, Kept] = {f"{'i' * 60}{i}": wide if i % 2 else many for i in range(10)}
    text = pack(Baseline(inputs, 0, 1, "sha256:" + "f" * 64))
    assert len(text.encode()) <= LARGEST_BYTES
    kept = unpack(text).inputs[f"{'i' * 60}1"]
    assert isinstance(kept, Histogram)
    lower = Histogram(wide.edges, (900.0,) * 150 + (300.0,) * 151)
    found = measure_psi(kept, lower)
    assert found is not None
    assert found.size > 0.2
    assert found.is_proven


def test_coarsening_keeps_every_request() -> None:
    many = Mix({f"c{i}": float(i) for i in range(50)})
    text = pack(Baseline({"a": many}, 0, 1))
    kept = unpack(text).inputs["a"]
    assert isinstance(kept, Mix)
    assert kept.n == many.n
    assert OTHER in kept.counts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"v":2,"from":0,"to":1,"digest":"","inputs":{"a":{"k":{}}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{"a":{"k":{"x":-1}}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{"a":{"k":{"x":NaN}}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{"a":{"e":[1],"c":[1]}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{"a":{"x":"AAA=","m":1,"n":1,"u":1,"d":1,"s":9}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{"a":{"x":"ü","m":1,"n":1,"u":1,"d":1,"s":9}}}',
        '{"v":1,"from":1,"to":1,"digest":"","inputs":{"a":{"k":{"x":1}}}}',
        '{"v":1,"from":0,"to":1,"digest":"","inputs":{}}',
        "[" * 4000,
        " " * 5000,
    ],
)
def test_a_damaged_baseline_is_refused_whole(text: str) -> None:
    with pytest.raises(UnreadableBaseline):
        unpack(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Baseline({}, 0, 1),
        lambda: Baseline({f"i{i}": CALM for i in range(11)}, 0, 1),
        lambda: Baseline({"a": CALM}, 2, 1),
        lambda: Baseline({"a": CALM}, 0, 1, "d" * 100),
    ],
)
def test_baselines_that_mean_nothing_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"baseline|too long"):
        make()
