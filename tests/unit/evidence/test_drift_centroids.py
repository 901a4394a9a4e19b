"""Drift of embedding centroids: exact on small sums, false alarms and power by simulation."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from goaround.api.drift import Drift
from goaround.evidence.baseline import LARGEST_BYTES, Baseline, Calibrated, Kept, pack, unpack
from goaround.evidence.distances import Measure, Noise, Statistic, calibrate_centroids
from goaround.evidence.drift import Band, DriftVerdict, measure
from goaround.evidence.drift_watch import PARTS, References, establish, look, whole
from goaround.evidence.embeddings import EmbeddingSum, added, centroids, turns
from goaround.evidence.model import ImpossibleCounts
from goaround.evidence.samples import Likeness

NOW = 1_800_000_000.0
BAND = Band("meaning", Statistic.COSINE, 0.05)


@dataclass(frozen=True, slots=True)
class Encoder:
    """Embeddings of length about 1 with a mean of `length` along one axis; the rest is noise, on
    the first `used` of `dimensions`."""

    dimensions: int
    used: int
    length: float

    def parts(self, rng: np.random.Generator, n: int, *, turn: float = 0.0) -> list[EmbeddingSum]:
        """A window of n requests in parts; its mean is turned by `turn` radians."""
        spread = np.zeros(self.dimensions)
        spread[: self.used] = math.sqrt((1 - self.length**2) / self.used)
        mean = np.zeros(self.dimensions)
        mean[-1], mean[0] = self.length * math.cos(turn), self.length * math.sin(turn)
        sizes = rng.multinomial(n, [1 / PARTS] * PARTS)
        noise = rng.normal(size=(PARTS, self.dimensions)) * spread
        sums = sizes[:, None] * mean + noise * np.sqrt(sizes)[:, None]
        pairs = zip(sums.tolist(), sizes, strict=True)
        return [EmbeddingSum(tuple(components), float(n)) for components, n in pairs]


def _noise(parts: list[EmbeddingSum]) -> Noise:
    noise = calibrate_centroids(turns(parts))
    assert noise is not None
    return noise


def _measured(stable: list[EmbeddingSum], current: list[EmbeddingSum]) -> Measure:
    found = measure(BAND, added(stable), added(current), _noise(stable))
    assert found is not None
    return found


def test_the_distance_is_one_minus_the_cosine_of_the_sums() -> None:
    pair = centroids(EmbeddingSum((3, 4), 10), EmbeddingSum((8, 6), 100))
    assert pair is not None
    assert pair.distance == pytest.approx(1 - 48 / 50)
    assert (pair.n, pair.m) == (10, 100)


def test_a_mean_that_only_got_longer_has_not_drifted() -> None:
    pair = centroids(EmbeddingSum((3, -4), 10), EmbeddingSum((60, -80), 10))
    assert pair is not None
    assert pair.distance == pytest.approx(0, abs=1e-12)


def test_parts_add_up_by_dimension() -> None:
    parts = [EmbeddingSum((1, -2), 3), EmbeddingSum((-4, 5), 6)]
    assert added(parts) == whole(parts) == EmbeddingSum((-3, 3), 9)


def test_sums_of_other_dimensions_are_not_compared() -> None:
    two, three = EmbeddingSum((1, 2), 3), EmbeddingSum((1, 2, 3), 4)
    assert added([two, three]) is None
    assert whole([two, three]) is None
    assert centroids(two, three) is None
    assert measure(BAND, two, three, Noise(0.1, 1, 12)) is None
    assert turns([two, three]) == []


@pytest.mark.parametrize(
    ("sums", "n"),
    [
        ((1.0,), 1.0),
        ((1.0,) * 65, 1.0),
        ((1.0, math.nan), 1.0),
        ((1.0, -math.inf), 1.0),
        ((1.0, 1e200), 1.0),
        ((1.0, 2.0), -1.0),
        ((1.0, 2.0), math.nan),
    ],
)
def test_impossible_sums_are_refused(sums: tuple[float, ...], n: float) -> None:
    with pytest.raises(ImpossibleCounts):
        EmbeddingSum(sums, n)


def test_only_what_turns_the_centroid_is_noise() -> None:
    """Means (2, 1) and (1, -1) across their centre (1.5, 0): 2 apart; 2 * 2 / (2 * 1.5 * 1.5)."""
    (halving,) = turns([EmbeddingSum((20, 10), 10), EmbeddingSum((10, -10), 10)])
    assert halving.distance == pytest.approx(4 / 4.5)
    assert (halving.n, halving.m) == (10, 10)


def test_without_a_common_direction_there_is_no_noise_to_tell() -> None:
    assert turns([]) == []
    assert turns([EmbeddingSum((1, 1), 1), EmbeddingSum((-1, -1), 1)] * 12) == []
    assert turns([EmbeddingSum((0, 0), 0)] * 24) == []


def test_parts_without_requests_are_no_halves() -> None:
    none, some = EmbeddingSum((0, 0), 0), EmbeddingSum((1, 2), 3)
    assert len(turns([none, some, none, some])) == 1


@pytest.mark.parametrize("length", [0.6, 0.2])
def test_small_parts_tell_the_same_noise_as_large_ones(length: float) -> None:
    rng = np.random.default_rng(40)
    encoder = Encoder(64, 63, length)
    few, many = (
        float(np.mean([_noise(encoder.parts(rng, PARTS * n)).unit for _ in range(60)]))
        for n in (20, 2000)
    )
    print(f"length {length}: unit {few:.3f} from 20, {many:.3f} from 2,000 per part")
    assert many == pytest.approx((1 - length**2) / (2 * length**2), rel=0.03)
    assert few == pytest.approx(many, rel=0.1)


def test_the_cosine_of_small_halves_would_hide_most_of_the_noise() -> None:
    rng = np.random.default_rng(49)
    parts = [p for _ in range(60) for p in Encoder(64, 63, 0.2).parts(rng, PARTS * 20)]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    found = [(pair, pair.distance) for a, b in pairs if (pair := centroids(a, b)) is not None]
    units = [d / (1 / pair.n + 1 / pair.m) for pair, d in found if d is not None]
    print(f"unit {np.mean(units):.2f} from cosines of 20 and 20, true {0.96 / 0.08:.2f}")
    assert np.mean(units) < 0.5 * 0.96 / 0.08


WORLDS = [
    Encoder(dimensions, used, length)
    for dimensions, used in ((64, 63), (32, 8), (16, 3), (8, 8))
    for length in (0.6, 0.2, 0.05)
]


def test_without_drift_one_look_in_a_thousand_exceeds_the_floor() -> None:
    """12 encoders, from wide to narrow and from a clear to almost no common direction, at three
    sizes of window: 720 looks, each calibrated by its own stable traffic."""
    rng = np.random.default_rng(41)
    alarms: list[str] = []
    for encoder in WORLDS:
        for n, m in ((500, 500), (4000, 500), (20_000, 2000)):
            looks = [
                _measured(encoder.parts(rng, n), encoder.parts(rng, m)).is_proven for _ in range(20)
            ]
            alarms += [f"{encoder} {n}/{m}"] * sum(looks)
    print(f"{len(alarms)} of 720: {alarms}")
    assert len(alarms) <= 3  # 0.7 promised; 4 have a chance of 0.6 % there


def test_a_turn_is_found_and_its_size_does_not_depend_on_traffic() -> None:
    rng = np.random.default_rng(42)
    encoder, true = Encoder(64, 63, 0.6), 1 - math.cos(0.4)
    for n, m in ((1000, 500), (20_000, 2000)):
        found = [
            _measured(encoder.parts(rng, n), encoder.parts(rng, m, turn=0.4)) for _ in range(60)
        ]
        assert all(f.is_proven and f.size > 0.05 for f in found)
        assert np.mean([f.size for f in found]) == pytest.approx(true, rel=0.05)


def _watch(reference: str) -> Drift:
    selectors = {"sum": "s{$match}", "count": "n{$match}", "dimension": "dim"}
    watched = {"name": "meaning", "centroid": selectors, "limit": "0.05", "reference": reference}
    return Drift.model_validate({"inputs": [watched | {"action": "Hold"}]})


def _by_end(parts: list[EmbeddingSum]) -> dict[int, EmbeddingSum]:
    return dict(enumerate(parts, start=150))


ENCODER = Encoder(64, 63, 0.6)
CALM = ENCODER.parts(np.random.default_rng(43), 5000)
SAME = ENCODER.parts(np.random.default_rng(44), 600)
MOVED = ENCODER.parts(np.random.default_rng(45), 600, turn=0.5)


def test_a_candidate_is_held_against_stable_in_the_same_window() -> None:
    for parts, wanted in ((SAME, DriftVerdict.QUIET), (MOVED, DriftVerdict.HOLD)):
        seen = {"meaning": {"stable": _by_end(CALM), "candidate": _by_end(parts)}}
        (found,) = look(_watch("LastKnownGood"), seen, References(), arm="candidate", now=NOW)
        assert found.verdict is wanted
    print(found.line)
    assert "meaning: cosine distance 0.12" in found.line
    assert found.line.endswith("n=600/5,000) vs last-known-good: hold")


def test_a_centroid_is_held_against_its_baseline() -> None:
    watch = _watch("Baseline")
    seen = {"meaning": {"stable": _by_end(CALM)}}
    kept = establish(watch, seen, began=NOW - 3600, ended=NOW, digest="d")
    assert kept is not None
    stored = References(baseline=unpack(pack(kept)))
    for parts, wanted in ((SAME, DriftVerdict.QUIET), (MOVED, DriftVerdict.HOLD)):
        now = {"meaning": {"stable": _by_end(parts)}}
        (found,) = look(watch, now, stored, arm="stable", now=NOW + 7200)
        assert found.verdict is wanted
        assert "vs the baseline, 2 h old" in found.line


def test_an_encoder_with_other_dimensions_is_unknown_and_said_so() -> None:
    narrow = Encoder(32, 31, 0.6).parts(np.random.default_rng(46), 600)
    seen = {"meaning": {"stable": _by_end(CALM), "candidate": _by_end(narrow)}}
    (found,) = look(_watch("LastKnownGood"), seen, References(), arm="candidate", now=NOW)
    assert found.verdict is DriftVerdict.UNKNOWN
    assert "no common classes or dimensions" in found.line


@pytest.mark.parametrize("n", [499, 24])
def test_a_baseline_waits_for_enough_embeddings(n: int) -> None:
    few = {"meaning": {"stable": _by_end(ENCODER.parts(np.random.default_rng(47), n))}}
    assert establish(_watch("Baseline"), few, began=0, ended=1, digest="") is None


def test_a_kept_centroid_compares_as_the_one_that_was_packed() -> None:
    sample, noise = added(CALM), _noise(CALM)
    assert sample is not None
    read = unpack(pack(Baseline({"meaning": Calibrated(sample, noise)}, 0, 1))).inputs["meaning"]
    assert isinstance(read, Calibrated)
    assert isinstance(read.sample, EmbeddingSum)
    assert read.sample.sums == pytest.approx(sample.sums, abs=2e-5 * max(map(abs, sample.sums)))
    assert (read.sample.n, read.noise) == (sample.n, noise)
    pair = centroids(sample, read.sample)
    assert pair is not None
    assert pair.distance == pytest.approx(0, abs=1e-7)


def test_ten_centroids_of_64_dimensions_fit_into_a_baseline() -> None:
    rng = np.random.default_rng(48)
    inputs: dict[str, Kept] = {
        f"{'i' * 60}{i}": Calibrated(
            EmbeddingSum(tuple((rng.normal(size=64) * 1e9 / 7).tolist()), 1e9 / 7),
            Noise(0.1 / 7, 50 / 7, 12),
        )
        for i in range(10)
    }
    text = pack(Baseline(inputs, 1.5e9, 1.5e9 + 1, "sha256:" + "f" * 64))
    print(f"{len(text)} bytes")
    assert len(text.encode()) <= LARGEST_BYTES
    assert unpack(text).inputs.keys() == inputs.keys()


def test_a_kept_mean_cosine_is_no_centroid() -> None:
    kept = Calibrated(Likeness(6, 10), Noise(0.1, 1, 12))
    assert unpack(pack(Baseline({"meaning": kept}, 0, 1))).inputs["meaning"] == kept
