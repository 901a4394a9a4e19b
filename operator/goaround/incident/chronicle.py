"""Which entries the timeline of an incident still lacks, and what status says of it.

Decides from what is so and from what the log holds: a fact is entered once it is stored, however
often this is looked at. Nothing of an incident waits for its timeline: what cannot be written stays
due. What changes too often is counted and entered later. Order: the log, then status, then the
annotations of notes are taken off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from goaround.api.base import rfc3339
from goaround.api.canonical import canonical
from goaround.api.conditions import Wanted, condition
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import FLAPPING, INBOX, Flapping, TimelineAnchor
from goaround.api.names import AUTHOR, NOTED
from goaround.api.reasons import ConditionType, Reason
from goaround.incident import notes
from goaround.incident.entries import (
    OPERATOR,
    SOMEBODY,
    Fact,
    Kind,
    Source,
    claimed,
    entry_id,
    mark,
)
from goaround.incident.happened import happened
from goaround.incident.log import HOUR, OF_ONE_KEY, OF_THE_OPERATOR, Last, Log, key_of
from goaround.incident.planned import Append, OpenLog, TakeOff
from goaround.incident.said import SPEC, said
from goaround.incident.seen import Seen

TAKEN_BACK: Final = mark("")
BATCH, LONGEST_NUMBER = 60, 9
"""Entries of one write, beside those of notes."""


@dataclass(frozen=True, slots=True)
class Due:
    """now: to be entered in this pass. held: what changed too often just now, by key."""

    now: tuple[Fact, ...] = ()
    held: tuple[Fact, ...] = ()


def with_timeline(
    seen: Seen, after: AIIncidentStatus, now: datetime
) -> tuple[AIIncidentStatus, list[OpenLog | Append | TakeOff]]:
    """The last step of a pass: the newest entries, where the log ends, and what is to be done about
    it. It is read only where something is to be entered; without it, what is known of it stays."""
    waiting = notes.inbox(seen.annotations, INBOX)
    done = {k: told for k, v in waiting.items() if (told := _told(seen, k, v))}
    effects: list[OpenLog | Append | TakeOff] = []
    if done:
        off = {notes.annotation(k): waiting[k] for k in done}
        effects.append(TakeOff(off, max(map(_seq, done.values()))))
    facts, log = _facts(seen, after), seen.log
    if log is None or log.is_behind(_stored(seen)):
        if len(done) < len(waiting) or _stored(seen).complete != _all(facts):
            effects.append(OpenLog())
        return after.but(timeline_anchor=after.timeline_anchor.but(inbox=done)), effects
    due = _due(seen, facts, log, now)
    if due.now:
        effects.append(Append(due.now))
    anchor = _anchor(seen, log, due, now)
    if not due.now and not due.held and not anchor.flapping:
        generation = seen.incident.metadata.generation
        anchor = anchor.but(complete=_all(facts), generation=generation)
    inbox = {k: told for k, v in waiting.items() if (told := _entered(seen, log, k, v))}
    return after.but(timeline=log.shown(), timeline_anchor=anchor.but(inbox=inbox)), effects


def _anchor(seen: Seen, log: Log, due: Due, now: datetime) -> TimelineAnchor:
    """Where the log ends, as long as something is missing in it."""
    return TimelineAnchor(
        length=log.length,
        head=log.head if log.length else None,
        segments=log.segments,
        generation=_stored(seen).generation,
        flapping=_flapping(_stored(seen), log, due, now),
    )


def _stored(seen: Seen) -> TimelineAnchor:
    return seen.incident.status.timeline_anchor


def enters_at(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When what was held back may be entered."""
    log = seen.log
    if log is None or not after.timeline_anchor.flapping:
        return None
    short = {key[:63]: last.recorded for key, last in log.last.items()}
    busy = log.busy[:1] if len(log.busy) == OF_THE_OPERATOR else ()
    found = [
        at + HOUR
        for key, counted in after.timeline_anchor.flapping.items()
        for at in (*short.get(key, ())[-OF_ONE_KEY:][:1], *busy)
        if at + HOUR > counted.since
    ]
    return min(found, default=None)


