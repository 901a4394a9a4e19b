"""The message desk: sends what the ledgers of incidents say is to be sent, beside the passes.

Decides when an attempt is made again and when it is given up; states are for `incident/comms.py`
to decide. The ledger is the outbox: whatever is `Sending` there is sent, after a restart again,
under the same key. One dead channel delays neither the others nor any pass.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from goaround.api import names
from goaround.api.base import rfc3339
from goaround.api.content import hash_of
from goaround.api.incident_status import Message, MessageState
from goaround.api.kinds import CONFIG_MAPS, INCIDENTS, AIIncident
from goaround.incident.audiences import Delivered
from goaround.runtime.errands import Errands
from goaround.runtime.queue import Key
from goaround.world.backoff import doubling, jittered
from goaround.world.kube import Api, KubeError, NotFound
from goaround.world.notifications import Channel, Letter, NotTaken, Taken, post

log = logging.getLogger("goaround.messages")

GIVE_UP_SECONDS: Final = 3600.0
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 300.0
AT_ONCE: Final = 4
"""Messages on their way at once, per channel."""

Errand = tuple[str, str]


@dataclass(slots=True)
class Case:
    """One message on its way: what each channel made of it, and how often it was tried there."""

    hash: str
    took: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    lost: str | None = None

    def delivered(self) -> Delivered:
        tried = max(self.tries.values(), default=0)
        return Delivered(tuple(sorted(self.took)), dict(self.refused), tried, self.lost)


class Lost(Exception):
    """There is no text to send, or not the one that was approved."""


class MessageDesk:
    """Sends messages of incidents. `news` is called when something became of one. `owns`: whether
    this process may act."""

    def __init__(
        self,
        api: Api,
        http: httpx.AsyncClient,
        channels: Mapping[str, Channel],
        *,
        news: Callable[[Key], None],
        wall: Callable[[], datetime],
        owns: Callable[[], bool] = lambda: True,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._api = api
        self._http = http
        self._channels = channels
        self._news = news
        self._wall = wall
        self._owns = owns
        self._jitter = jitter
        self._cases: dict[Errand, Case] = {}
        self._errands = Errands()
        self._turns = {name: asyncio.Semaphore(AT_ONCE) for name in channels}

    def sent(self, incident: AIIncident) -> Mapping[str, Delivered]:
        """What became of its messages by now, by id; starts to send what is not on its way."""
        sending = {
            name: message
            for name, message in incident.status.comms.messages.items()
            if message.state is MessageState.SENDING
        }
        self._forget_others(incident, set(sending))
        for name, message in sending.items():
            case = self._case(incident, name, message)
            for channel in message.to:
                self._start(incident, name, message, case, channel)
        where = place(incident)
        return {name: self._cases[where, name].delivered() for name in sending}

    def forget(self) -> None:
        """Stop all of it: another process goes on from status."""
        for where, name in list(self._cases):
            self._drop(where, name)

    def gone(self, namespace: str, incident: str) -> None:
        """The incident does not exist any more."""
        for where, name in [k for k in self._cases if k[0] == f"{namespace}/{incident}"]:
            self._drop(where, name)

    async def close(self) -> None:
        await self._errands.close()

    def _case(self, incident: AIIncident, name: str, message: Message) -> Case:
        where = place(incident)
        known = self._cases.get((where, name))
        if known is None or known.hash != message.hash:
            self._drop(where, name)
            known = self._cases[where, name] = Case(message.hash, set(message.took))
        return known

    def _start(
        self, incident: AIIncident, name: str, message: Message, case: Case, channel: str
    ) -> None:
        errand = (place(incident), f"{name}@{channel}")
        settled = channel in case.took or channel in case.refused or case.lost is not None
        if not settled and errand not in self._errands:
            self._errands.start(errand, self._done(incident, name, message, case, channel))

    def _forget_others(self, incident: AIIncident, names: set[str]) -> None:
        where = place(incident)
        for _, name in [k for k in self._cases if k[0] == where and k[1] not in names]:
            self._drop(where, name)

    def _drop(self, where: str, name: str) -> None:
        if self._cases.pop((where, name), None) is not None:
            for channel in self._channels:
                self._errands.cancel((where, f"{name}@{channel}"))

    async def _done(
        self, incident: AIIncident, name: str, message: Message, case: Case, channel: str
    ) -> None:
        """One message to one channel, until it is there or given up."""
        try:
            why = await self._sent(incident, name, message, case, channel)
        except Lost as err:
            case.lost = str(err)
        except Exception:
            # the task's top: a broken message must be told, and not be tried for ever
            log.exception("sending failed", extra=_told(incident, name, channel))
            case.refused[channel] = "sending failed; the operator's log says why"
        else:
            if why is None:
                case.took.add(channel)
            else:
                case.refused[channel] = why
                log.warning("not delivered", extra=_told(incident, name, channel) | {"why": why})
        self._errands.finish((place(incident), f"{name}@{channel}"))
        self._news(Key(INCIDENTS.plural, *incident.key))

    async def _sent(
        self, incident: AIIncident, name: str, message: Message, case: Case, channel: str
    ) -> str | None:
        """None when the channel took it, else why it never will. Raises Lost."""
        known = self._channels.get(channel)
        if known is None:
            return "it is not configured any more"
        ends = message.since.timestamp() + GIVE_UP_SECONDS
        letter: Letter | None = None
        while True:
            answer: Taken | NotTaken
            try:
                letter = letter or await self._letter(incident, name, message)
                answer = await self._attempt(known, letter, case)
            except KubeError as err:
                answer = NotTaken(f"its text cannot be read ({type(err).__name__})", again=True)
            if isinstance(answer, Taken):
                return None
            pause = self._pause(case.tries.get(channel, 0), answer)
            if not answer.again or self._wall().timestamp() + pause > ends:
                return answer.why
            await asyncio.sleep(pause)

    async def _attempt(self, channel: Channel, letter: Letter, case: Case) -> Taken | NotTaken:
        if not self._owns():
            return NotTaken("another process sends it", again=True)
        async with self._turns[channel.name]:
            case.tries[channel.name] = case.tries.get(channel.name, 0) + 1
            return await post(self._http, channel, letter, self._wall().timestamp())

    def _pause(self, tries: int, answer: NotTaken) -> float:
        pause = jittered(doubling(tries, FIRST_PAUSE, LONGEST_PAUSE), self._jitter())
        return max(pause, answer.after)

    async def _letter(self, incident: AIIncident, name: str, message: Message) -> Letter:
        """The message with its text. Raises Lost, KubeError."""
        meta, spec = incident.metadata, incident.spec
        text = await self._text(incident, name, message)
        return Letter(
            uid=meta.uid,
            id=name,
            kind=message.kind,
            namespace=meta.namespace,
            incident=meta.name,
            feature=spec.affects[0].name,
            severity=str(incident.status.severity or spec.severity),
            drill=spec.drill is not None,
            time=rfc3339(message.rendered_at),
            text=text,
        )

    async def _text(self, incident: AIIncident, name: str, message: Message) -> str:
        """Exactly the text that the ledger speaks of, and that people approved."""
        where = names.comms_name(incident.metadata.name)
        try:
            body = await self._api.get(CONFIG_MAPS, incident.metadata.namespace, where)
        except NotFound:
            body = {}
        text = (body.get("data") or {}).get(names.message_key(name, message.hash))
        if not isinstance(text, str) or hash_of(text) != message.hash:
            raise Lost(f"nothing was sent: its text in ConfigMap {where} is gone or was changed")
        return text


def place(incident: AIIncident) -> str:
    """By what the desk knows an incident."""
    return "/".join(incident.key)


def _told(incident: AIIncident, name: str, channel: str) -> dict[str, str]:
    return {"incident": place(incident), "message_id": name, "channel": channel}
