"""A status made again from release records: what a restore without status must not lose."""

from datetime import UTC, datetime

from goaround.api.digest import short
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, KnownRelease, LatchCause, Split
from goaround.rollout.moves import move
from goaround.rollout.observed import Observed, Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rebuilt(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status`, or for a feature that was never looked at: last-known-good from its records."""
    if status.stage is not None or status.last_known_good is not None or status.latches:
        return status
    good = good_releases(o)
    if not good:
        return status
    return move(
        status,
        now,
        EventReason.REBUILT,
        f"No status, but release records: {short(good[0].digest)} is last-known-good and serves.",
        stage=Stage.LIVE,
        split=Split(stable=100),
        last_known_good=good[0],
        previous_good=good[1] if len(good) > 1 else None,
    )


def good_releases(o: Observed) -> list[KnownRelease]:
    """What records call good, newest first; what is quarantined is not, nor what people aborted."""
    good = sorted((r for r in o.records if _good(r)), key=_since, reverse=True)
    return [_known(r) for r in good]


def _good(record: Record) -> bool:
    """A last-known-good that is quarantined is never gone back to."""
    aborted = record.outcome == LatchCause.ABORTED.value
    return record.good_since is not None and record.quarantined_attempt is None and not aborted


def _since(record: Record) -> datetime:
    return record.good_since or EPOCH


def _known(record: Record) -> KnownRelease:
    return KnownRelease(digest=record.digest, release=record.release, since=_since(record))
