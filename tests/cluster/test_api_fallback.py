"""Fallbacks, contracts and prompts that mean nothing are refused, in words that name the remedy."""

from collections.abc import Callable

import pytest

from goaround.api.base import Json
from hack.controlplane import ControlPlane
from tests.cluster.api_objects import an_object, create, install

pytestmark = pytest.mark.cluster
Change = Callable[[Json], object]


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> ControlPlane:
    install(plane)
    return plane


def release(**parts: object) -> Change:
    return lambda s: s["release"].update(parts)


def fallback(**parts: object) -> Change:
    return lambda s: s.update(fallback=dict(parts))


def chain(*members: Json) -> Change:
    return fallback(chain=[{"name": f"m{n}"} | one for n, one in enumerate(members)])


def contract(**parts: object) -> Change:
    return lambda s: s.update(contract=dict(parts))


def risky(**parts: object) -> Change:
    return lambda s: s.update(riskTier="High", fallback=dict(parts))


WORDS: Json = {"inputLike": "x", "returns": "y", "because": "z", "guardrails": "none"}
SMALL: Json = {"type": "SmallModel", "model": {"name": "tiny", "version": "3"}}
TEXT_REF: Json = {"name": "texts", "key": "v1"}
LANDS = ["spec.fallback:", "must be no model"]
DECIDES = ["spec:", "riskTier High needs a fallback of type Rules or ManualReview"]

REFUSED: list[tuple[str, Change, list[str]]] = [
    ("a chain that ends in a model", chain({"type": "Rules"}, SMALL), LANDS),
    ("a chain that ends in a release", chain({"type": "PreviousRelease"}), LANDS),
    (
        "two previous releases",
        chain({"type": "PreviousRelease"}, {"type": "PreviousRelease"}, {"type": "Rules"}),
        ["spec.fallback:", "at most one PreviousRelease"],
    ),
    ("a model alone", fallback(type="SmallModel"), LANDS),
    (
        "a chain and a type",
        fallback(type="Rules", chain=[{"name": "a", "type": "Rules"}]),
        ["spec.fallback:", "put type and text into a member"],
    ),
    (
        "two members of one name",
        fallback(chain=[{"name": "a", "type": "Rules"}] * 2),
        ["spec.fallback.chain[1]", "Duplicate value"],
    ),
    (
        "a small model without a model",
        chain({"type": "SmallModel"}, {"type": "Rules"}),
        ["spec.fallback.chain[0]:", "a SmallModel needs model"],
    ),
    (
        "a text of what is not disabled",
        chain({"type": "Rules", "text": "soon"}),
        ["spec.fallback.chain[0]:", "text is what users see of a Disabled feature"],
    ),
    ("too long a chain", chain(*[{"type": "Rules"}] * 9), ["chain", "at most 8 items"]),
    (
        "a breaker that opens both ways",
        fallback(breaker={"metric": "confidence", "below": "0.7", "above": "0.9"}),
        ["spec.fallback.breaker:", "set exactly one"],
    ),
    (
        "a breaker without a threshold",
        fallback(breaker={"metric": "confidence"}),
        ["spec.fallback.breaker:", "set exactly one"],
    ),
    (
        "a breaker at a threshold in words",
        fallback(breaker={"metric": "confidence", "below": "low"}),
        ["spec.fallback.breaker.below:", "a threshold is a decimal in quotes"],
    ),
    ("a risky use without rules", risky(type="CachedOutput"), DECIDES),
    (
        "a risky use without a fallback",
        lambda s: s.update(riskTier="High") or s.pop("fallback"),
        DECIDES,
    ),
    ("an empty contract", contract(), ["spec.contract:", "give it an input or an output"]),
    (
        "a contract that logs too briefly",
        contract(output={"schemaRef": TEXT_REF, "violationLogDays": 6}),
        ["spec.contract.output.violationLogDays", "greater than or equal to 7"],
    ),
    (
        "a prompt by version and by reference",
        release(prompt={"name": "p", "version": "1", "configMapRef": TEXT_REF}),
        ["spec.release.prompt:", "set one or the other"],
    ),
    (
        "half a prompt",
        release(prompt={"name": "p"}),
        ["spec.release.prompt:", "set one or the other"],
    ),
    (
        "schemas in the release",
        release(contract={"output": TEXT_REF}),
        ["spec:", "release.contract is filled in by the operator"],
    ),
    (
        "a hash that is none",
        release(prompt={"configMapRef": TEXT_REF | {"hash": "abc"}}),
        ["spec.release.prompt.configMapRef.hash", "should match"],
    ),
]


@pytest.mark.parametrize(
    ("change", "told"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_it_is_refused_with_field_and_remedy(
    api: ControlPlane, change: Change, told: list[str]
) -> None:
    answer = create(api, an_object("AIFeature", "bad", change), "--dry-run=server")
    assert [part for part in told if part not in answer] == [], answer


GOOD: dict[str, Change] = {
    "a chain behind a risky use": lambda s: s.update(
        riskTier="High",
        explainability=WORDS,
        failureModes=[{"class": "Hallucination", "signal": "schema-errors"}],
        fallback={"chain": [{"name": "a", "type": "CachedOutput"}, {"name": "b", "type": "Rules"}]},
    ),
    "the longest chain": chain(*[SMALL] * 7, {"type": "Disabled", "text": "x" * 1024}),
    "a prompt by reference": release(prompt={"configMapRef": TEXT_REF}),
    "a contract for what comes in": contract(input={"schemaRef": TEXT_REF}),
    "a breaker below zero": fallback(
        type="Rules", breaker={"metric": "margin", "above": "-0.5", "minRequests": 1}
    ),
}


@pytest.mark.parametrize("what", GOOD)
def test_what_is_meant_is_accepted(api: ControlPlane, what: str) -> None:
    assert create(api, an_object("AIFeature", "good", GOOD[what]), "--dry-run=server") == ""
