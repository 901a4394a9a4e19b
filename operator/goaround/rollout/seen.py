"""What has been learnt of the newest latch: streamed by all, felt by nobody, told to people.

Says "contained" only after a whole window without a request, never because something was written.
"""

from datetime import datetime

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, Latch, LatchCause
from goaround.rollout.moves import fell_from_live, move
from goaround.rollout.observed import Observed
from goaround.rollout.stated import DOWN


def effect_seen(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """What has been learnt of the newest latch: streamed by all, felt by none, told to people."""
    if not status.latches:
        return status
    latch = status.latches[0]
    changes: dict[str, object] = {}
    if latch.delivered_at is None and _delivered(o, status.revision):
        changes["delivered_at"] = now
    over = _recovered if fell_from_live(latch) else _quiet
    if latch.contained_at is None and status.stage in DOWN and over(o, latch.but(**changes)):
        changes["contained_at"] = now
        if o.judged is not None and latch.cause is LatchCause.SIGNAL and over is _quiet:
            changes["exposed_requests"] = max(o.judged.exposed, latch.exposed_requests or 0)
    opened = [_opened(o, x, now) for x in status.latches]
    if not changes and opened == status.latches:
        return status
    noticed = status.but(latches=[opened[0].but(**changes), *opened[1:]])
    if "contained_at" not in changes:
        return noticed
    return move(noticed, now, EventReason.CONTAINED, _contained(noticed.latches[0], now))


def _contained(latch: Latch, now: datetime) -> str:
    since = f"({(now - latch.at).total_seconds():.1f} s after it)"
    if fell_from_live(latch):
        return f"Contained: since the decision users are within every absolute bound {since}."
    how = "streamed" if latch.delivered_at else "taken"
    return f"Contained: no request reached it in the window after the decision was {how} {since}."


def _opened(o: Observed, latch: Latch, now: datetime) -> Latch:
    if latch.incident_opened_at is not None or latch.incident not in o.incidents:
        return latch
    return latch.but(incident_opened_at=now)


def _delivered(o: Observed, revision: int) -> bool:
    seen = o.delivered
    return (
        seen is not None
        and seen.revision is not None
        and seen.replicas == seen.expected > 0
        and seen.revision >= revision
    )


def _recovered(o: Observed, latch: Latch) -> bool:
    """Whether what serves instead is proven to keep every bound. Its requests carry the same
    variant as those of what was sent back, so that counting them would prove nothing."""
    judged, back_to = o.judged, latch.back_to
    if judged is None or back_to is None or judged.digest != back_to.digest:
        return False
    asked = o.delivered is not None and o.delivered.expected > 0
    return judged.accepted and (latch.delivered_at is not None or not asked)


def _quiet(o: Observed, latch: Latch) -> bool:
    """Whether a whole window after delivery brought the release no request.

    Where no flag replica can be asked, a window two grid instants after the decision must do.
    """
    traffic = o.judged.traffic if o.judged is not None else None
    if traffic is None:
        return False
    reached = latch.delivered_at
    if reached is None and (o.delivered is None or o.delivered.expected == 0):
        reached = latch.at + (traffic.end - traffic.start)
    if reached is None or traffic.start < reached:
        return False
    everybody = latch.cause is LatchCause.KILL or latch.stage == Stage.LIVE
    arms = ("stable", "candidate") if everybody else ("candidate",)
    return sum(traffic.requests.get(a, 0.0) for a in arms) == 0
