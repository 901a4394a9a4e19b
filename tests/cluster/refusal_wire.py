"""Wires between the parts: a proxy that can go dead, and an ear on a flag stream.

The ear believes nothing but what arrived, and when.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import grpc
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.api.base import Json
from tests.cluster.operator_traffic import FeatureName


class Proxy:
    """A wire to the API server that can be made to carry nothing, without being closed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._carries = threading.Event()
        self._carries.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def dead(self) -> Iterator[None]:
        self._carries.clear()
        try:
            yield
        finally:
            self._carries.set()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._ends += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._carries.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass
class Ear:
    """Hears one feature on one replica's stream; `heard` are (unix seconds, split)."""

    port: int
    feature: FeatureName
    heard: list[tuple[float, Mapping[str, int]]] = field(default_factory=list)
    connected: bool = False

    def listen(self, stop: threading.Event) -> None:
        """Until stopped; connects again as soon as it can."""
        request = sync_pb2.SyncFlagsRequest(selector="/".join(self.feature))
        while not stop.is_set():
            with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
                stream = sync_pb2_grpc.FlagSyncServiceStub(channel).SyncFlags(request)
                ending = threading.Thread(target=partial(_cancel, stop, stream), daemon=True)
                ending.start()
                with contextlib.suppress(grpc.RpcError):
                    for answer in stream:
                        split = split_of(json.loads(answer.flag_configuration), self.feature[1])
                        self.heard.append((time.time(), split))
                        self.connected = True
                self.connected = False
            stop.wait(0.1)

    @property
    def share(self) -> int | None:
        """Percent on the candidate, as last heard."""
        return self.heard[-1][1].get("candidate", 0) if self.heard else None

    def zero_after(self, at: float) -> float | None:
        """When the candidate's share was 0 for the first time after `at`."""
        return next((t for t, s in self.heard if t >= at and not s.get("candidate")), None)


def _cancel(stop: threading.Event, stream: grpc.Call) -> None:
    stop.wait()
    stream.cancel()


def split_of(document: Json, name: str) -> Mapping[str, int]:
    """The split in a flag set."""
    flag = document["flags"].get(f"{name}.release")
    if flag is None or "targeting" not in flag:
        return {"fallback": 100}
    return dict(flag["targeting"]["if"][1]["fractional"][1:])
