"""What the bench sees for itself: statuses by a watch, flags by streams; both with a time.

Each keeps when something was first seen since `mark`. They believe no time that the operator wrote.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.api.base import Json
from hack.bench.traffic import Key

POLL_SECONDS = 0.02


@dataclass(slots=True)
class Sight:
    """Features as a watch tells of them."""

    on_split: Callable[[Key, Mapping[str, int]], None]
    bodies: dict[Key, Json] = field(default_factory=dict)
    writes: dict[Key, int] = field(default_factory=dict)
    _stages: dict[tuple[Key, str], float] = field(default_factory=dict)

    def listed(self, bodies: Sequence[Json]) -> None:
        for body in bodies:
            self._take(body)

    def heard(self, event: str, body: Json) -> None:
        if event == "DELETED":
            self.bodies.pop(key_of(body), None)
            return
        self._take(body)

    def _take(self, body: Json) -> None:
        now, key, status = time.time(), key_of(body), body.get("status") or {}
        self.bodies[key] = body
        self.writes[key] = self.writes.get(key, 0) + 1
        if (stage := status.get("stage")) is not None:
            self._stages.setdefault((key, stage), now)
            self.on_split(key, status["split"])

    def mark(self) -> None:
        """Forget what was seen when."""
        self._stages.clear()
        self.writes.clear()

    def seen(self, key: Key, stage: str) -> float | None:
        """When the feature was first seen in that stage since `mark` (unix seconds)."""
        return self._stages.get((key, stage))

    def status(self, key: Key) -> Json:
        found: Json = (self.bodies.get(key) or {}).get("status") or {}
        return found

    def all(self, keys: Iterable[Key], holds: Callable[[Json], object]) -> bool:
        return all(holds(self.status(key)) for key in keys)


@dataclass(slots=True)
class Ears:
    """One flag stream per feature, as applications hold them."""

    port: int
    _tasks: dict[Key, asyncio.Task[None]] = field(default_factory=dict)
    _channel: grpc.aio.Channel | None = None
    _zero: dict[Key, float] = field(default_factory=dict)
    _fallback: dict[Key, float] = field(default_factory=dict)
    messages: int = 0

    def listen(self, keys: Iterable[Key]) -> None:
        """Open the streams that are not open yet."""
        self._channel = self._channel or grpc.aio.insecure_channel(f"127.0.0.1:{self.port}")
        for key in keys:
            if key not in self._tasks:
                self._tasks[key] = asyncio.create_task(self._follow(self._channel, key))

    async def _follow(self, channel: grpc.aio.Channel, key: Key) -> None:
        stub = sync_pb2_grpc.FlagSyncServiceStub(channel)
        request = sync_pb2.SyncFlagsRequest(selector="/".join(key))
        async for answer in stub.SyncFlags(request):
            now = time.time()
            self.messages += 1
            flag = json.loads(answer.flag_configuration)["flags"].get(f"{key[1]}.release") or {}
            if candidate_percent(flag) == 0:
                self._zero.setdefault(key, now)
            if flag.get("defaultVariant") == "fallback" and "targeting" not in flag:
                self._fallback.setdefault(key, now)

    def mark(self) -> None:
        """Forget what was heard when."""
        self._zero.clear()
        self._fallback.clear()

    def zero(self, key: Key) -> float | None:
        """When the candidate's share was first 0 since `mark` (unix seconds)."""
        return self._zero.get(key)

    def fallback(self, key: Key) -> float | None:
        """When the fallback first served everybody since `mark` (unix seconds)."""
        return self._fallback.get(key)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()


def candidate_percent(flag: Json) -> int:
    """Users on the candidate, as the split of the flag says; 0 where it splits nobody."""
    parts: list[Any] = (flag.get("targeting") or {}).get("if", [])
    shares: list[Any] = next(
        (p["fractional"] for p in parts if isinstance(p, dict) and "fractional" in p), []
    )
    return sum(s[1] for s in shares if isinstance(s, list) and s[0] == "candidate")


def key_of(body: Json) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]


async def until(holds: Callable[[], object], what: str, seconds: float) -> None:
    """Return as soon as it holds. Raises TimeoutError with `what`."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
