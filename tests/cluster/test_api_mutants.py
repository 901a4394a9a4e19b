"""Legal objects of the four kinds, each with one fault: every one is refused in plain words.

Beside `test_api_refusals.py`, which has the faults that people make most; here is what is left: the
rules between fields of every other part, enums, patterns and bounds. One dry run each.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import an_object, install, tried
from tests.cluster.operator_kit import client

pytestmark = pytest.mark.cluster

SERVICE: Json = {"service": {"name": "chat", "port": 8080}}
GOLDEN: Json = {"configMapRef": {"name": "golden"}}
CONTRACT: Json = {"name": "form", "neighbour": "Input", "endpoint": SERVICE}
LENGTH: Json = {"name": "length", "histogram": "ai_prompt_tokens_bucket{$match}"}
MEAN: Json = {"sum": "s{$match}", "count": "c{$match}", "worse": "Lower"}
SIGNAL = "acceptance.signals.0"
OTHER: Json = {"name": "other"}
IMMUTABLE = ["must be immutable", "name the version"]
SHARE = ["decimal between 0 and 1 in quotes", 'for example "0.02"']
FACTOR = ["decimal of at least 1 in quotes", 'for example "1.2"']
TEXT_OF_NUMBER = ["decimal number in quotes", 'for example "0.02"']
ONE_ENDPOINT = ["a service or an endpointRef", "set exactly one"]

# Where the fault is put (a path below spec), what stands there then, the field that the answer
# must name, and the words that it must say.
Mutant = tuple[str, Any, str, list[str]]

RELEASE: list[Mutant] = [
    ("release.prompt.version", "latest", "release.prompt.version:", IMMUTABLE),
    ("release.index.version", "faq-latest", "release.index.version:", IMMUTABLE),
    ("release.features", {"name": "f", "version": "Latest"}, "release.features.version", IMMUTABLE),
    ("release.model", None, "release.model: Required", []),
    ("release.model.name", "a b", "release.model.name", ["should match"]),
    ("release.model.version", "", "release.model.version", ["should match"]),
    ("release.parameters", {"": "1"}, "release.parameters:", ["name is empty", "give it one"]),
    ("release.parameters", {"t": 0.2}, "release.parameters.t", ["must be of type string"]),
    (
        "release.parameters",
        {"tools": "x" * 510, "stop": "y" * 506},
        "release.parameters:",
        ["at most 1024 characters together", "keep long ones in a file"],
    ),
    ("release.parameters", {f"p{n}": "" for n in range(33)}, "release.parameters", ["at most 32"]),
]
PLAN: list[Mutant] = [
    ("mode", "Watch", "mode: Unsupported value", ['"Enforce", "Observe"']),
    ("firstRelease", "Guess", "firstRelease: Unsupported value", ['"Adopt", "Ramp"']),
    ("riskTier", "Low", "riskTier: Unsupported value", ['"High"', '"Prohibited"']),
    ("fallback.type", "Model", "fallback.type: Unsupported value", ['"LegacyLogic"', '"Rules"']),
    ("fallback.text", "x" * 1025, "fallback.text: Too long", ["1024"]),
    ("delivery.0.name", "App", "delivery[0].name", ["should match"]),
    ("delivery.0.flag", None, "delivery[0].flag: Required", []),
    ("delivery.0.flag.key", "Chat", "delivery[0].flag.key", ["should match"]),
    ("delivery.0.flag.bucketBy", "Country", "delivery[0].flag.bucketBy", ['"Session", "User"']),
    ("killSwitch", {"reason": "x"}, "killSwitch.engaged: Required", []),
    ("incident", {"exposureLimit": 0}, "incident.exposureLimit", ["greater than or equal to 1"]),
    ("ramp", {"cruiseSeconds": 0}, "ramp.cruiseSeconds", ["greater than or equal to 1"]),
    ("ramp", {"holdbackPercent": 21}, "ramp.holdbackPercent", ["less than or equal to 20"]),
    ("ramp", {"deadlineSeconds": 9}, "ramp.deadlineSeconds", ["greater than or equal to 10"]),
    ("ramp", {"stepDeadlineSeconds": 9}, "ramp.stepDeadlineSeconds", ["or equal to 10"]),
    (
        "ramp",
        {"steps": [{"weightPercent": 100, "holdSeconds": 0}]},
        "ramp.steps[0].holdSeconds",
        ["greater than or equal to 1"],
    ),
    (
        "ramp",
        {"steps": [{"weightPercent": n} for n in (*range(1, 11), 100)]},
        "ramp.steps: Too many",
        ["at most 10 items"],
    ),
    ("watch", {"intervalSeconds": 7}, "watch.intervalSeconds:", ["must divide 300", "10, 30"]),
    ("watch", {"falseFallbacksPerYear": 0}, "watch.falseFallbacksPerYear", ["or equal to 1"]),
    ("signOff", {"mode": "Always"}, "signOff.mode: Unsupported value", ['"EveryStep"', '"Never"']),
    ("signOff", {"minApprovers": 6}, "signOff.minApprovers", ["less than or equal to 5"]),
    ("signOff", {"validForSeconds": 59}, "signOff.validForSeconds", ["or equal to 60"]),
    ("signOff", {"groups": [""]}, "signOff.groups[0]", ["at least 1 chars"]),
]
EVIDENCE: list[Mutant] = [
    ("acceptance.beta", "0", "acceptance.beta:", ["above 0 and below 1", 'for example "0.01"']),
    ("acceptance.provider", "https://prom", "acceptance.provider", ["should match"]),
    ("acceptance.scope", "", "acceptance.scope", ["at least 1 chars"]),
    ("acceptance.maxBlindSeconds", 4, "acceptance.maxBlindSeconds", ["or equal to 5"]),
    (f"{SIGNAL}.name", "Errors", "signals[0].name", ["should match"]),
    (f"{SIGNAL}.layer", "Users", "signals[0].layer: Unsupported value", ['"Safety"']),
    (f"{SIGNAL}.labelDelaySeconds", -1, "signals[0].labelDelaySeconds", ["or equal to 0"]),
    (f"{SIGNAL}.clusterSize", 0, "signals[0].clusterSize", ["or equal to 1"]),
    (f"{SIGNAL}.budgetWeight", 101, "signals[0].budgetWeight", ["or equal to 100"]),
    (f"{SIGNAL}.ratio.bad", "", "signals[0].ratio.bad", ["at least 1 chars"]),
    (f"{SIGNAL}.ratio.total", None, "signals[0].ratio.total: Required", []),
    (f"{SIGNAL}.arms", {}, "signals[0].arms.candidate: Required", []),
    (f"{SIGNAL}.slices", {"label": "l", "values": []}, "slices.values", ["at least 1 items"]),
    (f"{SIGNAL}.slices", {"label": "a-b", "values": ["x"]}, "slices.label", ["should match"]),
    (f"{SIGNAL}.slices", {"label": "l", "values": ["a b"]}, "slices.values[0]", ["should match"]),
    (f"{SIGNAL}.vsStable", {"worseBy": "0.02", "rejectAt": "2"}, "vsStable.rejectAt:", SHARE),
    (f"{SIGNAL}.vsStable", {"rejectAtFactor": "0.5"}, "vsStable.rejectAtFactor:", FACTOR),
    (
        f"{SIGNAL}.vsStable",
        {"worseByFactor": "2", "rejectAtFactor": "1.5"},
        "signals[0].vsStable:",
        ["rejectAtFactor must be larger than worseByFactor"],
    ),
    (f"{SIGNAL}.vsBaseline", {"worseBy": "a bit"}, "vsBaseline.worseBy:", SHARE),
    (f"{SIGNAL}.vsBaseline", {"worseByFactor": "0"}, "vsBaseline.worseByFactor:", FACTOR),
    (
        f"{SIGNAL}.vsBaseline",
        {"worseBy": "0.1", "onBreach": "RollBack"},
        "vsBaseline.onBreach: Unsupported value",
        ['"Alert", "FallBack"'],
    ),
    (
        SIGNAL,
        OTHER | {"mean": MEAN | {"lowest": "low"}, "min": "0.5"},
        "signals[0].mean.lowest:",
        TEXT_OF_NUMBER,
    ),
    (
        SIGNAL,
        OTHER | {"mean": MEAN | {"highest": "1e3"}, "min": "0.5"},
        "signals[0].mean.highest:",
        TEXT_OF_NUMBER,
    ),
    (SIGNAL, OTHER | {"mean": {"sum": "s"}, "min": "0.5"}, "signals[0].mean.worse: Required", []),
    (
        SIGNAL,
        OTHER | {"query": {"promql": "g{$match}"}, "max": "many"},
        "signals[0].max:",
        TEXT_OF_NUMBER,
    ),
    (
        SIGNAL,
        OTHER | {"query": {"promql": "g{$match}", "of": 31}, "max": "1"},
        "signals[0].query.of",
        ["less than or equal to 30"],
    ),
    (
        "acceptance.signals.1.vsStable",
        {"worseBy": "0.02"},
        "signals[1]:",
        ["does not go with min", "make two signals"],
    ),
    (
        "acceptance.signals",
        [OTHER | {"name": f"s{n}", "preset": "schema-errors"} for n in range(21)],
        "acceptance.signals: Too many",
        ["at most 20 items"],
    ),
]
BEFORE: list[Mutant] = [
    ("preflight", {}, "preflight:", ["checks nothing", "give it a goldenSet, or contracts"]),
    ("preflight", {"goldenSet": GOLDEN}, "preflight:", ["needs an endpoint", "say where"]),
    ("preflight", {"goldenSet": GOLDEN, "endpoint": {}}, "preflight.endpoint:", ONE_ENDPOINT),
    (
        "preflight",
        {"contracts": [CONTRACT | {"endpoint": SERVICE | {"endpointRef": "a"}}]},
        "preflight.contracts[0].endpoint:",
        ONE_ENDPOINT,
    ),
    (
        "preflight",
        {"goldenSet": GOLDEN, "endpoint": {"service": {"name": "http://chat", "port": 80}}},
        "preflight.endpoint.service.name",
        ["should match"],
    ),
    (
        "preflight",
        {"goldenSet": GOLDEN, "endpoint": {"service": {"name": "chat", "port": 0}}},
        "preflight.endpoint.service.port",
        ["greater than or equal to 1"],
    ),
    (
        "preflight",
        {"contracts": [CONTRACT | {"neighbour": "Friend"}]},
        "contracts[0].neighbour: Unsupported value",
        ['"Input", "Tool", "Storage"'],
    ),
    (
        "preflight",
        {"contracts": [CONTRACT | {"request": {"method": "DELETE"}}]},
        "request.method: Unsupported value",
        ['"GET", "POST"'],
    ),
    (
        "preflight",
        {"contracts": [CONTRACT], "repeats": 21},
        "preflight.repeats",
        ["less than or equal to 20"],
    ),
    ("drift", {"inputs": [LENGTH | {"limit": "100"}]}, "drift.inputs[0].limit:", ["below 100"]),
    (
        "drift",
        {"inputs": [LENGTH], "training": {"name": "Counts"}},
        "drift.training.name",
        ["should match"],
    ),
    (
        "drift",
        {"inputs": [LENGTH | {"statistic": "AD"}]},
        "drift.inputs[0].statistic: Unsupported value",
        ['"PSI", "KS"'],
    ),
]
INCIDENTS: list[Mutant] = [
    ("affects", [], "affects", ["at least 1 items"]),
    ("affects", [{"name": f"f{n}"} for n in range(17)], "affects: Too many", ["at most 16 items"]),
    ("affects", [{"name": "Chat"}], "affects[0].name", ["should match"]),
    ("affects", [{"name": "c", "namespace": "n"}], 'field "spec.affects[0].namespace"', ["strict"]),
    ("severity", "P5", "severity: Unsupported value", ['"P1", "P2", "P3", "P4"']),
    ("severityReason", None, "severityReason: Required", []),
    ("trigger.source", "Rumour", "trigger.source: Unsupported value", ['"Kill"', '"Manual"']),
    ("trigger.digest", "abc", "trigger.digest", ["should match"]),
    ("trigger.key", None, "trigger.key: Required", []),
    ("summary", {"firstSeen": "today"}, "summary.firstSeen", ["date-time"]),
    ("commsApprovals", [{"message": "Brief 1"}], "commsApprovals[0].message", ["should match"]),
    (
        "commsApprovals",
        [{"message": "brief-1", "hash": "abc"}],
        "commsApprovals[0].hash",
        ["12 to 64 hex digits"],
    ),
    ("commsSent", [{"message": "brief-1"}], "commsSent[0].at: Required", []),
]
SWITCHES: list[Mutant] = [
    ("featureRef.name", "", "featureRef.name", ["at least 1 chars"]),
    ("featureRef.name", "a b", "featureRef.name", ["should match"]),
    ("reason", "x" * 513, "reason: Too long", ["512"]),
    ("featureRef", None, "spec:", ["exactly one target"]),
]
SIGN_OFFS: list[Mutant] = [
    ("digest", "sha256:ab", "digest", ["should match"]),
    ("digest", None, "digest: Required", []),
    ("attempt", 0, "attempt", ["greater than or equal to 1"]),
    ("attempt", None, "attempt: Required", []),
    ("featureRef", {}, "featureRef.name: Required", []),
    ("comment", "x" * 513, "comment: Too long", ["512"]),
]
MUTANTS = [
    *(("AIFeature", *m) for m in (*RELEASE, *PLAN, *EVIDENCE, *BEFORE)),
    *(("AIIncident", *m) for m in INCIDENTS),
    *(("AIKillSwitch", *m) for m in SWITCHES),
    *(("AISignOff", *m) for m in SIGN_OFFS),
]


@pytest.fixture(scope="module")
def server(plane: ControlPlane) -> Iterator[httpx.Client]:
    install(plane)
    with client(plane) as made:
        yield made


def put(spec: Any, where: str, value: Any) -> None:
    """Set the field at a path such as `delivery.0.name`; None takes it out."""
    first, _, rest = where.partition(".")
    key = int(first) if first.isdigit() else first
    if rest:
        put(spec[key], rest, value)
    elif value is None:
        del spec[key]
    else:
        spec[key] = value


def test_there_are_at_least_sixty_of_them() -> None:
    assert len({(kind, where, repr(value)) for kind, where, value, _, _ in MUTANTS}) >= 60


@pytest.mark.parametrize(
    ("kind", "where", "value", "field", "told"),
    MUTANTS,
    ids=[f"{kind}-{number}-{m[0]}" for number, (kind, *m) in enumerate(MUTANTS)],
)
def test_one_fault_is_refused_in_words_that_name_its_field(
    server: httpx.Client, kind: str, where: str, value: Any, field: str, told: list[str]
) -> None:
    answer = tried(server, an_object(kind, "mutant", lambda spec: put(spec, where, value)))
    assert field in answer
    assert [words for words in told if words not in answer] == [], answer
    assert "evaluating rule" not in answer
