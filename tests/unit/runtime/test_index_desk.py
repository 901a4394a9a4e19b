"""Indexes of good releases are asked for in time, and one that cannot be asked for is not gone."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.rollout.observed import Indexes, IndexState
from goaround.runtime.indexes import IndexDesk
from goaround.runtime.queue import Key
from tests.crash.clock import VirtualTimeLoop
from tests.unit.api.builders import DIGEST
from tests.unit.runtime.bench import MemoryApi, feature_body, in_virtual_time

WHERE: Json = {"endpointRef": "keeper"}
FAQ = ("faq", "2026-11-20")


@dataclass
class Bench:
    loop: VirtualTimeLoop
    status: int = 200
    down: bool = False
    asked: list[str] = field(default_factory=list)
    news: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        urls = {"keeper": "http://keeper.test/indexes"}
        self.desk = IndexDesk(MemoryApi(), http, urls, news=self.news.append, wall=self.loop.wall)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.down:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.status, stream=httpx.ByteStream(b""))

    async def ask(self, about: AIFeature) -> Indexes:
        self.desk.indexes(about, self.loop.wall())
        await asyncio.sleep(0.1)
        found = self.desk.indexes(about, self.loop.wall())
        assert found is not None
        return found


def on(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(lambda loop: test(Bench(loop)))


def a_feature(where: Json | None = WHERE) -> AIFeature:
    release: Json = {
        "model": {"name": "chat-7b", "version": "3"},
        "index": {"name": "faq", "version": "2026-11-20"},
    }
    good = {"digest": DIGEST, "release": release, "since": "2026-11-20T09:00:00Z"}
    body = feature_body(lastKnownGood=good, stage="Live")
    if where is not None:
        body["spec"]["fallback"] = {"indexCheck": {"endpoint": where}}
    return AIFeature.model_validate(body)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, IndexState.THERE),
        (404, IndexState.DELETED),
        (410, IndexState.DELETED),
        (500, IndexState.UNKNOWN),
        (302, IndexState.UNKNOWN),
    ],
)
def test_the_status_of_the_answer_says_what_became_of_an_index(
    status: int, state: IndexState
) -> None:
    async def test(bench: Bench) -> None:
        bench.status = status
        found = await bench.ask(a_feature())
        assert found.found[FAQ].state is state
        assert bench.asked == ["http://keeper.test/indexes?index=faq&version=2026-11-20"]

    on(test)


def test_a_keeper_that_is_down_says_nothing_about_its_indexes() -> None:
    async def test(bench: Bench) -> None:
        bench.down = True
        found = await bench.ask(a_feature())
        assert found.found[FAQ].state is IndexState.UNKNOWN

    on(test)


def test_an_endpoint_that_nobody_configured_is_told() -> None:
    async def test(bench: Bench) -> None:
        found = await bench.ask(a_feature({"endpointRef": "elsewhere"}))
        assert found.found[FAQ].state is IndexState.UNKNOWN
        assert "ask the administrator" in found.found[FAQ].message

    on(test)


def test_it_is_asked_again_when_that_is_due_and_told_only_if_it_is_news() -> None:
    async def test(bench: Bench) -> None:
        about = a_feature()
        await bench.ask(about)
        await bench.ask(about)
        assert (len(bench.asked), len(bench.news)) == (1, 1)
        await asyncio.sleep(300)
        await bench.ask(about)
        assert (len(bench.asked), len(bench.news)) == (2, 1)
        bench.status = 404
        await asyncio.sleep(300)
        await bench.ask(about)
        assert (len(bench.asked), len(bench.news)) == (3, 2)

    on(test)


def test_nobody_is_asked_without_an_index_check() -> None:
    async def test(bench: Bench) -> None:
        assert bench.desk.indexes(a_feature(None), bench.loop.wall()) is None
        await asyncio.sleep(1)
        assert bench.asked == []

    on(test)
