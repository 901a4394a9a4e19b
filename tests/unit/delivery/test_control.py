"""What a replica takes over its control port, and how long it holds it."""

from functools import partial

import pytest

from goaround.api.base import Json
from goaround.delivery.control import NotLowered, UnknownFeature
from tests.unit.delivery import builders as b
from tests.unit.delivery.control_kit import a_lowering, arms, candidate_share, listed
from tests.unit.delivery.live import app, eventually, live, variant


def test_a_lower_share_is_served_at_once_and_apps_hear_of_it() -> None:
    state, told = listed(b.feature_body())
    assert candidate_share(state) == 10
    assert state.lower(a_lowering(0)) == 0
    assert candidate_share(state) == 0
    assert told == [("shop", "chat")]


@pytest.mark.parametrize("wanted", [10, 11, 50, 100])
def test_a_share_that_is_not_lower_is_refused_with_the_share_that_is_served(wanted: int) -> None:
    state, told = listed(b.feature_body())
    with pytest.raises(NotLowered, match="not lower") as refused:
        state.lower(a_lowering(wanted))
    assert refused.value.candidate == 10
    assert (candidate_share(state), told) == (10, [])


def test_what_was_lowered_can_be_lowered_further_but_not_be_given_back() -> None:
    state, _ = listed(b.feature_body(split=(50, 50, 0)))
    state.lower(a_lowering(10))
    state.lower(a_lowering(5))
    with pytest.raises(NotLowered, match="5 %, and 10 %"):
        state.lower(a_lowering(10))
    assert candidate_share(state) == 5


def test_nobody_can_be_taken_off_the_fallback() -> None:
    state, _ = listed(b.feature_body(split=(0, 10, 90)))
    with pytest.raises(NotLowered, match="fallback"):
        state.lower(a_lowering(0))
    state.lower(a_lowering(split={"fallback": 100}))
    assert candidate_share(state) == 0


def test_a_repeat_is_taken_and_tells_apps_nothing_new() -> None:
    state, told = listed(b.feature_body())
    state.lower(a_lowering())
    told.clear()
    assert state.lower(a_lowering()) == 0
    assert told == []


@pytest.mark.parametrize("other", [{"attempt": 2}, {"digest": b.digest("v43")}])
def test_another_flight_than_the_one_served_is_refused(other: Json) -> None:
    state, _ = listed(b.feature_body())
    with pytest.raises(NotLowered, match="not what flies here"):
        state.lower(a_lowering(**other))
    assert candidate_share(state) == 10


def test_an_unknown_uid_is_refused_as_unknown() -> None:
    state, _ = listed(b.feature_body())
    with pytest.raises(UnknownFeature):
        state.lower(a_lowering(uid="uid-search"))


def test_a_lowering_that_status_has_passed_is_refused() -> None:
    state, _ = listed(b.feature_body(revision=101))
    with pytest.raises(NotLowered, match="newer than 100"):
        state.lower(a_lowering(revision=100))
    assert candidate_share(state) == 10


def test_a_feature_that_a_switch_killed_serves_no_candidate_to_lower() -> None:
    state, _ = listed(b.feature_body(), switches=(b.switch_body(),))
    with pytest.raises(NotLowered) as refused:
        state.lower(a_lowering())
    assert refused.value.candidate == 0


def test_it_is_held_while_status_says_nothing_newer() -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering())
    state.see_feature("MODIFIED", b.feature_body(stage="Holding"))
    state.list_features([b.feature_body(stage="Ramping", labels={"tier": "gold"})])
    assert candidate_share(state) == 0


def test_it_ends_when_the_revision_passes_whatever_that_says() -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering())
    state.see_feature("MODIFIED", b.feature_body(revision=101, split=(50, 50, 0)))
    assert candidate_share(state) == 50


def test_a_repeat_with_a_later_revision_holds_it_longer_and_never_shorter() -> None:
    state, _ = listed(b.feature_body())
    for revision in (100, 105, 102):
        state.lower(a_lowering(revision=revision))
    state.see_feature("MODIFIED", b.feature_body(revision=105, split=(50, 50, 0)))
    assert candidate_share(state) == 0
    state.see_feature("MODIFIED", b.feature_body(revision=106, split=(50, 50, 0)))
    assert candidate_share(state) == 50


@pytest.mark.parametrize("flying", [b.candidate("v43"), b.candidate("v42", attempt=2)])
def test_it_ends_with_the_flight_it_was_about(flying: Json) -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering(revision=200))
    state.see_feature("MODIFIED", b.feature_body(revision=101, flying=flying))
    assert candidate_share(state) == 10
    state.see_feature("MODIFIED", b.feature_body(revision=102))
    assert candidate_share(state) == 10


def test_a_feature_that_vanished_comes_back_unlowered() -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering())
    state.see_feature("DELETED", b.feature_body())
    state.see_feature("ADDED", b.feature_body())
    assert candidate_share(state) == 10


def test_a_replica_that_is_started_anew_holds_nothing() -> None:
    first, _ = listed(b.feature_body())
    first.lower(a_lowering())
    second, _ = listed(b.feature_body())
    assert candidate_share(second) == 10


def test_a_switch_kills_what_is_lowered_and_what_is_lowered_stays_so_after_it() -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering())
    state.see_switch("ADDED", b.switch_body())
    assert arms(state) == {"fallback"}
    state.see_switch("DELETED", b.switch_body())
    assert arms(state) == {"stable"}


def test_a_lowered_feature_says_so_until_status_says_as_little() -> None:
    state, _ = listed(b.feature_body())
    state.lower(a_lowering(revision=200))
    assert [one.lowered for one in state.shown().values()] == [True]
    state.see_feature("MODIFIED", b.feature_body(revision=150, split=(100, 0, 0)))
    assert [one.lowered for one in state.shown().values()] == [False]


def test_an_app_on_the_stream_leaves_the_candidate_when_it_is_lowered() -> None:
    with live() as here:
        here.list([b.feature_body(split=(0, 100, 0))])
        with app(here.port, "shop/chat") as client:
            eventually(lambda: variant(client, "user-1") == "candidate")
            here.do(partial(here.state.lower, a_lowering()))
            eventually(lambda: variant(client, "user-1") == "stable")
            here.see(b.feature_body(revision=101, split=(0, 100, 0)))
            eventually(lambda: variant(client, "user-1") == "candidate")
