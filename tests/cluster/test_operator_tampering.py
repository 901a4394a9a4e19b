"""An administrator forges status: the next pass sets it right from the records, and says so."""

import pytest

from goaround.api.base import Json
from goaround.api.reasons import Stage
from goaround.api.status import Split
from tests.cluster.operator_kit import Stack
from tests.cluster.operator_shop import Shop, a_feature, digest, release

pytestmark = pytest.mark.cluster

POISONED, SWAPPED, PUSHED = "poisoned", "swapped", "pushed"
BETTER, EVIL = "v42", "v66-evil"


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    """Features that serve v41; two of them fly v42, and stay at 10 %."""
    shop = stack.shop()
    plans = [a_feature(name) for name in (POISONED, SWAPPED, PUSHED)]
    for plan in plans[1:]:
        plan["spec"]["ramp"]["steps"][0]["holdSeconds"] = 3600
    shop.apply(*plans)
    for name in (POISONED, SWAPPED, PUSHED):
        shop.until_live(name)
    for name in (SWAPPED, PUSHED):
        shop.ask_for(name, BETTER)
        shop.until_stage(name, Stage.RAMPING)
    return shop


def forge(shop: Shop, name: str, status: Json) -> None:
    """With every right, and no policy in the way."""
    answer = shop.patch(name, {"status": status}, status=True)
    assert answer.is_success, answer.text


def until_told(shop: Shop, name: str) -> str:
    seen = shop.until(
        name, lambda f: "StatusTampered" in {t.reason for t in f.status.history}, "that it is told"
    )
    return next(t.message for t in seen.status.history if t.reason == "StatusTampered")


def test_a_last_known_good_that_never_flew_is_replaced_by_the_one_of_the_records(
    shop: Shop,
) -> None:
    lie = {"digest": digest(EVIL), "release": release(EVIL), "since": "2026-11-21T09:00:00Z"}
    forge(shop, POISONED, {"lastKnownGood": lie, "previousGood": lie})
    told = until_told(shop, POISONED)
    assert "of which there is no record; by the records it is" in told
    seen = shop.until_live(POISONED)
    assert seen.status.split == Split(stable=100)
    assert digest(EVIL) not in {*shop.records()}
    assert shop.told(POISONED, last="StatusTampered").count("StatusTampered") == 1


def test_content_under_a_false_name_does_not_fly(shop: Shop) -> None:
    forge(shop, SWAPPED, {"candidate": {"release": release(EVIL)}})
    assert "its content is another; it does not fly" in until_told(shop, SWAPPED)
    seen = shop.until(
        SWAPPED,
        lambda f: f.status.candidate and f.status.candidate.release.wire() == release(BETTER),
        "the release of spec again",
    )
    assert seen.status.split.candidate <= 10


def test_more_users_than_the_step_allows_are_taken_back(shop: Shop) -> None:
    forge(shop, PUSHED, {"split": {"stable": 0, "candidate": 100, "fallback": 0}})
    assert "100 % on the candidate at Ramping: back to 10 %" in until_told(shop, PUSHED)
    assert shop.feature(PUSHED).status.split == Split(stable=90, candidate=10)
