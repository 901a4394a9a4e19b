"""The operator waits for people, goes on by their word, and counts nobody without the policies."""

import time
from collections.abc import Iterator

import pytest

from goaround.api.base import Json
from goaround.api.kinds import INCIDENTS, SIGN_OFFS, AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import Split
from goaround.world.kube import path
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, condition, digest
from tests.cluster.sign_off_kit import apply_policies, bind, policies, sign_off

pytestmark = pytest.mark.cluster

ASKS, MISSING, REFUSED, PROMOTED = "asks", "missing", "refused", "promoted"
BETTER = "v42"
BINDING = "goaround-signoff-plan"
MIA = "mia"


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    """Features that serve v41; people are asked before full traffic."""
    shop = stack.shop()
    manager = ["goaround-release-manager"]
    people = {"ann": ["goaround-approver"], MIA: manager, "admin": manager}
    with policies(stack.plane):
        bind(stack.plane, shop.namespace, people)
        plans = [
            a_feature(name, signOff={"mode": "BeforeFullTraffic"})
            for name in (ASKS, MISSING, REFUSED)
        ]
        slow = a_feature(PROMOTED)
        slow["spec"]["ramp"]["steps"][0]["holdSeconds"] = 3600
        shop.apply(*plans, slow)
        for name in (ASKS, MISSING, REFUSED, PROMOTED):
            shop.until_live(name)
            shop.ask_for(name, BETTER)
        yield shop


def decide(shop: Shop, what: str, about: AIFeature, by: str, name: str) -> str:
    """What the API server says to the decision of a person: "" when it takes it."""
    flown = about.status.candidate
    assert flown is not None
    body = sign_off(
        name,
        what,
        feature=about.metadata.name,
        namespace=shop.namespace,
        digest=flown.plan_digest,
        attempt=flown.attempt,
    )
    headers = {"Impersonate-User": by}
    answer = shop.api.post(path(SIGN_OFFS, shop.namespace), json=body, headers=headers)
    return "" if answer.is_success else answer.text


def until_asked(shop: Shop, name: str) -> AIFeature:
    return shop.until(
        name, lambda f: condition(f, "Ready")[1] == "AwaitingSignOff", "that people are asked"
    )


def test_it_waits_at_half_and_an_approval_lets_it_go_on(shop: Shop) -> None:
    asked = until_asked(shop, ASKS)
    said = asked.status.sign_off
    assert said is not None
    assert (asked.status.stage, asked.status.split.candidate) == (Stage.HOLDING, 50)
    assert condition(asked, "Ready")[:2] == ("Unknown", "AwaitingSignOff")
    assert condition(asked, "AwaitingSignOff")[:2] == ("True", "Pending")
    assert said.plan_digest in condition(asked, "Ready")[2]
    assert asked.status.clock_stopped_at is not None
    assert "admin wrote this change" in decide(shop, "Approve", asked, "admin", "own")
    assert decide(shop, "Approve", asked, "ann", "yes") == ""
    landed = shop.until_live(ASKS, BETTER)
    told = {t.reason: t.message for t in landed.status.history}
    assert "approved by ann (AISignOff yes)" in told["SignOffGranted"]
    assert shop.told(ASKS, last="Promoted").count("SignOffRequested") == 1


def test_a_rejection_brings_it_back_without_blame(shop: Shop) -> None:
    asked = until_asked(shop, REFUSED)
    assert decide(shop, "Reject", asked, "ann", "no") == ""
    back = shop.until_stage(REFUSED, Stage.REJECTED)
    assert back.status.split == Split(stable=100)
    assert condition(back, "Stalled")[1] == "Rejected"
    assert "goaround.dev/quarantined" not in shop.records()[digest(BETTER)]
    shop.until(REFUSED, lambda f: f.status.latches[0].incident_opened_at, "the note")
    notes = [i for i in shop.all(INCIDENTS) if i["spec"]["affects"][0]["name"] == REFUSED]
    assert [n["spec"]["severity"] for n in notes] == ["P4"]


def test_a_promotion_skips_the_holds_and_says_so(shop: Shop) -> None:
    flown = shop.until_stage(PROMOTED, Stage.RAMPING)
    assert decide(shop, "Promote", flown, MIA, "now") == ""
    landed = shop.until_live(PROMOTED, BETTER)
    told = {t.reason: t.message for t in landed.status.history}
    assert "Promoted by mia (AISignOff now) from 10 %" in told["StepsSkipped"]
    assert "StepStarted" in told
    assert shop.records()[digest(BETTER)]


@pytest.fixture(scope="module")
def forged(stack: Stack, shop: Shop) -> Json:
    """While a policy was not bound, somebody signed; then it was bound again."""
    asked = until_asked(shop, MISSING)
    plane = stack.plane
    plane.kubectl("delete", "validatingadmissionpolicybinding", BINDING)
    # the cached look at the policies is half a minute old at most, and any raise looks anew
    time.sleep(1)
    assert decide(shop, "Approve", asked, "ann", "unchecked") == ""
    held = shop.until(
        MISSING,
        lambda f: condition(f, "Ready")[1] == "SignOffPolicyMissing",
        "that a policy is missing",
    )
    apply_policies(plane)
    again = until_asked(shop, MISSING)
    return {"asked": asked, "held": held, "again": again}


def test_without_a_policy_nobody_counts_and_it_says_which_and_what_to_do(forged: Json) -> None:
    held: AIFeature = forged["held"]
    status, _, told = condition(held, "Ready")
    assert status == "Unknown"
    assert f"ValidatingAdmissionPolicyBinding {BINDING} does not exist" in told
    assert "kubectl apply --server-side -k crds" in told
    assert held.status.split == Split(stable=50, candidate=50)


def test_what_was_signed_before_the_policy_stood_never_counts(shop: Shop, forged: Json) -> None:
    again: AIFeature = forged["again"]
    assert "0 of 1 approvals" in (again.status.hold or "")
    assert again.status.split == Split(stable=50, candidate=50)
    time.sleep(1)  # stamps are whole seconds
    assert decide(shop, "Approve", again, "ann", "checked") == ""
    landed = shop.until_live(MISSING, BETTER)
    told = {t.reason: t.message for t in landed.status.history}
    assert "AISignOff checked" in told["SignOffGranted"]


def test_a_policy_that_only_warns_is_as_good_as_none(stack: Stack, shop: Shop) -> None:
    name = "warned"
    shop.apply(a_feature(name, signOff={"mode": "BeforeFullTraffic"}))
    shop.until_live(name)
    change = '{"spec": {"validationActions": ["Audit"]}}'
    what = ["validatingadmissionpolicybinding", "goaround-signoff-identity"]
    stack.plane.kubectl("patch", *what, "--type=merge", f"--patch={change}")
    shop.ask_for(name, BETTER)
    held = shop.until(
        name, lambda f: condition(f, "Ready")[1] == "SignOffPolicyMissing", "the altered policy"
    )
    assert "goaround-signoff-identity is not as it was shipped" in condition(held, "Ready")[2]
    apply_policies(stack.plane)
    asked = until_asked(shop, name)
    time.sleep(1)
    assert decide(shop, "Approve", asked, "ann", "late") == ""
    shop.until_live(name, BETTER)
