"""What apps fall back to: the chain in every variant, the landing place of a kill, the breaker."""

from typing import Any

from goaround.api.base import Json
from goaround.delivery.flagset import feature_flags
from tests.unit.delivery import builders as b

CHAIN: Json = {
    "chain": [
        {"name": "before", "type": "PreviousRelease"},
        {"name": "small", "type": "SmallModel", "model": {"name": "tiny", "version": "3"}},
        {"name": "cached", "type": "CachedOutput"},
        {"name": "off", "type": "Disabled"},
    ],
    "breaker": {"metric": "confidence", "below": "0.70", "minRequests": 50, "openSeconds": 60},
}


def told(variant: str, **more: Any) -> Json:
    found = feature_flags(b.feature(fallback=CHAIN, **more), ()).flags["chat.release"]
    value: Json = found["variants"][variant]
    return value


def members(variant: str, **more: Any) -> list[str]:
    return [one["name"] for one in told(variant, **more)["fallback"]["chain"]]


def test_every_release_carries_the_chain_in_its_order() -> None:
    assert members("candidate") == ["before", "small", "cached", "off"]
    small, off = told("candidate")["fallback"]["chain"][1::2]
    assert small == CHAIN["chain"][1]
    assert "switched off" in off["text"]


def test_a_kill_lands_at_the_first_member_that_is_no_model() -> None:
    assert told("fallback") == {
        "enabled": False,
        "release": "",
        "fallback": {
            "chain": [{"name": "cached", "type": "CachedOutput"}, told_off()],
            "landing": "cached",
            "breaker": CHAIN["breaker"],
        },
    }


def told_off() -> Json:
    return {
        "name": "off",
        "type": "Disabled",
        "text": "This feature is switched off at the moment.",
    }


def test_the_release_before_a_candidate_is_last_known_good() -> None:
    before = told("candidate")["fallback"]["chain"][0]["release"]
    assert before["release"] == b.short_digest("v41")
    assert before["prompt"] == {"name": "support", "version": "v41"}


def test_without_a_release_before_it_that_member_is_left_out() -> None:
    assert members("stable") == ["small", "cached", "off"]


def test_flagd_takes_a_chain_in_every_variant() -> None:
    flags = feature_flags(b.feature(fallback=CHAIN), ())
    assert flags.problems == ()
    got = b.evaluated(b.core_with(flags), None)
    assert got.value == told("stable")


def test_the_breaker_is_published_as_it_is_written() -> None:
    assert told("stable")["fallback"]["breaker"] == CHAIN["breaker"]


def test_a_type_alone_is_a_chain_of_one() -> None:
    flags = feature_flags(b.feature(fallback={"type": "Rules", "text": "unused"}), ()).flags
    assert flags["chat.release"]["variants"]["fallback"]["fallback"] == {
        "chain": [{"name": "fallback", "type": "Rules"}],
        "landing": "fallback",
    }
