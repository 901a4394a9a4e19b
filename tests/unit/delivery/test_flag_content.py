"""What a feature's flags carry: releases, kills, metadata, and a fallback for what is bad."""

import json
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.delivery.flagset import KillView, SetTooLarge, feature_flags, set_text
from tests.unit.delivery import builders as b

LEGACY: Json = {
    "chain": [{"name": "fallback", "type": "LegacyLogic"}],
    "landing": "fallback",
}


def payload(variant: str, **more: Any) -> Json:
    flags = feature_flags(b.feature(**more), ())
    found: Json = flags.flags["chat.release"]["variants"][variant]
    return found


def test_stable_carries_the_whole_last_known_good() -> None:
    assert payload("stable") == {
        "enabled": True,
        "release": b.short_digest("v41"),
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": "v41"},
        "parameters": {"temperature": "0.2"},
        "fallback": LEGACY,
    }


def test_candidate_carries_the_release_in_flight() -> None:
    assert payload("candidate")["release"] == b.short_digest("v42")


def test_an_adopted_first_release_is_stable_too() -> None:
    adopted = b.candidate("v42", adopted=True)
    more: Json = {"good": None, "flying": adopted, "split": (0, 100, 0), "stage": "Cruising"}
    assert payload("stable", **more) == payload("candidate", **more)
    core = b.core_with(feature_flags(b.feature(**more), ()))
    assert b.evaluated(core, None).variant == "stable"


def test_without_any_good_release_stable_is_a_copy_of_the_fallback() -> None:
    more: Json = {"good": None, "split": (0, 10, 90)}
    assert payload("stable", **more) == payload("fallback", **more)


def test_without_a_candidate_its_variant_is_a_copy_of_stable() -> None:
    body = b.feature_body(split=(100, 0, 0), stage="Live")
    del body["status"]["candidate"]
    read, _ = b.read_feature(b.feature_facts(body))
    flag = feature_flags(read, ()).flags["chat.release"]
    assert flag["variants"]["candidate"] == flag["variants"]["stable"]
    assert flag["metadata"]["candidateRelease"] == ""


def test_only_a_disabled_fallback_carries_a_text() -> None:
    assert payload("fallback")["fallback"] == LEGACY
    disabled = payload("fallback", fallback={"type": "Disabled", "text": "Back soon."})
    assert disabled == {
        "enabled": False,
        "release": "",
        "fallback": {
            "chain": [{"name": "fallback", "type": "Disabled", "text": "Back soon."}],
            "landing": "fallback",
        },
    }


def test_metadata_says_what_was_decided() -> None:
    assert feature_flags(b.feature(), ()).flags["chat.release"]["metadata"] == {
        "feature": "shop/chat",
        "uid": "uid-chat",
        "revision": 100,
        "attempt": 1,
        "stage": "Ramping",
        "stableRelease": b.short_digest("v41"),
        "candidateRelease": b.short_digest("v42"),
    }


def test_metadata_comes_back_with_every_evaluation() -> None:
    got = b.evaluated(b.core_with(feature_flags(b.feature(), ())), "user-1")
    assert got.flag_metadata["revision"] == 100
    assert got.flag_metadata["flagSetId"] == "shop/chat"


def test_a_feature_that_nobody_has_decided_on_has_no_flags() -> None:
    assert feature_flags(b.feature(stage=None), ()).flags == {}


def test_a_declared_key_replaces_the_default() -> None:
    flags = feature_flags(b.feature(flag={"key": "assistant"}), ())
    assert set(flags.flags) == {"assistant", "chat.bucket"}


KILLS: dict[str, tuple[Json, tuple[KillView, ...]]] = {
    "the operator recorded it": ({"stage": "Killed", "split": (0, 0, 100)}, ()),
    "the stage alone says so": ({"stage": "Killed"}, ()),
    "Git says so": ({"kill_switch": {"engaged": True}}, ()),
    "a switch exists": ({}, (KillView(b.switch()),)),
    "a switch matches by label": (
        {"labels": {"tier": "chat", "a": "b"}},
        (KillView(b.switch(labels={"tier": "chat"})),),
    ),
    "everybody was sent to the fallback": ({"split": (0, 0, 100), "stage": "RolledBack"}, ()),
    "a vanished switch is not answered yet": (
        {"revision": 100},
        (KillView(b.switch(latched=100), vanished=True),),
    ),
}


