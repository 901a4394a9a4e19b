"""A real replica on loopback in its own thread, fed by the test, and real providers on it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import grpc
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.api.base import Json
from goaround.delivery.flaghttp import FlagHttp
from goaround.delivery.flagserver import FlagServer, Replica
from goaround.delivery.flagstate import FlagState
from goaround.delivery.streams import Streams

T = TypeVar("T")
PATIENCE = 20.0


def eventually(holds: Callable[[], bool]) -> None:
    """Returns as soon as it holds; fails when it never does."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


class Live:
    """The replica; `do` runs something on its loop, where its state lives."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self.streams = Streams(limit)
        self.state = FlagState(on_change=self.streams.changed, on_listed=self.streams.wake_all)
        self.replica = Replica.of("r", self.state, self.streams)
        self.port = 0
        self.http = 0

    def do(self, action: Callable[[], T]) -> T:
        async def run() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def see(self, *bodies: Json) -> None:
        for body in bodies:
            self.do(partial(self.state.see_feature, "MODIFIED", body))

    def list(self, features: Sequence[Json] = (), switches: Sequence[Json] = ()) -> None:
        self.do(lambda: self.state.list_features(features))
        self.do(lambda: self.state.list_switches(switches))

    def sent(self) -> int:
        """Sets written so far."""
        for metric in self.replica.metrics.sets.collect():
            return int(metric.samples[0].value)
        return 0

    def stub(self) -> tuple[grpc.Channel, sync_pb2_grpc.FlagSyncServiceStub]:
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return channel, sync_pb2_grpc.FlagSyncServiceStub(channel)

    def refused(self, selector: str) -> grpc.RpcError:
        """The error that a stream with this selector ends with."""
        channel, stub = self.stub()
        with channel:
            try:
                for _ in stub.SyncFlags(sync_pb2.SyncFlagsRequest(selector=selector), timeout=5):
                    pass
            except grpc.RpcError as error:
                return error
        raise AssertionError("the stream ended without an error")


@contextmanager
def live(
    *, limit: int = 100, slowest: float = 10.0, tls: grpc.ServerCredentials | None = None
) -> Iterator[Live]:
    """A replica that has listed nothing yet."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[Live, FlagServer, FlagHttp]:
        here = Live(loop, limit)
        server, http = FlagServer(here.replica, slowest=slowest), FlagHttp(here.replica)
        here.port = await server.start("127.0.0.1", 0, tls)
        here.http = await http.start("127.0.0.1", 0)
        return here, server, http

    async def stop(server: FlagServer, http: FlagHttp) -> None:
        await server.stop(2.0)
        await http.stop()

    here, server, http = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
    try:
        yield here
    finally:
        asyncio.run_coroutine_threadsafe(stop(server, http), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


@contextmanager
def app(port: int, selector: str | None, *, wait: bool = True) -> Iterator[OpenFeatureClient]:
    """An app with the provider set as our docs say."""
    domain = f"{port}/{selector}/{time.monotonic_ns()}"
    provider = FlagdProvider(
        host="127.0.0.1",
        port=port,
        tls=False,
        resolver_type=ResolverType.IN_PROCESS,
        selector=selector,
        deadline_ms=10_000 if wait else 200,
        stream_deadline_ms=0,
        retry_backoff_ms=100,
        retry_backoff_max_ms=200,
    )
    if wait:
        api.set_provider_and_wait(provider, domain=domain)
    else:
        api.set_provider(provider, domain=domain)
    try:
        yield api.get_client(domain=domain)
    finally:
        provider.shutdown()


def variant(
    client: OpenFeatureClient, key: str | None = None, flag: str = "chat.release"
) -> str | None:
    """The variant of a user; None when the app is on its code default."""
    context = EvaluationContext(targeting_key=key)
    return client.get_object_details(flag, {"code": "default"}, context).variant


def error_code(client: OpenFeatureClient, flag: str = "chat.release") -> str | None:
    code = client.get_object_details(flag, {}, EvaluationContext()).error_code
    return code.value if code else None
