"""Every kind of signal under the real operator and a real Prometheus: it climbs, it goes around.

One feature per kind, all in the air at the same time.
"""

import re
from collections.abc import Mapping

import pytest

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import LatchCause
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest, eventually, is_live
from tests.cluster.operator_traffic import App

pytestmark = pytest.mark.cluster

BETTER, BAD = "v42", "v43-bad"
ERRORS, ALL = 'ai_requests_total{$match,result="error"}', "ai_requests_total{$match}"
SHARE = f"sum(rate({ERRORS}[4s])) / sum(rate({ALL}[4s]))"
KINDS: Mapping[str, Json] = {
    "latency": {"preset": "slow-answers", "max": "0.20"},
    "mean": {"mean": {"sum": ERRORS, "count": ALL, "worse": "Higher"}, "max": "0.10"},
    "count": {"count": {"events": ERRORS, "total": ALL}, "max": "0.10"},
    "guard": {"count": {"events": ERRORS, "total": ALL}, "max": "0"},
    "query": {"query": {"promql": SHARE, "failures": 2, "of": 3}, "max": "0.10"},
    "slices": {
        "ratio": {"bad": ERRORS, "total": ALL},
        "slices": {"label": "result", "values": ["error"]},
        "max": "0.95",
    },
}


def feature(kind: str, version: str = "v41") -> Json:
    """Its one signal that matters is named like the feature; the other never minds."""
    body = a_feature(kind, version)
    calm: Json = {"name": "calm", "ratio": {"bad": ERRORS, "total": ALL}, "max": "0.99"}
    body["spec"]["acceptance"]["signals"] = [{"name": kind, **KINDS[kind]}, calm]
    return body


@pytest.fixture(scope="module")
def climbed(stack: Stack) -> Shop:
    """All of them flew a good release to the end."""
    shop = stack.shop()
    shop.apply(*(feature(kind) for kind in KINDS))
    for kind in KINDS:
        shop.until_live(kind)
    for kind in KINDS:
        shop.ask_for(kind, BETTER)
    for kind in KINDS:
        shop.until(kind, lambda f: is_live(f, BETTER), "a good climb", seconds=90)
    return shop


@pytest.fixture(scope="module")
def fallen(climbed: Shop) -> Mapping[str, AIFeature]:
    """Then all of them flew one that answers badly and late."""
    for kind in KINDS:
        climbed.serve(kind, candidate_error=0.4, candidate_refused=0.5)
        climbed.ask_for(kind, BAD)
    return {
        kind: climbed.until(kind, lambda f: f.status.latches, "it went around", seconds=60)
        for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_release_climbs_on_every_kind_of_evidence(climbed: Shop, kind: str) -> None:
    good = climbed.feature(kind).status.last_known_good
    assert good is not None
    assert good.digest == digest(BETTER)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_release_goes_around_on_every_kind_of_evidence(
    fallen: Mapping[str, AIFeature], kind: str
) -> None:
    latch = fallen[kind].status.latches[0]
    assert (latch.cause, latch.signal, latch.digest) == (LatchCause.SIGNAL, kind, digest(BAD))


def test_the_slice_that_was_harmed_is_named(fallen: Mapping[str, AIFeature]) -> None:
    assert fallen["slices"].status.latches[0].message.startswith("slices/error ")


def test_a_bound_that_no_bucket_has_holds_and_lists_the_bounds_there_are(stack: Stack) -> None:
    shop = stack.shop()
    body = feature("latency")
    latency = {"histogram": "ai_request_seconds_bucket{$match}", "slowerThanSeconds": "1"}
    body["spec"]["acceptance"]["signals"][0] = {"name": "slow", "latency": latency, "max": "0.1"}
    shop.apply(body)
    eventually(
        lambda: "bounds there are: 0.5, 2.5, +Inf" in str(shop.feature("latency").status.signals),
        "the bounds are told",
    )
    assert condition(shop.feature("latency"), "Ready")[0] != "True"


JUDGED, BLIND = "judged", "judged-without-buckets"
SCORES: Json = {
    "sum": "ai_judge_score_sum{$match}",
    "count": "ai_judge_score_count{$match}",
    "worse": "Lower",
}


def judged(name: str) -> Json:
    """Its judge must give 0.74 on average; only one of the two says how its scores spread."""
    buckets = {"buckets": "ai_judge_score_bucket{$match}"} if name == JUDGED else {}
    body = feature("mean")
    body["metadata"]["name"] = name
    body["spec"]["acceptance"]["signals"][0] = {
        "name": "judge",
        "mean": SCORES | buckets,
        "min": "0.74",
    }
    return body


def test_buckets_of_a_judge_find_a_falling_score_while_its_sums_still_wonder(stack: Stack) -> None:
    """0.8 before and 0.7 now, give or take 0.05; thirty scores of the candidate a second."""
    shop = stack.shop()
    both, usual = (JUDGED, BLIND), dict.fromkeys(("fallback", "stable", "candidate"), 0.8)
    shop.apply(*map(judged, both))
    for name in both:
        shop.traffic.serve(shop.namespace, name, App(rate=300.0, scores=usual))
    for name in both:
        shop.until_live(name)
    for name in both:
        scores = usual | {"candidate": 0.7}
        shop.traffic.serve(shop.namespace, name, App(rate=300.0, scores=scores))
    for name in (BLIND, JUDGED):
        shop.ask_for(name, BAD)
    fell = shop.until(JUDGED, lambda f: f.status.latches, "its buckets prove it")
    blind = shop.feature(BLIND)
    latch = fell.status.latches[0]
    assert (latch.cause, latch.signal, latch.digest) == (LatchCause.SIGNAL, "judge", digest(BAD))
    # the first scores of a window may still be of before
    assert re.match(r"judge 0\.7[0-3]? < min 0\.74 \(n=", latch.message)
    assert ", sd at most 0." in latch.message
    assert not blind.status.latches
    assert blind.status.stage is Stage.RAMPING


def test_buckets_beyond_the_scale_hold_and_say_what_to_correct(stack: Stack) -> None:
    shop = stack.shop()
    body = judged(JUDGED)
    body["spec"]["acceptance"]["signals"][0] |= {
        "mean": SCORES | {"buckets": "ai_judge_score_bucket{$match}", "highest": "0.9"}
    }
    shop.apply(body)
    scores = dict.fromkeys(("fallback", "stable", "candidate"), 0.8)
    shop.traffic.serve(shop.namespace, JUDGED, App(rate=300.0, scores=scores))
    eventually(
        lambda: "beyond the scale of the score, 0 to 0.9" in str(shop.feature(JUDGED).status),
        "the bound is told",
    )
    assert condition(shop.feature(JUDGED), "Ready")[0] != "True"
