"""Two real providers: one that never answers delays nothing of the other's, nor what is proven."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from aiohttp import web

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.rollout.observed import Judged
from goaround.runtime.desk import Desk
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import PrometheusReader
from tests.unit.runtime.flown import BEGAN, a_feature, a_signal
from tests.unit.world.provider_stub import (
    Form,
    Handler,
    Stub,
    asked_features,
    grid,
    matrix,
    row,
    serving,
)

PATIENCE = 20.0
SIGNALS = (a_signal("errors", max="0.05"), a_signal("slow", max="0.05"))


def flown_with(provider: str) -> AIFeature:
    """A flight whose metrics come from `provider`, which names the feature, too."""
    wire: Json = a_feature(*SIGNALS).model_dump(by_alias=True, mode="json")
    wire["metadata"]["name"] = wire["metadata"]["uid"] = provider
    wire["spec"]["acceptance"]["provider"] = provider
    return AIFeature.model_validate(wire)


async def harmful(_: web.Request, form: Form) -> web.Response:
    """Half of the candidate's answers are bad, none of stable's."""
    rows = [
        row(name, ((t, value) for t in grid(form)), part, ai_variant=arm)
        for name in asked_features(form)
        for arm, part, value in (
            ("candidate", "bad", "50"),
            ("candidate", "total", "100"),
            ("stable", "bad", "0"),
            ("stable", "total", "900"),
        )
    ]
    return web.Response(body=matrix(rows))


class Hanging:
    """Answers as long as it is told to; then it says nothing any more."""

    def __init__(self) -> None:
        self.is_up = False
        self.waiting = 0

    async def __call__(self, request: web.Request, form: Form) -> web.Response:
        if not self.is_up:
            self.waiting += 1
            await asyncio.Event().wait()
        return await harmful(request, form)


class Room:
    """A desk with a reader for each of two servers, and a wall clock that is set by hand."""

    def __init__(self, quick: Stub, hanging: Stub) -> None:
        named = {
            name: stub.provider(name=name, lag_seconds=0, timeout_seconds=PATIENCE)
            for name, stub in (("quick", quick), ("hanging", hanging))
        }
        self.readers = {name: PrometheusReader(provider) for name, provider in named.items()}
        self.now = BEGAN + timedelta(seconds=60)
        self.news: list[Key] = []
        self.desk = Desk(
            self.readers,
            named,
            news=self.news.append,
            metrics=Metrics(),
            wall=lambda: self.now,
        )

    def look(self, feature: AIFeature) -> Judged:
        found = self.desk.judged(feature, self.now)
        assert found is not None
        return found

    async def heard(self, name: str) -> None:
        while not any(key.name == name for key in self.news):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.news.clear()

    async def close(self) -> None:
        await self.desk.close()
        for reader in self.readers.values():
            await reader.aclose()


def in_room(test: Callable[[Room, Hanging], Coroutine[Any, Any, None]]) -> None:
    async def run(quick: Handler, hanging: Hanging) -> None:
        async with serving(quick) as one, serving(hanging) as other:
            room = Room(one, other)
            try:
                async with asyncio.timeout(PATIENCE / 2):
                    await test(room, hanging)
            finally:
                await room.close()

    asyncio.run(run(harmful, Hanging()))


async def until_asked(hanging: Hanging) -> None:
    while not hanging.waiting:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_provider_that_hangs_delays_no_proof_of_anothers_features() -> None:
    async def test(room: Room, hanging: Hanging) -> None:
        stuck, free = flown_with("hanging"), flown_with("quick")
        room.look(stuck)
        await until_asked(hanging)
        assert room.look(free).breach is None
        await room.heard("quick")
        breach = room.look(free).breach
        assert breach is not None
        assert breach.signal == "errors"
        assert room.look(stuck).breach is None
        assert hanging.waiting > 0

    in_room(test)


def test_a_proof_stands_at_once_though_its_provider_hangs_ever_after() -> None:
    async def test(room: Room, hanging: Hanging) -> None:
        feature = flown_with("hanging")
        hanging.is_up = True
        room.look(feature)
        await room.heard("hanging")
        hanging.is_up = False
        room.now += timedelta(seconds=60)
        first = room.look(feature).breach
        assert first is not None
        room.now += timedelta(seconds=600)
        assert room.look(feature).breach == first
        assert hanging.waiting == 0

    in_room(test)


def test_many_features_of_a_provider_that_hangs_leave_the_other_its_own_turns() -> None:
    async def test(room: Room, hanging: Hanging) -> None:
        wires = [flown_with("hanging").model_dump(by_alias=True, mode="json") for _ in range(50)]
        for n, wire in enumerate(wires):
            wire["metadata"]["name"] = wire["metadata"]["uid"] = f"stuck-{n}"
            room.look(AIFeature.model_validate(wire))
        await until_asked(hanging)
        free = flown_with("quick")
        room.look(free)
        await room.heard("quick")
        assert room.look(free).breach is not None

    in_room(test)
