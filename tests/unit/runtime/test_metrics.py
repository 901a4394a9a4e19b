"""The operator's own metrics: bounded labels, and nothing left of a feature that is gone."""

from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, SignalStatus, Split
from goaround.api.watch import SignalBaseline
from goaround.runtime.metrics import Metrics
from tests.unit.api.builders import DIGEST, NOW

CHAT = {"namespace": "shop", "feature": "chat"}


def a_flight(stage: Stage = Stage.RAMPING, *signals: str) -> AIFeatureStatus:
    return AIFeatureStatus(
        stage=stage,
        split=Split(stable=90, candidate=10),
        signals=[
            SignalStatus(name=n, verdict="Good", message="", e_value="0.5", accept_e_value="12")
            for n in signals
        ],
    )


def labels_of(metrics: Metrics, feature: str) -> list[str]:
    """Names of the series that speak of a feature."""
    return [
        sample.name
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("feature") == feature
    ]


def test_a_feature_is_shown_as_it_stands() -> None:
    metrics = Metrics()
    metrics.show("shop", "chat", a_flight(Stage.RAMPING, "errors"))
    value = metrics.registry.get_sample_value
    weight = "goaround_feature_weight_percent"
    assert value(weight, CHAT | {"arm": "candidate"}) == 10
    assert value(weight, CHAT | {"arm": "stable"}) == 90
    assert value("goaround_feature_stage", CHAT | {"stage": "Ramping"}) == 1
    assert value("goaround_signal_e_value", CHAT | {"signal": "errors"}) == 0.5
    assert value("goaround_signal_accept_e_value", CHAT | {"signal": "errors"}) == 12


def test_a_signal_that_is_worse_than_its_baseline_is_1_and_one_that_is_not_is_0() -> None:
    row = SignalBaseline(
        name="errors", digest=DIGEST, began_at=NOW, established_at=NOW, total="100", bad="1"
    )
    metrics, name = Metrics(), "goaround_signal_worse_than_baseline"
    value = metrics.registry.get_sample_value
    for since, shown in ((None, 0), (NOW, 1)):
        rows = [row.but(worse_since=since)]
        metrics.show("shop", "chat", a_flight(Stage.LIVE).but(baselines=rows))
        assert value(name, CHAT | {"signal": "errors"}) == shown
    metrics.show("shop", "chat", a_flight(Stage.LIVE))
    assert value(name, CHAT | {"signal": "errors"}) is None


def test_a_feature_has_one_stage_and_only_the_signals_of_now() -> None:
    metrics = Metrics()
    metrics.show("shop", "chat", a_flight(Stage.RAMPING, "errors", "slow"))
    metrics.show("shop", "chat", a_flight(Stage.HOLDING, "errors"))
    value = metrics.registry.get_sample_value
    assert value("goaround_feature_stage", CHAT | {"stage": "Ramping"}) is None
    assert value("goaround_feature_stage", CHAT | {"stage": "Holding"}) == 1
    assert value("goaround_signal_e_value", CHAT | {"signal": "slow"}) is None


def test_a_feature_that_is_gone_leaves_no_series_and_its_neighbours_keep_theirs() -> None:
    metrics = Metrics()
    for name in ("chat", "search"):
        metrics.show("shop", name, a_flight(Stage.RAMPING, "errors"))
        metrics.transitions.labels("shop", name, "Adopted").inc()
        metrics.would_have_rolled_back.labels("shop", name).inc()
    metrics.forget("shop", "chat")
    assert labels_of(metrics, "chat") == []
    assert len(labels_of(metrics, "search")) >= 6


def test_the_page_is_in_the_exposition_format() -> None:
    metrics = Metrics()
    metrics.passes.labels("ok").inc()
    assert b'goaround_passes_total{result="ok"} 1.0' in metrics.text()
