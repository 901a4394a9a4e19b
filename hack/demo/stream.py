"""An independent ear on the flag stream: when did a share really change on the wire?"""

import json
import time
from typing import Any

import grpc
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from hack.demo.stack import FEATURE, NAMESPACE


class Ear:
    """Listens to the feature's stream and keeps when each split arrived."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.heard: list[tuple[float, int]] = []

    async def listen(self) -> None:
        """Until cancelled. (unix seconds, candidate percent) of every message."""
        request = sync_pb2.SyncFlagsRequest(selector=f"{NAMESPACE}/{FEATURE}")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            stub = sync_pb2_grpc.FlagSyncServiceStub(channel)
            async for answer in stub.SyncFlags(request):
                share = candidate_share(json.loads(answer.flag_configuration))
                self.heard.append((time.time(), share))

    def zero_after(self, at: float) -> float | None:
        """When the candidate's share first was 0 after `at`."""
        return next((when for when, share in self.heard if when >= at and share == 0), None)


def candidate_share(flags: dict[str, Any]) -> int:
    """Percent of the candidate in a flag set; 0 where there is no split."""
    flag = flags["flags"].get(f"{FEATURE}.release") or {}
    targeting = flag.get("targeting") or {}
    parts = [p for p in targeting.get("if", []) if isinstance(p, dict)]
    none: list[Any] = []
    fractional = next((p["fractional"] for p in parts if "fractional" in p), none)
    return sum(p[1] for p in fractional if isinstance(p, list) and p[0] == "candidate")
