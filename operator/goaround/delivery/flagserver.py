"""The flag stream: `flagd.sync.v1.FlagSyncService` over the sets of a FlagState.

A set is sent on connect and whenever its content changed. Nothing is sent before everything is
listed; streams wait. It refuses empty selectors, sets over the limit, and streams over the cap.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import NoReturn

import grpc
import grpc.aio
from openfeature.schemas.protobuf.flagd.sync.v1 import sync_pb2, sync_pb2_grpc

from goaround.delivery.flagmetrics import FlagMetrics
from goaround.delivery.flagstate import FlagState, Snapshot
from goaround.delivery.selector import BadSelector, Selector
from goaround.delivery.streams import Stream, Streams, TooManyStreams

MAX_STREAMS = 2000
SELECTOR_HEADER = "flagd-selector"
SLOWEST_SECONDS = 10.0
OPTIONS = (
    ("grpc.so_reuseport", 0),
    # a dead app is no stream: found within 30 s
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # providers that ping often are not thrown out
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 64 * 1024),
)


@dataclass(frozen=True, slots=True)
class Replica:
    """One flag replica: what it knows, who listens, and what it tells about itself."""

    name: str
    state: FlagState
    streams: Streams
    metrics: FlagMetrics

    @classmethod
    def of(cls, name: str, state: FlagState, streams: Streams) -> "Replica":
        return cls(name, state, streams, FlagMetrics(state, streams))


class FlagSync(sync_pb2_grpc.FlagSyncServiceServicer):
    """The service that OpenFeature's flagd providers connect to."""

    def __init__(self, replica: Replica, *, slowest: float = SLOWEST_SECONDS) -> None:
        self._replica, self._slowest = replica, slowest

    async def GetMetadata(
        self, request: sync_pb2.GetMetadataRequest, context: grpc.aio.ServicerContext
    ) -> NoReturn:
        """Deprecated upstream; only UNIMPLEMENTED makes providers go on (an empty answer ends
        the sync thread of provider 0.6.1 for good)."""
        await self._refuse(context, grpc.StatusCode.UNIMPLEMENTED, "use SyncFlags")

    async def FetchAllFlags(
        self, request: sync_pb2.FetchAllFlagsRequest, context: grpc.aio.ServicerContext
    ) -> sync_pb2.FetchAllFlagsResponse:
        """The set once."""
        selector = await self._selector(request.selector, context)
        if not self._replica.state.listed:
            await self._refuse(context, grpc.StatusCode.UNAVAILABLE, "not everything is listed yet")
        snapshot = await self._allowed(selector, context)
        return sync_pb2.FetchAllFlagsResponse(flag_configuration=snapshot.text)

    # the stub knows only generators; a write of our own can be given a limit of time
    async def SyncFlags(  # type: ignore[override]
        self, request: sync_pb2.SyncFlagsRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """The set now, and again whenever its content changed, until either side ends it."""
        selector = await self._selector(request.selector, context)
        try:
            with self._replica.streams.opened(selector) as stream:
                while await self._woken(stream):
                    await self._send(stream, context)
        except TooManyStreams as error:
            await self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except TimeoutError:
            message = f"the set was not taken within {self._slowest:g} s: connect again"
            # the status waits behind the bytes that are not taken
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._slowest):
                    await self._refuse(context, grpc.StatusCode.DEADLINE_EXCEEDED, message)

    async def _woken(self, stream: Stream) -> bool:
        """Waits for something to send; False: the replica is closing."""
        while not self._replica.streams.closing:
            await stream.wake.wait()
            stream.wake.clear()
            if self._replica.state.listed:
                break
        return not self._replica.streams.closing

    async def _send(self, stream: Stream, context: grpc.aio.ServicerContext) -> None:
        snapshot = await self._allowed(stream.selector, context)
        message = sync_pb2.SyncFlagsResponse(flag_configuration=snapshot.text)
        # one stuck app must not hold back "delivered" for the others
        async with asyncio.timeout(self._slowest):
            await context.write(message)
        stream.sent = snapshot
        self._replica.metrics.sets.inc()
        self._replica.metrics.bytes.inc(message.ByteSize())

    async def _allowed(self, selector: Selector, context: grpc.aio.ServicerContext) -> Snapshot:
        snapshot = self._replica.state.snapshot(selector)
        if snapshot.refused is not None:
            await self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, snapshot.refused)
        return snapshot

    async def _selector(self, body: str, context: grpc.aio.ServicerContext) -> Selector:
        """The header goes before the body, as in flagd."""
        headers = dict(context.invocation_metadata() or ())
        try:
            selector = Selector.parse(str(headers.get(SELECTOR_HEADER) or body))
        except BadSelector as error:
            await self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        watched = self._replica.state.namespaces
        if watched and selector.namespace not in watched:
            message = f"this flag server serves only the namespaces {', '.join(sorted(watched))}"
            await self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, message)
        return selector

    async def _refuse(
        self, context: grpc.aio.ServicerContext, code: grpc.StatusCode, message: str
    ) -> NoReturn:
        if code is not grpc.StatusCode.UNIMPLEMENTED:
            self._replica.metrics.refused.labels(code.name).inc()
        await context.abort(code, message)
        raise AssertionError("abort raises")


class FlagServer:
    """The gRPC server of a replica."""

    def __init__(self, replica: Replica, *, slowest: float = SLOWEST_SECONDS) -> None:
        self._replica = replica
        # the cap proper answers with a sentence; this is the belt for unary calls
        rpcs = replica.streams.limit + 100
        self._server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=rpcs)
        service = FlagSync(replica, slowest=slowest)
        sync_pb2_grpc.add_FlagSyncServiceServicer_to_server(service, self._server)

    async def start(self, host: str, port: int, tls: grpc.ServerCredentials | None = None) -> int:
        """Listens, with `tls` or in plain text; returns the port, which is chosen when `port` is
        0."""
        at = f"{host}:{port}"
        chosen: int = (
            self._server.add_insecure_port(at)
            if tls is None
            else self._server.add_secure_port(at, tls)
        )
        await self._server.start()
        return chosen

    async def stop(self, grace: float) -> None:
        """Takes nothing new, ends the streams, and waits at most `grace` seconds for them."""
        self._replica.streams.close()
        await self._server.stop(grace)
