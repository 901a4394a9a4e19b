"""Objects that would spoil their neighbours: each costs itself only."""

import grpc
import pytest

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, FEATURES
from goaround.api.reasons import Stage
from goaround.world.kube import path
from tests.cluster.operator_flags import flags, served
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, eventually, is_live, release

pytestmark = pytest.mark.cluster

MANY = 8
LANGUAGE = {"$ref": "none", "if": "x", "$evaluators": "x", "fractional": "x", "a": '"$ref": "b"'}
YEAR_0: Json = {"status": {"announcedAt": "0000-01-01T00:00:00Z"}}


@pytest.fixture
def shop(stack: Stack) -> Shop:
    """A namespace with one healthy feature, `neighbour`, that serves v41."""
    shop = stack.shop()
    shop.apply(a_feature("neighbour"))
    return shop


def with_parameters(version: str, **parameters: str) -> Json:
    return release(version) | {"parameters": parameters}


def test_words_of_flagds_own_language_stay_plain_content_in_a_release(
    stack: Stack, shop: Shop
) -> None:
    shop.apply(a_feature("poison", release=with_parameters("v41", **LANGUAGE)))
    shop.until("poison", lambda f: f.status.stage is not None, "taken up")
    shop.until_live("neighbour")
    eventually(lambda: len(flags(stack, shop.namespace)["flags"]) == 4, "flags of both")
    found = flags(stack, shop.namespace)
    assert served(found, "neighbour.release")["enabled"] is True
    assert served(found, "poison.release")["parameters"] == LANGUAGE


def test_a_namespace_with_too_large_a_set_still_serves_each_feature_by_itself(
    stack: Stack, shop: Shop
) -> None:
    """Two variants with the same long prompt each: eight such features are more than 3 MiB."""
    texts: Json = {"metadata": {"name": "long"}, "data": {"prompt": "word " * 50_000}}
    assert shop.api.post(path(CONFIG_MAPS, shop.namespace), json=texts).is_success
    heavy = release("v41") | {"prompt": {"configMapRef": {"name": "long", "key": "prompt"}}}
    names = [f"heavy-{n}" for n in range(MANY)]
    for name in names:
        shop.create(FEATURES, name, a_feature(name, release=heavy)["spec"])
    for name in names:
        shop.until(name, lambda f: f.status.stage is not None, "taken up")
    eventually(lambda: is_refused(stack, shop.namespace), "the namespace's set refused")
    shop.until_live("neighbour")
    alone = flags(stack, f"{shop.namespace}/neighbour")
    assert served(alone, "neighbour.release")["prompt"]["version"] == "v41"
    heavy_one = flags(stack, f"{shop.namespace}/heavy-0")
    assert served(heavy_one, "heavy-0.release")["enabled"] is True
    for name in names:
        assert shop.delete(FEATURES, name).is_success


def is_refused(stack: Stack, selector: str) -> bool:
    try:
        flags(stack, selector)
    except grpc.RpcError as err:
        return "limit is 3,145,728" in str(err) and "<namespace>/<feature>" in str(err)
    return False


def test_forged_evidence_starts_new_evidence_and_proves_nothing(stack: Stack, shop: Shop) -> None:
    shop.until_live("neighbour")
    slow = {"steps": [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]}
    shop.patch("neighbour", {"spec": {"ramp": slow, "release": release("v42")}})
    shop.until("neighbour", lambda f: f.status.evidence, "a checkpoint")
    forged = [{"name": "errors", "state": "not a state"}, {"name": "refusals", "state": "{}"}]
    with stack.operator.paused():
        assert shop.patch("neighbour", {"status": {"evidence": forged}}, status=True).is_success
    flown = shop.until(
        "neighbour",
        lambda f: f.status.evidence and f.status.evidence[0].state != "not a state",
        "evidence of its own again",
    )
    assert flown.status.stage is Stage.RAMPING
    assert flown.status.latches == []


def test_a_status_that_cannot_be_read_is_made_again_and_stops_nobody_else(
    stack: Stack, shop: Shop
) -> None:
    """The year 0 is one that the API server takes and we cannot."""
    shop.apply(a_feature("strange"))
    shop.until_live("strange")
    assert shop.patch("strange", YEAR_0, status=True).is_success
    eventually(lambda: "0000-01-01" not in str(shop.get(FEATURES, "strange")), "made again")
    again = shop.feature("strange")
    assert again.status.history[0].reason == "RebuiltFromRecords"
    assert is_live(again, "v41")
    assert "object cannot be read" in {line["message"] for line in stack.operator.lines()}
    shop.until_live("neighbour")


def test_a_split_that_is_none_is_refused_by_the_api_server(shop: Shop) -> None:
    shop.until("neighbour", lambda f: f.status.stage is not None, "taken up")
    answer = shop.patch(
        "neighbour", {"status": {"split": {"stable": 100, "candidate": 10}}}, status=True
    )
    assert answer.status_code == 422
    assert "the split must sum to 100" in answer.text