@pytest.mark.parametrize("why", KILLS)
def test_the_fallback_serves_everybody_when(why: str) -> None:
    more, kills = KILLS[why]
    core = b.core_with(feature_flags(b.feature(**more), kills))
    for key in (None, "", *b.KEYS[:100]):
        got = b.evaluated(core, key)
        assert (got.variant, got.reason) == ("fallback", "STATIC")
        assert got.value == payload("fallback")


SPARED: dict[str, tuple[Json, KillView]] = {
    "the switch names another feature": ({}, KillView(b.switch(feature="search"))),
    "the labels differ": ({"labels": {"tier": "x"}}, KillView(b.switch(labels={"tier": "chat"}))),
    "the switch is elsewhere": ({}, KillView(b.switch(namespace="lab"))),
    "a vanished switch was answered": (
        {"revision": 101},
        KillView(b.switch(latched=100), vanished=True),
    ),
    "a vanished switch was never recorded": ({}, KillView(b.switch(), vanished=True)),
}


@pytest.mark.parametrize("why", SPARED)
def test_a_feature_goes_on_when(why: str) -> None:
    more, kill = SPARED[why]
    assert b.counted(feature_flags(b.feature(**more), (kill,)))["candidate"] > 0


@pytest.mark.parametrize("kills", [(), (KillView(b.switch()),)])
def test_mode_observe_moves_nothing_until_status_says_killed(kills: tuple[KillView, ...]) -> None:
    more: Json = {"mode": "Observe", "kill_switch": {"engaged": True}}
    assert b.counted(feature_flags(b.feature(**more), kills))["candidate"] > 0
    killed = feature_flags(b.feature(stage="Killed", **more), kills)
    assert b.counted(killed)["fallback"] == len(b.KEYS)


def test_a_mode_that_is_not_known_obeys_kill_switches() -> None:
    flags = feature_flags(b.feature(mode="Rehearse"), (KillView(b.switch()),))
    assert b.counted(flags)["fallback"] == len(b.KEYS)


def test_a_disengaged_switch_in_git_kills_nothing() -> None:
    flags = feature_flags(b.feature(kill_switch={"engaged": False}), ())
    assert b.counted(flags)["candidate"] > 0


POISON: dict[str, Json] = {
    "metadata without a value": {"attempt": None},
    "a release that JSON cannot hold": {
        "release": b.feature().status.candidate.release.model_copy(  # type: ignore[union-attr]
            update={"parameters": {"temperature": "\ud800"}}
        )
    },
}


@pytest.mark.parametrize("what", POISON)
def test_a_flag_that_flagd_refuses_becomes_a_static_fallback(what: str) -> None:
    good = b.feature()
    assert good.status.candidate is not None
    flying = good.status.candidate.but(**POISON[what])
    poisoned = good.but(status=good.status.but(candidate=flying))
    flags = feature_flags(poisoned, ())
    assert len(flags.problems) == 1
    assert "chat.release" in flags.problems[0]
    got = b.evaluated(b.core_with(flags), "user-1")
    assert (got.variant, got.reason, got.value) == ("fallback", "STATIC", payload("fallback"))


def test_a_split_that_flagd_cannot_judge_becomes_a_static_fallback() -> None:
    good = b.feature()
    split = good.status.split.but(candidate=10.5, stable=89.5)
    flags = feature_flags(good.but(status=good.status.but(split=split)), ())
    assert b.counted(flags)["fallback"] == len(b.KEYS)


def test_a_fallback_that_cannot_be_sent_becomes_the_plainest_one() -> None:
    good = b.feature(fallback={"type": "Disabled"})
    broken = good.spec.fallback.but(text="\ud800")
    flags = feature_flags(good.but(spec=good.spec.but(fallback=broken)), ())
    got = b.evaluated(b.core_with(flags), "user-1")
    assert got.value["fallback"]["chain"][0]["type"] == "Disabled"  # type: ignore[index]
    assert len(flags.problems) == 2


def test_a_set_is_a_flagd_document() -> None:
    document = json.loads(feature_flags(b.feature(), ()).text)
    assert document["$schema"] == "https://flagd.dev/schema/v0/flags.json"
    assert document["metadata"] == {"flagSetId": "shop/chat"}
    assert set(document["flags"]) == {"chat.release", "chat.bucket"}


def test_a_set_over_three_mebibytes_is_refused_with_its_size() -> None:
    part = '"k":"' + "x" * (3 * 1024 * 1024) + '"'
    with pytest.raises(SetTooLarge, match=r"shop has 3,145,8\d\d bytes.*<namespace>/<feature>"):
        set_text("shop", [part])
