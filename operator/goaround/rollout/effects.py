"""What a status asks of the world, derived from it: a repeat after a crash asks for the same.

Up: record, then act, so records come before the status write. Down: the status write is the act, so
marks of quarantine, incidents and events come after it, and are asked for until they are there.
"""

from datetime import datetime

from goaround.api import names
from goaround.api.base import rfc3339
from goaround.api.feature import Release
from goaround.api.status import HARM, AIFeatureStatus, Candidate, LatchCause
from goaround.rollout.binder import segments_due
from goaround.rollout.blocked import SKEW
from goaround.rollout.contents import is_hollow, texts_of
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import FLYING, Observed, Record
from goaround.rollout.planned import DropRecord, Effect, OpenIncident, PostEvent, WriteRecord

RECORDS_KEPT = 10
GOOD, SUPERSEDED = "Good", "Superseded"  # other outcomes are the cause of the latch


def effects_before(o: Observed, after: AIFeatureStatus) -> tuple[Effect, ...]:
    """Records that the new status relies on."""
    found: list[Effect] = []
    flown, good = after.candidate, after.last_known_good
    if flown is not None and in_flight(after):
        record = o.record(flown.digest)
        if record is None or record.attempts < flown.attempt:
            found.append(_write(o, flown.digest, flown.release, _take_off(flown, after)))
    if good is not None:
        record = o.record(good.digest)
        if record is None or record.good_since != good.since:
            marks2: dict[str, str | None] = {
                names.GOOD_SINCE: rfc3339(good.since),
                names.OUTCOME: GOOD,
                names.QUARANTINED: None,
            }
            found.append(_write(o, good.digest, good.release, marks2))
    found += _baselines(o, after)
    return tuple(e for e in found if not (isinstance(e, WriteRecord) and is_hollow(o, e)))


def _take_off(flown: Candidate, after: AIFeatureStatus) -> dict[str, str]:
    """Marks of an attempt, with the time at which history tells of it: later than all before it."""
    told = after.history[-1].at if after.history else flown.since
    return {
        names.ATTEMPTS: str(flown.attempt),
        names.OUTCOME: FLYING,
        names.TOOK_OFF_AT: rfc3339(told),
    }


def _baselines(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """What inputs looked like and signals counted, kept with the release that is held against."""
    found: list[Effect] = []
    if (drift := o.drift) is not None and drift.baseline is not None:
        found += _kept(o, after, drift.digest, {names.BASELINE: drift.baseline})
    if (counted := o.baselined) is not None and counted.text is not None:
        found += _kept(o, after, counted.digest, {names.SIGNAL_BASELINE: counted.text})
    return found


def _kept(o: Observed, after: AIFeatureStatus, digest: str, marks: dict[str, str]) -> list[Effect]:
    places = (after.candidate, after.last_known_good)
    about = next((r for r in places if r is not None and r.digest == digest), None)
    record = o.record(digest)
    known = (record.baseline, record.signal_baseline) if record is not None else ()
    if about is None or set(marks.values()) <= set(known):
        return []
    return [_write(o, about.digest, about.release, marks)]


def effects_after(o: Observed, after: AIFeatureStatus) -> tuple[Effect, ...]:
    """Incidents, quarantine marks and events that the new status asks for."""
    found = (*_incidents(after), *_outcomes(o, after), *_events(o, after), *_surplus(o, after))
    return (*found, *segments_due(o, after))


def _surplus(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """The oldest records over the limit. Kept for ever: two good ones, and what is quarantined or
    was aborted, so that no limit lets it fly again."""
    used = {r.digest for r in (after.candidate, after.last_known_good, after.previous_good) if r}
    used |= {x.digest for x in after.latches if x.digest is not None}
    good = sorted((r for r in o.records if r.good_since), key=lambda r: str(r.good_since))
    used |= {r.digest for r in good[-2:]}
    used |= {r.digest for r in o.records if r.outcome == LatchCause.ABORTED.value}
    spare = [r for r in o.records if r.digest not in used and r.quarantined_attempt is None]
    spare.sort(key=lambda r: str(r.created))
    return [DropRecord(r.name) for r in spare[: max(len(spare) - RECORDS_KEPT, 0)]]


def _incidents(after: AIFeatureStatus) -> list[Effect]:
    return [OpenIncident(x) for x in after.latches if x.incident_opened_at is None]


def _outcomes(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """Marks of what became of flights; oldest first, so that the newest attempt has the word."""
    found: list[Effect] = []
    for latch in reversed(after.latches):
        if latch.digest is None or latch.release is None or latch.attempt == 0:
            continue
        record = o.record(latch.digest)
        newest = record is None or record.attempts <= latch.attempt
        ended = {names.OUTCOME: latch.cause.value} if newest else {}
        marked = (record.quarantined_attempt or 0) if record is not None else 0
        cleared = record is not None and record.cleared(latch)
        if latch.cause in HARM and marked < latch.attempt and not cleared:
            marks = {names.QUARANTINED: str(latch.attempt), **ended}
            found.append(_write(o, latch.digest, latch.release, marks))
        elif record is not None and ended and _may_end(record.outcome, latch.cause):
            found.append(_write(o, latch.digest, latch.release, ended))
    return [*found, *_superseded(o, after)]


def _may_end(outcome: str | None, cause: LatchCause) -> bool:
    """An abort is remembered also of a flight that a kill had ended."""
    known = (FLYING, LatchCause.KILL.value) if cause is LatchCause.ABORTED else (FLYING,)
    return outcome in known


def _superseded(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """Flights that made way; `Flying` is left to the one in flight and to one not yet in status,
    which a process that died, or another one, may have just recorded."""
    latched = {(x.digest, x.attempt) for x in after.latches}
    # what has just landed still says `Flying` in this observation
    here = {x.digest for x in (after.candidate, after.last_known_good) if x is not None}
    return [
        _write(o, r.digest, r.release, {names.OUTCOME: SUPERSEDED})
        for r in o.records
        if r.outcome == FLYING
        and r.digest not in here
        and (r.digest, r.attempts) not in latched
        and _was_told(after, r)
    ]


def _was_told(after: AIFeatureStatus, record: Record) -> bool:
    """Whether this status comes after the take-off: history only ever goes on, so that one which
    ends before it is older news. Records of older versions do not say when it was."""
    if record.took_off_at is None:
        return True
    return bool(after.history) and after.history[-1].at >= record.took_off_at


def _write(
    o: Observed, digest: str, release: Release, marks: dict[str, str] | dict[str, str | None]
) -> WriteRecord:
    name = names.record_name(o.feature.metadata.name, digest)
    texts = texts_of(o, release) if o.record(digest) is None else {}
    return WriteRecord(name=name, digest=digest, release=release, marks=dict(marks), texts=texts)


def _events(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """Every transition not known to have been posted; posting twice collides by name."""
    told = after.announced_at
    meta = o.feature.metadata
    return [
        PostEvent(names.event_name(meta.name, meta.uid, t.at, t.reason), t)
        for t in after.history
        if told is None or t.at > told
    ]


def announced(o: Observed, after: AIFeatureStatus, now: datetime) -> datetime | None:
    """Up to when transitions are known to have been posted. A time that neither the clock nor any
    transition has come to is ignored: it would silence all that is still to come."""
    newest = max([now + SKEW, *(t.at for t in after.history)])
    known = filter(None, (o.announced_at, o.feature.status.announced_at))
    return max((at for at in known if at <= newest), default=None)


def takes_back(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether `before` says of more to have been posted than was: it is to be repaired at once."""
    was, known = before.announced_at, after.announced_at
    return was is not None and (known is None or known < was)
