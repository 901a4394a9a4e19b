"""Who hears that a decision has arrived: those whose own it is, not everybody who waits."""

import asyncio
from datetime import UTC, datetime

import httpx

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.delivery.replicas import Replicas, StaticReplicas
from goaround.runtime.queue import Key
from goaround.runtime.replicas import DeliveryDesk
from tests.unit.api.builders import SPEC

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def waiting(name: str) -> AIFeature:
    """A feature whose decision 9 is nowhere yet."""
    return AIFeature.model_validate(
        {
            "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}"},
            "spec": SPEC,
            "status": {"revision": 9},
        }
    )


def test_each_hears_of_its_own_news_only() -> None:
    streamed = {"uid-a": 8, "uid-b": 8}
    heard: list[str] = []

    def answer(_: httpx.Request) -> httpx.Response:
        told: Json = {u: {"revision": r, "streams": 1} for u, r in streamed.items()}
        return httpx.Response(200, json={"listed": True, "replica": "one", "revisions": told})

    def note(key: Key) -> None:
        heard.append(key.name)

    async def run() -> list[list[str]]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            replicas = Replicas(http, StaticReplicas(("http://replica.test",)), max_age=0)
            desk = DeliveryDesk(replicas, expected=1, news=note)
            rounds: list[list[str]] = []
            for uid in ("uid-a", "uid-b", "uid-b"):
                heard.clear()
                desk.delivered(waiting("a"), NOW)
                desk.delivered(waiting("b"), NOW)
                await asyncio.sleep(0.05)
                rounds.append(sorted(heard))
                streamed[uid] = 9
            await desk.close()
            return rounds

    assert asyncio.run(run()) == [["a", "b"], ["a"], ["b"]]
