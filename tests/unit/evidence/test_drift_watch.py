"""A look of the drift watch: every input against its own reference, and baselines made of looks."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from goaround.api.drift import Drift
from goaround.evidence.baseline import pack, unpack
from goaround.evidence.drift import DriftVerdict, Sample
from goaround.evidence.drift_plan import status_of
from goaround.evidence.drift_watch import (
    PARTS,
    Arms,
    References,
    establish,
    halvings,
    look,
    next_ends,
    whole,
)
from goaround.evidence.samples import Histogram, Likeness, Mix

NOW = 1_800_000_000.0
HOUR = 3600.0
ALERT, HOLD, QUIET, UNKNOWN = DriftVerdict
Parts = Mapping[str, Sequence[Sample]]


def _watch(reference: str = "LastKnownGood") -> Drift:
    return Drift.model_validate(
        {
            "inputs": [
                {"name": "length", "histogram": "h{$match}", "statistic": "KS", "limit": "0.1"},
                {
                    "name": "language",
                    "category": {"counter": "c{$match}", "label": "language"},
                    "action": "Hold",
                    "reference": reference,
                    "forSeconds": 60,
                },
                {
                    "name": "meaning",
                    "similarity": {"sum": "s{$match}", "count": "n{$match}"},
                    "limit": "0.05",
                    "reference": reference,
                },
            ]
        }
    )


def _parts(seed: int, *, short: float, german: float, near: float, n: int) -> Parts:
    """The whole of one arm's window, as parts by input."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Sample]] = {"length": [], "language": [], "meaning": []}
    for _ in range(PARTS):
        few, many = rng.multinomial(n, [short, 1 - short])
        found["length"].append(Histogram((64.0,), (float(few), float(many))))
        de = float(rng.binomial(n, german))
        found["language"].append(Mix({"de": de, "en": n - de}))
        found["meaning"].append(Likeness(float(rng.normal(near, 0.1, n).sum()), n))
    return found


def _seen(**arms: Parts) -> dict[str, Arms]:
    inputs = ("length", "language", "meaning")
    return {
        name: {arm: dict(enumerate(parts[name], start=150)) for arm, parts in arms.items()}
        for name in inputs
    }


CALM = _parts(1, short=0.6, german=0.1, near=0.6, n=200)
SAME = _parts(2, short=0.6, german=0.1, near=0.6, n=40)
MOVED = _parts(3, short=0.4, german=0.4, near=0.5, n=40)


def test_without_drift_every_input_is_quiet() -> None:
    found = look(
        _watch(), _seen(stable=CALM, candidate=SAME), References(), arm="candidate", now=NOW
    )
    assert [(f.name, f.verdict) for f in found] == [
        ("length", QUIET),
        ("language", QUIET),
        ("meaning", QUIET),
    ]
    assert all("vs last-known-good" in f.line for f in found)


def test_each_input_that_moved_does_what_its_own_band_says() -> None:
    seen = _seen(stable=CALM, candidate=MOVED)
    first = look(_watch(), seen, References(), arm="candidate", now=NOW)
    assert [f.verdict for f in first] == [ALERT, QUIET, ALERT]
    status = status_of(first, observed=NOW, baseline=None)
    later = look(_watch(), seen, References(), arm="candidate", now=NOW + 60, before=status)
    assert [f.verdict for f in later] == [ALERT, HOLD, ALERT]


def test_what_could_not_be_read_is_unknown() -> None:
    found = look(_watch(), {}, References(), arm="candidate", now=NOW)
    assert {f.verdict for f in found} == {UNKNOWN}


def test_a_live_release_is_compared_with_its_baseline() -> None:
    watch = _watch("Baseline")
    kept = establish(watch, _seen(stable=CALM), began=NOW - HOUR, ended=NOW, digest="d")
    assert kept is not None
    stored = References(baseline=unpack(pack(kept)))
    for parts, wanted in ((SAME, QUIET), (MOVED, ALERT)):
        found = look(watch, _seen(stable=parts), stored, arm="stable", now=NOW + 30 * HOUR)
        assert found[2].verdict is wanted
        assert "vs the baseline, 30 h old" in found[2].line
    assert found[1].out_since == NOW + 30 * HOUR


