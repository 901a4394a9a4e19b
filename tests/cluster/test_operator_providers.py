"""Providers that fail in mid-flight: hold, say why, never climb, never go around, come back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import Stack, running, stopped
from tests.cluster.operator_shop import Shop, a_feature, acceptance, condition, is_live

pytestmark = pytest.mark.cluster

# The provider of the administrator's file, and what the object must say of it.
SICK = {
    "bad500": "HTTP 500 instead of 200",
    "badnan": "a count is NaN",
    "huge": "the answer is larger than 1048576 bytes",
    "hangs": "no complete answer within 2 s",
}
GOOD_ONE = "healthy"
EACH = pytest.mark.parametrize("name", sorted(SICK))
STEPS = [
    {"weightPercent": 10, "holdSeconds": 4, "minSamples": 50},
    {"weightPercent": 100},
]


@pytest.fixture(scope="module")
def stack(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(plane, Path(tmp_path_factory.mktemp("providers"))) as stack:
        yield stack


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen while the providers were sick, and after they were mended."""

    shop: Shop
    held: dict[str, AIFeature]
    empty: AIFeature
    meanwhile: AIFeature
    later: dict[str, AIFeature]


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """All fly v42 at 10 % when every provider but one falls sick; then all are mended."""
    shop, names = stack.shop(), [*SICK, "empty"]
    plans = {n: a_feature(n, acceptance=acceptance(provider=n)) for n in names}
    plans[GOOD_ONE] = a_feature(GOOD_ONE)
    for plan in plans.values():
        plan["spec"]["ramp"]["steps"] = STEPS
    shop.apply(*plans.values())
    for name in plans:
        shop.until_live(name)
    for name in plans:
        shop.ask_for(name, "v42")
    for name in names:
        shop.until_stage(name, Stage.RAMPING)
    stack.providers.sick.update(names)
    held = {name: shop.until_stage(name, Stage.HOLDING) for name in SICK}
    meanwhile = shop.until_live(GOOD_ONE, "v42")
    empty = shop.feature("empty")
    stack.providers.sick.clear()
    later = {name: shop.until_live(name, "v42") for name in names}
    return Story(shop, held, empty, meanwhile, later)


@EACH
def test_a_sick_provider_holds_and_the_object_says_why(story: Story, name: str) -> None:
    held = story.held[name]
    assert SICK[name] in (held.status.hold or "")
    assert f"provider {name}" in (held.status.hold or "")
    assert SICK[name] in (held.status.summary or "")
    assert condition(held, "Ready")[:2] == ("Unknown", "Holding")
    assert condition(held, "Reconciling")[0] == "True"


@EACH
def test_a_sick_provider_neither_climbs_nor_goes_around(story: Story, name: str) -> None:
    held = story.held[name]
    assert held.status.split.candidate == 10
    assert held.status.latches == story.later[name].status.latches == []
    assert {s.verdict for s in held.status.signals} <= {"Unknown"}


@EACH
def test_a_mended_provider_resumes_the_same_attempt(story: Story, name: str) -> None:
    told = [t.reason for t in story.later[name].status.history]
    assert told.index("Holding") < told.index("Resumed") < len(told) - told[::-1].index("Promoted")
    assert told.count("RolloutStarted") == 1


def test_an_empty_answer_is_no_pass(story: Story) -> None:
    """Nobody asked for a whole step: not enough samples, whatever the provider says."""
    assert story.empty.status.split.candidate == 10
    assert story.empty.status.latches == []
    assert is_live(story.later["empty"], "v42")


def test_features_of_a_good_provider_go_on_meanwhile(story: Story) -> None:
    assert is_live(story.meanwhile, "v42")
    assert "Holding" not in [t.reason for t in story.meanwhile.status.history]


def test_a_dead_prometheus_holds_in_mid_ramp_and_its_return_resumes(stack: Stack) -> None:
    shop = stack.shop()
    plan = a_feature("chat")
    plan["spec"]["ramp"]["steps"] = STEPS
    shop.apply(plan)
    shop.until_live("chat")
    shop.ask_for("chat", "v42")
    shop.until_stage("chat", Stage.RAMPING)
    with stopped(stack.plane.pids["prometheus"]):
        held = shop.until_stage("chat", Stage.HOLDING)
        assert "provider default: no complete answer within 2 s" in (held.status.hold or "")
        assert held.status.split.candidate == 10
    live = shop.until_live("chat", "v42")
    assert live.status.latches == []
    assert "Resumed" in [t.reason for t in live.status.history]
