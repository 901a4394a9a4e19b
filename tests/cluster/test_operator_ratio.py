"""Users who are not divided as configured: a second router gives the candidate twice its share.

A wrong share blames no release, so that it holds and sends nobody back; harm still does.
"""

import re
from dataclasses import dataclass

import pytest

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, AIFeature
from goaround.api.reasons import Reason, Stage
from goaround.api.status import LatchCause, Split
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest
from tests.cluster.operator_traffic import App

pytestmark = pytest.mark.cluster

BETTER = "v42"
MISROUTED, HARMFUL = "misrouted", "misrouted-and-harmful"
TWICE = 2.0


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen. held: under the wrong share; mended: after it; harmful: held, then bad."""

    shop: Shop
    held: AIFeature
    mended: AIFeature
    harmful: AIFeature


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    shop = stack.shop()
    shop.apply(slowly(MISROUTED), slowly(HARMFUL))
    for name in (MISROUTED, HARMFUL):
        shop.until_live(name)
        shop.traffic.serve(shop.namespace, name, App(times_candidate=TWICE))
        shop.ask_for(name, BETTER)
    held = shop.until(MISROUTED, is_misrouted, "held for a wrong share")
    shop.until(HARMFUL, is_misrouted, "held for a wrong share")
    worse = App(ill={digest(BETTER): 0.5}, times_candidate=TWICE)
    shop.traffic.serve(shop.namespace, HARMFUL, worse)
    shop.serve(MISROUTED)
    harmful = shop.until_stage(HARMFUL, Stage.ROLLED_BACK)
    return Story(shop, held, shop.until_live(MISROUTED, BETTER), harmful)


def slowly(name: str) -> Json:
    """A first step that is long enough for a wrong share to be proven."""
    plan = a_feature(name)
    first = {"weightPercent": 10, "holdSeconds": 8, "minSamples": 50}
    plan["spec"]["ramp"]["steps"] = [first, {"weightPercent": 100}]
    return plan


def is_misrouted(feature: AIFeature) -> bool:
    held = feature.status.stage is Stage.HOLDING
    return held and Reason.SAMPLE_RATIO_MISMATCH in (feature.status.hold or "")


def test_twice_the_configured_share_holds_the_climb_and_sends_nobody_back(story: Story) -> None:
    status = story.held.status
    assert (status.split.stable, status.split.candidate) == (90, 10)
    assert status.latches == []
    assert condition(story.held, "Ready")[:2] == ("Unknown", "SampleRatioMismatch")


def test_what_was_seen_and_its_likely_causes_are_named(story: Story) -> None:
    told = story.held.status.hold or ""
    assert re.match(
        r"SampleRatioMismatch: (19|20)[.][0-9]% of [0-9,]+ split requests reached", told
    )
    assert "10 % are configured, so the arms cannot be compared" in told
    assert "Likely causes: requests without targeting key counted as an arm" in told
    assert "a second router" in told


def test_the_same_attempt_climbs_on_when_the_share_is_mended(story: Story) -> None:
    told = [t.reason for t in story.mended.status.history]
    assert told.index("Holding") < told.index("Resumed") < told.index("CruiseStarted")
    assert told.count("RolloutStarted") == 1
    assert story.mended.status.latches == []
    about = [i["spec"]["affects"][0]["name"] for i in story.shop.all(INCIDENTS)]
    assert MISROUTED not in about


def test_harm_is_proven_under_a_wrong_share_too(story: Story) -> None:
    (latch,) = story.harmful.status.latches
    assert (latch.cause, latch.digest) == (LatchCause.SIGNAL, digest(BETTER))
    assert story.harmful.status.split == Split(stable=100)
