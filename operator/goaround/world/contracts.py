"""One contract check: does a neighbour of the feature still answer as was agreed?

Decides by status, schema and texts of the answer, in two tries. Refuses to quote the answer, and to
take a neighbour that cannot be reached for one that breaks its contract.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Final

import httpx

from goaround.api.preflight import Contract, ContractAnswer, Neighbour
from goaround.evidence.golden_assertions import Assertion, Contains, FitsSchema, answer, broken
from goaround.evidence.golden_schema import Unfit, compiled
from goaround.world.asking import Failure, Limits, Question, Reply, Target, ask
from goaround.world.golden import PIN_PAUSE, PIN_SECONDS, Arm, Offload, Unavailable

TRIES: Final = 2


class BadContract(ValueError):
    """The check itself cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class ReadyContract:
    """A check whose request and answer were understood. release: who must answer, where that is
    the feature itself."""

    name: str
    question: Question
    status: int
    assertions: tuple[Assertion, ...]
    release: str | None = None


def ready(contract: Contract, candidate: Arm) -> ReadyContract:
    """The check as it is run; the feature's own input is asked of the candidate, and nobody else
    learns the pin. Raises BadContract."""
    asked = contract.request
    try:
        if asked.body:
            json.loads(asked.body)
        assertions = tuple(_assertions(contract.answer))
    except (Unfit, ValueError, RecursionError) as err:
        told = str(err) if isinstance(err, Unfit) else "body and jsonSchema must be JSON text"
        raise BadContract(f"contract {contract.name}: {told}") from err
    body = asked.body.encode() if asked.method == "POST" else b""
    arm = candidate if contract.neighbour is Neighbour.INPUT else None
    question = Question(asked.method, body, arm.pin if arm is not None else None)
    release = arm.release if arm is not None else None
    return ReadyContract(contract.name, question, contract.answer.status, assertions, release)


def _assertions(wanted: ContractAnswer) -> list[Assertion]:
    found: list[Assertion] = [Contains("", text) for text in wanted.must_contain]
    found += [Contains("", text, wanted=False) for text in wanted.must_not_contain]
    if wanted.json_schema is not None:
        found.append(FitsSchema("", compiled(json.loads(wanted.json_schema))))
    return found


async def breach(
    client: httpx.AsyncClient,
    target: Target,
    contract: ReadyContract,
    limits: Limits,
    *,
    offload: Offload,
) -> str | None:
    """How the neighbour breaks its contract, twice in a row; None where it does not.

    Raises Unavailable where it cannot be reached.
    """
    why: str | None = None
    for _ in range(TRIES):
        reply = await _answered(client, target, contract, limits)
        if reply is Failure.UNREACHABLE:
            raise Unavailable(f"contract {contract.name}: the neighbour takes no connection")
        why = await _why(reply, contract, offload)
        if why is None:
            return None
    return why


async def _answered(
    client: httpx.AsyncClient, target: Target, contract: ReadyContract, limits: Limits
) -> Reply | Failure:
    """The answer, of the release that must give it. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PIN_SECONDS
    while True:
        reply = await ask(client, target, contract.question, limits)
        if isinstance(reply, Failure) or not _is_of_another(reply, contract.release):
            return reply
        if loop.time() >= until:
            raise Unavailable(
                f"contract {contract.name}: another release than {contract.release} answers: the "
                "app must evaluate the flag with x-goaround-pin as targeting key"
            )
        await asyncio.sleep(PIN_PAUSE)


def _is_of_another(reply: Reply, release: str | None) -> bool:
    """What is refused before a release was chosen need not name one."""
    refused = not reply.release and not 200 <= reply.status < 300
    return release is not None and reply.release != release and not refused


async def _why(reply: Reply | Failure, contract: ReadyContract, offload: Offload) -> str | None:
    if isinstance(reply, Failure):
        return f"no whole answer ({reply})"
    if reply.status != contract.status:
        return f"HTTP {reply.status} instead of {contract.status}"
    kind: str | None = await offload(_judged, contract, reply.body)
    return f"{kind} does not hold" if kind is not None else None


def _judged(contract: ReadyContract, body: bytes) -> str | None:
    return broken(contract.assertions, answer(body))
