"""What each risk tier asks for, at the API server itself: the example is taken, mutants are not."""

import copy
import json
from collections.abc import Callable

import pytest
import yaml

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import NAMESPACE, ROOT, create, install

pytestmark = pytest.mark.cluster
EXAMPLE: Json = yaml.safe_load((ROOT / "examples" / "risk-high.yaml").read_text())
Change = Callable[[Json], object]


def without(part: str) -> Change:
    return lambda spec: spec.pop(part)


def explained(**parts: object) -> Change:
    return lambda spec: spec["explainability"].update(parts)


def blind(spec: Json) -> None:
    for signal in spec["acceptance"]["signals"]:
        signal["layer"] = "Infrastructure"


def relative(spec: Json) -> None:
    for signal in spec["acceptance"]["signals"]:
        signal["vsStable"] = {"worseBy": "0.02"}
        del signal["max"]


def twice(spec: Json) -> None:
    spec["failureModes"].append(spec["failureModes"][0])


def many(part: str, item: Json, number: int) -> Change:
    return lambda spec: spec.update({part: [item | {"name": f"x{i}"} for i in range(number)]})


LINK = ["spec.explainability.details:", "must begin with https://"]
SEES = ["spec:", "of layer OutputQuality or Safety with max or min"]
REFUSED: list[tuple[str, Change, list[str]]] = [
    ("no-words", without("explainability"), ["spec:", "riskTier High needs explainability"]),
    ("no-modes", without("failureModes"), ["spec:", "riskTier High needs failureModes"]),
    ("empty-modes", lambda s: s.update(failureModes=[]), ["riskTier High needs failureModes"]),
    ("blind", blind, SEES),
    ("relative", relative, SEES),
    ("half-a-word", explained(returns=""), ["spec.explainability.returns", "at least 1 chars"]),
    ("http", explained(details="http://wiki.example.com"), LINK),
    ("script", explained(details="javascript:alert(1)"), LINK),
    ("unknown-class", lambda s: s["failureModes"][0].update({"class": "Bad"}), ["failureModes[0]"]),
    ("twice", twice, ["spec.failureModes[3]", "Duplicate value"]),
    ("consumers", many("consumers", {"owner": "x"}, 33), ["spec.consumers", "at most 32 items"]),
    ("nobody", lambda s: s["consumers"][0].update(owner=""), ["spec.consumers[0].owner"]),
    ("rests-on", many("dependencies", {"kind": "Tool"}, 17), ["spec.dependencies", "at most 16"]),
    ("old", lambda s: s.update(watch={"baselineMaxAgeSeconds": 60}), ["baselineMaxAgeSeconds"]),
]


def named(name: str, change: Change = lambda spec: None) -> Json:
    body = copy.deepcopy(EXAMPLE)
    body["metadata"] = {"name": name, "namespace": NAMESPACE}
    change(body["spec"])
    return body


def test_the_example_is_taken_and_every_mutant_is_refused_in_plain_words(
    plane: ControlPlane,
) -> None:
    install(plane)
    assert create(plane, named("loan-advice")) == ""
    limited = named("limited", without("explainability"))
    limited["spec"] |= {"riskTier": "Limited", "failureModes": []}
    assert create(plane, limited) == ""
    listed = {"apiVersion": "v1", "kind": "List", "items": [named(n, c) for n, c, _ in REFUSED]}
    told = plane.kubectl("create", "--filename=-", stdin=json.dumps(listed), check=False)
    assert told.stdout == ""
    answers = told.stderr.split("The AIFeature ")
    for name, _, words in REFUSED:
        answer = next((a for a in answers if a.startswith(f'"{name}" is invalid')), told.stderr)
        for word in words:
            assert word in answer, answer
