"""The ledger of an incident's messages: drafted, approved, being sent, sent, failed.

In the house what is due goes out by itself where an administrator configured a channel; nothing
leaves the house before it was approved. A draft is written anew while facts change, and never
again after that. Texts are not in status: their hash is. Decides nothing about how one is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from goaround.api import names
from goaround.api.content import hash_of
from goaround.api.digest import is_named
from goaround.api.gravity import GRAVE
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import OVER, Comms, Message, MessageState, Phase
from goaround.api.outgoing import SentByHand
from goaround.incident.audiences import AUDIENCES, Audience, Delivered, MessageKind
from goaround.incident.comms_due import (
    AT_ONCE_ONLY,
    FRESH,
    due,
    external_due,
    internal_due,
    number,
)
from goaround.incident.comms_told import proposals, written
from goaround.incident.message_facts import severity
from goaround.incident.seen import Seen

MOST_MESSAGES: Final = 20
MOST_CHANNELS: Final = 4
"""Of one audience."""

LONGEST_TOLD: Final = 120
AFTERWARDS: Final = frozenset(
    {MessageKind.RESOLUTION, MessageKind.PIR_INVITE, MessageKind.CLIENT_FINDINGS}
)
EITHER_WAY: Final = frozenset({MessageKind.INTERNAL_UPDATE, MessageKind.CLIENT_TECHNICAL})
VOID: Final = frozenset({Phase.CANCELLED, Phase.MERGED})


@dataclass(frozen=True, slots=True)
class Ledger:
    """One pass over the ledger."""

    seen: Seen
    after: AIIncidentStatus
    now: datetime

    def moved(self, name: str, message: Message) -> Message:
        """The message after what people said, what became of it, and what is known by now."""
        if message.state is MessageState.SENT:
            return message
        if (by_hand := self._by_hand(name)) is not None:
            at = min(by_hand.at, self.now)
            told = {"sent_at": at, "channels": "by hand", "to": [], "took": []}
            return message.but(state=MessageState.SENT, since=at, **told)
        if message.state is MessageState.SENDING:
            return self._answered(message, self.seen.sent.get(name))
        if message.state is MessageState.FAILED or not self._holds(MessageKind(message.kind)):
            return message
        if message.state is MessageState.DRAFT:
            message = self._anew(message)
            if self._may_leave(name, message):
                message = message.but(state=MessageState.APPROVED, since=self.now)
        return self.leaving(message)

    def drafted(self, kind: MessageKind) -> Message:
        """The next message of this kind, on its way at once where it may."""
        text = written(self.seen, self.after, kind, self.now).text
        return self.leaving(
            Message(
                kind=kind,
                state=MessageState.DRAFT,
                rendered_at=self.now,
                since=self.now,
                hash=hash_of(text),
            )
        )

    def leaving(self, message: Message) -> Message:
        """Sending begins where it may leave, and there is a channel for it."""
        kind = MessageKind(message.kind)
        free = AUDIENCES[kind] is not Audience.EXTERNAL or message.state is MessageState.APPROVED
        to = [name for who in self._heard_by(kind) for name in targets(self.seen, who)]
        if not free or not to:
            return message
        return message.but(state=MessageState.SENDING, since=self.now, to=to)

    def _heard_by(self, kind: MessageKind) -> Iterator[Audience]:
        """Leadership was promised updates of what is grave."""
        yield AUDIENCES[kind]
        if kind is MessageKind.INTERNAL_UPDATE and severity(self.seen, self.after) in GRAVE:
            yield Audience.LEADERSHIP

    def _by_hand(self, name: str) -> SentByHand | None:
        return next((s for s in self.seen.spec.comms_sent if s.message == name), None)

    def _holds(self, kind: MessageKind) -> bool:
        """Whether it is still true: nobody is told of the end of what was opened again."""
        if self.after.phase in VOID:
            return False
        over = self.after.phase in OVER
        return kind in EITHER_WAY or over == (kind in AFTERWARDS)

    def _anew(self, message: Message) -> Message:
        """Written again where it would read otherwise by now."""
        kind = MessageKind(message.kind)
        as_of = written(self.seen, self.after, kind, message.rendered_at).text
        if hash_of(as_of) == message.hash:
            return message
        text = written(self.seen, self.after, kind, self.now).text
        return message.but(rendered_at=self.now, hash=hash_of(text))

    def _may_leave(self, name: str, message: Message) -> bool:
        """Whether people approved this text; where they named its hash, this very one."""
        return any(
            approval.message == name
            and (approval.hash is None or is_named(message.hash, approval.hash))
            for approval in self.seen.spec.comms_approvals
        )

    def _answered(self, message: Message, found: Delivered | None) -> Message:
        if found is None:
            return message
        if found.lost is not None:
            return self._settled(message, MessageState.FAILED, found.lost, found.tries)
        took = [c for c in message.to if c in found.took or c in message.took]
        refused = {c: why for c, why in found.refused.items() if c in message.to and c not in took}
        if len(took) + len(refused) < len(message.to):
            return message.but(took=took)
        told = f"{len(took)}/{len(message.to)} delivered"
        told = "; ".join([told, *(f"{c}: {why}" for c, why in sorted(refused.items()))])
        state = MessageState.SENT if took else MessageState.FAILED
        return self._settled(message, state, told, found.tries)

    def _settled(self, message: Message, state: MessageState, told: str, tries: int) -> Message:
        sent = {"sent_at": self.now} if state is MessageState.SENT else {}
        tried = min(message.tries + tries, 1000)
        return message.but(
            state=state, to=[], took=[], channels=told[:LONGEST_TOLD], tries=tried, **sent
        )


def with_comms(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that keeps the ledger. It goes last: messages say what the others know."""
    ledger = Ledger(seen, after, now)
    known = {name: m for name, m in after.comms.messages.items() if _is_ours(name, m)}
    messages = {name: ledger.moved(name, m) for name, m in known.items()}
    after = after.but(comms=after.comms.but(messages=messages))
    for kind, at in due(seen, after).items():
        if at <= now and not (kind in AT_ONCE_ONLY and now - at > FRESH):
            messages[next_id(after, kind)] = ledger.drafted(kind)
    after = after.but(comms=Comms(messages=_kept(messages)))
    quiet = seen.spec.drill is not None or after.phase in OVER
    comms = after.comms.but(
        next_internal_due=None if quiet else internal_due(seen, after),
        next_external_due=external_due(seen, after),
    )
    return after.but(comms=comms, proposals=proposals(seen, after))


