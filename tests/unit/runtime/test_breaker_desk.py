"""Breakers are asked for beside the passes: once for all features of a provider."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

from goaround.api.kinds import AIFeature
from goaround.rollout.observed import Breakers, Opened
from goaround.runtime.opened import CHUNK, BreakerDesk
from goaround.runtime.queue import Key
from goaround.world.prom_opened import ByFeature
from goaround.world.prom_types import Unreadable, UnreadableReason
from goaround.world.promql import FeatureKey
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import feature_body, in_virtual_time

ONE_OF_FOUR = Opened(1, 4)


@dataclass
class Gauges:
    """A provider whose every feature says the same."""

    says: Opened | Unreadable = ONE_OF_FOUR
    asked: list[list[FeatureKey]] = field(default_factory=list)

    async def opened(self, features: Collection[FeatureKey], at: int) -> ByFeature | Unreadable:
        self.asked.append(list(features))
        await asyncio.sleep(0.1)
        if isinstance(self.says, Unreadable):
            return self.says
        return {key: {"stable": self.says} for key in features}


@dataclass
class Bench:
    loop: VirtualTimeLoop
    gauges: Gauges = field(default_factory=Gauges)
    news: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        readers = {"default": self.gauges}
        self.desk = BreakerDesk(readers, news=self.news.append, wall=self.loop.wall)

    async def look(self, *features: AIFeature) -> list[Breakers | None]:
        for _ in range(2):
            found = [self.desk.opened(f, self.loop.wall()) for f in features]
            await asyncio.sleep(1)
        return found


def a_feature(name: str = "chat", *, breaks: bool = True) -> AIFeature:
    body = feature_body()
    body["metadata"]["name"] = name
    if breaks:
        body["spec"]["fallback"] = {"breaker": {"metric": "confidence", "below": "0.7"}}
    return AIFeature.model_validate(body)


def on(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    in_virtual_time(lambda loop: test(Bench(loop)))


def test_features_of_one_provider_share_a_query() -> None:
    async def test(bench: Bench) -> None:
        chat, mail = await bench.look(a_feature("chat"), a_feature("mail"))
        assert [len(asked) for asked in bench.gauges.asked] == [2]
        assert chat is not None
        assert mail is not None
        assert chat.arms == mail.arms == {"stable": Opened(1, 4)}
        assert len(bench.news) == 2

    on(test)


def test_it_is_asked_again_when_that_is_due_and_told_only_if_it_is_news() -> None:
    async def test(bench: Bench) -> None:
        await bench.look(a_feature())
        await bench.look(a_feature())
        assert (len(bench.gauges.asked), len(bench.news)) == (1, 1)
        await asyncio.sleep(15)
        await bench.look(a_feature())
        assert (len(bench.gauges.asked), len(bench.news)) == (2, 1)
        bench.gauges.says = Opened(0, 4)
        await asyncio.sleep(15)
        await bench.look(a_feature())
        assert len(bench.news) == 2

    on(test)


def test_a_provider_that_does_not_answer_says_nothing_of_breakers() -> None:
    async def test(bench: Bench) -> None:
        await bench.look(a_feature())
        bench.gauges.says = Unreadable(UnreadableReason.REFUSED, "no connection")
        await asyncio.sleep(15)
        (found,) = await bench.look(a_feature())
        assert found is not None
        assert (found.arms, found.blind) == ({}, "no connection")

    on(test)


def test_very_many_features_are_asked_for_in_chunks() -> None:
    async def test(bench: Bench) -> None:
        one = a_feature()
        many = [one.but(metadata=one.metadata.but(name=f"chat-{n:03}")) for n in range(CHUNK + 50)]
        await bench.look(*many)
        assert [len(asked) for asked in bench.gauges.asked] == [CHUNK, 50]

    on(test)


def test_without_a_breaker_in_spec_nobody_is_asked() -> None:
    async def test(bench: Bench) -> None:
        assert await bench.look(a_feature(breaks=False)) == [None]
        assert bench.gauges.asked == []

    on(test)


def test_what_is_forgotten_is_asked_for_no_more() -> None:
    async def test(bench: Bench) -> None:
        await bench.look(a_feature("chat"), a_feature("mail"))
        bench.desk.forget(*a_feature("mail").key)
        await asyncio.sleep(15)
        await bench.look(a_feature("chat"))
        assert [key.name for key in bench.gauges.asked[-1]] == ["chat"]

    on(test)
