"""List and watch of one kind, without kopf.

It decides when to list again and how long to wait before. Every list replaces the whole state, so
a gap hides no deletion; it refuses to let an old resourceVersion replace a newer body.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.rest import RESTResponse

from goaround.api.base import Json
from goaround.api.kinds import Kind
from goaround.world.backoff import doubling, jittered
from goaround.world.kube import path

PAGE = 200
WATCH_SECONDS = 300
# a busy kind gets a bookmark about every 60 s; an idle one may get none at all (seen on 1.36), so
# silence means a new watch, not a new list
SILENCE_SECONDS = 70.0
ANSWER_SECONDS = 15.0
SHORTEST_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
RESTORED_AFTER = 3

OnList = Callable[[Sequence[Json]], None]
OnEvent = Callable[[str, Json], None]


class WatchFault(Exception):
    """The API server answered with something else than what was asked for."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


FAULTS = (WatchFault, aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)


class BackOff:
    """Waits that double from 0.2 to 5 s, each shortened by up to half at random, so that a fleet
    of replicas does not come back as one."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait now."""
        self._failures += 1
        return jittered(doubling(self._failures, FIRST_WAIT, LONGEST_WAIT), self._chance())


class Watcher:
    """Follows one kind in one namespace (None: in all) until it is cancelled.

    `on_fault` hears in words of everything that made it wait.
    """

    def __init__(
        self,
        client: ApiClient,
        kind: Kind,
        namespace: str | None = None,
        *,
        page: int = PAGE,
        silence: float = SILENCE_SECONDS,
        answer: float = ANSWER_SECONDS,
        on_fault: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client, self._page = client, page
        self._silence, self._answer, self._on_fault = silence, answer, on_fault
        self._path = path(kind, namespace)
        self._newest = 0
        self._older_lists = 0
        self._back_off = BackOff()

    async def run(self, on_list: OnList, on_event: OnEvent) -> None:
        """Calls `on_list` with everything there is, first and after every gap, and `on_event` with
        each `ADDED`, `MODIFIED` or `DELETED` in between, in order."""
        while True:
            try:
                on_list(await self._listed())
                while True:
                    await self._followed(on_event)
            except FAULTS as fault:
                self._on_fault(f"{self._path}: {type(fault).__name__}: {fault}")
                asked = fault.retry_after if isinstance(fault, WatchFault) else None
                await asyncio.sleep(max(asked or 0.0, self._back_off.next()))

    async def _listed(self) -> list[Json]:
        """All bodies, as of one version, which becomes the one to watch from."""
        items: list[Json] = []
        page: dict[str, Any] = {"limit": self._page}
        while True:
            async with asyncio.timeout(2 * self._answer), self._asked(page) as response:
                told = _decoded(await response.response.read())
            items += told.get("items") or []
            metadata = told["metadata"]
            if not metadata.get("continue"):
                self._accept(int(metadata["resourceVersion"]))
                return items
            page["continue"] = metadata["continue"]

    def _accept(self, version: int) -> None:
        """A list asks for the newest state, so an older one than already seen is an error, unless
        it stays so: a cluster restored from a backup counts backwards."""
        if version < self._newest and self._older_lists < RESTORED_AFTER:
            self._older_lists += 1
            raise WatchFault(f"list of version {version} is older than {self._newest}")
        self._older_lists = 0
        self._newest = version

    async def _followed(self, on_event: OnEvent) -> None:
        """One watch, until the server ends it or falls silent; neither is a fault, and the next
        one starts where this one ended, at once unless it was over before it began."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self._newest),
            "timeoutSeconds": WATCH_SECONDS,
        }
        began = asyncio.get_running_loop().time()
        async with self._asked(query) as response:
            async for line in self._lines(response):
                self._heard(_decoded(line), on_event)
                self._back_off.reset()
        if asyncio.get_running_loop().time() - began < SHORTEST_SECONDS:
            await asyncio.sleep(self._back_off.next())

    async def _lines(self, response: RESTResponse) -> AsyncIterator[bytes]:
        """Whole lines; ends with the stream, with half a line, or with too long a silence."""
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    line = await response.response.content.readline()
            except TimeoutError:
                return
            if not line.endswith(b"\n"):
                return
            yield line

    def _heard(self, event: Json, on_event: OnEvent) -> None:
        body, kind = event["object"], event["type"]
        if kind == "ERROR":
            raise _fault(int(body.get("code") or 500), str(body.get("message")), None)
        version = int(body["metadata"]["resourceVersion"])
        if version <= self._newest:
            return
        self._newest = version
        if kind != "BOOKMARK":
            on_event(kind, body)

    @contextlib.asynccontextmanager
    async def _asked(self, query: dict[str, Any]) -> AsyncIterator[RESTResponse]:
        """A GET whose answer has begun, with a status of 200."""
        method, url, headers, _, _ = await self._client.param_serialize(
            "GET",
            self._path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        async with asyncio.timeout(self._answer):
            response = await self._client.call_api(
                method, url, headers, _request_timeout=aiohttp.ClientTimeout(total=None)
            )
        try:
            if response.status != HTTPStatus.OK:
                raise await _refused(response, self._answer)
            yield response
        finally:
            response.response.close()


def _decoded(text: bytes) -> Json:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise WatchFault(f"the API server's answer is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise WatchFault("the API server answered with something else than an object")
    return told


async def _refused(response: RESTResponse, limit: float) -> WatchFault:
    async with asyncio.timeout(limit):
        text = (await response.response.read()).decode(errors="replace")
    return _fault(response.status, text[:300], response.headers.get("Retry-After"))


def _fault(status: int, message: str, retry_after: str | None) -> WatchFault:
    asked = retry_after is not None and retry_after.isdecimal()
    seconds = min(float(retry_after or 0), LONGEST_RETRY_SECONDS) if asked else None
    return WatchFault(f"{status}: {message}", retry_after=seconds)
