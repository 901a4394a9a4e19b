"""A contract check tells a neighbour that changed from one that is away, and keeps no answer."""

import asyncio
import json

import httpx
import pytest
from aiohttp import web

from goaround.api.base import Json
from goaround.api.names import PIN_HEADER
from goaround.api.preflight import Contract
from goaround.world import contracts
from goaround.world.asking import Target
from goaround.world.contracts import BadContract, breach, ready
from goaround.world.golden import Unavailable
from tests.unit.world.golden_stub import CANDIDATE, LIMITS, Handler, says, serving

SCHEMA = {"type": "object", "required": ["ok"], "properties": {"ok": {"const": True}}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "PIN_SECONDS", 0.2)
    monkeypatch.setattr(contracts, "PIN_PAUSE", 0.02)


def a_contract(neighbour: str = "Tool", **answer: object) -> Contract:
    body: Json = {
        "name": "prices",
        "neighbour": neighbour,
        "endpoint": {"endpointRef": "prices"},
        "request": {"body": '{"case": "sku-1"}'},
        "answer": answer or {"jsonSchema": json.dumps(SCHEMA)},
    }
    return Contract.model_validate(body)


def checked(handler: Handler, contract: Contract) -> tuple[str | None, list[dict[str, str]]]:
    async def told() -> tuple[str | None, list[dict[str, str]]]:
        async with serving(handler) as app, httpx.AsyncClient(trust_env=False) as http:
            asked = ready(contract, CANDIDATE)
            why = await breach(http, Target(app.url), asked, LIMITS, offload=asyncio.to_thread)
            return why, [dict(h) for h in app.headers]

    return asyncio.run(told())


async def keeps(_: web.Request, release: str, __: str) -> web.StreamResponse:
    return says(release)


async def breaks(_: web.Request, release: str, __: str) -> web.StreamResponse:
    return says(release, ok=False)


async def refuses(_: web.Request, __: str, ___: str) -> web.StreamResponse:
    return web.json_response({"error": "a number must be a number"}, status=400)


def test_a_neighbour_that_answers_as_agreed_keeps_its_contract() -> None:
    assert checked(keeps, a_contract())[0] is None


def test_a_neighbour_that_answers_otherwise_breaks_it_and_is_asked_twice() -> None:
    why, asked = checked(breaks, a_contract())
    assert why == "schema does not hold"
    assert len(asked) == 2


def test_one_bad_answer_alone_breaks_nothing() -> None:
    seen: list[int] = []

    async def stumbles(_: web.Request, release: str, __: str) -> web.StreamResponse:
        seen.append(1)
        return says(release, ok=len(seen) > 1)

    assert checked(stumbles, a_contract())[0] is None


def test_a_wrong_input_must_be_refused_where_the_contract_says_so() -> None:
    assert checked(refuses, a_contract("Input", status=400, mustContain=["number"]))[0] is None
    assert checked(keeps, a_contract("Input", status=400))[0] == "HTTP 200 instead of 400"


def test_texts_must_and_must_not_be_there() -> None:
    assert checked(keeps, a_contract(mustContain=["nothing"]))[0] == "mustContain does not hold"
    assert checked(keeps, a_contract(mustNotContain=["ok"]))[0] == "mustNotContain does not hold"


def test_only_the_input_of_the_feature_learns_the_pin() -> None:
    assert checked(keeps, a_contract("Input"))[1][0][PIN_HEADER] == CANDIDATE.pin
    assert PIN_HEADER not in checked(keeps, a_contract("Storage"))[1][0]


def test_an_input_that_another_release_answers_proves_nothing() -> None:
    async def stays(_: web.Request, __: str, ___: str) -> web.StreamResponse:
        return says("chat@aaaaaaaaaaaa")

    with pytest.raises(Unavailable, match="another release"):
        checked(stays, a_contract("Input"))


def test_a_neighbour_that_is_away_breaks_no_contract() -> None:
    async def told() -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            asked = ready(a_contract(), CANDIDATE)
            target = Target("http://127.0.0.1:9/")
            await breach(http, target, asked, LIMITS, offload=asyncio.to_thread)

    with pytest.raises(Unavailable, match="takes no connection"):
        asyncio.run(told())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"jsonSchema": "{"}, "must be JSON text"),
        ({"jsonSchema": '{"type": "objekt"}'}, "not a JSON Schema"),
        ({"jsonSchema": '{"$ref": "https://example.invalid/x"}'}, "nothing is fetched"),
    ],
)
def test_a_check_that_cannot_be_understood_is_told_so(answer: Json, told: str) -> None:
    with pytest.raises(BadContract, match=told):
        ready(a_contract(**answer), CANDIDATE)
