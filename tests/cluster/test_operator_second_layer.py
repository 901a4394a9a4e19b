"""What is judged beside one bad signal: worse than stable, both arms bad, silence, nothing to
compare with.

Four features fly at the same time on real parts; each test reads one chapter of one story. What
people do is in `…_people.py`, what outlives status in `…_records.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, RECORDS, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import LatchCause, Split
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, digest, eventually, is_live

pytestmark = pytest.mark.cluster

BETTER, WORSE = "v42", "v43-worse"
COMPARED, SHARED, MUTE, NEWBORN = "compared", "shared", "mute", "newborn"
BLIND_SECONDS = 5
# Within the absolute bound of 10 %, but far from stable, which makes no errors.
WORSE_ERRORS = 0.07
SLOW_STEPS = [{"weightPercent": 10, "holdSeconds": 5, "minSamples": 50}, {"weightPercent": 100}]


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen on the way. looks: every state of a flight that differs from the one before."""

    shop: Shop
    looks: Mapping[str, list[AIFeature]]
    worse: AIFeature
    held: AIFeature
    healthy: AIFeature
    silent: AIFeature


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    shop = stack.shop()
    shop.apply(compared(), with_steps(SHARED), mute(), newborn())
    first = seen_until_live(shop, NEWBORN, "v41")
    for name in (COMPARED, SHARED, MUTE):
        shop.until_live(name)
    # `mute` does not count what is refused: an arm of nothing else is silent.
    shop.serve(MUTE, candidate_refused=1.0)
    for name in (SHARED, MUTE, COMPARED):
        shop.ask_for(name, BETTER)
    shop.until_stage(SHARED, Stage.RAMPING)
    shop.serve(SHARED, candidate_error=0.4, stable_error=0.4)
    second = seen_until_live(shop, COMPARED, BETTER)
    held = shop.until(SHARED, is_told_of_an_outage, "an outage, told as an incident")
    shop.serve(SHARED)
    shop.serve(COMPARED, candidate_error=WORSE_ERRORS)
    shop.ask_for(COMPARED, WORSE)
    worse = shop.until_stage(COMPARED, Stage.ROLLED_BACK)
    healthy = shop.until_live(SHARED, BETTER)
    silent = shop.until_stage(MUTE, Stage.INCONCLUSIVE)
    looks = {NEWBORN: first, COMPARED: second}
    return Story(shop, looks, worse, held, healthy, silent)


def compared() -> Json:
    """Its errors are bound by a share, and by what stable does."""
    plan = a_feature(COMPARED)
    plan["spec"]["acceptance"]["signals"][0]["vsStable"] = {"worseBy": "0.01", "rejectAt": "0.03"}
    return plan


def mute() -> Json:
    plan = with_steps(MUTE)
    plan["spec"]["acceptance"]["maxBlindSeconds"] = BLIND_SECONDS
    for signal in plan["spec"]["acceptance"]["signals"]:
        signal["ratio"] = {
            "bad": 'ai_requests_total{$match,result="error"}',
            "total": 'ai_requests_total{$match,result!="refused"}',
        }
    return plan


def newborn() -> Json:
    """The first release of a feature that nobody has seen yet; one signal could only compare."""
    plan = a_feature(NEWBORN, firstRelease="Ramp")
    only = {key: value for key, value in compared_signal().items() if key != "max"}
    plan["spec"]["acceptance"]["signals"].append(only | {"name": "compared"})
    return plan


def compared_signal() -> Json:
    found: Json = compared()["spec"]["acceptance"]["signals"][0]
    return found


def with_steps(name: str) -> Json:
    plan = a_feature(name)
    plan["spec"]["ramp"]["steps"] = SLOW_STEPS
    return plan


def seen_until_live(shop: Shop, name: str, version: str) -> list[AIFeature]:
    seen: list[AIFeature] = []

    def landed(feature: AIFeature) -> bool:
        if not seen or seen[-1].status != feature.status:
            seen.append(feature)
        return is_live(feature, version)

    shop.until(name, landed, f"{version} Live")
    return seen


def is_told_of_an_outage(feature: AIFeature) -> bool:
    latches = feature.status.latches
    opened = bool(latches) and latches[0].incident_opened_at is not None
    return feature.status.stage is Stage.HOLDING and opened


def splits(looks: list[AIFeature]) -> list[Split]:
    """The splits of a flight, one after the other."""
    return [split for split, _ in groupby(f.status.split for f in looks)]


