"""Texts by reference on the wire: from the record, called by their hash, or the fallback."""

import json
from typing import Any

from goaround.api.base import Json
from goaround.api.content import hash_of
from goaround.delivery.flagpins import Pinned
from goaround.delivery.flagset import feature_flags
from goaround.delivery.flagstate import FlagState
from goaround.delivery.selector import Selector
from tests.unit.delivery import builders as b

PROMPT, SCHEMA = "Answer politely.", json.dumps({"type": "object", "required": ["answer"]})
TEXTS = {hash_of(text): text for text in (PROMPT, SCHEMA)}
CONTRACT: Json = {
    "output": {"schemaRef": {"name": "contract", "key": "newer.json"}, "violationLogDays": 7}
}
KEY = ("shop", "chat")


def a_body(**more: Any) -> Json:
    """v41 is good and names its texts by reference; v42 flies."""
    body = b.feature_body(**more)
    body["status"]["lastKnownGood"]["release"] |= {
        "prompt": {"configMapRef": {"name": "prompts", "key": "v41", "hash": hash_of(PROMPT)}},
        "contract": {"output": {"name": "contract", "key": "s.json", "hash": hash_of(SCHEMA)}},
    }
    return body


def stable(texts: dict[str, str], **more: Any) -> Json:
    read, _ = b.read_feature(b.feature_facts(a_body(**more)))
    found: Json = feature_flags(read, (), None, texts).flags["chat.release"]["variants"]["stable"]
    return found


def listed() -> FlagState:
    state = FlagState(on_change=lambda _: None)
    state.list_features([a_body()])
    state.list_switches([])
    return state


def served(state: FlagState) -> Json:
    flags = json.loads(state.snapshot(Selector("shop", "chat")).text)["flags"]
    value: Json = flags["chat.release"]["variants"]["stable"]
    return value


def test_the_text_of_the_prompt_is_served_beside_its_hash() -> None:
    assert stable(TEXTS)["prompt"] == {
        "configMapRef": {"name": "prompts", "key": "v41", "hash": hash_of(PROMPT)},
        "text": PROMPT,
    }


def test_the_schema_of_the_release_is_served_on_the_terms_of_spec() -> None:
    assert stable(TEXTS, contract=CONTRACT)["contract"] == {
        "output": {
            "schema": json.loads(SCHEMA),
            "retries": 1,
            "onViolation": "Fallback",
            "violationLogDays": 7,
        }
    }


def test_a_contract_that_spec_dropped_is_served_on_the_usual_terms() -> None:
    assert stable(TEXTS)["contract"]["output"]["violationLogDays"] == 14


def test_a_release_without_its_text_is_not_served_but_the_fallback() -> None:
    assert stable({})["enabled"] is False


def test_nothing_is_sent_before_the_texts_were_asked_for() -> None:
    state = listed()
    assert not state.listed
    assert state.missing == ("texts of releases of all",)
    state.texts_asked(state.texts.missing().keys())
    assert state.listed


def test_texts_asked_for_others_do_not_end_the_wait() -> None:
    state = listed()
    state.texts_asked([("shop", "search-0123456789ab")])
    assert not state.listed


def test_a_text_is_served_as_soon_as_it_is_known() -> None:
    state = listed()
    assert list(state.texts.missing()) == [("shop", f"chat-{b.short_digest('v41')}")]
    assert state.learned(KEY, TEXTS.values())
    assert served(state)["prompt"]["text"] == PROMPT
    assert state.texts.missing() == {}


def test_a_text_that_nobody_asked_for_is_not_kept() -> None:
    state = listed()
    assert not state.learned(KEY, ["Answer rudely."])
    assert served(state)["enabled"] is False


def test_a_kill_is_as_short_as_if_there_were_no_texts() -> None:
    state = listed()
    state.learned(KEY, TEXTS.values())
    state.see_switch("ADDED", b.switch_body())
    assert PROMPT not in state.snapshot(Selector("shop", "chat")).text


def test_a_kill_needs_no_text() -> None:
    state = listed()
    state.see_switch("ADDED", b.switch_body())
    flags = json.loads(state.snapshot(Selector("shop", "chat")).text)["flags"]
    assert flags["chat.release"]["defaultVariant"] == "fallback"


def test_texts_of_a_release_that_is_gone_are_forgotten() -> None:
    state = listed()
    state.learned(KEY, TEXTS.values())
    state.see_feature("MODIFIED", b.feature_body())
    state.see_feature("MODIFIED", a_body())
    assert served(state)["enabled"] is False


def test_the_largest_legal_texts_fit_into_a_set() -> None:
    """256 KiB of prompt and two schemas of 32 KiB, in both releases and the ones before them, for
    users and for a golden run."""
    prompt, schema = "x" * (256 * 1024 - 2), json.dumps({"title": "y" * (32 * 1024 - 40)})
    texts = {hash_of(text): text for text in (prompt, schema)}
    chain = [{"name": "before", "type": "PreviousRelease"}, {"name": "off", "type": "Disabled"}]
    body = b.feature_body(fallback={"chain": chain})
    schemas = {"name": "contract", "key": "s.json", "hash": hash_of(schema)}
    big = {
        "prompt": {"configMapRef": {"name": "prompts", "key": "k", "hash": hash_of(prompt)}},
        "contract": {"input": schemas, "output": schemas},
    }
    body["status"]["previousGood"] = b.known("v40")
    for place in ("lastKnownGood", "previousGood", "candidate"):
        body["status"][place]["release"] |= big
    read, _ = b.read_feature(b.feature_facts(body))
    flags = feature_flags(read, (), Pinned("one word", "another"), texts)
    assert flags.problems == ()
    assert "golden" in flags.flags["chat.release"]["variants"]
    assert 2_000_000 < len(flags.text.encode()) < 3 * 1024 * 1024
