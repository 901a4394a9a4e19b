"""What has been learnt of each latch: streamed by all, felt by nobody, told to people.

Says "contained" only after a whole window without a request, never because something was written.
"""

from datetime import datetime, timedelta
from typing import Final

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import HARM, AIFeatureStatus, Latch, LatchCause
from goaround.rollout.binder import is_untold
from goaround.rollout.moves import fell_from_live, is_watched, move
from goaround.rollout.observed import Observed
from goaround.rollout.stated import DOWN

KEPT_WHOLE: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=1)
"""So long a latch is kept whole for a segment of the binder that cannot be written."""


def effect_seen(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """What has been learnt of the latches, oldest first; each is told once of its containment."""
    noticed = status
    for place in reversed(range(len(status.latches))):
        before = status.latches[place]
        latch = _noticed(o, status, before, now)
        if latch == before:
            continue
        latches = [*noticed.latches[:place], latch, *noticed.latches[place + 1 :]]
        noticed = noticed.but(latches=latches)
        if latch.contained_at != before.contained_at:
            noticed = move(noticed, now, EventReason.CONTAINED, _contained(latch, now))
    return noticed


def _noticed(o: Observed, status: AIFeatureStatus, latch: Latch, now: datetime) -> Latch:
    latch = _shortened(o, status, _opened(o, latch, now), now)
    if latch.delivered_at is None and is_delivered(o, latch.revision):
        latch = latch.but(delivered_at=now)
    if latch.contained_at is not None or not _is_over(o, status, latch):
        return latch
    return latch.but(contained_at=now, exposed_requests=_exposed(o, status, latch))


def _exposed(o: Observed, status: AIFeatureStatus, latch: Latch) -> int | None:
    """Requests of the release that was sent back, where its traffic was followed until now."""
    followed = latch.at == status.latches[0].at and status.stage in DOWN
    counted = latch.cause is LatchCause.SIGNAL and not fell_from_live(latch)
    if o.judged is None or not followed or not counted:
        return latch.exposed_requests
    return max(o.judged.exposed, latch.exposed_requests or 0)


def _is_over(o: Observed, status: AIFeatureStatus, latch: Latch) -> bool:
    """Whether the effect is seen, whatever has been decided since."""
    if fell_from_live(latch):
        return _recovered(o, status, latch)
    if latch.at == status.latches[0].at and status.stage in DOWN:
        return _quiet(o, latch, _arms(latch))
    if latch.cause in {LatchCause.KILL, LatchCause.OUTAGE}:
        return False  # a kill that is over left everybody to what serves again
    arm, other = ("stable", "candidate") if latch.stage == Stage.LIVE else ("candidate", "stable")
    traffic = o.judged.traffic if o.judged is not None else None
    heard = status.stage in DOWN or (traffic is not None and traffic.requests.get(other, 0.0) > 0)
    return heard and _quiet(o, latch, (arm,))


def _arms(latch: Latch) -> tuple[str, ...]:
    everybody = latch.cause is LatchCause.KILL or latch.stage == Stage.LIVE
    return ("stable", "candidate") if everybody else ("candidate",)


def _contained(latch: Latch, now: datetime) -> str:
    since = f"({(now - latch.at).total_seconds():.1f} s after it)"
    if fell_from_live(latch):
        return f"Contained: since the decision users are within every absolute bound {since}."
    how = "streamed" if latch.delivered_at else "taken"
    return (
        f"Contained: no request reached it in a whole window after the decision was {how} {since}."
    )


def _opened(o: Observed, latch: Latch, now: datetime) -> Latch:
    if latch.incident_opened_at is not None or latch.incident not in o.incidents:
        return latch
    return latch.but(incident_opened_at=now)


def _shortened(o: Observed, status: AIFeatureStatus, latch: Latch, now: datetime) -> Latch:
    """A latch of yesterday leaves its signals to the incident, and an older one its content to the
    record, too: it keeps cause, digest and message, since all of it would be most of a status."""
    age = now - (latch.contained_at or latch.at)  # the incident is still to hear of both
    if latch.incident_opened_at is None or age <= KEPT_WHOLE:
        return latch
    done = latch.contained_at is not None or latch.cause in {LatchCause.KILL, LatchCause.OUTAGE}
    if not done or (age <= LONGEST and is_untold(o, latch)):
        return latch
    if latch.at == status.latches[0].at or not _is_recorded(o, latch):
        return latch.but(signals=[])
    return latch.but(signals=[], release=None, back_to=None)


def _is_recorded(o: Observed, latch: Latch) -> bool:
    """Whether the release's record says of it what the latch says."""
    record = o.record(latch.digest) if latch.digest is not None else None
    if latch.cause not in HARM or record is None:
        return latch.cause not in HARM
    return record.cleared(latch) or (record.quarantined_attempt or 0) >= latch.attempt


def is_delivered(o: Observed, revision: int) -> bool:
    """Whether every flag replica that is expected streams this decision, or a newer one."""
    seen = o.delivered
    return (
        seen is not None
        and seen.revision is not None
        and seen.replicas == seen.expected > 0
        and seen.revision >= revision
    )


def _recovered(o: Observed, status: AIFeatureStatus, latch: Latch) -> bool:
    """Whether what serves everybody instead is proven to keep every bound. Its requests carry the
    same variant as those of what was sent back, so that counting them would prove nothing."""
    judged, good = o.judged, status.last_known_good
    if judged is None or good is None or judged.digest != good.digest or not is_watched(status):
        return False
    asked = o.delivered is not None and o.delivered.expected > 0
    return judged.accepted and (latch.delivered_at is not None or not asked)


def _quiet(o: Observed, latch: Latch, arms: tuple[str, ...]) -> bool:
    return is_quiet(o, latch.at, latch.delivered_at, arms)


def is_quiet(
    o: Observed, decided: datetime, delivered: datetime | None, arms: tuple[str, ...]
) -> bool:
    """Whether a whole window after delivery brought no request under these variants.

    Where no flag replica can be asked, a window two grid instants after the decision must do.
    """
    traffic = o.judged.traffic if o.judged is not None else None
    if traffic is None:
        return False
    reached = delivered
    if reached is None and (o.delivered is None or o.delivered.expected == 0):
        reached = decided + (traffic.end - traffic.start)
    if reached is None or traffic.start < reached:
        return False
    return sum(traffic.requests.get(a, 0.0) for a in arms) == 0
