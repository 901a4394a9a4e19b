"""Sends a message to a channel that an administrator configured: shapes, signature, one attempt.

Decides what is worth another attempt. Refuses to follow a redirect, to read what is answered beside
its status, and to tell anybody where a channel leads: an address may hold a secret.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import httpx

from goaround.api import GROUP
from goaround.api.base import Json

LONGEST_WAIT: Final = 3600.0
SHORTEST_SECRET: Final = 16
AGAIN: Final = frozenset({408, 429})
SIGNATURE: Final = "X-GoAround-Signature"
IDEMPOTENCY: Final = "Idempotency-Key"
TYPE: Final = f"{'.'.join(reversed(GROUP.split('.')))}.incident"


class Format(StrEnum):
    """What a receiver understands."""

    WEBHOOK = "Webhook"
    SLACK = "Slack"
    CLOUD_EVENTS = "CloudEvents"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go. `url` and `secret` (a file) are the administrator's and are never told."""

    name: str
    url: str = field(repr=False)
    format: Format = Format.WEBHOOK
    secret: Path | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0

    def key(self) -> bytes | None:
        """The secret by which messages are signed, read at each use, because a mounted Secret is
        renewed in place. Raises ValueError in words for an administrator."""
        if self.secret is None:
            return None
        try:
            found = self.secret.read_bytes().strip()
        except OSError as err:
            raise ValueError(f"the secret of channel {self.name} cannot be read") from err
        if len(found) < SHORTEST_SECRET:
            told = f"the secret of channel {self.name} is shorter than {SHORTEST_SECRET} bytes"
            raise ValueError(told)
        return found


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it leaves. uid: of the incident; with `id` it is the same at every attempt.
    time: when it was written, in RFC 3339."""

    uid: str
    id: str
    kind: str
    namespace: str
    incident: str
    feature: str
    severity: str
    drill: bool
    time: str
    text: str

    @property
    def key(self) -> str:
        """By this a receiver knows that it has the message."""
        return f"{self.uid}/{self.id}"


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why not. again: whether another attempt may help; after: seconds that the receiver asked
    for."""

    why: str
    again: bool
    after: float = 0.0


Answer = Taken | NotTaken


def body(form: Format, letter: Letter) -> tuple[str, bytes]:
    """Content type and body. JSON keeps `<`, `>` and `&` as escapes, so that it may stand in
    HTML."""
    match form:
        case Format.SLACK:
            return "application/json", _json({"text": slack(letter.text), "mrkdwn": False})
        case Format.CLOUD_EVENTS:
            return "application/cloudevents+json", _json(event(letter))
        case Format.WEBHOOK:
            return "application/json", _json({"id": letter.key} | data(letter))


def data(letter: Letter) -> Json:
    """What a message is about, and its text."""
    return {
        "message": letter.id,
        "kind": letter.kind,
        "namespace": letter.namespace,
        "incident": letter.incident,
        "feature": letter.feature,
        "severity": letter.severity,
        "drill": letter.drill,
        "time": letter.time,
        "text": letter.text,
    }


def event(letter: Letter) -> Json:
    """A CloudEvent 1.0 in structured JSON; `source` and `id` together name one message."""
    return {
        "specversion": "1.0",
        "id": letter.key,
        "source": f"/goaround/{letter.namespace}/{letter.incident}",
        "type": f"{TYPE}.{letter.kind}",
        "subject": letter.feature,
        "time": letter.time,
        "datacontenttype": "application/json",
        "data": data(letter),
    }


def slack(text: str) -> str:
    """Without anything that Slack would take for a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signature(secret: bytes, timestamp: int, content: bytes) -> str:
    """`t=<unix seconds>,v1=<hex>`: HMAC-SHA256 over `<unix seconds>.<body>`."""
    signed = str(timestamp).encode() + b"." + content
    return f"t={timestamp},v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


async def post(
    client: httpx.AsyncClient, channel: Channel, letter: Letter, timestamp: float
) -> Answer:
    """One attempt. timestamp: unix seconds of now, which the signature covers."""
    kind, content = body(channel.format, letter)
    headers = {"Content-Type": kind, "Accept-Encoding": "identity", IDEMPOTENCY: letter.key}
    try:
        if (secret := channel.key()) is not None:
            headers[SIGNATURE] = signature(secret, int(timestamp), content)
        async with asyncio.timeout(channel.timeout_seconds):
            return await _posted(client, channel.url, headers, content, timestamp)
    except ValueError as err:
        return NotTaken(str(err), again=True)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return NotTaken("its address is none", again=False)
    except (TimeoutError, httpx.TimeoutException):
        return NotTaken(f"no answer within {channel.timeout_seconds:g} s", again=True)
    except httpx.ConnectError:
        return NotTaken("it cannot be reached", again=True)
    except httpx.HTTPError as err:
        return NotTaken(f"the connection broke ({type(err).__name__})", again=True)


async def _posted(
    client: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    now: float,
) -> Answer:
    request = client.stream(
        "POST", url, content=content, headers=headers, follow_redirects=False, timeout=None
    )
    async with request as response:
        if response.is_success:
            return Taken()
        status = response.status_code
        if response.is_redirect:
            return NotTaken(f"HTTP {status}: it answers with a redirect", again=False)
        again = status in AGAIN or status >= 500
        return NotTaken(f"HTTP {status}", again, wait(response.headers.get("Retry-After"), now))


def wait(told: str | None, now: float) -> float:
    """Seconds that a `Retry-After` asks for, as a number or as a date; 0 where it asks nothing."""
    if told is None:
        return 0.0
    try:
        seconds = float(told) if told.strip().isdecimal() else _until(told) - now
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()


def _json(value: Json) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()
