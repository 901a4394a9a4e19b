"""What is said about messages: whether they were delivered, what stands in their way, their texts.

Derived from the ledger. Refuses to put a text into status: there they have a hash.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from goaround.api import names
from goaround.api.conditions import Wanted, condition
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import Message, MessageState
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.audiences import MessageKind
from goaround.incident.comms_due import lacks_words, newest, number
from goaround.incident.comms_lint import warnings
from goaround.incident.message_facts import facts
from goaround.incident.planned import KeepTexts
from goaround.incident.seen import Seen
from goaround.incident.templating import Rendered, render

MOST_TEXTS: Final = 60
OURS: Final = "message "
"""How proposals of this module begin; those of others are left alone."""


def written(seen: Seen, after: AIIncidentStatus, kind: MessageKind, at: datetime) -> Rendered:
    """The message as it reads at this moment."""
    return render(kind, facts(seen, after, kind, at), seen.settings.templates)


def texts(seen: Seen, after: AIIncidentStatus) -> Iterable[KeepTexts]:
    """Texts that status will speak of, written before it."""
    before, name = seen.incident.status.comms.messages, seen.incident.metadata.name
    known = {(n, m.hash) for n, m in before.items()}
    keys = {n: names.message_key(n, m.hash) for n, m in after.comms.messages.items()}
    add = {
        keys[n]: written(seen, after, MessageKind(m.kind), m.rendered_at).text
        for n, m in after.comms.messages.items()
        if (n, m.hash) not in known
    }
    if add:
        frozen = (n for n, m in before.items() if m.state is not MessageState.DRAFT)
        settled = {n: keys[n] for n in frozen if n in keys}
        last = ((m.kind, number(n)) for n, m in after.comms.messages.items())
        keep = frozenset(keys.values())
        yield KeepTexts(names.comms_name(name), add, keep, settled, dict(sorted(last)))


def stale(effect: KeepTexts, known: Iterable[str]) -> set[str]:
    """Keys of a ConfigMap that nothing will ever speak of. A pass may not have heard yet of what an
    earlier one wrote: texts of drafts stay as long as there is room."""
    found = set(known)
    gone = {key for key in found if _is_stale(effect, key)}
    if len(found - gone) + len(effect.add) > MOST_TEXTS:
        return found - effect.keep
    return gone


def _is_stale(effect: KeepTexts, key: str) -> bool:
    message, _, _ = key.rpartition(".")
    if message in effect.settled:
        return key != effect.settled[message]
    if any(kept.startswith(f"{message}.") for kept in effect.keep):
        return False
    kind, _, count = message.rpartition("-")
    return not count.isdecimal() or int(count) < effect.newest.get(kind, 0)


def delivered(seen: Seen, after: AIIncidentStatus) -> Iterable[Wanted]:
    """Whether those who should have heard did; of each kind the newest message counts."""
    kind = ConditionType.COMMS_DELIVERED
    last = {k: m for k in MessageKind if (m := newest(after, k)) is not None}
    failed = [f"{k}: {m.channels}" for k, m in last.items() if _is_failed(m)]
    sending = [k for k, m in last.items() if m.state is MessageState.SENDING]
    broken = _broken(seen, after)
    if failed:
        told = "not delivered: " + "; ".join(failed) + ". Tell them by hand: spec.commsSent"
        yield condition(kind, "False", Reason.NOT_DELIVERED, told + broken)
    elif (unknown := _unknown_channel(seen)) is not None:
        yield condition(kind, "False", Reason.UNKNOWN_CHANNEL, unknown + broken)
    elif sending:
        told = f"being sent: {', '.join(sending)}"
        yield condition(kind, "Unknown", Reason.PENDING, told + broken)
    elif any(m.state is MessageState.SENT for m in last.values()):
        yield condition(kind, "True", Reason.DELIVERED, "what was sent was delivered" + broken)
    elif broken:
        yield condition(kind, "Unknown", Reason.PENDING, "nothing was sent yet" + broken)


def _is_failed(message: Message) -> bool:
    if message.state is MessageState.FAILED:
        return True
    return message.state is MessageState.SENT and ";" in (message.channels or "")


def _unknown_channel(seen: Seen) -> str | None:
    """What spec names and the administrator's file has not, or not for this namespace."""
    room, feature = seen.spec.channel, seen.feature
    named = [room.provider] if room is not None else []
    named += feature.spec.incident.channels if feature is not None else []
    namespace = seen.incident.metadata.namespace
    known = {c.name for c in seen.settings.channels if c.serves(namespace)}
    if not (missing := [name for name in dict.fromkeys(named) if name not in known]):
        return None
    return (
        f"no channel {', '.join(missing)} is configured for namespace {namespace}: name one of "
        f"{', '.join(sorted(known)) or 'none that there are'}, or ask an administrator"
    )


def _broken(seen: Seen, after: AIIncidentStatus) -> str:
    """Templates of the administrator that could not be used for the newest messages."""
    found = [
        f"{k} ({trouble})"
        for k in MessageKind
        if k in seen.settings.templates and (m := newest(after, k)) is not None
        if (trouble := written(seen, after, k, m.rendered_at).trouble) is not None
    ]
    if not found:
        return ""
    return f". The built-in text stands in for a broken template: {', '.join(found)}"


def proposals(seen: Seen, after: AIIncidentStatus) -> list[str]:
    """What stands in the way of a message, and what is odd in one, beside what others propose."""
    found = [p for p in after.proposals if not p.startswith(OURS)]
    ours = []
    if lacks_words(seen, after):
        ours.append("externalInitial waits: say in spec.impact.business what it does to people")
    unknown = [s.message for s in seen.spec.comms_sent]
    unknown += [s.message for s in seen.spec.comms_approvals]
    odd = [name for name in unknown if name not in after.comms.messages]
    if odd:
        ours.append(f"{odd[0]} is not in status.comms.messages: nothing was done about it")
    for name, message in after.comms.messages.items():
        if message.state is MessageState.DRAFT:
            kind = MessageKind(message.kind)
            text = written(seen, after, kind, message.rendered_at).text
            ours += [f"{name}: {warning}" for warning in warnings(kind, text, seen)]
    return [*found, *(f"{OURS}{told}"[:200] for told in ours)][:8]