def comms_wake(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When the next message is to be written."""
    return min(due(seen, after).values(), default=None)


def next_id(after: AIIncidentStatus, kind: MessageKind) -> str:
    """Kind and number: the newest of each kind is kept, so that no number comes twice."""
    known = [number(n) for n, m in after.comms.messages.items() if m.kind == kind]
    return names.message_id(kind, max(known, default=0) + 1)


def targets(seen: Seen, audience: Audience) -> list[str]:
    """Channels to this audience: those that incident or feature name, else all of them."""
    namespace = seen.incident.metadata.namespace
    known = (c for c in seen.settings.channels if c.audience is audience)
    found = [c.name for c in known if c.serves(namespace)]
    room, feature = seen.spec.channel, seen.feature
    for named in (
        [room.provider] if room is not None else [],
        feature.spec.incident.channels if feature is not None else [],
    ):
        if chosen := [name for name in found if name in named]:
            return chosen[:MOST_CHANNELS]
    return found[:MOST_CHANNELS]


def _kept(messages: Mapping[str, Message]) -> dict[str, Message]:
    """The newest ones, and always the newest of each kind, in the order of their making."""
    last = {m.kind: name for name, m in sorted(messages.items(), key=lambda p: number(p[0]))}
    age = sorted(messages, key=lambda n: (n in last.values(), messages[n].since, n))
    keep = set(age[-MOST_MESSAGES:])
    return {name: message for name, message in messages.items() if name in keep}


def _is_ours(name: str, message: Message) -> bool:
    """Whether this release of the operator knows what to do with it."""
    kind, _, count = name.rpartition("-")
    return kind == message.kind and kind in set(MessageKind) and count.isdecimal()
