"""The demo application against a real flag stream, a real provider and real HTTP.

Decides that labels, headers and counts follow the flag. Waiting is bounded; no speed is asserted.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from examples.client.goaround_client import BUCKETS
from examples.demo.app import build_app
from examples.demo.load import Plan, run
from examples.demo.service import FlagSource
from tests.unit.demo.builders import (
    CANDIDATE_DIGEST,
    FEATURE,
    NAMESPACE,
    STABLE_DIGEST,
    FlagServer,
    flag_set,
    payload,
)

QUESTION = "How much does express cost?"
QUOTING = 'I read "Express" on your site. How much does express cost?'
BAD_CANDIDATE = payload(digest=CANDIDATE_DIGEST, prompt="v43-bad")
Client = TestClient[Any, Any]


@pytest.fixture
def flags() -> Iterator[FlagServer]:
    server = FlagServer(flag_set(candidate=BAD_CANDIDATE, percent=50))
    yield server
    server.stop()


@asynccontextmanager
async def running(source: FlagSource) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(source))) as client:
        yield client


async def ask(client: Client, user: str, question: str = QUESTION) -> dict[str, Any]:
    async with client.post("/ask", json={"user": user, "question": question}) as response:
        assert response.status == 200
        body: dict[str, Any] = await response.json()
        return body | {"header": response.headers["x-aifeature-release"]}


async def until_variant(client: Client, variant: str) -> None:
    """Ask as one user until the flag puts that user on `variant`; at most 300 times."""
    for _ in range(300):
        if (await ask(client, "user-1"))["variant"] == variant:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never on {variant}")


async def counted(client: Client, **labels: str) -> float:
    """Sum of ai_requests_total over all series with these labels."""
    return summed(await (await client.get("/metrics")).text(), **labels)


def summed(page: str, **labels: str) -> float:
    ours = [line for line in page.splitlines() if line.startswith("ai_requests_total")]
    found = [s for f in text_string_to_metric_families("\n".join(ours)) for s in f.samples]
    return sum(s.value for s in found if labels.items() <= s.labels.items())


def test_the_app_asks_for_its_own_flag_only(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            await ask(client, "user-1")

    asyncio.run(scenario())
    assert set(flags.selectors) == {f"{NAMESPACE}/{FEATURE}"}


def test_users_are_split_and_each_answer_carries_its_release(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            answers = [await ask(client, f"user-{n}") for n in range(100)]
            seen = {(a["variant"], a["release"], a["header"]) for a in answers}
            assert seen == {
                ("stable", STABLE_DIGEST, f"{FEATURE}@{STABLE_DIGEST}"),
                ("candidate", CANDIDATE_DIGEST, f"{FEATURE}@{CANDIDATE_DIGEST}"),
            }
            again = [await ask(client, f"user-{n}") for n in range(100)]
            assert [a["variant"] for a in again] == [a["variant"] for a in answers]

    asyncio.run(scenario())


def test_every_request_of_a_user_is_counted_in_a_bucket(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            for n in range(100):
                await ask(client, f"user-{n}")
            labels = {"namespace": NAMESPACE, "ai_feature": FEATURE, "result": "ok"}
            page = await (await client.get("/metrics")).text()
            kept = "\n".join(line for line in page.splitlines() if 'result="ok"' in line)
            total = summed(kept, **labels)
            by_bucket = [summed(kept, **labels, ai_bucket=b) for b in BUCKETS]
            assert total == sum(by_bucket) == 100
            assert sum(count > 0 for count in by_bucket) > 10

    asyncio.run(scenario())


def test_a_request_without_a_user_is_unassigned_and_gets_the_stable_release(
    flags: FlagServer,
) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            answer = await ask(client, "")
            assert (answer["variant"], answer["release"]) == ("unassigned", STABLE_DIGEST)
            assert await counted(client, ai_variant="unassigned", ai_bucket="") == 1
            assert await counted(client, ai_variant="stable") == 0

    asyncio.run(scenario())


def test_a_schema_error_is_counted_on_the_candidate_and_the_user_gets_the_legacy_answer(
    flags: FlagServer,
) -> None:
    flags.send(flag_set(candidate=BAD_CANDIDATE, percent=100))

    async def scenario() -> None:
        async with running(flags.source) as client:
            answer = await ask(client, "user-1", QUOTING)
            assert (answer["variant"], answer["result"]) == ("candidate", "schema_error")
            assert (answer["served_by"], answer["sources"]) == ("CodeDefault", [])
            assert await counted(client, ai_variant="candidate", result="schema_error") == 1
            log = await (await client.get("/evaluations")).json()
            flown = log["releases"][CANDIDATE_DIGEST]
            assert (flown["count"], flown["bad"]) == (1, 1)
            assert flown["first"] <= flown["first_bad"] <= log["now"]

    asyncio.run(scenario())


def test_a_published_contract_and_chain_are_kept(flags: FlagServer) -> None:
    short = {"type": "object", "properties": {"question": {"maxLength": 60}}}
    away = {"name": "away", "type": "Disabled", "text": "Write to us."}
    told = BAD_CANDIDATE | {"contract": {"input": {"schema": short}}}
    told |= {"fallback": {"chain": [{"name": "rules", "type": "Rules"}, away], "landing": "rules"}}
    flags.send(flag_set(candidate=told, percent=100))

    async def scenario() -> None:
        async with running(flags.source) as client:
            answer = await ask(client, "user-1", 'I read "it". What is express?')
            assert (answer["result"], answer["served_by"]) == ("schema_error", "away")
            assert answer["answer"] == "Write to us."
            too_long = {"user": "user-1", "question": "x" * 61}
            async with client.post("/ask", json=too_long) as response:
                assert response.status == 400
                assert "maxLength: 60" in (await response.json())["error"]
            assert await counted(client, ai_feature=FEATURE) == 1

    asyncio.run(scenario())


def test_an_unknown_version_counts_as_error_and_serves_the_legacy_answer(
    flags: FlagServer,
) -> None:
    unknown = payload(digest=CANDIDATE_DIGEST, model="2099-01-01")
    flags.send(flag_set(candidate=unknown, percent=100))

    async def scenario() -> None:
        async with running(flags.source) as client:
            answer = await ask(client, "user-1")
            assert (answer["result"], answer["served_by"]) == ("error", "CodeDefault")
            assert await counted(client, ai_variant="candidate", result="error") == 1

    asyncio.run(scenario())


def test_a_kill_reaches_every_user_and_the_log_shows_when(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            for n in range(20):
                await ask(client, f"user-{n}")
            flags.send(flag_set(candidate=BAD_CANDIDATE, percent=50, killed=True))
            await until_variant(client, "fallback")
            answers = [await ask(client, f"user-{n}") for n in range(20)]
            assert {a["header"] for a in answers} == {f"{FEATURE}@fallback"}
            assert {a["result"] for a in answers} == {"ok"}
            log = await (await client.get("/evaluations")).json()
            assert log["variants"]["candidate"]["last"] < log["variants"]["fallback"]["first"]
            assert await counted(client, ai_variant="fallback") == 21

    asyncio.run(scenario())


def test_without_a_flag_server_at_boot_the_app_serves_fallback_and_recovers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = FlagSource(NAMESPACE, FEATURE, host="127.0.0.1", port=port)

    async def scenario() -> None:
        async with running(source) as client:
            answer = await ask(client, "user-1")
            assert (answer["variant"], answer["header"]) == ("fallback", f"{FEATURE}@fallback")
            assert (await client.get("/healthz")).status == 200
            server = FlagServer(flag_set(candidate=BAD_CANDIDATE, percent=0), port=port)
            try:
                await until_variant(client, "stable")
            finally:
                await asyncio.to_thread(server.stop)
            assert (await ask(client, "user-1"))["variant"] == "stable"

    asyncio.run(scenario())


def test_expected_series_start_at_zero(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            text = await (await client.get("/metrics")).text()
            for variant in ("stable", "candidate", "fallback"):
                assert f'ai_variant="{variant}",namespace="{NAMESPACE}",result="schema_err' in text
            assert await counted(client, ai_feature=FEATURE) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("body", ["", "{}", '{"question": ""}', "[1]"])
def test_a_body_without_a_question_is_refused_and_not_counted(flags: FlagServer, body: str) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            assert (await client.post("/ask", data=body)).status == 400
            assert await counted(client, ai_feature=FEATURE) == 0

    asyncio.run(scenario())


def test_the_load_stops_by_itself_and_tells_what_it_saw(flags: FlagServer) -> None:
    async def scenario() -> None:
        async with running(flags.source) as client:
            plan = Plan(str(client.make_url("")).rstrip("/"), rate=50, seconds=1.0, users=50)
            tally = await run(plan)
            assert tally.sent + tally.skipped <= 50
            assert tally.failed == 0
            assert sum(tally.by_variant.values()) == tally.sent > 0
            assert await counted(client, ai_feature=FEATURE) == tally.sent

    asyncio.run(scenario())


def test_the_load_never_holds_more_requests_than_allowed() -> None:
    """A server that takes the connection and never answers."""

    async def scenario() -> None:
        held: list[asyncio.StreamWriter] = []

        async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.append(writer)

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        plan = Plan(url, rate=100, seconds=0.3, max_outstanding=4, request_seconds=0.5)
        tally = await run(plan)
        for writer in held:
            writer.close()
        server.close()
        assert (tally.sent, tally.failed) == (4, 4)
        assert tally.skipped > 0

    asyncio.run(scenario())
