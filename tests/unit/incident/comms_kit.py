"""One incident with its ledger of messages, under a clock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from goaround.api.incident import Severity
from goaround.api.incident_status import Message
from goaround.api.judgement import Impact
from goaround.api.kinds import AIFeature
from goaround.api.names import message_key
from goaround.api.outgoing import Approval, SentByHand
from goaround.incident.audiences import Audience, Delivered, KnownChannel, MessageKind
from goaround.incident.comms_told import stale, written
from goaround.incident.decide import decide
from goaround.incident.planned import KeepTexts, Plan
from goaround.incident.seen import Seen, Settings
from tests.unit.incident.build import AT, a_feature, a_latch, an_incident

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CONTAINED = {"delivered_at": AT, "contained_at": AT + timedelta(seconds=9)}
OPS = KnownChannel("ops", Audience.INTERNAL)
BOARD = KnownChannel("board", Audience.LEADERSHIP)
CLIENTS = KnownChannel("clients", Audience.EXTERNAL)
PRACTICE = KnownChannel("practice", Audience.DRILL)
ALL = (OPS, BOARD, CLIENTS, PRACTICE)
KNOWN_HARM = Impact(business="One in twelve chats got an empty answer")


class Told:
    """What an incident tells, pass by pass. `texts` is what the ConfigMap holds."""

    def __init__(
        self,
        severity: str = "P2",
        *,
        channels: tuple[KnownChannel, ...] = ALL,
        templates: Mapping[str, str] | None = None,
        latch: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> None:
        self.latch = a_latch(**(CONTAINED if latch is None else latch))
        self.now = AT + timedelta(seconds=10)
        self.settings = Settings(channels=channels, templates=templates or {})
        self.policy: dict[str, Any] = {}
        self.sent: dict[str, Delivered] = {}
        self.texts: dict[str, str] = {}
        self.signals: list[Any] = []
        self.incident = an_incident(self.latch)
        self.says(severity=Severity(severity), **spec)

    def says(self, **spec: Any) -> "Told":
        self.incident = self.incident.but(spec=self.incident.spec.but(**spec))
        return self

    def looks(self, after: timedelta = MINUTE) -> "Told":
        """One pass; whatever it plans is carried out."""
        self.now += after
        self.plan = self.decided()
        for effect in self.plan.first:
            if isinstance(effect, KeepTexts):
                self.keeps(effect)
        self.incident = self.incident.but(status=self.plan.status)
        return self

    def keeps(self, effect: KeepTexts) -> None:
        gone = stale(effect, self.texts)
        kept = {key: text for key, text in self.texts.items() if key not in gone}
        self.texts = kept | dict(effect.add)

    def decided(self) -> Plan:
        return decide(self.seen, self.now)

    def taken(self, name: str, *channels: str, refused: Mapping[str, str] | None = None) -> "Told":
        """What became of a message so far."""
        self.sent[name] = Delivered(channels, refused or {}, tries=1)
        return self

    def all_taken(self) -> "Told":
        """Every channel takes whatever is being sent."""
        for name, message in self.messages.items():
            self.taken(name, *message.to)
        return self.looks(timedelta(seconds=1))

    def approves(self, *names: str, of: str | None = None) -> "Told":
        return self.says(comms_approvals=[Approval(message=n, hash=of) for n in names])

    def sends(self, name: str, at: datetime) -> "Told":
        return self.says(comms_sent=[SentByHand(message=name, at=at)])

    @property
    def seen(self) -> Seen:
        return Seen(self.incident, (self.feature,), self.settings, sent=self.sent)

    @property
    def feature(self) -> AIFeature:
        feature = a_feature(self.latch)
        policy = feature.spec.incident.but(**self.policy)
        status = feature.status.but(signals=self.signals)
        return feature.but(spec=feature.spec.but(incident=policy), status=status)

    @property
    def messages(self) -> Mapping[str, Message]:
        return self.incident.status.comms.messages

    @property
    def states(self) -> Mapping[str, str]:
        return {name: str(message.state) for name, message in self.messages.items()}

    @property
    def delivered(self) -> tuple[str, str, str] | None:
        """Condition `CommsDelivered`."""
        found = [c for c in self.incident.status.conditions if c.type == "CommsDelivered"]
        return (found[0].status, found[0].reason, found[0].message) if found else None

    def reads(self, name: str) -> str:
        """The text of a message, as the ConfigMap has it."""
        return self.texts[message_key(name, self.messages[name].hash)]

    def would_read(self, kind: MessageKind) -> str:
        return written(self.seen, self.incident.status, kind, self.now).text
