"""Answers to the drift watch's questions: whole samples, or one reason why not."""

import json

import pytest

from goaround.api.base import Json
from goaround.api.drift import DriftInput
from goaround.evidence.samples import Histogram, Likeness, Mix
from goaround.world.prom_drift import COUNTS, SUM, Parts, decode_drift, drift_expression
from goaround.world.prom_matchers import PART_LABEL, FeatureKey, Labels, SelectorError
from goaround.world.prom_types import Provider, Unreadable, UnreadableReason

ENDS = range(600, 901, 300)
LENGTH = DriftInput.model_validate({"name": "length", "histogram": "tokens_bucket{$match}"})
LANGUAGE = DriftInput.model_validate(
    {"name": "language", "category": {"counter": "language_total{$match}", "label": "language"}}
)
MEANING = DriftInput.model_validate(
    {"name": "meaning", "similarity": {"sum": "s{$match}", "count": "n{$match}"}}
)
PROVIDER = Provider("default", "http://prometheus.invalid")


def _row(*values: tuple[float, str], part: str = COUNTS, **labels: str) -> Json:
    return {
        "metric": {"ai_variant": "stable", PART_LABEL: part, **labels},
        "values": [list(pair) for pair in values],
    }


def _decoded(watched: DriftInput, *rows: Json, **more: object) -> Parts | Unreadable:
    data = {"resultType": "matrix", "result": list(rows)}
    body = json.dumps({"status": "success", "data": data, **more}).encode()
    return decode_drift(body, watched, Labels(), ends=ENDS, variants=("stable",))


def test_buckets_classes_and_sums_become_samples_by_end() -> None:
    le = [_row((600, "2"), (900, "4"), le="1"), _row((600, "5"), (900, "9"), le="+Inf")]
    assert _decoded(LENGTH, *le) == {
        "stable": {600: Histogram((1,), (2, 3)), 900: Histogram((1,), (4, 5))}
    }
    classes = [_row((600, "7"), language="en"), _row((600, "2"))]
    assert _decoded(LANGUAGE, *classes) == {"stable": {600: Mix({"en": 7, "none": 2})}}
    sums = [_row((900, "4"), part=COUNTS), _row((900, "-1.5"), part=SUM)]
    assert _decoded(MEANING, *sums) == {"stable": {900: Likeness(-1.5, 4)}}


def test_other_variants_are_passed_over() -> None:
    assert _decoded(LANGUAGE, _row((600, "7"), language="en", ai_variant="golden")) == {}


@pytest.mark.parametrize(
    ("watched", "rows"),
    [
        (LANGUAGE, [_row((600, "NaN"), language="en")]),
        (LANGUAGE, [_row((600, "+Inf"), language="en")]),
        (LANGUAGE, [_row((600, "-1"), language="en")]),
        (LANGUAGE, [_row((600, "many"), language="en")]),
        (LANGUAGE, [_row((601, "1"), language="en")]),
        (LANGUAGE, [_row((600, "1"), language="en"), _row((600, "1"), language="en")]),
        (LANGUAGE, [{"metric": {"language": "en"}, "values": [[600, "1"]]}]),
        (LENGTH, [_row((600, "1"), le="1")]),
        (LENGTH, [_row((600, "1"), le="one"), _row((600, "2"), le="+Inf")]),
        (LENGTH, [_row((600, "3"), le="1"), _row((600, "2"), le="+Inf")]),
        (MEANING, [_row((600, "9"), part=SUM), _row((600, "2"), part=COUNTS)]),
    ],
)
def test_what_is_no_sample_makes_the_input_unreadable(
    watched: DriftInput, rows: list[Json]
) -> None:
    found = _decoded(watched, *rows)
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.BAD_ANSWER


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"status":"error"}', b"\xff"])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    found = decode_drift(body, LANGUAGE, Labels(), ends=ENDS, variants=("stable",))
    assert isinstance(found, Unreadable)


def test_a_partial_answer_is_none() -> None:
    found = _decoded(LANGUAGE, _row((600, "7"), language="en"), warnings=["half of it"])
    assert isinstance(found, Unreadable)
    assert found.reason is UnreadableReason.PARTIAL
    assert "half" not in found.message


def test_the_question_pins_every_selector_to_the_feature() -> None:
    for watched in (LENGTH, LANGUAGE, MEANING):
        key, arms = FeatureKey("shop", 'cha"t'), ("stable", "candidate")
        text = drift_expression(watched, PROVIDER, key, step=150, variants=arms)
        assert text.count("last_over_time(") == text.count('namespace="shop"')
        assert text.count("last_over_time(") == text.count(r'ai_feature="cha\"t"')


def test_a_selector_that_cannot_be_pinned_is_refused() -> None:
    with pytest.raises(SelectorError):
        drift_expression(
            LENGTH.but(histogram="tokens_bucket"),
            PROVIDER,
            FeatureKey("shop", "chat"),
            step=150,
            variants=("stable",),
        )