def written(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """Said only while it cannot be written: everything else goes on meanwhile."""
    if seen.log_trouble is not None and _stored(seen).complete != _all(_facts(seen, after)):
        told = f"entries wait until the timeline can be written: {seen.log_trouble}"
        yield condition(ConditionType.TIMELINE_WAITING, "True", Reason.WRITE_FAILED, told)


# -- facts ---------------------------------------------------------------------------------------


def _facts(seen: Seen, after: AIIncidentStatus) -> list[Fact]:
    by, is_claim = _author(seen)
    source = Source.OPERATOR if by == OPERATOR else Source.HUMAN
    found = [*said(seen.spec, source), *happened(seen, after)]
    return [replace(f, by=by, is_claim=is_claim) if f.source is Source.HUMAN else f for f in found]


def _all(facts: list[Fact]) -> str:
    """All facts in 16 digits."""
    return entry_id(canonical(sorted((f.key, f.mark) for f in facts)))


def _author(seen: Seen) -> tuple[str, bool]:
    """Whoever changed spec, if that was one change only; the operator, of what a latch opened. And
    whether that is a claim."""
    meta, known = seen.incident.metadata, _stored(seen)
    latches = (latch for feature in seen.features for latch in feature.status.latches)
    if meta.generation == 1 and any(latch.incident == meta.name for latch in latches):
        return OPERATOR, False
    author = seen.annotations.get(AUTHOR, "")
    if not author or meta.generation != known.generation + 1:
        return SOMEBODY, False
    return claimed(author), True


# -- what is due ---------------------------------------------------------------------------------


def _due(seen: Seen, facts: list[Fact], log: Log, now: datetime) -> Due:
    new, held = [], []
    flapping = _stored(seen).flapping
    known = {key_of(f) for f in facts}
    for fact in (*facts, *_taken_back(seen, known, log), *_lost(log)):
        last, counted = log.last.get(key_of(fact)), flapping.get(_short(fact))
        waits = counted is not None and not _is_over(counted, last)
        if not waits and not _is_new(fact, last):
            continue
        if _is_flapping(last, now):
            held.append(fact)
        elif not waits or counted is None or _is_new(fact, last) or counted.changes > 1:
            new.append(_counted(fact, counted if waits else None))
    room = OF_THE_OPERATOR - sum(1 for at in log.busy if now - at < HOUR)
    ours = [f for f in new if f.source is Source.OPERATOR]
    others = [f for f in new if f.source is not Source.OPERATOR]
    entered = [*[*others, *ours[: max(room, 0)]][:BATCH], *_notes(seen, log, now)]
    entered.sort(key=lambda f: f.at or now)
    return Due(tuple(_dated(f, log, now) for f in entered), (*held, *ours[max(room, 0) :]))


def _is_new(fact: Fact, last: Last | None) -> bool:
    return not fact.is_usual if last is None else last.mark != fact.mark


def _is_flapping(last: Last | None, now: datetime) -> bool:
    return last is not None and len(last.recorded) == OF_ONE_KEY and now - last.recorded[0] < HOUR


def _is_over(counted: Flapping, last: Last | None) -> bool:
    """Whether it has been entered since."""
    return last is not None and last.recorded[-1] > counted.since


def _counted(fact: Fact, counted: Flapping | None) -> Fact:
    if counted is None or counted.changes < 2:
        return fact
    told = f" (changed {counted.changes} times since {rfc3339(counted.since)})"
    return replace(fact, text=fact.text + told, value=fact.value or fact.text)


def _dated(fact: Fact, log: Log, now: datetime) -> Fact:
    """By its own time, where that is not older than what was entered of it before."""
    last = log.last.get(key_of(fact))
    at = fact.at
    if at is None or at > now or (last is not None and fact.kind is Kind.PHASE and at < last.at):
        at = now
    return replace(fact, at=at)


def _taken_back(seen: Seen, known: set[str], log: Log) -> Iterator[Fact]:
    """What people said and say no more."""
    by, is_claim = _author(seen)
    for key, last in log.last.items():
        if key.startswith(SPEC) and key not in known and last.mark != TAKEN_BACK:
            told = f"taken back: {key.removeprefix(SPEC)}"
            yield Fact(
                key, Kind.CHANGE, told, value="", by=by, source=Source.HUMAN, is_claim=is_claim
            )


def _lost(log: Log) -> Iterator[Fact]:
    if log.is_broken:
        told = "the timeline did not hold what status vouches for: something before this entry "
        told += "was changed or deleted"
        yield Fact("timeline", Kind.CHANGE, told, value=log.head)


# -- notes ---------------------------------------------------------------------------------------


def _notes(seen: Seen, log: Log, now: datetime) -> Iterator[Fact]:
    for called, value in notes.inbox(seen.annotations, INBOX).items():
        if _entered(seen, log, called, value) is None:
            yield from notes.facts(called, value, now)


def _entered(seen: Seen, log: Log, called: str, value: str) -> str | None:
    """`<mark>@<entry>` of what status knows, or of what is in the log beyond what status knows."""
    if (told := _told(seen, called, value)) is not None:
        return told
    last = log.last.get(notes.key(called))
    if last is None or last.seq <= _stored(seen).length or last.mark != mark(value):
        return None
    return f"{last.mark}@{last.seq}"


def _told(seen: Seen, called: str, value: str) -> str | None:
    """What status knows of this very note: not of one that was taken off, and written again."""
    told = _stored(seen).inbox.get(called, "")
    taken = _seq(seen.annotations.get(NOTED, ""))
    # more than there are entries is nothing that the operator wrote
    is_new = _seq(told) <= taken <= _stored(seen).length
    return told if told.startswith(f"{mark(value)}@") and not is_new else None


def _seq(told: str) -> int:
    """The number of an entry; 0 where there is none."""
    number = told.rpartition("@")[2]
    return int(number) if number.isdecimal() and len(number) <= LONGEST_NUMBER else 0


# -- what flaps ----------------------------------------------------------------------------------


def _short(fact: Fact) -> str:
    return key_of(fact)[:63]


def _flapping(anchor: TimelineAnchor, log: Log, due: Due, now: datetime) -> dict[str, Flapping]:
    """Counters of what is held, a few at most; one stays until its entry is stored."""
    last = {key[:63]: found for key, found in log.last.items()}
    waiting = {_short(f) for f in (*due.now, *due.held)}
    found = {
        k: f for k, f in anchor.flapping.items() if k in waiting and not _is_over(f, last.get(k))
    }
    for fact in due.held:
        known = found.get(_short(fact))
        if known is None and len(found) < FLAPPING:
            found[_short(fact)] = Flapping(since=now, changes=1, value=fact.mark)
        elif known is not None and known.value != fact.mark:
            found[_short(fact)] = known.but(changes=known.changes + 1, value=fact.mark)
    return found
