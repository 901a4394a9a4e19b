"""What stands under `examples/` means something: it parses, breaks no rule, and covers the API."""

from pathlib import Path

import pytest

from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import FEATURES, SERVED
from goaround.cli.manifest import parsed
from goaround.runtime.rules import problems
from goaround.world.prometheus import Provider
from tests.examples import EXAMPLES, documents, each_manifest, of_kind

PROVIDERS = {"default": Provider(name="default", url="http://prometheus")}
REALISTIC = ("dynamic-pricing", "fraud-scoring", "predictive-maintenance", "recommender")


@each_manifest
def test_every_feature_may_take_off_as_it_stands(path: Path) -> None:
    for body in documents(path):
        if body["kind"] == FEATURES.kind:
            feature = parsed(body, source=path.name)
            assert list(problems(feature, [], PROVIDERS)) == []


@each_manifest
def test_every_object_of_ours_is_one_of_the_models(path: Path) -> None:
    specs = {served.kind.kind: served.spec for served in SERVED}
    for body in documents(path):
        if (model := specs.get(body["kind"])) is not None:
            model.model_validate(body["spec"])


def test_every_part_of_a_feature_is_shown_by_an_example() -> None:
    shown = {name for _, body in of_kind(FEATURES.kind) for name in body["spec"]}
    known = {info.alias or name for name, info in AIFeatureSpec.model_fields.items()}
    assert known - shown == set()


def signals() -> list[Json]:
    return [s for _, body in of_kind(FEATURES.kind) for s in body["spec"]["acceptance"]["signals"]]


@pytest.mark.parametrize(
    "part",
    [
        *("ratio", "latency", "mean", "count", "query", "preset", "slices", "arms"),
        *("vsStable", "vsBaseline", "labelDelaySeconds", "clusterSize", "budgetWeight"),
    ],
)
def test_every_part_of_a_signal_is_shown_by_an_example(part: str) -> None:
    assert any(part in signal for signal in signals())


def test_there_are_four_realistic_features() -> None:
    assert sorted(path.stem for path in (EXAMPLES / "features").glob("*.yaml")) == list(REALISTIC)


@pytest.mark.parametrize("name", REALISTIC)
def test_a_realistic_feature_rests_on_presets_and_on_signals_of_its_own(name: str) -> None:
    (feature,) = (
        body
        for path, body in of_kind(FEATURES.kind)
        if path == EXAMPLES / "features" / f"{name}.yaml"
    )
    found = feature["spec"]["acceptance"]["signals"]
    assert {"preset" in signal for signal in found} == {True, False}
    assert feature["spec"]["fallback"].get("type") != "Disabled"


def test_dynamic_prices_have_a_breaker_at_a_confidence_of_70_percent() -> None:
    (feature,) = documents(EXAMPLES / "features" / "dynamic-pricing.yaml")
    breaker = feature["spec"]["fallback"]["breaker"]
    assert (breaker["metric"], breaker["below"]) == ("ai_confidence", "0.70")


def test_classical_models_fly_without_prompt_and_index() -> None:
    (feature,) = documents(EXAMPLES / "features" / "fraud-scoring.yaml")
    assert feature["spec"]["release"].keys() == {"model", "features", "parameters"}


def test_names_are_unique_so_that_a_folder_can_be_applied_at_once() -> None:
    names = [
        (body["kind"], body["metadata"].get("namespace"), name)
        for path in EXAMPLES.glob("*.yaml")
        for body in documents(path)
        if (name := body["metadata"].get("name")) is not None
    ]
    assert len(names) == len(set(names))
