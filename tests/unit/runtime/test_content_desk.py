"""ConfigMaps that releases name: read beside the passes, bounded, and read again."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.api.content import hash_of
from goaround.api.kinds import CONFIG_MAPS, AIFeature
from goaround.api.reasons import Reason, Stage
from goaround.api.status import AIFeatureStatus, KnownRelease
from goaround.rollout.observed import Contents
from goaround.runtime.contents import ContentDesk
from goaround.runtime.queue import Key
from goaround.world.kube import Unavailable
from tests.crash.clock import VirtualTimeLoop
from tests.unit.api.builders import DIGEST
from tests.unit.runtime.bench import BEGIN, MemoryApi, feature_body, in_virtual_time

HELLO = "Answer politely."
PLACE = ("prompts", "v1")


@dataclass
class Bench:
    loop: VirtualTimeLoop
    api: MemoryApi = field(default_factory=MemoryApi)
    news: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = ContentDesk(self.api, news=self.news.append, wall=self.loop.wall)

    def has(self, **data: str) -> None:
        self.api.put(
            CONFIG_MAPS, {"metadata": {"name": "prompts", "namespace": "shop"}} | {"data": data}
        )

    def look(self, about: AIFeature) -> Contents | None:
        return self.desk.contents(about, self.loop.wall())

    async def read(self, about: AIFeature) -> Contents:
        self.look(about)
        await asyncio.sleep(0.1)
        found = self.look(about)
        assert found is not None
        return found


def on(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(lambda loop: test(Bench(loop)))


def a_feature(**spec: Json) -> AIFeature:
    body = feature_body()
    body["spec"] |= spec
    return AIFeature.model_validate(body)


def by_reference(key: str = "v1") -> AIFeature:
    release: Json = {
        "model": {"name": "chat-7b", "version": "3"},
        "prompt": {"configMapRef": {"name": "prompts", "key": key}},
    }
    return a_feature(release=release)


def test_a_text_is_called_by_its_hash() -> None:
    async def test(bench: Bench) -> None:
        bench.has(v1=HELLO)
        found = await bench.read(by_reference())
        assert (found.hashes, found.texts) == ({PLACE: hash_of(HELLO)}, {hash_of(HELLO): HELLO})
        assert len(bench.news) == 1

    on(test)


def test_nothing_is_read_where_nothing_is_named() -> None:
    async def test(bench: Bench) -> None:
        assert bench.look(a_feature()) is None
        await asyncio.sleep(1)
        assert bench.api.calls == []

    on(test)


@pytest.mark.parametrize(
    ("data", "reason", "told"),
    [
        (None, Reason.CONTENT_MISSING, "create it"),
        ({"v2": HELLO}, Reason.CONTENT_MISSING, "no such key"),
        ({"v1": "x" * 262_143}, Reason.CONTENT_INVALID, "the limit is 262,144"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(data: Json | None, reason: Reason, told: str) -> None:
    async def test(bench: Bench) -> None:
        if data is not None:
            bench.has(**data)
        found = await bench.read(by_reference())
        problem = found.faults[PLACE]
        assert (problem.reason, found.hashes) == (reason, {})
        assert told in problem.message

    on(test)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type": "strnig"}',
        '{"maximum": NaN}',
        json.dumps({"title": "x" * 32_768}),
    ],
)
def test_a_schema_that_no_app_could_use_is_refused(text: str) -> None:
    async def test(bench: Bench) -> None:
        bench.has(schema=text)
        ref = {"schemaRef": {"name": "prompts", "key": "schema"}}
        found = await bench.read(a_feature(contract={"output": ref}))
        assert found.faults["prompts", "schema"].reason == Reason.CONTENT_INVALID

    on(test)


def test_an_edit_is_noticed_within_ten_seconds() -> None:
    async def test(bench: Bench) -> None:
        bench.has(v1=HELLO)
        about = by_reference()
        first = await bench.read(about)
        assert first.next_at is not None
        assert (first.next_at - bench.loop.wall()).total_seconds() <= 10
        bench.has(v1="Answer rudely.")
        await asyncio.sleep((first.next_at - bench.loop.wall()).total_seconds() + 0.01)
        assert (await bench.read(about)).hashes == {PLACE: hash_of("Answer rudely.")}
        assert len(bench.news) == 2

    on(test)


def test_what_has_landed_is_looked_at_every_five_minutes() -> None:
    async def test(bench: Bench) -> None:
        about = by_reference()
        good = KnownRelease(digest=DIGEST, release=about.spec.release, since=BEGIN)
        status = AIFeatureStatus(stage=Stage.LIVE, last_known_good=good, release_digest=good.digest)
        found = await bench.read(about.model_copy(update={"status": status}))
        assert found.faults  # the ConfigMap is gone, which nobody waits for
        assert found.next_at is not None
        assert 290 < (found.next_at - bench.loop.wall()).total_seconds() <= 300

    on(test)


def test_what_was_read_stays_true_while_the_api_server_does_not_answer() -> None:
    async def test(bench: Bench) -> None:
        bench.has(v1=HELLO)
        about = by_reference()
        await bench.read(about)
        bench.api.fault = lambda _: Unavailable("down")
        await asyncio.sleep(31)
        assert (await bench.read(about)).hashes == {PLACE: hash_of(HELLO)}

    on(test)


def test_another_reference_is_read_at_once() -> None:
    async def test(bench: Bench) -> None:
        bench.has(v1=HELLO, v2="Answer briefly.")
        await bench.read(by_reference())
        found = await bench.read(by_reference("v2"))
        assert list(found.hashes) == [("prompts", "v2")]

    on(test)
