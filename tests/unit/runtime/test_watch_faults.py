"""What the API server may answer or tell late, and what comes of it: lists, versions, the cache."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from goaround.runtime.cache import Cache
from goaround.runtime.config import Config
from goaround.runtime.engine import Operator, Options
from goaround.world.kube import KubeApi, Refused, Unavailable

Answer = Callable[[web.Request], web.Response]
OK = 200
EMPTY: Json = {"metadata": {}, "items": []}


def status(code: int, reason: str, **headers: str) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": reason}
    return web.Response(status=code, text=json.dumps(body), headers=headers)


def page(names: list[str], token: str = "") -> web.Response:
    items = [
        {"metadata": {"namespace": "shop", "name": name, "resourceVersion": "5"}} for name in names
    ]
    return web.json_response({"metadata": {"continue": token}, "items": items})


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[KubeApi]:
    """An API server on loopback that answers as told."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = ApiClient(configuration)
    try:
        yield KubeApi(client, timeout=5)
    finally:
        await client.close()  # type: ignore[no-untyped-call]
        await runner.cleanup()


def told(answer: Answer, ask: Callable[[KubeApi], Awaitable[object]]) -> object:
    async def run() -> object:
        async with served(answer) as api:
            return await ask(api)

    return asyncio.run(asyncio.wait_for(run(), 30))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (429, "TooManyRequests"),
        (410, "Expired"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
    ],
)
def test_a_list_that_may_work_later_is_unavailable_not_refused(code: int, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        told(lambda _: status(code, reason), lambda api: api.list(FEATURES))


def test_a_list_that_is_forbidden_is_refused() -> None:
    with pytest.raises(Refused, match="Forbidden"):
        told(lambda _: status(403, "Forbidden"), lambda api: api.list(FEATURES))


def test_a_list_that_expires_between_its_pages_can_be_begun_anew() -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.query.get("continue", ""))
        if len(asked) == 2:
            return status(410, "Expired")
        return page(["b"]) if asked[-1] else page(["a"], "more")

    async def twice(api: KubeApi) -> list[str]:
        with pytest.raises(Unavailable):
            await api.list(FEATURES)
        return [body["metadata"]["name"] for body in await api.list(FEATURES)]

    assert told(answer, twice) == ["a", "b"]
    assert asked == ["", "more", "", "more"]


def test_the_start_waits_out_answers_of_429() -> None:
    """A fresh CRD says "storage is (re)initializing" for seconds."""
    refusals = [3]

    def answer(request: web.Request) -> web.Response:
        if refusals[0] > 0:
            refusals[0] -= 1
            return status(429, "storage is (re)initializing", **{"Retry-After": "1"})
        return web.json_response(EMPTY)

    async def started(api: KubeApi) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            operator = Operator(Options(config=Config()), api, http)
            await operator.start()
            synced = operator.health.synced
            await operator.stop()
        return synced

    assert told(answer, started) is True
    assert refusals == [0]


def heard(version: int, weight: int = 0) -> Json:
    meta = {"namespace": "shop", "name": "chat", "resourceVersion": str(version)}
    return {"metadata": meta, "status": {"weight": weight}}


def test_a_stale_event_after_our_own_write_does_not_bring_back_the_past() -> None:
    cache = Cache()
    cache.store(FEATURES, heard(5, weight=50))
    cache.store(FEATURES, heard(9, weight=0))  # what our patch was answered
    assert not cache.store(FEATURES, heard(7, weight=50))  # what the watch tells only now
    found = cache.get(FEATURES, "shop", "chat")
    assert found is not None
    assert found["status"]["weight"] == 0


def test_a_stale_list_after_our_own_write_does_not_bring_back_the_past() -> None:
    cache = Cache()
    cache.store(FEATURES, heard(5, weight=50))
    asked_at = cache.newest(FEATURES)
    cache.store(FEATURES, heard(9, weight=0))
    assert cache.replace(FEATURES, [heard(7, weight=50)], asked_at) == set()
    found = cache.get(FEATURES, "shop", "chat")
    assert found is not None
    assert found["status"]["weight"] == 0


def test_our_own_write_that_the_watch_repeats_is_no_news() -> None:
    cache = Cache()
    cache.store(FEATURES, heard(9))
    assert not cache.store(FEATURES, heard(9))


def test_an_event_from_before_a_deletion_does_not_bring_the_object_back() -> None:
    cache = Cache()
    cache.store(FEATURES, heard(5))
    cache.remove(FEATURES, heard(9))
    assert not cache.store(FEATURES, heard(7))
    assert cache.get(FEATURES, "shop", "chat") is None
    assert cache.store(FEATURES, heard(11))  # a new object of the same name
