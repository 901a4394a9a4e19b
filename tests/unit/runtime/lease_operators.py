"""Whole operators with a lease, on the store of a simulated world, and a note of who wrote."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from goaround.api.base import Json
from goaround.api.kinds import EVENTS, FEATURES, INCIDENTS, RECORDS
from goaround.runtime.config import Config, ProviderConfig
from goaround.runtime.engine import Operator, Options
from goaround.runtime.rounds import Reader
from tests.crash.store import Commit
from tests.unit.runtime.lease_sim import NAMESPACE, StormyApi, Weather, World

OURS_PLURALS = {FEATURES.plural, INCIDENTS.plural, RECORDS.plural, EVENTS.plural}


def a_feature(name: str = "chat") -> Json:
    ratio = {"bad": 'ai_requests_total{$match,result="bad"}', "total": "ai_requests_total{$match}"}
    signals = [{"name": n, "ratio": ratio, "max": "0.02"} for n in ("errors", "refusals")]
    return {
        "apiVersion": FEATURES.api_version,
        "kind": FEATURES.kind,
        "metadata": {"name": name},
        "spec": {
            "release": {"model": {"name": "chat-7b", "version": "1"}},
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
            "acceptance": {"scope": "questions of customers", "signals": signals},
        },
    }


class Writers:
    """Who changed our objects, in order."""

    def __init__(self, world: World) -> None:
        self.seen: list[str] = []
        world.store.hearers.append(self._note)

    def _note(self, commit: Commit) -> None:
        if commit.kind.plural in OURS_PLURALS and commit.author != "person":
            self.seen.append(commit.author)


@asynccontextmanager
async def operator(
    world: World,
    identity: str,
    *,
    weather: Weather | None = None,
    hears: bool = True,
    reader: Reader | None = None,
) -> AsyncIterator[Operator]:
    """An operator whose watch is the store itself, or deaf."""
    providers = [ProviderConfig(name="default", url="http://metrics.invalid")] if reader else []
    async with httpx.AsyncClient(trust_env=False) as http:
        made = Operator(
            Options(
                config=Config(providers=providers),
                identity=identity,
                own_namespace=NAMESPACE,
                lease=True,
            ),
            StormyApi(world.store, weather or Weather(), identity),
            http,
            clock=world.loop.wall,
            readers={"default": reader} if reader else {},
            jitter=lambda: 0.5,
        )

        def hear(commit: Commit) -> None:
            removed = commit.after is None
            made.controller.heard(commit.kind, commit.body, removed=removed)

        if hears:
            world.store.hearers.append(hear)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


def create(world: World, name: str = "chat") -> None:
    world.store.create(FEATURES, "shop", a_feature(name), "person")
