"""Bad objects are refused by the API server itself, in words that name field, limit and remedy."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import an_object, create, install, patch, tried
from tests.cluster.operator_kit import client

pytestmark = pytest.mark.cluster
Change = Callable[[Json], object]


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ControlPlane:
    install(plane)
    for kind in ("AIIncident", "AIKillSwitch", "AISignOff"):
        assert create(plane, an_object(kind, "fixed"), "--save-config") == ""
    return plane


@pytest.fixture(scope="module")
def server(api: ControlPlane) -> Iterator[httpx.Client]:
    with client(api) as made:
        yield made


def steps(*weights: int) -> Change:
    return lambda s: s.update(ramp={"steps": [{"weightPercent": w} for w in weights]})


def interval(seconds: int) -> Change:
    return lambda s: s.update(ramp={"intervalSeconds": seconds})


def signal(number: int = 0, **parts: object) -> Change:
    return lambda s: s["acceptance"]["signals"][number].update(parts)


def acceptance(**parts: object) -> Change:
    return lambda s: s["acceptance"].update(parts)


def release(**parts: object) -> Change:
    return lambda s: s["release"].update(parts)


def no_bound(spec: Json) -> None:
    del spec["acceptance"]["signals"][0]["max"]


def kind(**parts: object) -> Change:
    """The first signal is of another kind."""

    def change(spec: Json) -> None:
        signals = spec["acceptance"]["signals"]
        signals[0] = {"name": "other", **parts}

    return change


MEAN: Json = {"sum": "s{$match}", "count": "c{$match}", "worse": "Lower"}
QUERY: Json = {"promql": "g{$match}"}
COUNT: Json = {"events": "e{$match}", "total": "t{$match}"}
LATENCY: Json = {"histogram": "h{$match}", "slowerThanSeconds": "2.5"}


def two_planes(spec: Json) -> None:
    spec["delivery"].append({"name": "edge", "role": "Split", "flag": {}})


RISE = ["spec.ramp.steps:", "must rise from step to step", "no two", "for example 10, 50, 100"]
END = ["spec.ramp.steps:", "give the last step weightPercent 100"]
DIVIDE = ["spec.ramp.intervalSeconds:", "must divide 300", "take one of 1, 2, 3, 4, 5, 6, 10, 12"]
SIGNAL = "spec.acceptance.signals[0]:"
VS = "spec.acceptance.signals[0].vsStable"
MAX, MIN = "spec.acceptance.signals[0].max:", "spec.acceptance.signals[1].min:"
SHARE = ["decimal between 0 and 1 in quotes", 'for example "0.02"']
LEVEL = ["spec.acceptance.alpha:", "above 0 and below 1", 'for example "0.01"']
VERSION = ["spec.release.model.version:", "must be immutable", "name the version"]
PLANE = ["spec.delivery:", "exactly one plane", "the role `Split`"]

REFUSED: list[tuple[str, Change, list[str]]] = [
    ("steps that fall", steps(50, 10, 100), RISE),
    ("a step twice", steps(50, 50, 100), RISE),
    ("a last step twice", steps(10, 100, 100), RISE),
    ("a last step below 100", steps(10, 50), END),
    ("no step", steps(), ["spec.ramp.steps", "at least 1 items"]),
    ("a step of 0", steps(0, 100), ["spec.ramp.steps[0].weightPercent", "or equal to 1"]),
    ("a step of 101", steps(101), ["spec.ramp.steps[0].weightPercent", "or equal to 100"]),
    ("an odd interval", interval(7), DIVIDE),
    ("an interval of 0", interval(0), [*DIVIDE, "greater than or equal to 1"]),
    ("a huge interval", interval(99999999), [*DIVIDE, "less than or equal to 300"]),
    ("two bounds", signal(min="0.5"), [SIGNAL, "one absolute bound", "set either max", "or min"]),
    ("no bound", no_bound, [SIGNAL, "needs a bound", "set max"]),
    ("an empty vsStable", signal(vsStable={}), [VS, "needs worseBy (a share)"]),
    ("a worseBy in words", signal(vsStable={"worseBy": "little"}), [VS + ".worseBy:", *SHARE]),
    ("a worseBy of 0 alone", signal(vsStable={"worseBy": "0"}), [VS, "set rejectAt"]),
    (
        "a rejectAt below worseBy",
        signal(vsStable={"worseBy": "0.04", "rejectAt": "0.02"}),
        [VS, "rejectAt must be larger than worseBy"],
    ),
    (
        "a factor below 1",
        signal(vsStable={"worseByFactor": "0.9"}),
        [VS + ".worseByFactor:", "decimal of at least 1 in quotes", 'for example "1.2"'],
    ),
    ("a share of 1.5", signal(max="1.5"), [MAX, *SHARE]),
    ("a share in words", signal(max="much"), [MAX, *SHARE]),
    ("a share with a percent sign", signal(max="2%"), [MAX, *SHARE]),
    ("a share below 0", signal(max="-0.1"), [MAX, *SHARE]),
    ("a share without a 0", signal(max=".5"), [MAX, *SHARE]),
    ("a share that is a number", signal(max=0.02), [MAX, "must be of type string"]),
    ("a max of 1", signal(max="1.0"), [MAX, "must be below 1"]),
    ("a min of 0", signal(1, min="0.000"), [MIN, "must be above 0"]),
    ("no kind", kind(max="0.1"), [SIGNAL, "exactly one kind", "ratio, latency, mean, count"]),
    (
        "two kinds",
        signal(latency=LATENCY),
        [SIGNAL, "exactly one kind", "take the others out"],
    ),
    ("a kind and a preset", signal(preset="pii-in-output"), [SIGNAL, "exactly one kind"]),
    (
        "an unknown preset",
        kind(preset="good-vibes"),
        ["signals[0].preset: Unsupported value", '"schema-errors"', '"vllm-ttft"'],
    ),
    (
        "a share of 1.5 that is slow",
        kind(latency=LATENCY, max="1.5"),
        ["spec.acceptance.signals[0].max:", "decimal between 0 and 1 in quotes"],
    ),
    (
        "a bucket of 0 seconds",
        kind(latency=LATENCY | {"slowerThanSeconds": "0.0"}, max="0.1"),
        ["slowerThanSeconds:", "a duration is a decimal above 0 in quotes"],
    ),
    (
        "a score with the wrong end",
        kind(mean=MEAN, max="0.5"),
        [SIGNAL, "worse when it is lower takes min"],
    ),
    (
        "a score off its scale",
        kind(mean=MEAN | {"lowest": "1", "highest": "5"}, min="0.5"),
        [SIGNAL, "must lie between its lowest and its highest"],
    ),
    (
        "a score at the end of its scale",
        kind(mean=MEAN, min="1"),
        [SIGNAL, "both excluded"],
    ),
    (
        "a scale upside down",
        kind(mean=MEAN | {"lowest": "5"}, min="0.5"),
        ["signals[0].mean:", "lowest must be below highest"],
    ),
    ("at least some events", kind(count=COUNT, min="0.1"), [SIGNAL, "a count takes max"]),
    (
        "a query against stable",
        kind(query=QUERY, max="1", vsStable={"worseBy": "0.1"}),
        [SIGNAL, "held against max or min only"],
    ),
    (
        "more failures than evaluations",
        kind(query=QUERY | {"failures": 6, "of": 5}, max="1"),
        ["signals[0].query:", "failures may not be more than of"],
    ),
    (
        "arms without a stable one to compare with",
        signal(vsStable={"worseBy": "0.1"}, arms={"candidate": 'pod="c"'}),
        [SIGNAL, "set arms.stable, too"],
    ),
    (
        "an empty vsBaseline",
        signal(vsBaseline={}),
        ["signals[0].vsBaseline:", "vsBaseline needs worseBy (a share)"],
    ),
    (
        "too many slices",
        lambda s: s["acceptance"].update(
            signals=[
                s["acceptance"]["signals"][0]
                | {"name": f"s{n}", "slices": {"label": "l", "values": list("abcdefghij")}}
                for n in range(3)
            ]
        ),
        ["spec.acceptance.signals:", "at most 32 together"],
    ),
    (
        "one signal",
        lambda s: s["acceptance"]["signals"].pop(),
        ["spec.acceptance.signals:", "at least two signals are needed", "add another"],
    ),
    (
        "two signals of one name",
        signal(1, name="schema-errors"),
        ["spec.acceptance.signals", '{"name":"schema-errors"}', "rename one"],
    ),
    ("the version latest", release(model={"name": "m", "version": "latest"}), VERSION),
    ("the version LATEST", release(model={"name": "m", "version": "LATEST"}), VERSION),
    ("a tag latest", release(model={"name": "m", "version": "chat:latest"}), VERSION),
    (
        "a parameter with a long name",
        release(parameters={"p" * 65: "1"}),
        ["spec.release.parameters:", "at most 64 characters", "shorten it"],
    ),
    ("no plane", lambda s: s.update(delivery=[]), PLANE),
    ("two planes", two_planes, PLANE),
    (
        "an unknown role",
        lambda s: s["delivery"][0].update(role="Weigh"),
        ["spec.delivery[0].role:", 'supported values: "Split"'],
    ),
    ("no scope", lambda s: s["acceptance"].pop("scope"), ["spec.acceptance.scope: Required"]),
    ("an alpha of 0", acceptance(alpha="0.0"), LEVEL),
    ("an alpha of 1", acceptance(alpha="1.0"), LEVEL),
    (
        "a misspelt field",
        lambda s: s["acceptance"].update(sccope="x"),
        ["strict decoding error", 'unknown field "spec.acceptance.sccope"'],
    ),
    (
        "a weight written as text",
        lambda s: s.update(ramp={"steps": [{"weightPercent": "100"}]}),
        ["spec.ramp.steps[0].weightPercent", "must be of type integer"],
    ),
]


@pytest.mark.parametrize(
    ("change", "told"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_bad_feature_is_refused_with_field_limit_and_remedy(
    server: httpx.Client, change: Change, told: list[str]
) -> None:
    answer = tried(server, an_object("AIFeature", "bad", change))
    assert answer
    assert [words for words in told if words not in answer] == [], answer
    assert "evaluating rule" not in answer  # a rule that fails instead of judging helps nobody


def test_a_name_too_long_for_records_and_incidents_is_refused(server: httpx.Client) -> None:
    answer = tried(server, an_object("AIFeature", "f" * 51))
    assert "metadata.name: Invalid value: the name of a feature may have at most 50" in answer
    assert "choose a shorter one" in answer
    assert tried(server, an_object("AIFeature", "f" * 50)) == ""


@pytest.mark.parametrize("weights", [(100,), (1, 100), (10, 50, 100), (98, 99, 100)])
def test_rising_steps_are_accepted(server: httpx.Client, weights: tuple[int, ...]) -> None:
    assert tried(server, an_object("AIFeature", "good", steps(*weights))) == ""


@pytest.mark.parametrize("share", ["0", "0.0", "0.02", "0.999999999"])
def test_shares_from_zero_to_nearly_one_are_accepted_as_max(
    server: httpx.Client, share: str
) -> None:
    assert tried(server, an_object("AIFeature", "good", signal(max=share))) == ""


def target(**parts: object) -> Change:
    def change(spec: Json) -> None:
        del spec["featureRef"]
        spec.update(parts)

    return change


ONE_TARGET = ["spec:", "exactly one target", "featureRef", "or selector"]
BAD_SWITCHES: list[tuple[str, Change, list[str]]] = [
    ("no target", target(), ONE_TARGET),
    (
        "both targets",
        target(featureRef={"name": "a"}, selector={"matchLabels": {"a": "b"}}),
        ONE_TARGET,
    ),
    ("an empty selector", target(selector={"matchLabels": {}}), ["matchLabels", "at least 1"]),
    (
        "another namespace",
        target(featureRef={"name": "a", "namespace": "b"}),
        ['unknown field "spec.featureRef.namespace"'],
    ),
    ("no reason", lambda s: s.pop("reason"), ["spec.reason: Required"]),
    (
        "a kill that ends by itself",
        lambda s: s.update(durationSeconds=60),
        ["only a drill ends by itself", "leave durationSeconds out"],
    ),
    (
        "a drill of an hour",
        lambda s: s.update(drill=True, durationSeconds=3600),
        ["spec.durationSeconds", "less than or equal to 900"],
    ),
    ("an empty reason", lambda s: s.update(reason=""), ["spec.reason", "at least 1 chars"]),
]


@pytest.mark.parametrize(
    ("change", "told"), [case[1:] for case in BAD_SWITCHES], ids=[case[0] for case in BAD_SWITCHES]
)
def test_a_bad_kill_switch_is_refused(
    server: httpx.Client, change: Change, told: list[str]
) -> None:
    answer = tried(server, an_object("AIKillSwitch", "bad", change))
    assert answer
    assert [words for words in told if words not in answer] == [], answer


def test_a_kill_switch_by_label_is_accepted(server: httpx.Client) -> None:
    change = target(selector={"matchLabels": {"team.example/name": "a_b.C-1", "empty": ""}})
    assert tried(server, an_object("AIKillSwitch", "good", change)) == ""


@pytest.mark.parametrize(
    ("what", "spec", "told"),
    [
        (
            "aiks/fixed",
            {"reason": "another"},
            "spec: Invalid value: a kill switch is immutable: create a second one",
        ),
        ("aiks/fixed", {"featureRef": {"name": "other"}}, "a kill switch is immutable"),
        (
            "aiso/fixed",
            {"attempt": 2},
            "spec: Invalid value: a sign-off is immutable: create a new one",
        ),
        (
            "aii/fixed",
            {"affects": [{"name": "other"}]},
            "spec.affects: Invalid value: the features of an incident are fixed at its creation",
        ),
        (
            "aii/fixed",
            {"trigger": {"key": "other"}},
            "spec.trigger: Invalid value: the trigger of an incident is part of the record",
        ),
        (
            "aii/fixed",
            {"severity": "P1"},
            "spec: Invalid value: a change of severity needs a new severityReason",
        ),
    ],
    ids=["reason", "target", "decision", "affects", "trigger", "severity"],
)
def test_what_is_fixed_at_creation_stays(
    api: ControlPlane, what: str, spec: Json, told: str
) -> None:
    assert told in patch(api, what, {"spec": spec})


def test_a_severity_changes_with_a_new_reason_and_a_summary_at_any_time(api: ControlPlane) -> None:
    assert create(api, an_object("AIIncident", "graded")) == ""
    change = {"severity": "P1", "severityReason": "all users"}
    assert patch(api, "aii/graded", {"spec": change}) == ""
    assert patch(api, "aii/graded", {"spec": {"summary": {"whatBroke": "the index"}}}) == ""
    assert patch(api, "aii/graded", {"spec": {"severityReason": "all users, seen twice"}}) == ""


def test_labels_of_an_immutable_object_may_change(api: ControlPlane) -> None:
    assert patch(api, "aiks/fixed", {"metadata": {"labels": {"seen": "yes"}}}) == ""


@pytest.mark.parametrize("decision", ["Veto", "approve"])
def test_a_decision_that_is_none_is_refused_with_those_there_are(
    server: httpx.Client, decision: str
) -> None:
    answer = tried(server, an_object("AISignOff", "bad", lambda s: s.update(decision=decision)))
    assert 'spec.decision: Unsupported value: "' in answer
    assert 'supported values: "Approve", "Reject", "Promote", "Retry"' in answer