def test_training_data_is_a_reference_of_its_own() -> None:
    kept = establish(_watch(), _seen(stable=CALM), began=0, ended=HOUR, digest="")
    watch = _watch().model_dump(by_alias=True, exclude_none=True)
    watch["training"] = {"name": "counts"}
    watch["inputs"][0]["reference"] = "Training"
    found = look(
        Drift.model_validate(watch),
        _seen(stable=MOVED),
        References(training=kept),
        arm="stable",
        now=NOW,
    )
    assert found[0].verdict is ALERT
    assert "vs training data" in found[0].line


def test_no_baseline_yet_is_unknown() -> None:
    found = look(_watch("Baseline"), _seen(stable=CALM), References(), arm="stable", now=NOW)
    assert found[1].verdict is UNKNOWN


@pytest.mark.parametrize("missing", ["length", "language", "meaning"])
def test_a_baseline_waits_for_every_input(missing: str) -> None:
    seen = _seen(stable=CALM)
    del seen[missing]
    assert establish(_watch(), seen, began=0, ended=1, digest="") is None


def test_a_baseline_waits_for_enough_requests() -> None:
    thin = _parts(4, short=0.6, german=0.1, near=0.6, n=20)
    assert establish(_watch(), _seen(stable=thin), began=0, ended=1, digest="") is None


def test_parts_make_a_whole() -> None:
    assert whole([Histogram((1,), (1, 2)), Histogram((1,), (3, 4))]) == Histogram((1,), (4, 6))
    assert whole([Mix({"a": 1}), Mix({"a": 2, "b": 3})]) == Mix({"a": 3, "b": 3})
    assert whole([Likeness(1, 2), Likeness(2, 3)]) == Likeness(3, 5)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Histogram((1,), (1, 2)), Histogram((2,), (3, 4))],
        [Histogram((1,), (1, 2)), Mix({"a": 1})],
    ],
)
def test_parts_that_do_not_fit_make_no_whole(parts: list[Sample]) -> None:
    assert whole(parts) is None


def test_every_part_serves_in_one_halving() -> None:
    found = halvings(
        [Likeness(1, 2), Likeness(2, 2), Likeness(3, 4), Likeness(1, 4), Likeness(1, 1)]
    )
    assert [(h.distance, h.n, h.m) for h in found] == [(-0.5, 2, 2), (0.5, 4, 4)]


def test_looks_lie_on_one_grid_and_none_is_taken_twice() -> None:
    first = next_ends(_watch(), None, now=NOW + 47, lag=10)
    assert first == range(int(NOW) - 23 * 150, int(NOW) + 1, 150)
    seen = status_of([], observed=first[-1], baseline=None)
    assert next_ends(_watch(), seen, now=NOW + 159, lag=10) is None
    again = next_ends(_watch(), seen, now=NOW + 160, lag=10)
    assert again is not None
    assert again[-1] == NOW + 150


def _by_hour(seed: int, requests: list[int], germans: list[float]) -> dict[int, Sample]:
    rng = np.random.default_rng(seed)
    parts: dict[int, Sample] = {}
    for i, (n, german) in enumerate(zip(requests, germans, strict=True)):
        if n:
            de = float(rng.binomial(n, german))
            parts[(i + 1) * 150] = Mix({"de": de, "en": n - de})
    return parts


def test_a_candidate_that_began_late_is_not_blamed_for_the_time_of_day() -> None:
    """German users come in the evening, to both arms; the candidate flew in the evening only."""
    germans = [0.05] * 18 + [0.6] * 6
    stable = _by_hour(5, [200] * 24, germans)
    late = _by_hour(6, [0] * 18 + [100] * 6, germans)
    seen = {"language": {"stable": stable, "candidate": late}}
    found = look(_watch(), seen, References(), arm="candidate", now=NOW)
    assert found[1].measure is not None
    assert found[1].measure.n == 1200
    assert not found[1].measure.is_proven


def test_a_raise_within_the_window_is_not_taken_for_drift() -> None:
    """The candidate got 5 % in the morning, and half of all in the evening."""
    germans = [0.05] * 12 + [0.6] * 12
    stable = _by_hour(7, [380] * 12 + [200] * 12, germans)
    raised = _by_hour(8, [20] * 12 + [200] * 12, germans)
    seen = {"language": {"stable": stable, "candidate": raised}}
    naive = look(_watch(), seen, References(), arm="candidate", now=NOW)
    assert naive[1].measure is not None
    assert naive[1].measure.is_proven
    found = look(_watch(), seen, References(), arm="candidate", now=NOW, split_since=12 * 150)
    assert found[1].measure is not None
    assert found[1].measure.m == 2400
    assert not found[1].measure.is_proven
