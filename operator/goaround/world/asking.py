"""One request to an endpoint that nobody vouches for, bounded in time and in bytes.

Decides how it is asked (no redirect, no compression, no proxy, no credential) and what each kind of
failure is called. Refuses to quote an answer.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from goaround.api.names import PIN_HEADER, RELEASE_HEADER

MOST_RELEASE: Final = 128


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask. host: the name that the server is asked under, where the url has an address."""

    url: str
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. pin: makes the app answer as one release."""

    method: str
    body: bytes = b""
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the whole answer, and its largest body in bytes."""

    seconds: float
    most_bytes: int


class Failure(StrEnum):
    """Why there is no answer. `unreachable` speaks of the way there, the others of who answers."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BROKEN_OFF = "brokenOff"
    REDIRECT = "redirect"
    COMPRESSED = "compressed"
    TOO_LARGE = "tooLarge"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. release: what it says of who answered, `<feature>@<short digest>`."""

    status: int
    body: bytes
    release: str


async def ask(
    client: httpx.AsyncClient, target: Target, question: Question, limits: Limits
) -> Reply | Failure:
    """The answer of `target`, or why there is none."""
    try:
        async with asyncio.timeout(limits.seconds):
            return await _asked(client, target, question, limits.most_bytes)
    except (httpx.ConnectError, httpx.InvalidURL, httpx.UnsupportedProtocol):
        return Failure.UNREACHABLE
    except (TimeoutError, httpx.TimeoutException):
        return Failure.TIMEOUT
    except httpx.HTTPError:
        return Failure.BROKEN_OFF


async def _asked(
    client: httpx.AsyncClient, target: Target, question: Question, most_bytes: int
) -> Reply | Failure:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if target.host is not None:
        headers["Host"] = target.host
    if question.pin is not None:
        headers[PIN_HEADER] = question.pin
    if question.body:
        headers["Content-Type"] = "application/json"
    async with client.stream(
        question.method,
        target.url,
        content=question.body or None,
        headers=headers,
        follow_redirects=False,
        timeout=None,
    ) as response:
        if response.is_redirect:
            return Failure.REDIRECT
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return Failure.COMPRESSED
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > most_bytes:
                return Failure.TOO_LARGE
        release = response.headers.get(RELEASE_HEADER, "")[:MOST_RELEASE]
        return Reply(response.status_code, bytes(body), release)
