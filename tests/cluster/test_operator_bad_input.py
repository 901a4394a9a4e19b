"""What people get wrong, as the object and `kubectl describe` tell it, and the way out of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, AIFeature
from goaround.api.reasons import Stage
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, acceptance, condition, eventually, is_live

pytestmark = pytest.mark.cluster

TOTAL = "ai_requests_total{$match}"
# name of the feature: what is wrong, the reason it gets, and what the message must say
FAULTY: dict[str, tuple[Json, str, tuple[str, ...]]] = {
    "unpinned": (
        acceptance(bad='ai_requests_total{result="error"}'),
        "InvalidSpec",
        ("signals[errors].ratio.bad", "query has no $match: write ai_requests_total{$match,…}"),
    ),
    "two-selectors": (
        acceptance(bad="errors_total{$match} + timeouts_total"),
        "InvalidSpec",
        ("signals[errors].ratio.bad", "exactly one selector is allowed"),
    ),
    "garbled": (
        acceptance(bad='ai_requests_total{$match,result="error"'),
        "InvalidSpec",
        ("signals[errors].ratio.bad", "query is not PromQL"),
    ),
    "breaking-out": (
        acceptance(bad='ai_requests_total{$match} or vector(1) or x{a="b"}'),
        "InvalidSpec",
        ("signals[errors].ratio.bad", "exactly one selector is allowed"),
    ),
    "lost": (
        acceptance(provider="thanos"),
        "UnknownProvider",
        ("'thanos' is not configured", "bad500", "default", "ask an administrator"),
    ),
}
EACH = pytest.mark.parametrize("name", sorted(FAULTY))


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """All the faulty features at once."""
    shop = stack.shop()
    shop.apply(*(a_feature(name, acceptance=faulty) for name, (faulty, _, _) in FAULTY.items()))
    return shop


@pytest.fixture(scope="module")
def mended(shop: Shop) -> Shop:
    """The same features after people corrected them."""
    for name in FAULTY:
        shop.until(name, is_stalled, "stalled")
    shop.apply(*(a_feature(name) for name in FAULTY))
    return shop


def is_stalled(feature: AIFeature) -> bool:
    return condition(feature, "Stalled")[0] == "True"


@EACH
def test_a_fault_stands_on_the_object_with_its_reason_and_what_to_write(
    shop: Shop, name: str
) -> None:
    _, reason, words = FAULTY[name]
    stalled = shop.until(name, is_stalled, "stalled")
    _, seen, message = condition(stalled, "Stalled")
    assert seen == reason
    assert [word for word in words if word not in message] == []
    assert condition(stalled, "Ready")[:2] == ("False", reason)
    assert stalled.status.stage is None
    told = shop.kubectl("describe", "aif", name).partition("Events:")[2]
    assert "Warning" in told
    assert "InvalidSpec" in told
    assert words[-1] in told


@EACH
def test_a_corrected_feature_recovers_by_itself(mended: Shop, name: str) -> None:
    live = mended.until_live(name)
    assert condition(live, "Stalled")[0] in ("", "False")


def test_a_fault_in_mid_flight_holds_and_its_correction_resumes(shop: Shop) -> None:
    slow = {"steps": [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]}
    plan = a_feature("flying")
    plan["spec"]["ramp"] |= slow
    shop.apply(plan)
    shop.until_live("flying")
    shop.ask_for("flying", "v42")
    flown = shop.until_stage("flying", Stage.RAMPING).status.candidate
    shop.patch("flying", {"spec": {"acceptance": acceptance(provider="thanos")}})
    held = shop.until("flying", is_stalled, "stalled")
    assert held.status.split.candidate <= 10
    assert held.status.latches == []
    shop.patch("flying", {"spec": {"acceptance": acceptance()}})
    back = shop.until("flying", lambda f: f.status.stage is Stage.RAMPING, "ramping again")
    assert flown is not None
    assert back.status.candidate is not None
    assert back.status.candidate.digest == flown.digest


def test_a_value_that_tries_to_leave_its_quotes_stays_a_value(shop: Shop) -> None:
    cunning = 'ai_requests_total{$match,result="x\\"} or vector(1) or y{a=\\""}'
    shop.apply(a_feature("cunning", acceptance=acceptance(bad=cunning)))
    live = shop.until_live("cunning")
    assert live.status.latches == []


@pytest.mark.parametrize("name", ['x"} or vector(1)', "chat,ai_variant=stable", "a|b", "a" * 51])
def test_a_name_that_could_change_a_query_is_refused_by_the_api_server(
    shop: Shop, name: str
) -> None:
    said = shop.kubectl("create", "--filename=-", stdin=json.dumps(a_feature(name)), check=False)
    assert "is invalid" in said
    assert "metadata.name" in said


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((50, 10, 100), "weightPercent must rise from step to step"),
        ((10, 10, 100), "weightPercent must rise from step to step"),
        ((10, 50), "the ramp must end with everybody on the release"),
    ],
    ids=["falling", "level", "unfinished"],
)
def test_steps_that_are_no_way_up_are_refused_by_the_api_server(
    shop: Shop, weights: tuple[int, ...], words: str
) -> None:
    plan = a_feature("crooked", ramp={"steps": [{"weightPercent": w} for w in weights]})
    said = shop.kubectl("create", "--filename=-", stdin=json.dumps(plan), check=False)
    assert words in said
    assert shop.get(FEATURES, "crooked") is None


def with_key(name: str) -> Json:
    body = a_feature(name)
    body["spec"]["delivery"][0]["flag"]["key"] = "shared"
    return body


def test_the_older_feature_keeps_the_flag_key_and_the_younger_waits_for_it(shop: Shop) -> None:
    shop.apply(with_key("older"))
    older = shop.until("older", lambda f: f.status.stage is not None, "taken up").metadata
    # Creation is stamped in whole seconds; within one second the uid decides who is older.
    born = older.creation_timestamp
    eventually(lambda: born and datetime.now(UTC) > born + timedelta(seconds=1), "a second later")
    shop.apply(with_key("younger"))
    stalled = shop.until("younger", is_stalled, "stalled")
    _, reason, message = condition(stalled, "Stalled")
    assert reason == "FlagKeyTaken"
    assert "shared by older" in message
    assert not is_stalled(shop.feature("older"))
    assert "FlagKeyTaken" in shop.kubectl("describe", "aif", "younger")


def test_the_younger_proceeds_when_the_older_is_deleted(shop: Shop) -> None:
    shop.until_live("older")
    assert shop.delete(FEATURES, "older").is_success
    assert is_live(shop.until_live("younger"), "v41")


def test_the_younger_proceeds_when_the_older_takes_another_key(shop: Shop) -> None:
    shop.apply(with_key("late"))
    shop.until("late", is_stalled, "stalled")
    free = with_key("younger")
    free["spec"]["delivery"][0]["flag"]["key"] = "my-own"
    shop.apply(free)
    shop.until_live("late")
