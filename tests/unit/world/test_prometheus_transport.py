"""How a metrics provider is asked, and what its failures as a server are called."""

import asyncio
import logging
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from aiohttp import web

from goaround.world.prometheus import (
    PrometheusReader,
    Provider,
    Read,
    Readings,
    Unreadable,
)
from goaround.world.prometheus import UnreadableReason as Reason
from tests.unit.world.provider_stub import (
    CHAT,
    ENDS,
    SHAPE,
    Form,
    Stub,
    answered,
    ask,
    asked,
    matrix,
    reading,
    reason,
    serving,
)


def test_a_query_is_posted_as_a_form_with_the_asked_times() -> None:
    async def run() -> Stub:
        async def handler(_: web.Request, __: Form) -> web.Response:
            return web.Response(body=matrix([]))

        async with serving(handler) as stub:
            await ask(stub.provider(timeout_seconds=2.5))
            return stub

    (form,) = asyncio.run(run()).forms
    assert {k: v for k, v in form.items() if k != "query"} == {
        "start": "1000",
        "end": "1010",
        "step": "10",
        "timeout": "2000ms",
    }


@pytest.mark.parametrize("status", [204, 400, 401, 404, 422, 429, 500, 502, 503])
def test_a_status_but_200_is_no_reading_and_its_body_is_not_quoted(status: int) -> None:
    for read in answered(b"" if status == 204 else b"s3cret", status):
        assert isinstance(read, Unreadable)
        assert (read.reason, read.status) == (Reason.HTTP_STATUS, status)
        assert f"provider default: HTTP {status} instead of 200: " in read.message
        assert "s3cret" not in read.message


def test_a_redirect_is_not_followed() -> None:
    visited = []

    async def handler(request: web.Request, _: Form) -> web.Response:
        visited.append(request.path)
        raise web.HTTPTemporaryRedirect("/api/v1/query_range?again")

    reads = asked(handler)
    assert {reason(r) for r in reads} == {Reason.REDIRECT}
    assert len(visited) == 1


def test_a_compressed_answer_is_refused_before_it_can_unfold() -> None:
    reads = answered(b"\x1f\x8b", 200, **{"Content-Encoding": "gzip"})
    assert [reason(r) for r in reads] == [Reason.BAD_ANSWER] * 2


def test_nobody_listening_is_refused() -> None:
    async def run() -> Sequence[Read]:
        async def handler(_: web.Request, __: Form) -> web.Response:
            raise AssertionError("the server is gone")

        async with serving(handler) as stub:
            provider = stub.provider()
        return await ask(provider)

    assert [reason(r) for r in asyncio.run(run())] == [Reason.REFUSED] * 2


def test_a_connection_that_breaks_off_is_no_reading() -> None:
    async def handler(request: web.Request, _: Form) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"status"')
        assert request.transport is not None
        request.transport.close()
        return response

    assert [reason(r) for r in asked(handler)] == [Reason.BAD_ANSWER] * 2


def test_a_drip_of_bytes_ends_with_the_time_out() -> None:
    async def handler(request: web.Request, _: Form) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None:
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    assert [reason(r) for r in asked(handler, timeout_seconds=0.2)] == [Reason.TIMEOUT] * 2


def test_silence_ends_with_the_time_out() -> None:
    async def handler(_: web.Request, __: Form) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    chat, _ = asked(handler, timeout_seconds=0.2)
    assert isinstance(chat, Unreadable)
    assert chat.message.startswith("provider default: no complete answer within 0.2 s: check ")


class Metered(httpx.AsyncHTTPTransport):
    """Counts what is read of the bodies."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = MeteredStream(response.stream, self.read)
        return response


class MeteredStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, read: list[int]) -> None:
        self.inner, self.read = inner, read

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.inner:
            self.read.append(len(piece))
            yield piece

    async def aclose(self) -> None:
        await self.inner.aclose()


def test_of_a_body_of_50_megabytes_no_more_than_the_limit_is_read() -> None:
    limit = 1 << 20

    async def handler(request: web.Request, _: Form) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _i in range(50):
            await response.write(b" " * (1 << 20))
        return response

    async def run() -> Unreadable | Readings:
        async with serving(handler) as stub, httpx.AsyncClient(transport=transport) as client:
            reader = PrometheusReader(stub.provider(max_bytes=limit), client)
            tracemalloc.start()
            try:
                return await reader.read(CHAT, SHAPE, ENDS)
            finally:
                await reader.aclose()

    transport = Metered()
    try:
        read = asyncio.run(run())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason(read) is Reason.TOO_LARGE
    assert sum(transport.read[:-1]) <= limit
    assert max(transport.read) <= 1 << 16
    # The stub holds a megabyte or two of its own in the same process.
    assert peak < 10 << 20


def test_the_password_of_the_url_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_: web.Request, __: Form) -> web.Response:
        return web.Response(status=401)

    async def run() -> tuple[Stub, Provider, Sequence[Read]]:
        async with serving(handler) as stub:
            url = stub.url.replace("//", "//operator:s3cret@")
            provider = stub.provider(url=f"{url}/")
            return stub, provider, await ask(provider)

    with caplog.at_level(logging.DEBUG):
        stub, provider, reads = asyncio.run(run())
    assert stub.headers[0]["Authorization"] == httpx.BasicAuth("operator", "s3cret")._auth_header
    assert "s3cret" not in f"{reads} {provider} {caplog.text}"


def test_without_a_password_no_credential_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def run() -> Stub:
        async def handler(_: web.Request, __: Form) -> web.Response:
            return web.Response(body=matrix([]))

        async with serving(handler) as stub:
            await ask(stub.provider())
            return stub

    headers = asyncio.run(run()).headers[0]
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & headers.keys()
    assert headers["Accept-Encoding"] == "identity"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert answered(matrix([])) == [reading(None, None)] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://host"},
        {"url": "http://"},
        {"url": "http://u:s3cret@host/?a=b"},
        {"url": "http://u:s3cret@host:port"},
        {"url": "prometheus"},
        {"scrape_seconds": 0},
        {"lag_seconds": -1},
        {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")},
        {"max_bytes": 0},
    ],
)
def test_a_provider_that_cannot_work_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="provider 'p': ") as refusal:
        Provider(**{"name": "p", "url": "http://host", **changes})
    assert "s3cret" not in str(refusal.value)
