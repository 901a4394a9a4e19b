"""A feature in pre-flight on a bench: a whole operator in virtual time, and the app it asks."""

import asyncio
import contextlib
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import release_digest, short
from goaround.api.feature import Release
from goaround.api.kinds import CONFIG_MAPS, FEATURES, SECRETS, AIFeature, Kind
from goaround.runtime.config import Config
from goaround.runtime.engine import Operator, Options
from goaround.world.kube import NotFound
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import MemoryApi, ScriptedReader, feature_body, steady

FILE = Config.model_validate(
    {
        "providers": [{"name": "default", "url": "http://nobody.test", "lagSeconds": 5}],
        "endpoints": [{"name": "app", "url": "http://app.test/ask"}],
    }
)
PREFLIGHT: Json = {
    "goldenSet": {
        "configMapRef": {"name": "golden", "key": "golden.yaml"},
        "minCases": 1,
        "requiredTags": [],
    },
    "endpoint": {"endpointRef": "app"},
    "deadlineSeconds": 600,
}
PIN = "chat-golden-pin"


def golden_text(number: int = 10, wanted: bool = True) -> str:
    cases = [
        {"name": f"c{n}", "input": n, "assertions": [{"exact": {"path": "/ok", "value": wanted}}]}
        for n in range(number)
    ]
    return json.dumps({"version": 1, "cases": cases})


async def at_once(work: Callable[..., Any], /, *args: Any) -> Any:
    """In virtual time nothing is computed elsewhere."""
    return work(*args)


class ForgivingApi(MemoryApi):
    """Deleting what is gone already is no error, as at the port."""

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        with contextlib.suppress(NotFound):
            await super().delete(kind, namespace, name)


@dataclass(slots=True)
class App:
    """The app under test: its flag knows the pin as long as the Secret exists."""

    api: MemoryApi
    bad: set[str] = field(default_factory=set)
    down: bool = False
    hangs: bool = False
    asked: int = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectError("refused")
        await asyncio.sleep(3600 if self.hangs else 0.02)
        release = self._release(request.headers.get(names.PIN_HEADER, ""))
        headers = {names.RELEASE_HEADER: f"chat@{release}"}
        body = json.dumps({"ok": release not in self.bad}).encode()
        return httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)

    def _release(self, pin: str) -> str:
        with contextlib.suppress(KeyError):
            data = self.api.body(SECRETS, "shop", PIN)["data"]
            words = {b64decode(word).decode(): arm for arm, word in data.items()}
            status = self.api.body(FEATURES, "shop", "chat")["status"]
            arm = {"candidate": "candidate", "stable": "lastKnownGood"}[words[pin]]
            return short(status[arm]["digest"])
        return "live"


@dataclass(slots=True)
class Bench:
    """One operator and its surroundings."""

    loop: VirtualTimeLoop
    api: MemoryApi
    app: App
    operator: Operator
    reader: ScriptedReader
    _read: tuple[int, AIFeature | None] = (-1, None)

    @property
    def feature(self) -> AIFeature:
        version, known = self._read
        if known is None or version != self.api.version:
            known = AIFeature.model_validate(self.api.body(FEATURES, "shop", "chat"))
            self._read = self.api.version, known
        return known

    def has(self, kind: Kind, name: str) -> bool:
        try:
            self.api.body(kind, "shop", name)
        except KeyError:
            return False
        return True

    def write(self, kind: Kind, body: Json, **changes: Any) -> None:
        """Somebody changes an object, and the operator hears of it."""
        stored = self.api.put(kind, body | changes)
        self.operator.controller.heard(kind, stored)

    def ask_for(self, version: str, **spec: Json) -> None:
        body = self.api.body(FEATURES, "shop", "chat")
        body["metadata"]["generation"] += 1
        body["spec"] |= {"release": release(version), "preflight": PREFLIGHT} | spec
        self.write(FEATURES, body)

    def golden(self, text: str) -> None:
        meta = {"name": "golden", "namespace": "shop", "uid": "golden"}
        self.api.put(CONFIG_MAPS, {"metadata": meta, "data": {"golden.yaml": text}})

    async def until(self, holds: Callable[[AIFeature], object], seconds: float = 900) -> AIFeature:
        ends = self.loop.time() + seconds
        while not holds(self.feature):
            assert self.loop.time() < ends, self.feature.status.summary
            await asyncio.sleep(0.1)
        return self.feature


def release(version: str) -> Json:
    found: Json = feature_body()["spec"]["release"]
    return found | {"model": {"name": "chat-7b", "version": version}}


def digest(version: str) -> str:
    return release_digest(Release.model_validate(release(version)))


@asynccontextmanager
async def preflown(loop: VirtualTimeLoop, api: MemoryApi | None = None) -> AsyncIterator[Bench]:
    """A bench whose feature is live on v1, with a golden set."""
    api = api or ForgivingApi()
    app = App(api)
    transport, reader = httpx.MockTransport(app.answer), ScriptedReader(steady(0))
    async with httpx.AsyncClient() as http, httpx.AsyncClient(transport=transport) as golden_http:
        made = Operator(
            Options(config=FILE, identity="test"),
            api,
            http,
            golden_http=golden_http,
            clock=loop.wall,
            readers={"default": reader},
            jitter=lambda: 0.5,
            offload=at_once,
        )
        api.watch = made.controller.heard
        bench = Bench(loop, api, app, made, reader)
        if not bench.has(FEATURES, "chat"):
            body = feature_body()
            body["spec"]["release"] = release("v1")
            api.put(FEATURES, body | {"status": live(loop)})
            bench.golden(golden_text())
        await made.start()
        try:
            yield bench
        finally:
            await made.stop()


def live(loop: VirtualTimeLoop) -> Json:
    since = loop.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
    good = {"digest": digest("v1"), "release": release("v1"), "since": since}
    return {
        "stage": "Live",
        "split": {"stable": 100},
        "revision": 1,
        "lastKnownGood": good,
        "releaseDigest": digest("v1"),
        "observedGeneration": 1,
    }
