"""The control port: who is admitted, what is understood, and how the operator asks all replicas."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from goaround.delivery.control import MAX_BODY_BYTES, ControlPorts, TokenFile, Told
from goaround.delivery.flaghttp import FlagHttp
from goaround.delivery.flagserver import Replica
from goaround.delivery.replicas import StaticReplicas, read_replicas
from goaround.delivery.streams import Streams
from tests.unit.delivery import builders as b
from tests.unit.delivery.control_kit import (
    NOBODY,
    TOKEN,
    a_lowering,
    candidate_share,
    listed,
    ports,
    posted,
    replica,
    run,
    wire,
)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer \xfc"]
)
def test_without_the_token_nobody_is_admitted(token: Path, authorization: str) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body()) as one:
            assert (await posted(one, wire(), authorization))[0] == 401
            assert candidate_share(one.state) == 10

    run(test())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        "{}",
        json.dumps(json.loads(wire()) | {"split": {"stable": 50, "candidate": 0}}),
        json.dumps(json.loads(wire()) | {"split": {"stable": 110, "candidate": -10}}),
        json.dumps(json.loads(wire()) | {"revision": -1}),
        json.dumps(json.loads(wire()) | {"revision": 1 << 60}),
        json.dumps(json.loads(wire()) | {"digest": "v42"}),
        json.dumps(json.loads(wire()) | {"uid": ""}),
    ],
)
def test_a_body_that_is_not_understood_changes_nothing(token: Path, body: str) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body()) as one:
            status, told = await posted(one, body)
            assert status == 400
            assert told["reason"]
            assert candidate_share(one.state) == 10

    run(test())


def test_a_body_over_the_limit_is_not_read(token: Path) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body()) as one:
            assert (await posted(one, wire() + " " * MAX_BODY_BYTES))[0] == 413
            assert candidate_share(one.state) == 10

    run(test())


def test_each_answer_says_what_is_served(token: Path) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body()) as one:
            assert await posted(one, wire(candidate=5)) == (200, {"candidate": 5})
            status, told = await posted(one, wire(candidate=7))
            assert (status, told["candidate"]) == (409, 5)
            assert (await posted(one, wire(uid="nobody")))[0] == 404

    run(test())


def test_before_everything_is_listed_nothing_is_taken(token: Path) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body(), ready=False) as one:
            assert (await posted(one, wire()))[0] == 503

    run(test())


def test_a_token_that_is_renewed_in_place_is_the_token_from_then_on(token: Path) -> None:
    file = TokenFile(token)
    assert file.admits(f"Bearer {TOKEN}")
    token.write_text("another-token-of-enough-length")
    assert not file.admits(f"Bearer {TOKEN}")
    token.write_text("")
    assert not file.admits("Bearer ")


def test_every_replica_is_lowered_and_says_so_among_its_revisions(token: Path) -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            two = [await stack.enter_async_context(replica(token, b.feature_body())) for _ in "ab"]
            asks = await stack.enter_async_context(ports(token, *(one.url for one in two)))
            assert await asks.lower(a_lowering()) == Told(2, 2)
            assert [candidate_share(one.state) for one in two] == [0, 0]
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            told = (await http.get(f"{two[0].url}/revisions")).json()
            assert told["revisions"]["uid-chat"]["lowered"] is True
            assert await asks.lower(a_lowering()) == Told(2, 2)

    run(test())


def test_a_dead_replica_keeps_no_other_from_being_told(token: Path) -> None:
    async def test() -> None:
        async with replica(token, b.feature_body()) as one, ports(token, NOBODY, one.url) as asks:
            told = await asks.lower(a_lowering())
            assert (told.lowered, told.replicas) == (1, 2)
            assert told.problems[0].startswith(NOBODY)
            assert candidate_share(one.state) == 0

    run(test())


def test_a_replica_that_hangs_keeps_no_other_from_being_told(token: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        hanging = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with (
            server,
            replica(token, b.feature_body()) as one,
            ports(token, hanging, one.url, timeout=0.5) as asks,
        ):
            asking = asyncio.create_task(asks.lower(a_lowering()))
            while candidate_share(one.state):
                assert not asking.done(), "the good one was not told first"
                await asyncio.sleep(0.01)
            assert str(await asking) == "lowered on 1 of 2 flag replicas"

    run(test())


def test_a_replica_that_serves_as_little_already_counts_as_lowered(token: Path) -> None:
    async def test() -> None:
        body = b.feature_body(revision=101, stage="RolledBack", split=(100, 0, 0))
        async with replica(token, body) as one, ports(token, one.url) as asks:
            assert await asks.lower(a_lowering()) == Told(1, 1)

    run(test())


def test_a_replica_that_serves_more_is_a_problem_with_its_reason(token: Path) -> None:
    async def test() -> None:
        async with (
            replica(token, b.feature_body(flying=b.candidate("v43"))) as one,
            ports(token, one.url) as asks,
        ):
            told = await asks.lower(a_lowering())
            assert told.lowered == 0
            assert "409: attempt 1 of" in told.problems[0]

    run(test())


def test_a_replica_without_a_control_port_is_a_problem(token: Path) -> None:
    async def test() -> None:
        here = Replica.of("r", listed(b.feature_body())[0], Streams(1))
        http = FlagHttp(here)
        url = f"http://127.0.0.1:{await http.start('127.0.0.1', 0)}"
        async with ports(token, url) as asks:
            assert "no control port" in (await asks.lower(a_lowering())).problems[0]
        await http.stop()

    run(test())


def test_a_control_port_that_moved_is_found_again(token: Path) -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            async with replica(token, b.feature_body()) as one:
                asks = ControlPorts(http, StaticReplicas((one.url,)), TokenFile(token))
                assert (await asks.lower(a_lowering(5))).lowered == 1
            same = httpx.URL(one.url).port or 0
            async with replica(token, b.feature_body(), port=same) as two:
                assert two.url == one.url
                assert (await asks.lower(a_lowering(3))).lowered == 1

    run(test())


def test_without_a_readable_token_nobody_is_asked(tmp_path: Path) -> None:
    async def test() -> None:
        async with ports(tmp_path / "gone", NOBODY) as asks:
            told = await asks.lower(a_lowering())
            assert (told.lowered, told.replicas) == (0, 1)
            assert "cannot be read" in told.problems[0]

    run(test())


def test_a_short_token_is_none(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("short")
    with pytest.raises(ValueError, match="shorter than 16"):
        TokenFile(path).read()
    assert not TokenFile(path).admits("Bearer short")


def test_a_lowered_replica_does_not_count_as_having_heard_of_the_decision(token: Path) -> None:
    async def test() -> None:
        async with (
            replica(token, b.feature_body()) as deaf,
            replica(token, b.feature_body()) as two,
        ):
            two.state.see_feature(
                "MODIFIED", b.feature_body(revision=101, stage="RolledBack", split=(100, 0, 0))
            )
            deaf.state.lower(a_lowering())
            async with httpx.AsyncClient(trust_env=False) as http:
                view = await read_replicas(http, [deaf.url, two.url], "uid-chat")
            assert (view.revision, view.replicas, view.expected) == (101, 1, 2)
            assert "has not heard of the decision" in view.problems[0]

    run(test())
