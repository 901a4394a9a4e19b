"""What took the harm off users: what was asked, what is obeyed, and whether its effect was seen.

Reads the features' status only: it asks nothing of them itself. `Contained` follows from it for
what people opened by hand; a filter or a tighter bound is never called an effect, for only the app
and the signals can tell.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from goaround.api.base import rfc3339
from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import Containment
from goaround.api.judgement import TO_FALLBACK, ContainmentAction
from goaround.api.kinds import AIFeature
from goaround.api.latches import Latch, LatchCause
from goaround.api.reasons import ConditionType, Stage
from goaround.api.restraints import Restraint
from goaround.incident.seen import Seen

BY_LATCH = {
    LatchCause.SIGNAL: ContainmentAction.ROLLBACK,
    LatchCause.REFUSED: ContainmentAction.ROLLBACK,
    LatchCause.ABORTED: ContainmentAction.ROLLBACK,
    LatchCause.KILL: ContainmentAction.KILL_SWITCH,
}


def with_containment(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that tells what was done at once, and since when it is seen to work."""
    obeyed = list(_obeyed(seen))
    at = after.milestones
    if at.contained_at is None and seen.latch is None and _is_seen(obeyed):
        at = at.but(contained_at=now)
    told = "; ".join(_told(seen, obeyed, now))[:512] or None
    found = _containment(seen, after.but(milestones=at), [r for _, r in obeyed])
    return after.but(milestones=at, containment=found.but(message=told))


def _containment(seen: Seen, after: AIIncidentStatus, obeyed: Sequence[Restraint]) -> Containment:
    asked, wanted = seen.spec.containment, obeyed[0] if obeyed else None
    detected, contained = after.milestones.detected_at, after.milestones.contained_at
    seconds = None
    if contained is not None and detected is not None:
        seconds = max(int((contained - detected).total_seconds()), 0)
    action = _done(seen.latch) or (wanted.action if wanted is not None else None)
    if action is None and asked is not None and not asked.is_asking:
        action = asked.action
    return Containment(
        action=action or after.containment.action,
        asked=wanted.action if wanted is not None else None,
        seconds=seconds,
        percent=wanted.percent if wanted is not None else None,
        expires_at=wanted.expires_at if wanted is not None else None,
    )


def _obeyed(seen: Seen) -> Iterator[tuple[AIFeature, Restraint]]:
    name = seen.incident.metadata.name
    for feature in seen.features:
        yield from ((feature, r) for r in feature.status.restraints if r.incident == name)


def _done(latch: Latch | None) -> ContainmentAction | None:
    if latch is None:
        return None
    if latch.cause is LatchCause.SIGNAL and latch.back_to is None:
        return ContainmentAction.FALLBACK
    return BY_LATCH.get(latch.cause)


def _is_seen(obeyed: list[tuple[AIFeature, Restraint]]) -> bool:
    """Whether every feature does what was asked, and all its flag replicas stream that."""
    return bool(obeyed) and all(_is_down(f, r) and _is_delivered(f) for f, r in obeyed)


def _is_down(feature: AIFeature, restraint: Restraint) -> bool:
    status = feature.status
    if restraint.action in TO_FALLBACK:
        return status.stage is Stage.KILLED
    throttled = restraint.percent is not None and status.step is not None
    return throttled and status.split.candidate <= (restraint.percent or 0)


def _is_delivered(feature: AIFeature) -> bool:
    known = find(feature.status.conditions, ConditionType.DELIVERED)
    return known is not None and known.status == "True"


def _told(seen: Seen, obeyed: list[tuple[AIFeature, Restraint]], now: datetime) -> Iterator[str]:
    asked = seen.spec.containment
    if asked is None or not asked.is_asking:
        return
    if asked.expires_at is not None and now >= asked.expires_at:
        yield f"{asked.action} ended by itself {rfc3339(asked.expires_at)}"
    elif not obeyed:
        yield (
            f"{asked.action} is asked for, and not obeyed yet: is the incident open, and no drill, "
            "and the feature in mode Enforce?"
        )
    for feature, restraint in obeyed:
        yield _line(feature, restraint)


def _line(feature: AIFeature, restraint: Restraint) -> str:
    name, status = feature.metadata.name, feature.status
    share, flies = status.split.candidate, status.step is not None
    where = (
        "streamed by every flag replica" if _is_delivered(feature) else "not streamed by all yet"
    )
    match restraint.action:
        case ContainmentAction.FILTER:
            return f"{name}: filter {restraint.filter} is published with the flag, {where}"
        case ContainmentAction.THRESHOLD_ADJUST:
            return f"{name}: {restraint.signal} is held against {restraint.max} at most"
        case ContainmentAction.KILL_SWITCH | ContainmentAction.FALLBACK:
            killed = status.stage is Stage.KILLED
            told = "the fallback serves everybody" if killed else "not on the fallback yet"
            return f"{name}: {told}, {where}"
        case ContainmentAction.ROLLBACK if not flies and status.stage is Stage.LIVE:
            return (
                f"{name}: no candidate is in flight; to leave what is live ask for Fallback, or "
                "set spec.rollbackTo of the feature"
            )
        case _ if status.candidate is not None and status.candidate.adopted and share > 0:
            return f"{name}: the candidate was adopted and serves already; ask for Fallback"
        case _:
            return f"{name}: {share} % of users are on the candidate, {where}"
