"""What a status asks of the world, derived from it: a repeat after a crash asks for the same.

Up: record, then act, so records come before the status write. Down: the status write is the act, so
marks of quarantine, incidents and events come after it, and are asked for until they are there.
"""

from goaround.api import names
from goaround.api.base import rfc3339
from goaround.api.feature import Release
from goaround.api.status import AIFeatureStatus, LatchCause
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Effect, Observed, OpenIncident, PostEvent, WriteRecord

FLYING, GOOD = "Flying", "Good"  # other outcomes are the cause of the latch


def effects_before(o: Observed, after: AIFeatureStatus) -> tuple[Effect, ...]:
    """Records that the new status relies on."""
    found: list[Effect] = []
    flown, good = after.candidate, after.last_known_good
    if flown is not None and in_flight(after):
        record = o.record(flown.digest)
        if record is None or record.attempts < flown.attempt:
            marks = {names.ATTEMPTS: str(flown.attempt), names.OUTCOME: FLYING}
            found.append(_write(o, flown.digest, flown.release, marks))
    if good is not None:
        record = o.record(good.digest)
        if record is None or record.good_since != good.since:
            marks2: dict[str, str | None] = {
                names.GOOD_SINCE: rfc3339(good.since),
                names.OUTCOME: GOOD,
                names.QUARANTINED: None,
            }
            found.append(_write(o, good.digest, good.release, marks2))
    return tuple(found)


def effects_after(o: Observed, after: AIFeatureStatus) -> tuple[Effect, ...]:
    """Incidents, quarantine marks and events that the new status asks for."""
    return (*_incidents(after), *_outcomes(o, after), *_events(o, after))


def _incidents(after: AIFeatureStatus) -> list[Effect]:
    return [OpenIncident(x) for x in after.latches if x.incident_opened_at is None]


def _outcomes(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    found: list[Effect] = []
    for latch in after.latches:
        if latch.digest is None or latch.release is None or latch.attempt == 0:
            continue
        record = o.record(latch.digest)
        marked = (record.quarantined_attempt or 0) if record is not None else 0
        landed = record is not None and record.outcome == GOOD and record.attempts > latch.attempt
        if latch.cause is LatchCause.SIGNAL and marked < latch.attempt and not landed:
            marks = {names.QUARANTINED: str(latch.attempt), names.OUTCOME: latch.cause.value}
            found.append(_write(o, latch.digest, latch.release, marks))
        elif record is not None and record.outcome == FLYING and record.attempts == latch.attempt:
            found.append(_write(o, latch.digest, latch.release, {names.OUTCOME: latch.cause.value}))
    return found


def _write(
    o: Observed, digest: str, release: Release, marks: dict[str, str] | dict[str, str | None]
) -> WriteRecord:
    name = names.record_name(o.feature.metadata.name, digest)
    return WriteRecord(name=name, digest=digest, release=release, marks=dict(marks))


def _events(o: Observed, after: AIFeatureStatus) -> list[Effect]:
    """Every transition not known to have been posted; posting twice collides by name."""
    told = after.announced_at
    meta = o.feature.metadata
    return [
        PostEvent(names.event_name(meta.name, meta.uid, t.at, t.reason), t)
        for t in after.history
        if told is None or t.at > told
    ]
