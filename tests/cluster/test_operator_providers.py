"""Providers that fail in mid-flight: hold, say why, never climb, never go around, come back."""

from dataclasses import dataclass

import pytest

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from tests.cluster.operator_kit import Stack, stopped
from tests.cluster.operator_shop import Shop, a_feature, acceptance, condition, is_live

pytestmark = pytest.mark.cluster

# The provider of the administrator's file, and what the object must say of it.
SICK = {
    "bad500": "provider bad500: HTTP 500 instead of 200",
    "badnan": "a count is NaN, which is not an amount",
    "huge": "provider huge: the answer is larger than 1048576 bytes",
    "hangs": "provider hangs: no complete answer within 2 s",
    "empty": "no request of any arm was seen",
}
GOOD_ONE, SLOW_ONE = "healthy", "slow"
EACH = pytest.mark.parametrize("name", sorted(SICK))
STEPS = [
    {"weightPercent": 10, "holdSeconds": 4, "minSamples": 50},
    {"weightPercent": 100},
]
SLOW_STEPS = [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen while the providers were sick, and after they were mended."""

    shop: Shop
    held: dict[str, AIFeature]
    meanwhile: AIFeature
    later: dict[str, AIFeature]


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """All fly v42 at 10 % when every provider but one falls sick; then all are mended."""
    shop = stack.shop()
    quick = {"maxBlindSeconds": 5}
    plans = {n: a_feature(n, acceptance=acceptance(provider=n) | quick) for n in SICK}
    plans |= {name: a_feature(name) for name in (GOOD_ONE, SLOW_ONE)}
    for plan in plans.values():
        plan["spec"]["ramp"]["steps"] = STEPS
    plans[SLOW_ONE]["spec"]["ramp"]["steps"] = SLOW_STEPS
    shop.apply(*plans.values())
    for name in plans:
        shop.until_live(name)
    for name in plans:
        shop.ask_for(name, "v42")
    for name in SICK:
        shop.until_stage(name, Stage.RAMPING)
    stack.providers.sick.update(SICK)
    held = {name: shop.until_stage(name, Stage.HOLDING) for name in SICK}
    meanwhile = shop.until_live(GOOD_ONE, "v42")
    stack.providers.sick.clear()
    later = {name: shop.until(name, resumed, "resumed") for name in SICK}
    return Story(shop, held, meanwhile, later)


def resumed(feature: AIFeature) -> bool:
    return "Resumed" in [t.reason for t in feature.status.history]


@EACH
def test_a_sick_provider_holds_and_the_object_says_why(story: Story, name: str) -> None:
    held = story.held[name]
    assert SICK[name] in (held.status.hold or "")
    assert SICK[name] in (held.status.summary or "")
    assert condition(held, "Ready")[:2] == ("Unknown", "Holding")
    assert condition(held, "Reconciling")[0] == "True"


@EACH
def test_a_sick_provider_neither_climbs_nor_goes_around(story: Story, name: str) -> None:
    held = story.held[name]
    assert held.status.split.candidate == 10
    assert held.status.latches == story.later[name].status.latches == []
    assert "Bad" not in {s.verdict for s in held.status.signals}


@EACH
def test_a_mended_provider_resumes_the_same_attempt(story: Story, name: str) -> None:
    later = story.later[name].status
    told = [t.reason for t in later.history]
    assert told.index("Holding") < told.index("Resumed")
    assert told.count("RolloutStarted") == 1
    assert later.hold is None


def test_features_of_a_good_provider_go_on_meanwhile(story: Story) -> None:
    assert is_live(story.meanwhile, "v42")
    assert "Holding" not in [t.reason for t in story.meanwhile.status.history]


def test_a_dead_prometheus_holds_in_mid_ramp_and_its_return_resumes(
    stack: Stack, story: Story
) -> None:
    shop = story.shop
    assert shop.feature(SLOW_ONE).status.stage is Stage.RAMPING
    with stopped(stack.plane.pids["prometheus"]):
        held = shop.until_stage(SLOW_ONE, Stage.HOLDING)
        assert "provider default: no complete answer within 2 s" in (held.status.hold or "")
        assert held.status.split.candidate == 10
    assert shop.until(SLOW_ONE, resumed, "resumed").status.latches == []
