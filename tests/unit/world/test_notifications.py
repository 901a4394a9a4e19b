"""A message on the wire: its shapes, its signature, and which refusals are worth a second try."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from goaround.world.notifications import (
    Answer,
    Channel,
    Format,
    Letter,
    NotTaken,
    Taken,
    body,
    post,
    slack,
    wait,
)

SECRET_URL = "https://hooks.example/services/T0/very-secret"
HOSTILE = 'x"} <script>alert(1)</script> <!channel> & \u2028 *bold*'
NOW = 1_795_254_488.0
LETTER = Letter(
    uid="8f6e",
    id="brief-1",
    kind="brief",
    namespace="shop",
    incident="chat-20261121-0a1b2c",
    feature="chat",
    severity="P2",
    drill=False,
    time="2026-11-21T09:48:38Z",
    text="We took it off its users.",
)


def sent(handler: Callable[[httpx.Request], httpx.Response], channel: Channel) -> Answer:
    async def run() -> Answer:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            return await post(client, channel, LETTER, NOW)

    return asyncio.run(run())


def answering(status: int, **headers: str) -> Answer:
    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=headers)

    return sent(handler, Channel("ops", SECRET_URL))


def test_a_webhook_gets_what_it_is_about_and_the_text() -> None:
    kind, content = body(Format.WEBHOOK, LETTER)
    assert kind == "application/json"
    assert json.loads(content) == {
        "id": "8f6e/brief-1",
        "message": "brief-1",
        "kind": "brief",
        "namespace": "shop",
        "incident": "chat-20261121-0a1b2c",
        "feature": "chat",
        "severity": "P2",
        "drill": False,
        "time": "2026-11-21T09:48:38Z",
        "text": "We took it off its users.",
    }


def test_a_cloud_event_has_every_attribute_of_version_1_0_and_no_null() -> None:
    kind, content = body(Format.CLOUD_EVENTS, LETTER)
    event = json.loads(content)
    assert kind == "application/cloudevents+json"
    webhook = json.loads(body(Format.WEBHOOK, LETTER)[1])
    assert webhook == {"id": event["id"], **event.pop("data")}
    assert event == {
        "specversion": "1.0",
        "id": "8f6e/brief-1",
        "source": "/goaround/shop/chat-20261121-0a1b2c",
        "type": "dev.goaround.incident.brief",
        "subject": "chat",
        "time": "2026-11-21T09:48:38Z",
        "datacontenttype": "application/json",
    }
    # attribute names: lower-case letters or digits; source is a URI reference; all are strings
    assert all(name.isalnum() and name == name.lower() for name in event)
    assert all(isinstance(value, str) and value for value in event.values())


def test_slack_gets_text_without_links_mentions_and_formats() -> None:
    _, content = body(Format.SLACK, LETTER)
    assert json.loads(content) == {"text": LETTER.text, "mrkdwn": False}
    assert slack("<!channel> a & b") == "&lt;!channel&gt; a &amp; b"


@pytest.mark.parametrize("form", list(Format))
def test_hostile_text_stays_text_in_json_and_in_html_around_it(form: Format) -> None:
    letter = replace(LETTER, text=HOSTILE)
    _, content = body(form, letter)
    told = json.loads(content)
    text = told.get("text") or told["data"]["text"]
    assert text == (slack(HOSTILE) if form is Format.SLACK else HOSTILE)
    assert not [char for char in "<>&\u2028" if char in content.decode()]


def test_it_is_posted_under_a_key_that_names_incident_and_message() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(202)

    assert sent(handler, Channel("ops", SECRET_URL)) == Taken()
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", SECRET_URL)
    assert request.headers["Idempotency-Key"] == "8f6e/brief-1"
    assert "X-GoAround-Signature" not in request.headers


def test_its_signature_covers_time_and_body(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef0123456789abcdef\n")
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    sent(handler, Channel("ops", SECRET_URL, secret=secret))
    (request,) = asked
    stamp, _, claimed = request.headers["X-GoAround-Signature"].partition(",")
    assert stamp == f"t={int(NOW)}"
    signed = str(int(NOW)).encode() + b"." + request.content
    right = hmac.new(b"0123456789abcdef0123456789abcdef", signed, hashlib.sha256).hexdigest()
    assert claimed == f"v1={right}"


@pytest.mark.parametrize("content", [None, b"short"])
def test_without_its_secret_nothing_is_sent_unsigned(tmp_path: Path, content: bytes | None) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)

    def handler(_: httpx.Request) -> httpx.Response:
        raise AssertionError("sent unsigned")

    answer = sent(handler, Channel("ops", SECRET_URL, secret=secret))
    assert isinstance(answer, NotTaken)
    assert answer.again
    assert answer.why.startswith("the secret of channel ops")


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, False), (404, False), (410, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_a_refusal_is_final_unless_the_server_may_think_otherwise(status: int, again: bool) -> None:
    assert answering(status) == NotTaken(f"HTTP {status}", again)


def test_a_redirect_is_not_followed() -> None:
    answer = answering(302, Location="http://169.254.169.254/latest")
    assert answer == NotTaken("HTTP 302: it answers with a redirect", again=False)


def test_a_server_may_say_how_long_to_wait() -> None:
    assert answering(503, **{"Retry-After": "17"}) == NotTaken("HTTP 503", again=True, after=17.0)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (None, 0),
        ("30", 30),
        ("999999", 3600),
        ("soon", 0),
        ("-5", 0),
        ("Sat, 21 Nov 2026 09:49:08 GMT", 60),
        ("Sat, 21 Nov 2020 09:49:08 GMT", 0),
    ],
)
def test_the_wait_is_a_number_or_a_date_and_bounded(told: str | None, seconds: float) -> None:
    assert wait(told, 1_795_254_488.0) == seconds


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (httpx.ConnectError("no route to hooks.example"), "it cannot be reached"),
        (httpx.ReadTimeout("slow"), "no answer within 10 s"),
        (httpx.RemoteProtocolError("very-secret"), "the connection broke (RemoteProtocolError)"),
    ],
)
def test_a_failure_is_told_without_the_address(error: Exception, why: str) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    assert sent(handler, Channel("ops", SECRET_URL)) == NotTaken(why, again=True)


def test_a_channel_does_not_show_where_it_leads() -> None:
    shown = repr(Channel("ops", SECRET_URL, secret=Path("mounted/secret")))
    assert "hooks.example" not in shown
    assert "mounted" not in shown


def test_what_is_answered_is_not_read() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("it was read")
            yield b""

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless())

    assert sent(handler, Channel("ops", SECRET_URL)) == Taken()
