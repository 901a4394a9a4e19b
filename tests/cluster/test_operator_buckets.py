"""Users who stick to an arm, counted by bucket on a real Prometheus: what a draw of them proves.

Eight features in one window of time. Those with buckets are judged by how users differ; those
without, where users stick, prove only gross harm; those whose requests are declared independent are
judged as if each request were a user of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import LatchCause, Split
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest
from tests.cluster.operator_traffic import App

pytestmark = pytest.mark.cluster

BETTER = "v42"
FINE, UNLUCKY, HARMFUL = "fine", "unlucky", "harmful"
DECLARED, DECLARED_UNLUCKY = "declared-independent", "declared-independent-unlucky"
MUTE_FINE, MUTE_PLAIN, MUTE_GROSS = "mute-fine", "mute-plain", "mute-gross"

USUAL = [0.02] * 14 + [0.06] * 6
DRAWN = [0.04] * 14 + [0.44] * 6
"""A few users fail often, whatever they are served; too many of them were drawn: 16 % in all."""
HARMED = [0.28] * 14 + [0.32] * 6
"""Everybody fails as often as the other; less than three times the bound and five points."""
LABELLED = {FINE: USUAL, UNLUCKY: DRAWN, HARMFUL: USUAL}
UNLABELLED = {
    DECLARED: sum(USUAL) / len(USUAL),
    DECLARED_UNLUCKY: sum(DRAWN) / len(DRAWN),
    MUTE_FINE: sum(USUAL) / len(USUAL),
    MUTE_PLAIN: 0.25,
    MUTE_GROSS: sum(USUAL) / len(USUAL),
}
ALL = (*LABELLED, *UNLABELLED)
GROSS_ERRORS = 0.8


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen, by feature. early: with the first requests of a release that went on to fly;
    at_last: when each had come to where it comes to, and `FINE` had landed."""

    early: Mapping[str, AIFeature]
    at_last: Mapping[str, AIFeature]


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    shop = stack.shop()
    shop.apply(*map(sticky, ALL))
    for name in LABELLED:
        carry_buckets(shop, name, USUAL)
    for name in ALL:
        shop.until_live(name)
    for name, errors in LABELLED.items():
        carry_buckets(shop, name, errors)
    for name, share in UNLABELLED.items():
        shop.serve(name, candidate_error=share)
    for name in ALL:
        shop.ask_for(name, BETTER)
    early = {name: until_assumed(shop, name) for name in ALL if name != DECLARED_UNLUCKY}
    carry_buckets(shop, HARMFUL, HARMED)
    shop.serve(MUTE_GROSS, candidate_error=GROSS_ERRORS)
    for name in (HARMFUL, DECLARED_UNLUCKY, MUTE_GROSS):
        shop.until_stage(name, Stage.ROLLED_BACK)
    shop.until_stage(MUTE_PLAIN, Stage.HOLDING)
    shop.until_live(FINE, BETTER)
    return Story(early, {name: shop.feature(name) for name in ALL})


def carry_buckets(shop: Shop, name: str, candidate: Sequence[float]) -> None:
    """Its requests carry the bucket of their user; so often those of the candidate fail."""
    app = App(users={"stable": USUAL, "candidate": candidate})
    shop.traffic.serve(shop.namespace, name, app)


def sticky(name: str) -> Json:
    """Users stick to an arm, unless a person declares that they do not. What turns bad in mid-air,
    or must be seen there, has a long first step."""
    plan = a_feature(name)
    by = "Request" if name in (DECLARED, DECLARED_UNLUCKY) else "Session"
    hold = 60 if name in (DECLARED, HARMFUL, MUTE_GROSS) else 4
    first = {"weightPercent": 10, "holdSeconds": hold, "minSamples": 50}
    plan["spec"]["delivery"][0]["flag"]["bucketBy"] = by
    plan["spec"]["ramp"]["steps"] = [first, {"weightPercent": 100}]
    return plan


def until_assumed(shop: Shop, name: str) -> AIFeature:
    """Status says what the evidence of the candidate rests on."""
    return shop.until(
        name,
        lambda f: condition(f, "EvidenceAssumptions")[0] in ("True", "False"),
        "EvidenceAssumptions",
    )


def test_users_who_carry_a_bucket_are_measured_and_a_good_release_climbs(story: Story) -> None:
    status, reason, message = condition(story.early[FINE], "EvidenceAssumptions")
    assert (status, reason) == ("True", "Measured")
    assert message == "clustering is measured over 20 buckets"
    good = story.at_last[FINE].status.last_known_good
    assert good is not None
    assert good.digest == digest(BETTER)


def test_an_unlucky_draw_of_users_is_not_taken_for_harm(story: Story) -> None:
    status = story.at_last[UNLUCKY].status
    assert status.latches == []
    assert status.split == Split(stable=90, candidate=10)
    (errors,) = [s for s in status.signals if s.name == "errors"]
    # 16 % less what the last requests of its adoption blur; the bound is 10 %
    assert float(errors.bad or 0) > 0.12 * float(errors.total or 0)


def test_the_same_draw_is_rolled_back_where_requests_are_taken_for_independent(
    story: Story,
) -> None:
    (latch,) = story.at_last[DECLARED_UNLUCKY].status.latches
    assert (latch.cause, latch.signal) == (LatchCause.SIGNAL, "errors")


def test_requests_that_are_declared_independent_need_no_bucket(story: Story) -> None:
    status, reason, message = condition(story.early[DECLARED], "EvidenceAssumptions")
    assert (status, reason) == ("True", "DeclaredIndependent")
    assert message == "assumes independent requests, as routing is declared per request"


def test_a_release_that_harms_everybody_is_rolled_back_on_measured_users(story: Story) -> None:
    assert condition(story.early[HARMFUL], "EvidenceAssumptions")[1] == "Measured"
    (latch,) = story.at_last[HARMFUL].status.latches
    assert (latch.cause, latch.signal, latch.weight) == (LatchCause.SIGNAL, "errors", 10)
    assert "-> breach" in latch.message


@pytest.mark.parametrize("name", [MUTE_FINE, MUTE_PLAIN, MUTE_GROSS])
def test_where_users_stick_and_no_request_carries_a_bucket_that_is_said(
    story: Story, name: str
) -> None:
    status, reason, message = condition(story.early[name], "EvidenceAssumptions")
    assert (status, reason) == ("False", "NoBuckets")
    assert message.startswith("requests carry no bucket label; users may stick to an arm")


def test_without_buckets_a_plain_breach_pauses_and_sends_nobody_back(story: Story) -> None:
    status = story.at_last[MUTE_PLAIN].status
    assert (status.stage, status.latches) == (Stage.HOLDING, [])
    assert status.split == Split(stable=90, candidate=10)
    assert "would be proven harmful if requests were independent" in (status.hold or "")


def test_without_buckets_gross_harm_is_rolled_back(story: Story) -> None:
    (latch,) = story.at_last[MUTE_GROSS].status.latches
    assert (latch.cause, latch.signal, latch.digest) == (
        LatchCause.SIGNAL,
        "errors",
        digest(BETTER),
    )


def test_without_buckets_good_data_never_promotes(story: Story) -> None:
    """It saw the same requests in the same time as the release that landed."""
    status = story.at_last[MUTE_FINE].status
    assert (status.stage, status.latches) == (Stage.RAMPING, [])
    assert status.split == Split(stable=90, candidate=10)
    assert {s.verdict for s in status.signals} == {"Undecided"}
