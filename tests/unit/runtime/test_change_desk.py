"""Objects are looked at beside the passes; each change stands in the ledger once, whoever looks."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from goaround.api.base import Json
from goaround.api.kinds import CONFIG_MAPS, DEPLOYMENTS, AIFeature
from goaround.ledger.book import Book
from goaround.rollout.observed import Changes
from goaround.runtime.changes import ChangeDesk
from goaround.runtime.lease import NotOwner
from goaround.runtime.queue import Key
from goaround.world.kube import Refused, Unavailable
from goaround.world.ledgers import fetch
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, feature_body, in_virtual_time

WATCHED: list[Json] = [
    {"kind": "Deployment", "name": "app"},
    {"kind": "ConfigMap", "name": "texts"},
]


@dataclass
class Bench:
    loop: VirtualTimeLoop
    api: MemoryApi = field(default_factory=MemoryApi)
    news: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = self.a_desk()
        body = feature_body()
        body["spec"]["watch"] = {"objects": WATCHED}
        self.feature = AIFeature.model_validate(body)
        self.namespace, self.name = self.feature.key
        self.deploy("app:1")
        self.text("one")

    def a_desk(self) -> ChangeDesk:
        return ChangeDesk(self.api, news=self.news.append, wall=self.loop.wall)

    def deploy(self, image: str) -> None:
        meta = {"name": "app", "namespace": self.namespace}
        spec = {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}
        self.api.put(DEPLOYMENTS, {"metadata": meta, "spec": spec})

    def text(self, text: str) -> None:
        meta = {"name": "texts", "namespace": self.namespace}
        self.api.put(CONFIG_MAPS, {"metadata": meta, "data": {"prompt.txt": text}})

    async def look(self, desk: ChangeDesk | None = None) -> Changes:
        """What is said after one look, a minute after the one before."""
        desk = desk or self.desk
        await asyncio.sleep(61)
        desk.changes(self.feature, self.loop.wall())
        await asyncio.sleep(0.5)
        found = desk.changes(self.feature, self.loop.wall())
        assert found is not None
        return found

    async def book(self) -> Book:
        return (await fetch(self.api, self.namespace, self.name)).book

    async def told(self) -> list[tuple[str, str, str]]:
        return [(c.object, c.was, c.now) for c in (await self.book()).lines if c.what != "Adopted"]

    def writes(self) -> int:
        return sum(1 for call in self.api.calls if call.endswith(f"/{self.name}-changes")
                   and not call.startswith("get"))  # fmt: skip


def on(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(lambda loop: test(Bench(loop)))


def test_the_first_look_starts_the_ledger_and_a_change_is_a_line() -> None:
    async def test(bench: Bench) -> None:
        first = await bench.look()
        assert first.status is not None
        assert (first.status.last_day, first.problems) == (0, ())
        bench.deploy("app:2")
        found = await bench.look()
        assert found.status is not None
        assert found.status.last_day == 1
        assert await bench.told() == [("Deployment app", "app:1", "app:2")]
        assert len(bench.news) == 2

    on(test)


def test_nothing_is_written_while_nothing_changes() -> None:
    async def test(bench: Bench) -> None:
        for _ in range(3):
            await bench.look()
        assert bench.writes() == 1

    on(test)


def test_an_operator_that_starts_anew_finds_what_changed_meanwhile() -> None:
    async def test(bench: Bench) -> None:
        await bench.look()
        bench.text("two")
        await bench.look(bench.a_desk())
        assert [about for about, _, _ in await bench.told()] == ["ConfigMap texts"]

    on(test)


def test_two_operators_that_find_the_same_change_write_it_once() -> None:
    async def test(bench: Bench) -> None:
        other = bench.a_desk()
        await bench.look()
        await bench.look(other)
        bench.deploy("app:2")
        await bench.look(other)
        clash = await bench.look()  # it remembers a version that is not there any more
        assert clash.problems != ()
        assert (await bench.look()).problems == ()
        assert len(await bench.told()) == 1

    on(test)


def test_a_crash_before_the_write_loses_nothing() -> None:
    async def test(bench: Bench) -> None:
        await bench.look()
        bench.deploy("app:2")
        down = Unavailable("no answer")
        bench.api.fault = lambda call: down if call.startswith("patch") else None
        failed = await bench.look()
        assert "cannot be looked at" in failed.problems[0]
        bench.api.fault = lambda _: None
        await bench.look(bench.a_desk())
        assert len(await bench.told()) == 1

    on(test)


def test_a_standby_writes_nothing_and_says_nothing() -> None:
    async def test(bench: Bench) -> None:
        bench.api.fault = lambda c: NotOwner("standby") if c.startswith("create") else None
        bench.desk.changes(bench.feature, bench.loop.wall())
        await asyncio.sleep(0.5)
        assert bench.desk.changes(bench.feature, bench.loop.wall()) is None
        assert bench.news == []

    on(test)


def test_an_object_that_may_not_be_read_is_told_and_the_others_are_watched() -> None:
    async def test(bench: Bench) -> None:
        await bench.look()
        bench.text("two")
        refused = Refused("forbidden")
        bench.api.fault = lambda call: refused if "deployments" in call else None
        found = await bench.look()
        assert found.problems == (
            "Deployment app may not be read: give the operator's role verb get on deployments",
        )
        bench.api.fault = lambda _: None
        assert (await bench.look()).problems == ()
        assert [about for about, _, _ in await bench.told()] == ["ConfigMap texts"]

    on(test)


def test_an_object_that_is_deleted_is_told_and_is_a_change() -> None:
    async def test(bench: Bench) -> None:
        await bench.look()
        bench.api.remove(CONFIG_MAPS, bench.namespace, "texts")
        found = await bench.look()
        assert "there is no ConfigMap texts" in found.problems[0]
        assert await bench.told() == [("ConfigMap texts", "present", "absent")]

    on(test)


def test_a_config_map_of_somebody_else_is_never_written_over() -> None:
    async def test(bench: Bench) -> None:
        name = f"{bench.name}-changes"
        meta = {"name": name, "namespace": bench.namespace}
        bench.api.put(CONFIG_MAPS, {"metadata": meta, "data": {"mine": "1"}})
        found = await bench.look()
        assert "is not the change ledger" in found.problems[0]
        assert bench.api.body(CONFIG_MAPS, bench.namespace, name)["data"] == {"mine": "1"}

    on(test)


def test_the_ledger_does_not_watch_itself() -> None:
    async def test(bench: Bench) -> None:
        itself = {"kind": "ConfigMap", "name": f"{bench.name}-changes"}
        watch = bench.feature.spec.watch.model_validate({"objects": [itself]})
        bench.feature = bench.feature.but(spec=bench.feature.spec.but(watch=watch))
        for _ in range(3):
            found = await bench.look()
        assert "is the ledger itself" in found.problems[0]
        assert bench.writes() == 1

    on(test)


def test_without_watched_objects_nothing_is_read() -> None:
    async def test(bench: Bench) -> None:
        bench.feature = bench.feature.but(
            spec=bench.feature.spec.but(watch=bench.feature.spec.watch.but(objects=[]))
        )
        assert bench.desk.changes(bench.feature, bench.loop.wall()) is None
        await asyncio.sleep(1)
        assert bench.api.calls == []

    on(test)
