"""The watch port against a scripted API server on loopback: what a list and a gap mean."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from goaround.world.watch import BackOff, Watcher

Step = Callable[[web.Request], Coroutine[None, None, web.StreamResponse]]


@dataclass
class Script:
    """Answers in order, the last for ever, and the queries that were asked."""

    lists: list[Step]
    watches: list[Step]
    asked: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append({"path": request.path} | dict(request.query))
        steps = self.watches if "watch" in request.query else self.lists
        return await (steps.pop(0) if len(steps) > 1 else steps[0])(request)

    @property
    def listed(self) -> int:
        return sum("watch" not in query for query in self.asked)


@dataclass
class Heard:
    """What a watcher called, in order."""

    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_list(self, items: Sequence[Json]) -> None:
        self.calls.append(("LIST", tuple(name(item) for item in items)))
        self.news.set()

    def on_event(self, kind: str, body: Json) -> None:
        self.calls.append((kind, (name(body),)))
        self.news.set()

    def on_fault(self, fault: str) -> None:
        self.faults.append(fault)
        self.news.set()

    async def until(self, holds: Callable[["Heard"], bool]) -> None:
        while not holds(self):
            self.news.clear()
            await self.news.wait()


def name(body: Json) -> str:
    return f"{body['metadata']['name']}@{body['metadata']['resourceVersion']}"


def body(called: str, version: int) -> Json:
    return {"metadata": {"name": called, "resourceVersion": str(version)}}


def page(version: int, *items: Json, more: str = "") -> Step:
    async def step(_: web.Request) -> web.StreamResponse:
        metadata = {"resourceVersion": str(version)} | ({"continue": more} if more else {})
        return web.json_response({"metadata": metadata, "items": list(items)})

    return step


def status(code: int, **headers: str) -> Step:
    async def step(_: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "no"}, status=code, headers=headers)

    return step


def event(kind: str, called: str, version: int) -> str:
    return json.dumps({"type": kind, "object": body(called, version)}) + "\n"


def stream(*lines: str, hang: bool = True) -> Step:
    async def step(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line.encode())
        if hang:
            await asyncio.sleep(60)
        return response

    return step


@asynccontextmanager
async def watched(
    script: Script, *, silence: float = 30.0, namespace: str | None = None
) -> AsyncIterator[Heard]:
    app = web.Application()
    app.router.add_get("/{any:.*}", script.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard = Heard()
    async with ApiClient(Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")) as api:
        watcher = Watcher(
            api, FEATURES, namespace, page=2, silence=silence, on_fault=heard.on_fault
        )
        task = asyncio.create_task(watcher.run(heard.on_list, heard.on_event))
        try:
            yield heard
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    await runner.cleanup()


def run(script: Script, until: Callable[[Heard], bool], *, silence: float = 30.0) -> Heard:
    """Runs a watcher until it has heard enough."""

    async def test() -> Heard:
        async with asyncio.timeout(20), watched(script, silence=silence) as heard:
            await heard.until(until)
            return heard

    return asyncio.run(test())


def test_it_lists_in_pages_and_watches_from_there_with_bookmarks() -> None:
    script = Script(
        [page(7, body("a", 1), body("b", 2), more="next"), page(7, body("c", 3))],
        [stream(event("MODIFIED", "a", 8), event("DELETED", "b", 9))],
    )
    heard = run(script, lambda h: len(h.calls) == 3)
    assert heard.calls == [
        ("LIST", ("a@1", "b@2", "c@3")),
        ("MODIFIED", ("a@8",)),
        ("DELETED", ("b@9",)),
    ]
    assert script.asked[1]["continue"] == "next"
    assert script.asked[2] | {"path": ""} == {
        "path": "",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "300",
    }


def test_a_namespace_is_watched_under_its_path() -> None:
    async def test() -> None:
        script = Script([page(1)], [stream()])
        async with watched(script, namespace="shop") as heard:
            await heard.until(lambda h: bool(h.calls))
        path = "/apis/goaround.dev/v1alpha1/namespaces/shop/aifeatures"
        assert script.asked[0]["path"] == path

    asyncio.run(test())


def test_an_ended_watch_goes_on_where_the_last_bookmark_was() -> None:
    script = Script(
        [page(7)],
        [stream(event("BOOKMARK", "", 12), hang=False), stream(event("ADDED", "a", 13))],
    )
    heard = run(script, lambda h: len(h.calls) == 2)
    assert heard.calls[1] == ("ADDED", ("a@13",))
    assert script.asked[-1]["resourceVersion"] == "12"
    assert script.listed == 1


def test_a_silent_watch_is_replaced_without_a_new_list() -> None:
    script = Script([page(7)], [stream(), stream(event("ADDED", "a", 8))])
    heard = run(script, lambda h: len(h.calls) == 2, silence=0.05)
    assert heard.calls[1] == ("ADDED", ("a@8",))
    assert script.listed == 1


def test_a_version_that_is_gone_means_a_new_list() -> None:
    gone = json.dumps({"type": "ERROR", "object": {"code": 410, "message": "too old"}}) + "\n"
    script = Script([page(7, body("a", 1)), page(20, body("b", 15))], [stream(gone), stream()])
    heard = run(script, lambda h: len(h.calls) == 2)
    assert heard.calls[1] == ("LIST", ("b@15",))
    assert "410: too old" in heard.faults[0]


def test_a_refused_watch_means_a_new_list() -> None:
    script = Script([page(7), page(8)], [status(410), stream()])
    heard = run(script, lambda h: len(h.calls) == 2)
    assert heard.calls == [("LIST", ()), ("LIST", ())]


def test_a_line_cut_in_half_is_not_taken() -> None:
    half = event("ADDED", "a", 8)[:30]
    script = Script([page(7)], [stream(half, hang=False), stream(event("ADDED", "a", 8))])
    heard = run(script, lambda h: len(h.calls) == 2)
    assert heard.calls[1] == ("ADDED", ("a@8",))


def test_what_is_no_json_means_a_new_list() -> None:
    script = Script([page(7), page(8)], [stream("<html>\n"), stream()])
    heard = run(script, lambda h: len(h.calls) == 2)
    assert "no JSON" in heard.faults[0]


def test_an_overloaded_server_is_asked_again_when_it_says_so() -> None:
    async def test() -> None:
        script = Script([status(429, **{"Retry-After": "1"}), page(7)], [stream()])
        async with asyncio.timeout(20), watched(script) as heard:
            await heard.until(lambda h: bool(h.faults))
            refused = asyncio.get_running_loop().time()
            await heard.until(lambda h: bool(h.calls))
            assert asyncio.get_running_loop().time() - refused >= 0.9

    asyncio.run(test())


def test_an_event_older_than_what_was_seen_is_dropped() -> None:
    script = Script([page(7)], [stream(event("ADDED", "a", 9), event("MODIFIED", "a", 8))] * 2)
    script.watches[0] = stream(
        event("ADDED", "a", 9), event("MODIFIED", "a", 8), event("ADDED", "b", 10)
    )
    heard = run(script, lambda h: len(h.calls) == 3)
    assert heard.calls[1:] == [("ADDED", ("a@9",)), ("ADDED", ("b@10",))]


def test_a_list_older_than_what_was_seen_replaces_nothing() -> None:
    cut = stream(event("MODIFIED", "a", 9), "<html>\n")
    script = Script([page(7), page(6, body("a", 5)), page(10)], [cut, stream()])
    heard = run(script, lambda h: len(h.calls) == 3)
    assert heard.calls == [("LIST", ()), ("MODIFIED", ("a@9",)), ("LIST", ())]
    assert any("older" in fault for fault in heard.faults)


def test_a_cluster_restored_from_a_backup_is_believed_in_the_end() -> None:
    script = Script([page(70), page(6, body("a", 5))], [status(500), stream()])
    heard = run(script, lambda h: len(h.calls) == 2)
    assert heard.calls[1] == ("LIST", ("a@5",))


def test_waits_double_to_five_seconds_and_differ() -> None:
    longest, shortest = BackOff(lambda: 1.0), BackOff(lambda: 0.0)
    waits = [longest.next() for _ in range(8)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert [shortest.next() for _ in range(8)] == [wait / 2 for wait in waits]
    longest.reset()
    assert longest.next() == 0.2
