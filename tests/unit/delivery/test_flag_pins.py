"""Pinned traffic: whoever has the pin gets the release under test, and nobody else notices."""

import json

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.delivery.flagpins import Pinned
from goaround.delivery.flagset import KillView, feature_flags
from goaround.delivery.flagstate import FlagState
from goaround.delivery.pinning import Wanted
from goaround.delivery.selector import Selector
from tests.unit.delivery import builders as b

CHAT = ("shop", "chat")
PINS = Pinned("pin-of-v42", "pin-of-v41")
OWNER = names.pin_of("uid-chat", b.digest("v42"), 1)
WANTED = Wanted("chat-golden-pin", OWNER)


def in_preflight(*, good: str | None = "v41", pin: str | None = "chat-golden-pin") -> Json:
    split = (100, 0, 0) if good else (0, 0, 100)
    body = b.feature_body(split=split, stage="Preflight", good=good)
    body["status"]["preflight"] = {"pin": pin} if pin else {}
    return body


def seen(*bodies: Json) -> FlagState:
    state = FlagState(on_change=lambda _: None)
    state.list_features(bodies)
    state.list_switches([])
    return state


def served(state: FlagState, key: str | None) -> tuple[str | None, object]:
    core = b.core_with(state.snapshot(Selector(*CHAT)).text)
    details = b.evaluated(core, key)
    assert isinstance(details.value, dict)
    return details.variant, details.value["release"]


def pinned(body: Json) -> FlagState:
    state = seen(body)
    state.pinned(CHAT, WANTED, PINS)
    assert state.problems == ()
    return state


def test_each_pin_selects_its_release_and_users_are_served_as_before() -> None:
    state = pinned(in_preflight())
    assert served(state, PINS.candidate) == ("golden", b.short_digest("v42"))
    assert served(state, PINS.stable) == ("goldenStable", b.short_digest("v41"))
    assert served(state, "user-1") == ("stable", b.short_digest("v41"))
    assert served(state, None) == ("stable", b.short_digest("v41"))
    assert served(state, "pin-of-v4")[0] == "stable"


def test_without_a_last_known_good_users_get_the_fallback_and_only_one_pin_works() -> None:
    state = pinned(in_preflight(good=None))
    assert served(state, PINS.candidate) == ("golden", b.short_digest("v42"))
    for key in (PINS.stable, "user-1", None):
        assert served(state, key) == ("fallback", "")


def test_a_feature_waits_for_its_secret_only_while_status_names_it() -> None:
    assert seen(in_preflight()).pins.missing() == {CHAT: WANTED}
    assert seen(in_preflight(pin=None)).pins.missing() == {}
    body = in_preflight()
    body["status"]["stage"] = "Ramping"
    assert seen(body).pins.missing() == {}


@pytest.mark.parametrize("stage", ["Ramping", "Killed", "Rejected", "Live"])
def test_a_pin_is_forgotten_as_soon_as_pre_flight_is_over(stage: str) -> None:
    state = pinned(in_preflight())
    after = in_preflight()
    after["status"]["stage"] = stage
    state.see_feature("MODIFIED", after)
    assert served(state, PINS.candidate)[0] not in ("golden", "goldenStable")
    assert PINS.candidate not in state.snapshot(Selector(*CHAT)).text
    state.see_feature("MODIFIED", in_preflight())
    assert PINS.candidate not in state.snapshot(Selector(*CHAT)).text


def test_the_pin_of_one_attempt_is_no_pin_of_the_next() -> None:
    state = pinned(in_preflight())
    after = in_preflight()
    after["status"]["candidate"] = b.candidate("v42", attempt=2)
    state.see_feature("MODIFIED", after)
    assert PINS.candidate not in state.snapshot(Selector(*CHAT)).text
    state.pinned(CHAT, WANTED, PINS)
    assert PINS.candidate not in state.snapshot(Selector(*CHAT)).text


def test_a_kill_switch_leaves_no_way_to_the_release_under_test() -> None:
    state = pinned(in_preflight())
    state.see_switch("ADDED", b.switch_body())
    assert served(state, PINS.candidate) == ("fallback", "")
    flags = feature_flags(b.feature(), [KillView(b.switch())], PINS)
    assert PINS.candidate not in json.dumps(flags.text)


def test_a_pin_that_is_learnt_is_sent_to_apps() -> None:
    told: list[object] = []
    state = FlagState(on_change=told.append)
    state.list_features([in_preflight()])
    state.list_switches([])
    told.clear()
    state.pinned(CHAT, WANTED, PINS)
    assert told == [CHAT]


def test_a_feature_that_is_deleted_waits_for_nothing() -> None:
    state = seen(in_preflight())
    state.see_feature("DELETED", in_preflight())
    assert state.pins.missing() == {}


def test_a_pin_does_not_show_where_it_is_logged() -> None:
    assert "pin-of" not in repr(PINS)
