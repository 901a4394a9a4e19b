"""The message desk: tries again, gives up after an hour, and no channel waits for another."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

from goaround.api import names
from goaround.api.base import ObjectMeta, rfc3339
from goaround.api.content import hash_of
from goaround.api.incident_status import Comms, Message, MessageState
from goaround.api.kinds import CONFIG_MAPS, AIIncident
from goaround.incident.audiences import Delivered
from goaround.runtime.messages import MessageDesk
from goaround.world.kube import Unavailable
from goaround.world.notifications import Channel
from tests.crash.clock import VirtualTimeLoop
from tests.unit.incident.build import an_incident
from tests.unit.runtime.bench import BEGIN, MemoryApi, in_virtual_time

TEXT = "We took it off its users."
OPS, PAGE = Channel("ops", "http://ops.test/x"), Channel("page", "http://page.test/y")
Handler = Callable[[httpx.Request], Any]


def sending(*to: str, since: datetime = BEGIN, took: tuple[str, ...] = ()) -> AIIncident:
    """An incident whose ledger has one message on its way."""
    message = Message(
        kind="brief",
        state=MessageState.SENDING,
        rendered_at=since,
        since=since,
        to=list(to),
        took=list(took),
        hash=hash_of(TEXT),
    )
    incident = an_incident()
    meta = ObjectMeta(name="chat-1", namespace="shop", uid="u-1")
    status = incident.status.but(comms=Comms(messages={"brief-1": message}))
    return incident.but(metadata=meta, status=status)


class Scene:
    """A desk, what its channels are asked, and the news that it brings."""

    def __init__(self, loop: VirtualTimeLoop, handler: Handler, *channels: Channel) -> None:
        self.loop, self.handler = loop, handler
        self.asked: list[httpx.Request] = []
        self.news: list[str] = []
        self.api = MemoryApi()
        self.owns = True
        self.stored(TEXT)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.desk = MessageDesk(
            self.api,
            self.http,
            {c.name: c for c in channels or (OPS,)},
            news=lambda key: self.news.append(str(key)),
            wall=loop.wall,
            owns=lambda: self.owns,
            jitter=lambda: 1.0,
        )

    def stored(self, text: str) -> None:
        key = names.message_key("brief-1", hash_of(TEXT))
        meta = {"name": "chat-1-comms", "namespace": "shop"}
        self.api.put(CONFIG_MAPS, {"metadata": meta, "data": {key: text}})

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.handler(request)
        return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[no-any-return]

    def looks(self, incident: AIIncident) -> Delivered:
        return self.desk.sent(incident)["brief-1"]

    async def after(self, seconds: float, incident: AIIncident) -> Delivered:
        self.looks(incident)
        await asyncio.sleep(seconds)
        return self.looks(incident)

    def seconds(self) -> float:
        return (self.loop.wall() - BEGIN).total_seconds()


def status(code: int) -> Handler:
    return lambda _: httpx.Response(code)


def test_a_message_is_sent_once_and_the_incident_is_looked_at_again() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        assert scene.looks(sending("ops")) == Delivered()
        assert (await scene.after(60, sending("ops"))).took == ("ops",)
        assert len(scene.asked) == 1
        assert scene.news == ["aiincidents/shop/chat-1"]

    in_virtual_time(run)


def test_what_a_busy_receiver_puts_off_is_tried_again_until_it_takes_it() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, lambda _: httpx.Response(503 if len(scene.asked) < 4 else 200))
        found = await scene.after(60, sending("ops"))
        assert (found.took, found.tries) == (("ops",), 4)
        assert {r.headers["Idempotency-Key"] for r in scene.asked} == {"u-1/brief-1"}

    in_virtual_time(run)


def test_the_receiver_says_how_long_to_wait() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        at: list[float] = []

        def busy(_: httpx.Request) -> httpx.Response:
            at.append(scene.seconds())
            return httpx.Response(429, headers={"Retry-After": "600"})

        scene = Scene(loop, busy)
        await scene.after(700, sending("ops"))
        assert [round(t) for t in at] == [0, 600]

    in_virtual_time(run)


def test_after_an_hour_it_is_given_up_whoever_began_it() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(500))
        early = BEGIN - timedelta(minutes=50)
        found = await scene.after(700, sending("ops", since=early))
        assert found.refused == {"ops": "HTTP 500"}
        assert 1 < len(scene.asked) < 12
        tries = len(scene.asked)
        await scene.after(7200, sending("ops", since=early))
        assert len(scene.asked) == tries

    in_virtual_time(run)


def test_a_final_refusal_is_asked_once() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(404))
        assert (await scene.after(600, sending("ops"))).refused == {"ops": "HTTP 404"}
        assert len(scene.asked) == 1

    in_virtual_time(run)


def test_a_channel_that_hangs_delays_no_other() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0 if request.url.host == "page.test" else 3600)
            return httpx.Response(200)

        scene = Scene(loop, answer, OPS, PAGE)
        found = await scene.after(1, sending("ops", "page"))
        assert found.took == ("page",)
        assert scene.news == ["aiincidents/shop/chat-1"]
        await scene.desk.close()

    in_virtual_time(run)


def test_what_a_channel_has_is_not_sent_to_it_again() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200), OPS, PAGE)
        found = await scene.after(1, sending("ops", "page", took=("ops",)))
        assert found.took == ("ops", "page")
        assert [r.url.host for r in scene.asked] == ["page.test"]

    in_virtual_time(run)


def test_another_text_than_the_ledger_speaks_of_is_never_sent() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        scene.stored("Send money to this account")
        found = await scene.after(1, sending("ops"))
        assert found.lost == (
            "nothing was sent: its text in ConfigMap chat-1-comms is gone or was changed"
        )
        assert scene.asked == []

    in_virtual_time(run)


def test_an_api_server_that_is_away_is_waited_for() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        scene.api.fault = lambda _: Unavailable("away") if scene.seconds() < 20 else None
        assert (await scene.after(120, sending("ops"))).took == ("ops",)

    in_virtual_time(run)


def test_whoever_lost_the_lease_sends_nothing() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        scene.owns = False
        await scene.after(10, sending("ops"))
        assert scene.asked == []
        scene.desk.forget()
        scene.owns = True
        assert (await scene.after(10, sending("ops"))).took == ("ops",)

    in_virtual_time(run)


def test_what_is_settled_or_sent_by_hand_is_on_its_way_no_more() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(500))
        await scene.after(3, sending("ops"))
        tries = len(scene.asked)
        done = sending("ops")
        message = done.status.comms.messages["brief-1"].but(state=MessageState.SENT)
        done = done.but(status=done.status.but(comms=Comms(messages={"brief-1": message})))
        assert scene.desk.sent(done) == {}
        await asyncio.sleep(900)
        assert len(scene.asked) == tries

    in_virtual_time(run)


def test_a_channel_that_was_taken_out_of_the_file_is_told() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        found = await scene.after(1, sending("gone"))
        assert found.refused == {"gone": "it is not configured any more"}

    in_virtual_time(run)


def test_what_leaves_says_when_it_was_written_and_of_what_it_speaks() -> None:
    async def run(loop: VirtualTimeLoop) -> None:
        scene = Scene(loop, status(200))
        await scene.after(1, sending("ops"))
        told = scene.asked[0].content.decode()
        assert f'"time":"{rfc3339(BEGIN)}"' in told
        assert TEXT in told

    in_virtual_time(run)
