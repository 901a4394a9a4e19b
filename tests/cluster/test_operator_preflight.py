"""Pre-flight on the real API server, through the real flag plane, before any user."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from goaround.api.base import Json
from goaround.api.digest import short
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, KILL_SWITCHES, SECRETS
from goaround.api.reasons import Stage
from goaround.world.kube import path
from tests.cluster.golden_app import GoldenApp, golden_app
from tests.cluster.operator_flags import flags, served
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest, eventually

pytestmark = pytest.mark.cluster

CHAT, GOOD, BETTER, BAD = "chat", "v41", "v42", "v43-bad"
PIN = "chat-golden-pin"
PREFLIGHT: Json = {
    "goldenSet": {"configMapRef": {"name": "golden"}, "requiredTags": []},
    "endpoint": {"endpointRef": "golden"},
    "timeoutSeconds": 2,
    "concurrency": 16,
    "deadlineSeconds": 60,
}


@pytest.fixture(scope="module")
def app(stack: Stack) -> Iterator[GoldenApp]:
    with golden_app(stack) as made:
        yield made


@pytest.fixture
def shop(stack: Stack, app: GoldenApp) -> Shop:
    """A feature live on v41, with a golden set of ten cases."""
    made = stack.shop()
    app.selector, app.bad = f"{made.namespace}/{CHAT}", {}
    app.asked.clear()
    write(made, golden())
    made.apply(a_feature(CHAT, preflight=PREFLIGHT))
    made.until_live(CHAT)
    return made


def golden(cases: int = 10) -> str:
    some = [
        {"name": f"c{n}", "input": {"question": f"question {n}"},
         "assertions": [{"exact": {"path": "/ok", "value": True}}]}
        for n in range(cases)
    ]  # fmt: skip
    return json.dumps({"version": 1, "cases": some})


def write(shop: Shop, text: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "golden"}}
    listed = body | {"data": {"golden.yaml": text}}
    shop.kubectl("apply", "--filename=-", stdin=json.dumps(listed))


def without_pin(shop: Shop) -> None:
    eventually(lambda: shop.get(SECRETS, PIN) is None, "the pin is gone", 10)


def test_an_adopted_release_is_asked_nothing(shop: Shop, app: GoldenApp) -> None:
    assert app.asked.total() == 0
    assert shop.feature(CHAT).status.preflight is None


def test_a_good_release_goes_on_and_both_releases_were_asked(shop: Shop, app: GoldenApp) -> None:
    shop.ask_for(CHAT, BETTER)
    feature = shop.until(CHAT, lambda f: f.status.split.candidate == 10, "10 %")
    known = feature.status.preflight
    assert known is not None
    assert (known.verdict, known.passed, known.total, known.pin) == ("Passed", 50, 50, None)
    assert condition(feature, "PreflightPassed")[:2] == ("True", "Passed")
    assert app.asked[short(digest(BETTER))] == 50
    assert app.asked[short(digest(GOOD))] >= 50
    without_pin(shop)
    assert "golden" not in json.dumps(flags(app.stack, app.selector)["flags"])
    shop.until_live(CHAT, BETTER)


def test_no_request_carries_a_credential_of_the_operator(app: GoldenApp) -> None:
    assert app.headers
    assert not [h for h in app.headers if {"authorization", "cookie"} & {k.lower() for k in h}]


@pytest.mark.parametrize("how", ["wrong", "noise", "redirect", "huge", "hang"])
def test_a_release_that_regresses_is_rejected_before_any_user(
    shop: Shop, app: GoldenApp, how: str
) -> None:
    app.misbehave(short(digest(BAD)), how)
    shop.ask_for(CHAT, BAD)
    feature = shop.until_stage(CHAT, Stage.REJECTED, 60)
    assert feature.status.split.stable == 100
    assert condition(feature, "PreflightPassed")[:2] == ("False", "Failed")
    assert condition(feature, "Stalled")[:2] == ("True", "Rejected")
    (latch,) = feature.status.latches
    assert (latch.cause, latch.weight, latch.exposed_requests) == ("Rejected", 0, 0)
    outcome = "goaround.dev/outcome"
    eventually(lambda: shop.records()[digest(BAD)][outcome] == "Rejected", "the record", 10)
    eventually(lambda: shop.get(INCIDENTS, latch.incident or ""), "the incident")
    assert [i["spec"]["severity"] for i in shop.all(INCIDENTS)] == ["P3"]
    assert shop.told(CHAT, last="Rejected").count("Rejected") == 1
    without_pin(shop)
    assert app.trapped == 0
    kept = json.dumps([shop.feature(CHAT).wire(), shop.all(INCIDENTS), shop.all(CONFIG_MAPS)])
    assert "hunter2" not in kept
    assert "\\u001b" not in kept


def test_what_was_rejected_is_not_even_asked_when_git_wants_it_again(
    shop: Shop, app: GoldenApp
) -> None:
    app.misbehave(short(digest(BAD)), "wrong")
    shop.ask_for(CHAT, BAD)
    shop.until_stage(CHAT, Stage.REJECTED)
    asked = app.asked.total()
    shop.ask_for(CHAT, GOOD)
    shop.until_live(CHAT)
    shop.ask_for(CHAT, BAD)
    shop.until(CHAT, lambda f: f.status.stage is Stage.REJECTED, "rejected again", 10)
    assert app.asked.total() == asked


def test_users_are_served_as_before_while_a_golden_set_runs(shop: Shop, app: GoldenApp) -> None:
    app.misbehave(short(digest(BETTER)), "hang")
    shop.ask_for(CHAT, BETTER)
    eventually(lambda: shop.get(SECRETS, PIN), "the pin", 10)
    eventually(lambda: app.asked[short(digest(BETTER))], "the candidate is asked", 20)
    found = flags(app.stack, app.selector)
    for user in ("", "user-1", "user-2", "user-3"):
        assert served(found, f"{CHAT}.release", user=user)["release"] == short(digest(GOOD))


def test_a_kill_ends_it_and_its_pin(shop: Shop, app: GoldenApp) -> None:
    app.misbehave(short(digest(BETTER)), "hang")
    shop.ask_for(CHAT, BETTER)
    eventually(partial(shop.get, SECRETS, PIN), "the pin", 10)
    shop.create(KILL_SWITCHES, "stop", {"featureRef": {"name": CHAT}, "reason": "drill"})
    shop.until_stage(CHAT, Stage.KILLED, 5)
    without_pin(shop)
    assert "golden" not in json.dumps(flags(app.stack, app.selector)["flags"])


def test_an_endpoint_that_is_down_holds_and_says_so(shop: Shop, app: GoldenApp) -> None:
    app.selector = "nobody/nothing"  # whoever is asked, another release answers
    shop.ask_for(CHAT, BETTER)
    feature = shop.until(CHAT, lambda f: f.status.hold, "a hold", 30)
    assert feature.status.stage is Stage.PREFLIGHT
    assert condition(feature, "PreflightPassed")[:2] == ("Unknown", "EndpointUnavailable")
    app.selector = f"{shop.namespace}/{CHAT}"
    shop.until(CHAT, lambda f: f.status.split.candidate == 10, "10 %", 60)


def test_the_report_goes_with_its_feature(shop: Shop, app: GoldenApp) -> None:
    shop.ask_for(CHAT, BETTER)
    shop.until(CHAT, lambda f: f.status.split.candidate == 10, "10 %")
    report = shop.get(CONFIG_MAPS, f"{CHAT}-preflight-report")
    assert report is not None
    (owner,) = report["metadata"]["ownerReferences"]
    assert owner["uid"] == shop.feature(CHAT).metadata.uid
    content = json.loads(report["data"]["report.json"])
    assert len(content["cases"]) == 10
    where = path(CONFIG_MAPS, shop.namespace, f"{CHAT}-preflight-report")
    assert shop.api.get(where).is_success
