"""Kinds of signals, presets, and what a preset stands for."""

import pytest

from goaround.api.acceptance import Layer, Signal
from goaround.api.base import Json
from goaround.api.presets import PRESETS
from goaround.api.signals import EventCount, Latency, Mean, Query, Ratio, Worse
from goaround.runtime.signal_rules import faults

KINDS: dict[str, Json] = {
    "ratio": {"bad": "b_total{$match}", "total": "t_total{$match}"},
    "latency": {"histogram": "h_bucket{$match}", "slowerThanSeconds": "2.5"},
    "mean": {"sum": "s_sum{$match}", "count": "s_count{$match}", "worse": "Lower"},
    "count": {"events": "e_total{$match}", "total": "t_total{$match}"},
    "query": {"promql": "max(g{$match})"},
}


def signal(**parts: object) -> Signal:
    return Signal.model_validate({"name": "s", **parts})


def told(**parts: object) -> list[str]:
    return list(faults(signal(**parts), None))


@pytest.mark.parametrize(
    ("field", "kind"),
    list(zip(KINDS, (Ratio, Latency, Mean, EventCount, Query), strict=True)),
)
def test_each_kind_is_known_by_its_field(field: str, kind: type) -> None:
    assert isinstance(signal(**{field: KINDS[field]}, max="0.1").kind, kind)


def test_a_signal_survives_the_wire() -> None:
    for field, parts in KINDS.items():
        one = signal(**{field: parts}, max="0.1", arms={"candidate": 'pod=~"c.*"'})
        assert Signal.model_validate(one.wire()) == one


def test_a_layer_is_the_authors_else_the_presets_else_output_quality() -> None:
    assert signal(ratio=KINDS["ratio"]).watches is Layer.OUTPUT_QUALITY
    assert signal(preset="pii-in-output").watches is Layer.SAFETY
    assert signal(preset="pii-in-output", layer="DataPipeline").watches is Layer.DATA_PIPELINE


def test_a_stated_bound_wins_over_the_presets() -> None:
    assert signal(preset="schema-errors").bounds == ("0.02", None)
    assert signal(preset="schema-errors", max="0.05").bounds == ("0.05", None)
    assert signal(preset="schema-errors", vsStable={"worseBy": "0.01"}).bounds == (None, None)


def test_an_unknown_preset_is_no_kind_and_is_told_with_those_there_are() -> None:
    one = signal(preset="no-such")
    assert (one.kind, one.bounds) == (None, (None, None))
    (fault,) = faults(one, None)
    assert fault.startswith("preset: 'no-such' is not known to this operator; it knows ai-gateway")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_read_and_has_an_absolute_bound(name: str) -> None:
    arms = {"candidate": PRESETS[name].arms, "stable": 'pod="s"'} if PRESETS[name].arms else None
    one = signal(preset=name, **({"arms": arms} if arms else {}))
    assert list(faults(one, None)) == []
    assert any(one.bounds)
    if isinstance(one.kind, Mean):
        assert (one.bounds[1] is not None) == (one.kind.worse is Worse.LOWER)


@pytest.mark.parametrize(
    "name",
    [
        *("fairness-gap", "hallucination-rate", "retrieval-relevance", "pii-in-output"),
        *("toxic-output", "safety-filter-silent", "empty-answer-rate", "identical-result-share"),
        *("retrieval-empty-rate", "output-diversity", "feature-parity", "support-tickets"),
    ],
)
def test_each_way_to_fail_unnoticed_has_a_detector(name: str) -> None:
    assert name in PRESETS


def test_metrics_that_know_nothing_of_features_need_arms() -> None:
    (fault,) = told(preset="vllm-ttft")
    assert "set arms, for example arms: {candidate: 'pod=~\"assist-cand-.*\"'" in fault


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"latency": KINDS["latency"] | {"histogram": "h"}}, "latency.histogram"),
        ({"mean": KINDS["mean"] | {"sum": "s"}}, "mean.sum"),
        ({"mean": KINDS["mean"] | {"count": "s"}}, "mean.count"),
        ({"mean": KINDS["mean"] | {"buckets": "s"}}, "mean.buckets"),
        ({"count": KINDS["count"] | {"events": "s"}}, "count.events"),
        ({"count": KINDS["count"] | {"total": "s"}}, "count.total"),
        ({"query": {"promql": "s"}}, "query.promql"),
        ({"ratio": KINDS["ratio"], "arms": {"candidate": "pod"}}, "arms.candidate"),
        (
            {"ratio": KINDS["ratio"], "arms": {"candidate": 'a="1"', "stable": 'namespace="x"'}},
            "arms.stable",
        ),
        ({"ratio": KINDS["ratio"], "slices": {"label": "ai_variant", "values": ["a"]}}, "slices"),
    ],
    ids=str,
)
def test_every_text_is_parsed_and_a_fault_names_its_field(parts: Json, field: str) -> None:
    (fault,) = told(**parts)
    assert fault.startswith(field)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"preset": "judge-score", "max": "0.5"}, "a mean that takes min"),
        ({"preset": "judge-score", "min": "1.5"}, "must lie between 0 and 1"),
        (
            {"preset": "fairness-gap", "vsStable": {"worseBy": "0.1"}},
            "held against max or min only",
        ),
        ({"preset": "schema-errors", "max": "2"}, "a share of at least 0 and below 1"),
        ({"preset": "schema-errors", "min": "0"}, "a share above 0"),
        ({"query": KINDS["query"], "max": "1", "labelDelaySeconds": 60}, "late or sliced"),
    ],
    ids=str,
)
def test_what_the_schema_cannot_see_in_a_preset_is_told(parts: Json, words: str) -> None:
    (fault,) = told(**parts)
    assert words in fault
