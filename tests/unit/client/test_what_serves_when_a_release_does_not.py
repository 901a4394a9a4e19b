"""The contract, the one more try, and the chain: a user always gets something.

Decides what is blocked before the model, what counts as a violation, and which member serves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from examples.client.goaround_client import (
    SWITCHED_OFF,
    ContractViolation,
    InputRejected,
    Reply,
    Wire,
)
from tests.unit.client.kit import BAD, CONTRACT, GOOD, NEW, OLD, App, flag, value


def says(output: object) -> Callable[[Any, Wire], Any]:
    return lambda _, member: output if output is not None else member["name"]


def breaks(_: object, member: Wire) -> object:
    raise ConnectionError(str(member["name"]))


MODEL = {"name": "small", "type": "SmallModel", "model": {"name": "s", "version": "1"}}
BEFORE = {"name": "before", "type": "PreviousRelease", "release": {"release": "bbbbbbbbbbbb"}}
RULES = {"name": "rules", "type": "Rules"}
CACHED = {"name": "cached", "type": "CachedOutput"}
OFF = {"name": "off", "type": "Disabled", "text": "Call us."}
BARE_OFF = {"name": "off", "type": "Disabled"}

CHAINS: dict[str, tuple[Sequence[Wire], Mapping[str, Callable[[Any, Wire], Any]], str, object]] = {
    "the first serves": ([RULES, OFF], {"Rules": says(1)}, "rules", 1),
    "one that raises is passed": ([RULES, OFF], {"Rules": breaks}, "off", "Call us."),
    "one that is not registered is passed": ([RULES, OFF], {}, "off", "Call us."),
    "a name goes before a type": ([RULES], {"Rules": breaks, "rules": says(2)}, "rules", 2),
    "a text is the default text": ([BARE_OFF], {}, "off", SWITCHED_OFF),
    "a text may be dressed": ([OFF], {"Disabled": says({"say": "x"})}, "off", {"say": "x"}),
    "a small model keeps the contract": (
        [MODEL, RULES],
        {"SmallModel": says(BAD), "Rules": says(BAD)},
        "rules",
        BAD,
    ),
    "a small model serves": ([MODEL, RULES], {"SmallModel": says(GOOD)}, "small", GOOD),
    "what is no model need not": ([CACHED], {"CachedOutput": says("old")}, "cached", "old"),
    "a chain that fails ends in the code default": (
        [RULES, MODEL],
        {"Rules": breaks, "CodeDefault": says(0)},
        "CodeDefault",
        0,
    ),
    "no chain ends in the code default": ([], {"CodeDefault": says(0)}, "CodeDefault", 0),
    "and that in a text": (
        [RULES, OFF],
        {"Rules": breaks, "Disabled": breaks, "CodeDefault": breaks},
        "Text",
        SWITCHED_OFF,
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_is_walked_until_somebody_serves(name: str) -> None:
    chain, instead, served_by, output = CHAINS[name]
    app = App(instead, says=[RuntimeError("down")])
    told = value(contract=CONTRACT, fallback={"chain": chain, "landing": "rules"})
    reply = app.answer(app.on(told))
    assert (reply.served_by, reply.output, reply.result) == (served_by, output, "error")
    assert app.read("ai_fallbacks_total", reason="error", member=served_by) == 1
    assert app.read("ai_requests_total", ai_variant="stable", result="error") == 1


def test_the_release_before_is_asked_and_must_keep_the_contract() -> None:
    told = value(contract=CONTRACT, fallback={"chain": [BEFORE, OFF]})
    app = App(says=[RuntimeError(), GOOD])
    assert app.answer(app.on(told)).served_by == "before"
    assert app.asked == [OLD, "bbbbbbbbbbbb"]
    app.says = [RuntimeError(), BAD]
    assert app.answer(app.on(told)).served_by == "off"


@pytest.mark.parametrize(
    ("fallback", "served_by", "output"),
    [
        ({"type": "LegacyLogic"}, "LegacyLogic", "legacy"),
        ({"type": "Disabled", "text": "Call us."}, "Disabled", "Call us."),
        ({"chain": [RULES, OFF], "landing": "rules"}, "rules", "ruled"),
        ({"chain": [OFF], "landing": "off"}, "off", "Call us."),
        ({}, "Text", SWITCHED_OFF),
    ],
)
def test_a_kill_lands_where_the_flag_says(fallback: Wire, served_by: str, output: str) -> None:
    app = App({"LegacyLogic": says("legacy"), "Rules": says("ruled")})
    app.flags.send(flag(serves="fallback", fallback=fallback))
    reply = app.answer(app.client.session("user-1"))
    assert (reply.served_by, reply.output, reply.result) == (served_by, output, "ok")
    assert app.read("ai_fallbacks_total", reason="off") == 1
    assert app.asked == []


ONCE = {"output": {**CONTRACT["output"], "retries": 0}}
UNSAID = {"output": {"schema": CONTRACT["output"]["schema"]}}
RULE_BROKEN = ContractViolation("price below cost")
TRIES: dict[str, tuple[Wire | None, list[object], str, int]] = {
    "good": (CONTRACT, [GOOD], "ok", 1),
    "bad, then good": (CONTRACT, [BAD, GOOD], "ok", 2),
    "bad twice": (CONTRACT, [BAD], "schema_error", 2),
    "no second try": (ONCE, [BAD, GOOD], "schema_error", 1),
    "one more try by default": (UNSAID, [BAD, GOOD], "ok", 2),
    "failures are not tried again": (CONTRACT, [RuntimeError(), GOOD], "error", 1),
    "bad, then failing": (CONTRACT, [BAD, RuntimeError()], "error", 2),
    "a rule of the app": (CONTRACT, [RULE_BROKEN, GOOD], "ok", 2),
    "a rule of the app, without a contract": (None, [RULE_BROKEN, GOOD], "schema_error", 1),
    "no contract, no check": (None, [BAD], "ok", 1),
    "what the app found": (CONTRACT, [Reply(GOOD, "unsupported")], "unsupported", 1),
}


@pytest.mark.parametrize("name", TRIES)
def test_a_violation_is_tried_again_as_often_as_the_contract_says(name: str) -> None:
    contract, outputs, result, asked = TRIES[name]
    app = App({"CodeDefault": says("default")}, says=list(outputs))
    reply = app.answer(app.on(value(contract=contract)))
    assert (reply.result, len(app.asked)) == (result, asked)
    assert reply.output == (GOOD if result in ("ok", "unsupported") and contract else reply.output)
    assert reply.served_by == ("release" if result in ("ok", "unsupported") else "CodeDefault")
    assert app.read("ai_requests_total", result=result) == app.read("ai_requests_total") == 1


def test_a_violation_is_logged_by_its_rule_with_days_to_keep_and_without_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = App(says=[BAD])
    with caplog.at_level(logging.WARNING, "goaround.client"):
        app.answer(app.on(value(contract=CONTRACT)))
        with pytest.raises(InputRejected):
            app.answer(app.on(value(contract=CONTRACT)), {"units": "secret"})
    assert "properties/price/type: 'number'" in caplog.text
    assert "properties/units/type: 'integer'" in caplog.text
    assert caplog.text.count(f"release={OLD} keep_days=9") == 3
    assert "hunter2" not in caplog.text
    assert "secret" not in caplog.text
    assert app.read("contract_output_violations_total", ai_variant="stable") == 2


@pytest.mark.parametrize("units", ["1", 1.5, None, [1], True])
def test_a_wrong_type_is_blocked_before_the_model(units: object) -> None:
    app = App()
    with pytest.raises(InputRejected, match="properties/units/type: 'integer'"):
        app.answer(app.on(value(NEW, contract=CONTRACT), "candidate"), {"units": units})
    assert app.asked == []
    assert app.read("contract_input_rejected_total", ai_variant="candidate") == 1
    assert app.read("ai_requests_total") == 0


@pytest.mark.parametrize(
    "schema", [{"type": 5}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "("}, 7, "object"]
)
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_contract_that_cannot_be_read_serves_the_fallback(side: str, schema: object) -> None:
    app = App({"CodeDefault": says("default")}, says=["text"])
    reply = app.answer(app.on(value(contract={side: {"schema": schema}})), "text")
    assert (reply.output, reply.result) == ("default", "error")


def test_a_contract_that_allows_nothing_allows_nothing() -> None:
    app = App({"CodeDefault": says("default")})
    reply = app.answer(app.on(value(contract={"output": {"schema": False}})))
    assert (reply.output, reply.result) == ("default", "schema_error")
