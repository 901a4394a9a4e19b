"""A whole operator and a real receiver: what dies in between sends again, under the same key."""

import asyncio
import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from goaround.api.kinds import EVENTS, INCIDENTS
from goaround.world.kube import Unavailable
from tests.unit.runtime.bench import MemoryApi
from tests.unit.runtime.messages_kit import (
    NAME,
    SECRET,
    channel,
    contained,
    operating,
    receiving,
    state,
    texts,
    until,
)

WRITES_STATUS = f"patch aiincidents/{NAME}/status"


def test_what_is_due_is_told_signed_and_recorded(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "secret").write_bytes(SECRET)
        api = MemoryApi()
        api.put(INCIDENTS, contained())
        async with (
            receiving() as receiver,
            operating(api, channel(receiver.url, tmp_path / "secret")),
        ):
            await until(lambda: state(api).get("state") == "Sent", "sent")
            ((signature, content),) = receiver.signed
        assert receiver.keys == ["uid-incident/brief-1"]
        assert receiver.bodies[0]["text"] in texts(api).values()
        assert state(api)["channels"] == "1/1 delivered"
        stamp = signature.partition(",")[0].removeprefix("t=")
        right = hmac.new(SECRET, f"{stamp}.".encode() + content, hashlib.sha256).hexdigest()
        assert signature == f"t={stamp},v1={right}"

    asyncio.run(run())


def test_after_a_crash_between_sending_and_writing_it_is_sent_again_under_the_same_key() -> None:
    async def run() -> None:
        api = MemoryApi()
        api.put(INCIDENTS, contained())
        async with receiving() as receiver:
            too_late = Unavailable("it dies first")
            api.fault = lambda call: too_late if receiver.keys and call == WRITES_STATUS else None
            async with operating(api, channel(receiver.url)):
                await until(lambda: receiver.keys, "posted")
            assert state(api)["state"] == "Sending"
            api.fault = lambda _: None
            async with operating(api, channel(receiver.url)):
                await until(lambda: state(api)["state"] == "Sent", "sent by the next one")
        assert len(receiver.keys) >= 2
        assert len(receiver.new) == 1
        assert len({json.dumps(body, sort_keys=True) for body in receiver.bodies}) == 1

    asyncio.run(run())


def test_nothing_is_sent_before_the_ledger_has_it() -> None:
    async def run() -> None:
        api = MemoryApi()
        api.put(INCIDENTS, contained())
        api.fault = lambda call: Unavailable("no writes") if call == WRITES_STATUS else None
        async with receiving() as receiver, operating(api, channel(receiver.url)):
            await until(lambda: api.calls.count(WRITES_STATUS) > 2, "tried to write")
        assert receiver.keys == []

    asyncio.run(run())


def test_no_channel_that_hangs_stands_before_another_or_before_a_pass() -> None:
    async def run() -> None:
        async def never() -> Any:
            await asyncio.sleep(60)

        api = MemoryApi()
        api.put(INCIDENTS, contained())
        async with (
            receiving(never) as dead,
            receiving() as alive,
            operating(api, channel(dead.url, name="dead"), channel(alive.url, name="alive")),
        ):
            await until(lambda: state(api).get("took") == ["alive"], "the other has it")
            body = api.body(INCIDENTS, "shop", NAME)
            body["spec"]["roles"] = {"commander": "ana"}
            api.watch(INCIDENTS, api.put(INCIDENTS, body))
            await until(lambda: "assignedAt" in milestones(api), "passes go on")
        assert state(api)["state"] == "Sending"

    asyncio.run(run())


def milestones(api: MemoryApi) -> dict[str, str]:
    found: dict[str, str] = api.body(INCIDENTS, "shop", NAME)["status"]["milestones"]
    return found


def test_neither_an_address_nor_a_text_of_users_stands_anywhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        api = MemoryApi()
        body = contained("P1", impact={"business": "Answers were empty"})
        body["metadata"]["annotations"] = {"goaround.dev/x": "canary-user-text"}
        api.put(INCIDENTS, body)
        async with (
            receiving() as receiver,
            operating(
                api,
                channel(f"{receiver.url}?token=canary-token"),
                channel("http://127.0.0.1:9/canary-path", name="dead", audience="Leadership"),
            ),
        ):
            await until(lambda: state(api).get("state") == "Sent", "sent")
            await until(lambda: state(api, "leadership-1").get("state"), "the other one is tried")
        stored = api.body(INCIDENTS, "shop", NAME)
        del stored["metadata"]["annotations"]
        events = await api.list(EVENTS)
        assert "canary" not in json.dumps([stored, events, texts(api), receiver.bodies])

    with caplog.at_level(logging.INFO, "goaround"):
        asyncio.run(run())
    assert "canary" not in caplog.text
