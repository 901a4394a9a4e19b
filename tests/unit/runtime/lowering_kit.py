"""An operator and its flag replicas in virtual time, with an API server that refuses status writes.

Everything is real but the wires: the API server is a dictionary, replicas are asked by function
call, users are counted by what replicas serve. A replica may be dead, hang, or hear no more events.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import httpx

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import EVENTS, FEATURES, INCIDENTS, KILL_SWITCHES, RECORDS, AIFeature, Kind
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Step
from goaround.delivery.control import TokenFile
from goaround.runtime.config import Config, ProviderConfig
from goaround.runtime.engine import Operator, Options
from goaround.world.kube import Body
from tests.crash.clock import VirtualTimeLoop
from tests.crash.traffic import Conditions, ModelReader, Quality, Traffic
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.lowering_parts import Flags, SickApi

GOOD, FLYING = "v41", "v42"
HEARING_SECONDS: Final = 0.01
POLL_SECONDS: Final = 0.02
SELDOM: Final = 0.5
"""Between two looks where nobody asks when exactly it was."""
LONGEST_SECONDS: Final = 600.0
UID: Final = "uid-chat"

CONFIG: Final = Config(
    providers=[ProviderConfig(name="default", url="http://metrics.invalid", lag_seconds=2)],
    checkpoint_seconds=30,
)


def a_spec(version: str) -> Json:
    """Steps of 10, 50 and 100 %, each at least two windows long."""
    steps = [{"weightPercent": w, "holdSeconds": 20, "minSamples": 50} for w in (10, 50, 100)]
    total = "ai_requests_total{$match}"
    signals = [
        {
            "name": name,
            "ratio": {"bad": f'ai_requests_total{{$match,result="{result}"}}', "total": total},
            "max": "0.02",
        }
        for name, result in (("errors", "error"), ("refusals", "refused"))
    ]
    return {
        "release": a_release(version),
        "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
        "fallback": {"type": "LegacyLogic"},
        "acceptance": {"scope": "English support questions", "signals": signals},
        "ramp": {"intervalSeconds": 10, "steps": steps, "cruiseSeconds": 30},
    }


def a_release(version: str) -> Json:
    return {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
    }


class Scene:
    """One feature, its operator and its replicas."""

    def __init__(self, loop: VirtualTimeLoop, token: Path, *, replicas: int, control: bool) -> None:
        self.loop = loop
        self.api = SickApi()
        self.api.watch = self._committed
        self.traffic = Traffic(lambda: loop.wall().timestamp(), Conditions())
        self.flags = [
            Flags(f"http://flags-{n}:80", self._served, TokenFile(token)) for n in range(replicas)
        ]
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._asked), trust_env=False)
        options = Options(
            config=CONFIG,
            flag_replicas=tuple(one.url for one in self.flags),
            control_token=TokenFile(token) if control else None,
        )
        self._read: tuple[int, AIFeature] | None = None
        self.operator = Operator(
            options,
            self.api,
            http,
            clock=loop.wall,
            readers={"default": ModelReader(self.traffic)},
            jitter=lambda: 0.5,
        )

    # -- what people do --------------------------------------------------------------------------

    async def take_off(self) -> None:
        """v41 is last-known-good, v42 serves 10 % of the users and is still good."""
        meta = {"name": "chat", "namespace": "shop", "uid": UID, "generation": 1}
        meta |= {"creationTimestamp": "2026-11-21T08:00:00Z"}
        whole: Json = {"apiVersion": FEATURES.api_version, "kind": FEATURES.kind}
        self._put(FEATURES, whole | {"metadata": meta, "spec": a_spec(GOOD)})
        await self.operator.start()
        await self.until(lambda: self.status.stage is Stage.LIVE, "live", every=SELDOM)
        self.ask_for(FLYING)
        await self.until(lambda: self.status.split.candidate == 10, "10 %", every=SELDOM)
        await self.until(lambda: self.shares == [10] * len(self.flags), "10 % everywhere")

    def ask_for(self, version: str) -> None:
        body = self.api.body(FEATURES, "shop", "chat")
        body["spec"] |= {"release": a_release(version)}
        body["metadata"]["generation"] += 1
        self._put(FEATURES, body)

    def kill(self, *, engaged: bool = True) -> None:
        """By the switch in Git."""
        body = self.api.body(FEATURES, "shop", "chat")
        body["spec"]["killSwitch"] = {"engaged": engaged, "reason": "it swears"}
        body["metadata"]["generation"] += 1
        self._put(FEATURES, body)

    def annotate(self, annotations: Json) -> None:
        """Whoever is on call says something about the feature."""
        body = self.api.body(FEATURES, "shop", "chat")
        known = body["metadata"].get("annotations", {})
        body["metadata"]["annotations"] = known | annotations
        self._put(FEATURES, body)

    def spoil(self) -> None:
        """From now on v42 answers badly."""
        self.traffic.change(quality={FLYING: Quality(errors=0.2)})

    def write(self, status: AIFeatureStatus) -> None:
        """A status that was sent long ago is carried out now."""
        body = self.api.body(FEATURES, "shop", "chat")
        self._put(FEATURES, body | {"status": status.wire()})

    def crowd(self, number: int) -> None:
        """So many more features, which have work to do."""
        for n in range(number):
            body = self.api.body(FEATURES, "shop", "chat")
            body["metadata"] |= {"name": f"other-{n}", "uid": f"uid-other-{n}"}
            self._put(FEATURES, body | {"status": {}})

    def restart(self, one: Flags) -> None:
        one.dead = one.hangs = False
        one.begin((self.api.body(FEATURES, "shop", "chat"),))

    # -- what is seen ----------------------------------------------------------------------------

    @property
    def feature(self) -> AIFeature:
        """As the API server holds it."""
        if self._read is None or self._read[0] != self.api.version:
            body = self.api.body(FEATURES, "shop", "chat")
            self._read = self.api.version, AIFeature.model_validate(body)
        return self._read[1]

    @property
    def status(self) -> AIFeatureStatus:
        return self.feature.status

    @property
    def step(self) -> Step:
        assert self.status.step is not None
        return self.status.step

    @property
    def shares(self) -> list[int]:
        return [one.share for one in self.flags]

    async def until(
        self,
        holds: Callable[[], object],
        what: str,
        seconds: float = LONGEST_SECONDS,
        *,
        every: float = POLL_SECONDS,
    ) -> float:
        """Waits until it holds; returns when that was."""
        end = self.loop.time() + seconds
        while not holds():
            assert self.loop.time() < end, f"not within {seconds} s: {what}; {self._story()}"
            await asyncio.sleep(every)
        return self.loop.time()

    def _story(self) -> str:
        told = [f"{t.at} {t.reason}: {t.message}" for t in self.status.history]
        return f"{self.shares} {told}"

    async def until_proven(self) -> float:
        """The evidence says breach; when that was."""
        case = next(iter(self.operator.desk._cases.values()))
        return await self.until(
            lambda: case.flight is not None and case.flight.main.proven_end, "proof"
        )

    async def objects(self, kind: Kind) -> list[Body]:
        return await self.api.list(kind, namespace="shop")

    async def told(self, reason: str) -> list[str]:
        """Notes of the events of this reason about the feature."""
        found = await self.objects(EVENTS)
        about = [e for e in found if e["involvedObject"]["uid"] == UID]
        return [e["message"] for e in about if e["reason"] == reason]

    def counted(self, result: str) -> float:
        labels = {"result": result}
        found = self.operator.metrics.registry.get_sample_value("goaround_lowered_total", labels)
        return found or 0.0

    # -- wires -----------------------------------------------------------------------------------

    def _put(self, kind: Kind, body: Json) -> None:
        self._committed(kind, self.api.put(kind, body))

    def _committed(self, kind: Kind, body: Body) -> None:
        self.loop.call_later(HEARING_SECONDS, self._hear, kind, body)

    def _hear(self, kind: Kind, body: Body) -> None:
        for one in self.flags:
            one.heard(kind, body)
        if kind in (FEATURES, KILL_SWITCHES, INCIDENTS):
            self.operator.controller.heard(kind, body)
        self._served()

    def _served(self) -> None:
        """Users follow the flags, not the API server."""
        status = self.status.wire()
        if self.flags and self.status.split.fallback == 0:
            candidate = sum(self.shares) / len(self.shares)
            status["split"] = {"candidate": candidate, "stable": 100 - candidate}
        self.traffic.serve(status)

    async def _asked(self, request: httpx.Request) -> httpx.Response:
        (one,) = [f for f in self.flags if httpx.URL(f.url).host == request.url.host]
        return await one.answer(request)


def played(
    token: Path,
    test: Callable[[Scene], Coroutine[Any, Any, None]],
    *,
    replicas: int = 2,
    control: bool = True,
) -> None:
    """Plays one scene, from the take-off on."""
    token.write_text("0123456789abcdef-test")

    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, token, replicas=replicas, control=control)
        await scene.take_off()
        try:
            await test(scene)
        finally:
            await scene.operator.stop()

    in_virtual_time(run)


async def until_down(scene: Scene) -> None:
    await scene.until(lambda: scene.status.stage is Stage.ROLLED_BACK, "rolled back")


async def until_contained(scene: Scene) -> None:
    await until_down(scene)
    await scene.until(lambda: scene.status.latches[0].contained_at, "contained")


async def one_of_each(scene: Scene) -> None:
    """One latch, one incident, one event, one quarantine mark."""
    assert len(scene.status.latches) == 1
    assert len(await scene.objects(INCIDENTS)) == 1
    assert len(await scene.told("RolledBack")) == len(await scene.told("Contained")) == 1
    marks = [r["metadata"].get("annotations", {}) for r in await scene.objects(RECORDS)]
    assert [m[names.QUARANTINED] for m in marks if names.QUARANTINED in m] == ["1"]
