"""What an incident takes from the latch that opened it: releases, differences, signals, effect.

Frozen once that was shortened. `Contained` is said only after the effect was seen.
"""

from collections.abc import Iterator
from datetime import datetime

from goaround.api.base import rfc3339
from goaround.api.conditions import Wanted, condition, find
from goaround.api.digest import short
from goaround.api.incident import AIIncidentStatus
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import Latch
from goaround.incident.forewarned import WHY
from goaround.incident.seen import Seen
from goaround.incident.words import changes

FALLBACK = "the fallback"


def with_latch(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that copies what is known of the failure."""
    latch = seen.latch
    if latch is None:
        return after
    return after.but(
        exposed_requests=latch.exposed_requests,
        failed_release=_release(latch),
        failed_attempt=latch.attempt,
        serving_release=_serving(latch),
        changes=_changes(latch),
        signals=list(latch.signals) or after.signals,  # an old latch has none any more
    )


def contained(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """Decided, delivered, seen: three different things."""
    at, kind = after.milestones, ConditionType.CONTAINED
    if at.contained_at is not None:
        told = f"{_how(seen, after)}, seen {rfc3339(at.contained_at)}"
        yield condition(kind, "True", Reason.CONTAINED, told)
    elif at.delivered_at is not None:
        told = "delivered to every flag replica; the effect has not been observed yet"
        yield condition(kind, "False", Reason.EFFECT_NOT_OBSERVED, told)
    elif (how := after.containment.message) is not None:
        yield condition(kind, "False", Reason.CONTAINMENT, how)
    elif (latch := seen.latch) is not None:
        told = f"decided {rfc3339(latch.at)}; not seen on every flag replica yet"
        yield condition(kind, "False", Reason.PENDING, told)
    elif (known := find(seen.incident.status.conditions, kind)) is not None:
        yield kind, known.status, Reason(known.reason), known.message
    elif seen.spec.trigger.source in WHY:
        told = "an early sign: nothing was taken off users. Where nothing has to be, set "
        told += "spec.containment to None with a reason; else ask for what has to go down"
        yield condition(kind, "False", Reason.PENDING, told)
    else:
        told = "nothing was taken off users yet: ask for it in spec.containment, or create an "
        told += "AIKillSwitch; what was done elsewhere stands in spec.milestones.containedAt"
        yield condition(kind, "False", Reason.PENDING, told)


def _how(seen: Seen, after: AIIncidentStatus) -> str:
    """In words of what people asked for, where it was no latch that did it."""
    told = after.containment.message if seen.latch is None else None
    return told or "no request reached it any more"


def _release(latch: Latch) -> str:
    if latch.release is None or latch.digest is None:
        return "none was serving"
    return f"{latch.release.title} ({short(latch.digest)})"


def _serving(latch: Latch) -> str:
    if latch.back_to is None:
        return FALLBACK
    return f"{latch.back_to.release.title} ({short(latch.back_to.digest)})"


def _changes(latch: Latch) -> list[str]:
    if latch.release is None or latch.back_to is None:
        return []
    return changes(latch.release, latch.back_to.release)
