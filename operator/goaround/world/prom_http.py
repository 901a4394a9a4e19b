"""One question to a metrics provider over HTTP, bounded in time and in bytes.

Decides how a provider is asked (POST form, streamed, no redirect, no compression) and what each
kind of failure is called. Never sends a credential but the one of the provider's own URL, and never
quotes a body: what a provider answers is not ours to print.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx

from goaround.world.prom_types import Provider, Unreadable, UnreadableReason

# Prometheus gives up before we do, so that a query too heavy answers 503 (and can be split), while
# silence means that the provider itself is gone.
_SHARE_OF_TIME_FOR_QUERY: Final = 0.8
_HINTS: Final = {
    400: "check that the provider speaks the Prometheus HTTP API and allows this many steps",
    401: "give the provider's url a user and password that it accepts",
    403: "let the operator's address or user read queries",
    404: "check the path of the provider's url",
    413: "allow longer requests on the way to the provider",
    422: "most often too many samples: lower the number of series, or raise --query.max-samples",
    429: "raise the provider's rate limit, or the interval of the features",
    503: "most often a query out of time: lower the number of series, or raise timeoutSeconds",
}


class PrometheusHttp:
    """The transport of one provider; answers a body, or why there is none."""

    def __init__(self, provider: Provider, client: httpx.AsyncClient | None = None) -> None:
        url = httpx.URL(provider.url)
        self._provider = provider
        self._url = url.copy_with(
            username=None, password=None, path=url.path.rstrip("/") + "/api/v1/query_range"
        )
        self._auth = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
        self._owns_client = client is None
        self._client = client or httpx.AsyncClient(trust_env=False, follow_redirects=False)

    async def query_range(self, query: str, ends: range) -> bytes | Unreadable:
        """The body of the answer for `query` at every one of `ends` (unix seconds)."""
        limit = self._provider.timeout_seconds
        form = {
            "query": query,
            "start": str(ends[0]),
            "end": str(ends[-1]),
            "step": str(ends.step),
            "timeout": f"{max(1, int(limit * _SHARE_OF_TIME_FOR_QUERY * 1000))}ms",
        }
        try:
            async with asyncio.timeout(limit):
                return await self._post(form)
        except (TimeoutError, httpx.TimeoutException):
            return self._unreadable(
                UnreadableReason.TIMEOUT,
                f"no complete answer within {limit:g} s: check the provider's load and the way "
                "to it, or raise timeoutSeconds",
            )
        except httpx.ConnectError:
            return self._unreadable(
                UnreadableReason.REFUSED,
                "no connection: check that it runs and that its url and NetworkPolicy let us in",
            )
        except httpx.TransportError as error:
            return self._unreadable(
                UnreadableReason.BAD_ANSWER,
                f"the connection broke off ({type(error).__name__}): check the provider's log",
            )

    async def _post(self, form: Mapping[str, str]) -> bytes | Unreadable:
        async with self._client.stream(
            "POST",
            self._url,
            data=form,
            headers={"Accept-Encoding": "identity"},
            auth=self._auth,
            follow_redirects=False,
            timeout=None,
        ) as response:
            return self._problem(response) or await self._body(response)

    def _problem(self, response: httpx.Response) -> Unreadable | None:
        status = response.status_code
        if response.is_redirect:
            return self._unreadable(
                UnreadableReason.REDIRECT,
                f"it redirects (HTTP {status}), which is never followed: configure the final url",
                status,
            )
        if status != 200:
            hint = _HINTS.get(status, "check the provider's log")
            return self._unreadable(
                UnreadableReason.HTTP_STATUS, f"HTTP {status} instead of 200: {hint}", status
            )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return self._unreadable(
                UnreadableReason.BAD_ANSWER,
                "the answer is compressed though identity was asked for: "
                "switch compression off on the way to the provider",
            )
        return None

    async def _body(self, response: httpx.Response) -> bytes | Unreadable:
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > self._provider.max_bytes:
                return self._unreadable(
                    UnreadableReason.TOO_LARGE,
                    f"the answer is larger than {self._provider.max_bytes} bytes: "
                    "lower the number of series, or raise maxBytes",
                )
        return bytes(body)

    def _unreadable(
        self, reason: UnreadableReason, message: str, status: int | None = None
    ) -> Unreadable:
        return Unreadable(reason, message, status).of(self._provider.name)

    async def aclose(self) -> None:
        """Closes the client, unless it was lent."""
        if self._owns_client:
            await self._client.aclose()
