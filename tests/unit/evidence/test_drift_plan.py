"""From spec.drift to bands, and from findings to status.drift."""

import pytest
from pydantic import ValidationError

from goaround.api.drift import Drift, DriftStatus
from goaround.evidence.baseline import Baseline, Reference, ReferenceKind
from goaround.evidence.distances import Statistic
from goaround.evidence.drift import Action, Band, Finding, judge, measure
from goaround.evidence.drift_plan import bands_of, out_since, status_of, unread
from goaround.evidence.samples import Mix

NOW = 1_800_000_000.0
CALM, MOVED = Mix({"en": 8800.0, "de": 1200.0}), Mix({"en": 690.0, "de": 310.0})
WATCH = Drift.model_validate(
    {
        "inputs": [
            {"name": "length", "histogram": "tokens_bucket{$match}", "statistic": "KS"},
            {
                "name": "language",
                "category": {"counter": "language_total{$match}", "label": "language"},
                "limit": "0.2",
                "action": "Hold",
                "reference": "Baseline",
                "forSeconds": 600,
                "clusterSize": 3,
            },
            {
                "name": "meaning",
                "similarity": {"sum": "cosine_sum{$match}", "count": "cosine_count{$match}"},
                "limit": "0.05",
            },
            {
                "name": "centroid",
                "centroid": {"sum": "s{$match}", "count": "n{$match}", "dimension": "dim"},
                "limit": "0.03",
            },
        ]
    }
)


def test_every_input_becomes_one_band() -> None:
    assert bands_of(WATCH) == (
        Band("length", Statistic.KS, 0.2),
        Band("language", Statistic.PSI, 0.2, Action.HOLD, 600, 3),
        Band("meaning", Statistic.MEAN_COSINE, 0.05),
        Band("centroid", Statistic.COSINE, 0.03),
    )


def _found(current: Mix, since: float | None = None) -> Finding:
    band = Band("language", Statistic.PSI, 0.2, Action.HOLD, for_seconds=600)
    pinned = Reference(ReferenceKind.BASELINE, NOW - 864_000)
    return judge(band, measure(band, CALM, current), pinned, now=NOW, out_since=since)


def test_status_carries_verdict_line_numbers_and_times() -> None:
    found = _found(MOVED, NOW - 900)
    status = status_of([found], observed=NOW, baseline=None)
    (row,) = status.inputs
    assert (status.verdict, row.verdict, row.message) == ("Hold", "Hold", found.line)
    assert row.value is not None
    assert float(row.value) == pytest.approx(0.226, abs=0.001)
    assert row.moved == "1.13"
    assert row.out_since is not None
    assert row.out_since.timestamp() == NOW - 900


def test_the_time_out_of_band_survives_the_wire() -> None:
    status = status_of([_found(MOVED, NOW - 900)], observed=NOW, baseline=None)
    read = DriftStatus.model_validate(status.wire())
    assert out_since(read, "language") == NOW - 900
    assert out_since(read, "length") is None
    assert out_since(None, "language") is None


def test_a_quiet_or_unknown_input_shows_no_move() -> None:
    for current in (CALM, Mix({})):
        (row,) = status_of([_found(current)], observed=NOW, baseline=None).inputs
        assert row.moved is None
        assert row.out_since is None


def test_status_says_when_the_baseline_was_taken() -> None:
    baseline = Baseline({"language": CALM}, NOW - 3600, NOW)
    kept = status_of([], observed=NOW, baseline=baseline).baseline
    assert kept is not None
    assert kept.began_at.timestamp() == NOW - 3600
    assert kept.established_at.timestamp() == NOW


def test_what_cannot_be_read_keeps_its_numbers_and_its_time_out_of_band() -> None:
    before = status_of([_found(MOVED, NOW - 900)], observed=NOW, baseline=None)
    fresh = status_of([_found(Mix({}))], observed=NOW + 150, baseline=None)
    after = unread(fresh, before, {"language": "no answer"})
    (row,) = after.inputs
    assert (after.verdict, row.verdict) == ("Unknown", "Unknown")
    assert row.message == "language: no answer: unknown"
    assert (row.value, row.out_since) == (before.inputs[0].value, before.inputs[0].out_since)


@pytest.mark.parametrize("limit", ["0", "0.0", "100", "-1", "1e3", "0.0000000001", "much"])
def test_limits_that_mean_nothing_are_refused(limit: str) -> None:
    with pytest.raises(ValidationError):
        Drift.model_validate({"inputs": [{"name": "x", "histogram": "h", "limit": limit}]})


@pytest.mark.parametrize("limit", ["0.20", "0.000001", "99.999999", "1"])
def test_limits_that_mean_something_are_taken(limit: str) -> None:
    inputs = [{"name": "x", "histogram": "h", "limit": limit}]
    assert bands_of(Drift.model_validate({"inputs": inputs}))[0].limit == float(limit)