def verdicts(feature: AIFeature) -> dict[str, str]:
    return {s.name: s.verdict for s in feature.status.signals}


def incident_of(shop: Shop, feature: AIFeature) -> Json:
    """The incident of its newest latch; it is opened after the status was written."""
    name = feature.status.latches[0].incident or "none"
    eventually(lambda: shop.get(INCIDENTS, name), f"incident {name}")
    body = shop.get(INCIDENTS, name)
    assert body is not None
    return body


def is_quarantined(shop: Shop, version: str, name: str) -> bool:
    marks = [
        r["metadata"]["annotations"]
        for r in shop.all(RECORDS)
        if (r["metadata"]["labels"][names.FEATURE_LABEL], r["data"].get("digest"))
        == (name, digest(version))
    ]
    assert len(marks) == 1
    return names.QUARANTINED in marks[0]


def test_a_climb_holds_two_percent_back_while_it_cruises_and_nobody_once_live(
    story: Story,
) -> None:
    looks = story.looks[COMPARED]
    assert splits(looks)[-4:] == [
        Split(stable=90, candidate=10),
        Split(stable=50, candidate=50),
        Split(stable=2, candidate=98),
        Split(stable=100),
    ]
    cruising = {f.status.weight for f in looks if f.status.stage is Stage.CRUISING}
    assert cruising == {"98% (2 held back)"}
    assert is_live(looks[-1], BETTER)


def test_a_release_within_every_absolute_bound_goes_around_for_being_worse_than_stable(
    story: Story,
) -> None:
    latch = story.worse.status.latches[0]
    assert (latch.cause, latch.signal, latch.digest) == (LatchCause.SIGNAL, "errors", digest(WORSE))
    assert re.search(r"errors.vs-stable \S+% vs 0% [+] 1 points .*-> breach", latch.message)
    assert story.worse.status.split == Split(stable=100)
    good = story.worse.status.last_known_good
    assert good is not None
    assert good.digest == digest(BETTER)


def test_a_first_release_that_ramps_starts_beside_the_fallback_and_holds_nobody_back(
    story: Story,
) -> None:
    looks = story.looks[NEWBORN]
    assert splits(looks)[-4:] == [
        Split(fallback=90, candidate=10),
        Split(fallback=50, candidate=50),
        Split(candidate=100),
        Split(stable=100),
    ]
    assert splits(looks)[:-4] in ([], [Split(fallback=100)])
    told = [t.reason for t in looks[-1].status.history]
    assert told == ["RolloutStarted", "StepStarted", "StepStarted", "CruiseStarted", "Promoted"]


def test_without_last_known_good_a_bound_against_stable_does_not_apply_and_says_so(
    story: Story,
) -> None:
    judged = [f for f in story.looks[NEWBORN] if f.status.signals]
    assert judged != []
    assert {verdicts(f)["compared"] for f in judged} == {"NotApplicable"}
    (signal,) = [s for s in judged[-1].status.signals if s.name == "compared"]
    assert signal.message == "compared: compares with last-known-good, and there is none"


def test_what_both_arms_break_holds_and_blames_no_release(story: Story) -> None:
    status = story.held.status
    assert (status.split.stable, status.split.candidate) == (90, 10)
    assert "no release is to blame" in (status.hold or "")
    assert [(x.cause, x.digest) for x in status.latches] == [(LatchCause.OUTAGE, None)]
    incident = incident_of(story.shop, story.held)
    assert incident["spec"]["trigger"]["source"] == "Outage"
    assert incident["spec"]["severity"] == "P2"


def test_an_outage_that_is_over_lets_the_same_attempt_climb_on(story: Story) -> None:
    status = story.healthy.status
    told = [t.reason for t in status.history]
    assert told.index("Holding") < told.index("Resumed") < told.index("CruiseStarted")
    assert told.count("RolloutStarted") == 1
    assert [x.cause for x in status.latches] == [LatchCause.OUTAGE]
    assert not is_quarantined(story.shop, BETTER, SHARED)


def test_a_candidate_that_is_silent_while_stable_reports_comes_back_without_blame(
    story: Story,
) -> None:
    status = story.silent.status
    (latch,) = status.latches
    assert (latch.cause, latch.digest, latch.weight) == (LatchCause.NO_PROOF, digest(BETTER), 10)
    assert f"(limit {BLIND_SECONDS} s) while stable reports" in latch.message
    assert status.split == Split(stable=100)
    assert incident_of(story.shop, story.silent)["spec"]["severity"] == "P4"
    assert not is_quarantined(story.shop, BETTER, MUTE)
