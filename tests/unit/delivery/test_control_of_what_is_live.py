"""What a replica takes over its control port of a last-known-good that turned bad."""

from typing import Any

import pytest
from pydantic import ValidationError

from goaround.api.base import Json
from goaround.delivery.control import Lowering, NotLowered
from goaround.delivery.flagstate import FlagState
from tests.unit.delivery import builders as b
from tests.unit.delivery.control_kit import CHAT, a_lowering, arms, listed

EVERYBODY = {"stable": 100}
NOBODY = {"fallback": 100}


def a_live(revision: int = 100, *, previous: str | None = "v40", **more: Any) -> Json:
    """v41 is live; the good release before it is v40."""
    usual: Json = {"split": (100, 0, 0), "stage": "Live", "revision": revision}
    body = b.feature_body(**usual | more)
    if previous is not None:
        body["status"]["previousGood"] = b.known(previous)
    return body


def leaving(back_to: str | None = "v40", **more: Any) -> Lowering:
    wanted: Json = {
        "attempt": 0,
        "digest": b.digest("v41"),
        "split": EVERYBODY if back_to else NOBODY,
        "back_to": b.digest(back_to) if back_to else None,
    }
    return a_lowering(**wanted | more)


def serves(state: FlagState) -> set[object]:
    """The releases that users get; empty text for the fallback."""
    core = b.core_with(state.snapshot(CHAT).text)
    found = [b.evaluated(core, key).value for key in b.KEYS[:200]]
    return {one["release"] for one in found if isinstance(one, dict)}


def test_the_good_release_before_it_serves_everybody_at_once_and_apps_hear_of_it() -> None:
    state, told = listed(a_live())
    assert state.lower(leaving()) == 0
    assert serves(state) == {b.short_digest("v40")}
    assert told == [("shop", "chat")]


@pytest.mark.parametrize("previous", [None, "v39"])
def test_where_that_release_is_not_known_the_fallback_serves(previous: str | None) -> None:
    state, _ = listed(a_live(previous=previous))
    assert state.lower(leaving()) == 0
    assert arms(state) == {"fallback"}


def test_without_one_to_go_back_to_the_fallback_serves_whatever_status_knows() -> None:
    state, _ = listed(a_live())
    assert state.lower(leaving(None)) == 0
    assert arms(state) == {"fallback"}


def test_it_is_held_until_the_revision_passes_it() -> None:
    state, _ = listed(a_live())
    state.lower(leaving())
    state.see_feature("MODIFIED", a_live(labels={"tier": "gold"}))
    assert serves(state) == {b.short_digest("v40")}
    state.see_feature("MODIFIED", a_live(101))
    assert serves(state) == {b.short_digest("v41")}


def test_a_repeat_is_taken_and_tells_apps_nothing_new() -> None:
    state, told = listed(a_live())
    state.lower(leaving())
    told.clear()
    assert state.lower(leaving()) == 0
    assert told == []


@pytest.mark.parametrize("digest", ["v40", "v42"])
def test_another_release_than_the_live_one_is_refused(digest: str) -> None:
    state, _ = listed(a_live())
    with pytest.raises(NotLowered, match="not what is live here") as refused:
        state.lower(leaving(digest=b.digest(digest), back_to=b.digest("v38")))
    assert refused.value.candidate == 100
    assert serves(state) == {b.short_digest("v41")}


def test_a_post_that_status_has_passed_is_refused() -> None:
    state, _ = listed(a_live(101))
    with pytest.raises(NotLowered, match="newer than 100") as refused:
        state.lower(leaving())
    assert refused.value.candidate == 100


def test_a_post_that_status_has_carried_out_leaves_nothing_to_do() -> None:
    state, _ = listed(a_live(101, good="v40", previous=None))
    with pytest.raises(NotLowered) as refused:
        state.lower(leaving())
    assert refused.value.candidate == 0


def test_it_takes_nobody_off_the_fallback() -> None:
    state, _ = listed(a_live(), switches=(b.switch_body(),))
    with pytest.raises(NotLowered) as refused:
        state.lower(leaving())
    assert refused.value.candidate == 0
    assert arms(state) == {"fallback"}


def test_it_raises_no_candidate_and_shortens_no_lowering_of_one() -> None:
    flying = a_live(split=(90, 10, 0), stage="Ramping")
    state, _ = listed(flying)
    state.lower(a_lowering(0, revision=105))
    state.lower(leaving())
    for revision in (100, 105):
        state.see_feature("MODIFIED", a_live(revision, split=(50, 50, 0), stage="Ramping"))
        assert serves(state) == {b.short_digest("v40")}
    with pytest.raises(NotLowered, match="not lower"):
        state.lower(a_lowering(10, revision=105))


def test_a_replica_that_has_not_heard_of_the_landing_does_not_claim_to_have_left_it() -> None:
    state, _ = listed(b.feature_body(split=(2, 98, 0), good="v40", flying=b.candidate("v41")))
    with pytest.raises(NotLowered) as refused:
        state.lower(leaving(back_to=b.digest("v39")))
    assert refused.value.candidate == 100


@pytest.mark.parametrize(
    "wrong",
    [{"split": {"stable": 50, "fallback": 50}}, {"split": NOBODY}, {"split": {"candidate": 100}}],
)
def test_a_split_that_it_cannot_mean_is_not_understood(wrong: Json) -> None:
    with pytest.raises(ValidationError, match="with 100 %"):
        leaving(**wrong)


def test_a_lowered_feature_says_so() -> None:
    state, _ = listed(a_live())
    state.lower(leaving())
    assert [one.lowered for one in state.shown().values()] == [True]


def test_an_earlier_good_release_in_status_is_no_news_for_apps() -> None:
    state, told = listed(a_live(previous=None))
    state.see_feature("MODIFIED", a_live(previous="v40"))
    assert told == []
