"""The API server takes a whole drift watch, and refuses half of one in plain words."""

import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import an_object, create, install

pytestmark = pytest.mark.cluster

LENGTH: Json = {"name": "length", "histogram": "ai_prompt_tokens_bucket{$match}"}
LANGUAGE: Json = {
    "name": "language",
    "category": {"counter": "ai_request_language_total{$match}", "label": "language"},
}
MEANING: Json = {
    "name": "meaning",
    "similarity": {
        "sum": "ai_embedding_cosine_sum{$match}",
        "count": "ai_embedding_cosine_count{$match}",
    },
}
CENTROID: Json = {
    "name": "centroid",
    "centroid": {
        "sum": "ai_embedding_sum{$match}",
        "count": "ai_embeddings_total{$match}",
        "dimension": "dim",
    },
}
INPUT = "spec.drift.inputs[0]"


def _created(plane: ControlPlane, name: str, drift: Json) -> str:
    return create(plane, an_object("AIFeature", name, lambda s: s.update(drift=drift)))


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ControlPlane:
    install(plane)
    return plane


def test_a_watch_with_every_kind_of_input_is_taken(api: ControlPlane) -> None:
    inputs = [LENGTH | {"statistic": "KS", "reference": "Training"}, LANGUAGE, MEANING, CENTROID]
    drift = {"windowSeconds": 3600, "training": {"name": "counts"}, "inputs": inputs}
    assert _created(api, "drift-whole", drift) == ""


@pytest.mark.parametrize(
    ("drift", "told"),
    [
        ({"inputs": [{"name": "x"}]}, [f"{INPUT}:", "set exactly one"]),
        ({"inputs": [LENGTH | LANGUAGE]}, [f"{INPUT}:", "set exactly one"]),
        ({"inputs": [LANGUAGE | {"statistic": "KS"}]}, [f"{INPUT}:", "use it with histogram"]),
        (
            {"inputs": [LENGTH | {"reference": "Training"}]},
            ["spec.drift:", "name the ConfigMap with its counts"],
        ),
        (
            {"training": {"name": "c"}, "inputs": [MEANING | {"reference": "Training"}]},
            [f"{INPUT}:", "take another reference"],
        ),
        (
            {"training": {"name": "c"}, "inputs": [CENTROID | {"reference": "Training"}]},
            [f"{INPUT}:", "take another reference"],
        ),
        ({"inputs": [CENTROID | {"statistic": "KS"}]}, [f"{INPUT}:", "use it with histogram"]),
        ({"inputs": [CENTROID | MEANING]}, [f"{INPUT}:", "set exactly one"]),
        ({"inputs": [LENGTH | {"limit": "0.0"}]}, [f"{INPUT}.limit:", 'for example "0.2"']),
        ({"inputs": []}, ["spec.drift.inputs", "at least 1 items"]),
        ({"inputs": [LENGTH | {"name": f"i{i}"} for i in range(11)]}, ["at most 10 items"]),
        ({"inputs": [LENGTH], "windowSeconds": 10}, ["spec.drift.windowSeconds", "3600"]),
        ({"inputs": [LENGTH], "windowSeconds": 4000}, ["windowSeconds must be whole hours"]),
        ({"inputs": [LENGTH | {"action": "RollBack"}]}, [f"{INPUT}.action", "Alert", "Hold"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else None,
)
def test_half_a_watch_is_refused_in_plain_words(
    api: ControlPlane, drift: Json, told: list[str]
) -> None:
    answer = _created(api, "drift-half", drift)
    assert answer
    for words in told:
        assert words in answer
