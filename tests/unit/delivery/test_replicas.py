"""What the operator learns from flag replicas, asked over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from aiohttp import web

from goaround.api.base import Json
from goaround.delivery.flaghttp import FlagHttp
from goaround.delivery.flagserver import Replica
from goaround.delivery.flagstate import FlagState
from goaround.delivery.replicas import Replicas, ReplicaView, StaticReplicas, read_replicas
from goaround.delivery.streams import Streams
from tests.unit.delivery import builders as b

NOBODY = "http://127.0.0.1:9"


def run(test: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


@asynccontextmanager
async def replica(*features: Json, ready: bool = True) -> AsyncIterator[str]:
    """The HTTP side of a real replica."""
    streams = Streams(10)
    state = FlagState(on_change=streams.changed)
    state.list_features(features)
    if ready:
        state.list_switches([])
    http = FlagHttp(Replica.of("r", state, streams))
    port = await http.start("127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await http.stop()


@asynccontextmanager
async def counting(answer: Json) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers anything asked, and what it was asked."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        await asyncio.sleep(0.01)
        return web.json_response(answer)

    app = web.Application()
    app.router.add_get("/{any:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def test_the_lowest_revision_of_all_replicas_counts() -> None:
    async def test() -> None:
        async with AsyncExitStack() as stack:
            urls = [
                await stack.enter_async_context(replica(b.feature_body(revision=n)))
                for n in (105, 104)
            ]
            http = await stack.enter_async_context(httpx.AsyncClient())
            view = await read_replicas(http, urls, "uid-chat")
            assert view == ReplicaView(104, replicas=2, expected=2, streams=0, problems=())

    run(test())


def test_a_replica_that_is_dead_or_not_ready_is_a_problem_and_no_answer() -> None:
    async def test() -> None:
        async with (
            replica(b.feature_body()) as good,
            replica(ready=False) as early,
            httpx.AsyncClient() as http,
        ):
            view = await read_replicas(http, [good, early, NOBODY], "uid-chat")
            assert (view.revision, view.replicas, view.expected) == (100, 1, 3)
            assert [p.split(": ", 1)[0] for p in view.problems] == [early, NOBODY]

    run(test())


def test_without_any_answer_there_is_no_revision() -> None:
    async def test() -> None:
        async with httpx.AsyncClient() as http:
            view = await read_replicas(http, [NOBODY], "uid-chat")
            assert (view.revision, view.replicas, view.expected) == (None, 0, 1)

    run(test())


def test_a_replica_that_does_not_serve_the_feature_holds_the_revision_at_zero() -> None:
    async def test() -> None:
        async with replica(b.feature_body()) as one, replica() as two, httpx.AsyncClient() as http:
            view = await read_replicas(http, [one, two], "uid-chat")
            assert view.revision == 0
            assert view.problems == (f"{two}: does not serve the feature",)

    run(test())


def test_a_flag_that_was_replaced_is_a_problem_of_its_feature_only() -> None:
    bad = b.feature_body()
    bad["status"]["split"] = {"stable": "many"}

    async def test() -> None:
        async with replica(bad, b.feature_body("search")) as url, httpx.AsyncClient() as http:
            assert "cannot be read" in (await read_replicas(http, [url], "uid-chat")).problems[0]
            assert (await read_replicas(http, [url], "uid-search")).problems == ()

    run(test())


def test_an_answer_that_is_something_else_is_a_problem() -> None:
    async def test() -> None:
        async with counting({"revisions": 3}) as (url, _), httpx.AsyncClient() as http:
            view = await read_replicas(http, [url], "uid-chat")
            assert view.replicas == 0
            assert "something else" in view.problems[0]

    run(test())


def test_a_thousand_features_ask_each_replica_once() -> None:
    async def test() -> None:
        answer = {"listed": True, "replica": "r", "revisions": {}}
        async with counting(answer) as (url, asked), httpx.AsyncClient() as http:
            replicas = Replicas(http, StaticReplicas((url,)), max_age=60.0)
            await asyncio.gather(*(replicas.read(f"uid-{n}") for n in range(1000)))
            assert asked == ["/revisions"]

    run(test())


def test_an_old_view_is_asked_for_again() -> None:
    async def test() -> None:
        answer = {"listed": True, "replica": "r", "revisions": {}}
        async with counting(answer) as (url, asked), httpx.AsyncClient() as http:
            replicas = Replicas(http, StaticReplicas((url,)), max_age=0.0)
            await replicas.read("uid-chat")
            await replicas.read("uid-chat")
            assert len(asked) == 2

    run(test())


def test_probes_and_metrics_say_whether_everything_is_listed() -> None:
    async def test() -> None:
        async with replica(ready=False) as early, replica() as late, httpx.AsyncClient() as http:
            for url, ready, value in ((early, 503, "0.0"), (late, 200, "1.0")):
                assert (await http.get(f"{url}/livez")).status_code == 200
                assert (await http.get(f"{url}/readyz")).status_code == ready
                metrics = (await http.get(f"{url}/metrics")).text
                assert f"goaround_flags_listed {value}" in metrics

    run(test())
