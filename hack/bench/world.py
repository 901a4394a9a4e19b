"""One bench's world: a fleet of features on a site, its users, and what the bench sees of it."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, Kind
from goaround.world.connect import load_api_client
from goaround.world.kube import path
from goaround.world.watch import Watcher
from hack.bench.senses import Ears, Sight, until
from hack.bench.site import OPERATOR, Site
from hack.bench.traffic import Key, Traffic
from hack.bench.usage import Usage, cpu_seconds, metrics, requests, rss_mib, total

NAMESPACE = "bench"
GOOD = "v41"
AT_ONCE = 16
PATIENCE = 120.0
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@dataclass(slots=True)
class World:
    """Verbs of people and pipelines, and measurements."""

    site: Site
    http: httpx.AsyncClient
    traffic: Traffic
    sight: Sight
    ears: Ears

    async def fleet(self, count: int, *, seconds: float = PATIENCE) -> list[Key]:
        """The first `count` features, Live; those that are missing are created and adopted, those
        that went around are reverted to what is good."""
        keys = [(NAMESPACE, f"feature-{n:04}") for n in range(count)]
        missing = [k for k in keys if k not in self.sight.bodies]
        await self.ask_for([k for k in keys if k in self.sight.bodies], GOOD)
        await self.each(missing, lambda k: self.create(FEATURES, k[0], manifest(k[1])))
        self.ears.listen(keys)
        await self.until(lambda: self.sight.all(keys, is_settled), "all Live", seconds)
        return keys

    async def ask_for(self, keys: Iterable[Key], version: str) -> None:
        """Spec asks for a release, as after a merge in Git."""
        patch = {"spec": {"release": release(version)}}
        await self.each(keys, lambda k: self.patch(k, patch))

    async def create(self, kind: Kind, namespace: str, body: Json) -> None:
        (await self.http.post(path(kind, namespace), json=body)).raise_for_status()

    async def patch(self, key: Key, patch: Json) -> None:
        answer = await self.http.patch(path(FEATURES, *key), json=patch, headers=MERGE_PATCH)
        answer.raise_for_status()

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        (await self.http.delete(path(kind, namespace, name))).raise_for_status()

    async def each(
        self, keys: Iterable[Key], do: Callable[[Key], Coroutine[Any, Any, None]]
    ) -> None:
        """Do it for each of them, at most 16 at once."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(key: Key) -> None:
            async with turns:
                await do(key)

        await asyncio.gather(*(one(key) for key in keys))

    async def until(self, holds: Callable[[], object], what: str, seconds: float = 60) -> None:
        await until(holds, what, seconds)

    def mark(self) -> None:
        self.sight.mark()
        self.ears.mark()

    async def usage(self) -> Usage:
        """What the operator has cost so far."""
        page = await metrics(self.http, "/metrics")
        prometheus = await metrics(self.http, f"{self.site.plane.prometheus}/metrics")
        asked = total(prometheus, "prometheus_http_requests_total", handler="/api/v1/query_range")
        pid = self.site.pid(OPERATOR)
        return Usage(
            at=time.monotonic(),
            cpu=cpu_seconds(pid),
            rss=rss_mib(pid),
            requests=requests(page),
            queries=int(asked),
        )

    async def operator_metrics(self) -> str:
        return await metrics(self.http, f"{self.site.urls[OPERATOR]}/metrics")


@asynccontextmanager
async def world(site: Site) -> AsyncIterator[World]:
    """Users, watch and streams on a site, for as long as the block runs."""
    traffic = Traffic()
    sight, ears = Sight(traffic.split), Ears(site.flag_port)
    site.plane.set_targets([f"127.0.0.1:{await traffic.start()}"])
    api = await load_api_client(str(site.plane.kubeconfig))
    watching = asyncio.create_task(Watcher(api, FEATURES).run(sight.listed, sight.heard))
    try:
        async with client(site) as http:
            await _namespace(http)
            yield World(site, http, traffic, sight, ears)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await ears.close()
        await api.close()  # type: ignore[no-untyped-call]
        await traffic.stop()


async def _namespace(http: httpx.AsyncClient) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    answer = await http.post("/api/v1/namespaces", json=body)
    if answer.status_code != httpx.codes.CONFLICT:
        answer.raise_for_status()


def client(site: Site) -> httpx.AsyncClient:
    """A plain client of the API server, as administrator."""
    pki = site.plane.data / "pki"
    return httpx.AsyncClient(
        base_url=site.plane.server,
        verify=ssl.create_default_context(cafile=str(pki / "apiserver.crt")),
        headers={"Authorization": f"Bearer {(pki / 'token').read_text()}"},
        trust_env=False,
        timeout=30,
    )


def is_settled(status: Json) -> bool:
    """Live, and every flag replica streams it."""
    streamed = (status.get("delivery") or {}).get("revision", 0)
    return status.get("stage") == "Live" and streamed >= status["revision"]


def release(version: str) -> Json:
    return {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
    }


def manifest(name: str, version: str = GOOD, **ramp: object) -> Json:
    """A feature with windows of 1 s, two signals, and an hour at 10 %; adopted after a second."""
    plan = {
        "intervalSeconds": 1,
        "steps": [{"weightPercent": 10, "holdSeconds": 3600}, {"weightPercent": 100}],
        "cruiseSeconds": 1,
    }
    return {
        "apiVersion": FEATURES.api_version,
        "kind": FEATURES.kind,
        "metadata": {"name": name, "labels": {"fleet": NAMESPACE}},
        "spec": {
            "release": release(version),
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
            "fallback": {"type": "LegacyLogic"},
            "acceptance": {
                "scope": "English support questions",
                "signals": [signal("errors", "error"), signal("refusals", "refused")],
            },
            "ramp": plan | ramp,
        },
    }


def signal(name: str, result: str) -> Json:
    total = "ai_requests_total{$match}"
    bad = f'ai_requests_total{{$match,result="{result}"}}'
    return {"name": name, "ratio": {"bad": bad, "total": total}, "max": "0.05"}
