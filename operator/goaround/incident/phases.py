"""Which phase an incident is in: derived from its milestones and from what people decided.

Resolved is said when nothing is bad any more, whatever people wish; of a P1, a P2 or a kill only
when people said so, too. What is missing for the phase that was asked for stands in a condition.
"""

from datetime import datetime

from goaround.api.incident import AIIncidentStatus, RequestedPhase
from goaround.api.incident_status import ENDED, Milestones, Phase
from goaround.incident.milestones import undone
from goaround.incident.seen import Seen, signals_now

BAD = "Bad"
SAID_OVER = frozenset({RequestedPhase.RESOLVED, RequestedPhase.CLOSED})


def with_phase(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that says where the incident stands. What has ended stays so."""
    if seen.incident.status.phase in ENDED:
        return after
    at = _resolved(seen, _calm(seen, after.milestones, now), now)
    at = _calm(seen, at, now)  # anew, where it was opened again
    at = at.but(recovering_at=at.recovering_at or (now if _is_recovering(seen) else None))
    return after.but(milestones=at, phase=phase(seen, at))


def phase(seen: Seen, at: Milestones) -> Phase:
    """From the last thing that is true, backwards."""
    spec = seen.spec
    ended = {
        Phase.MERGED: spec.duplicate_of is not None,
        Phase.CANCELLED: spec.requested_phase is RequestedPhase.CANCELLED,
        Phase.CLOSED: at.closed_at is not None,
        Phase.REVIEWED: at.resolved_at is not None and at.reviewed_at is not None,
        Phase.RESOLVED: at.resolved_at is not None,
        Phase.RECOVERING: at.contained_at is not None and _is_recovering(seen),
        Phase.DIAGNOSING: at.contained_at is not None and at.assigned_at is not None,
        Phase.CONTAINED: at.contained_at is not None,
    }
    return next((name for name, true in ended.items() if true), Phase.DETECTED)


def trouble(seen: Seen) -> list[str]:
    """What is still bad, by feature and signal, in words."""
    return [
        f"{feature.metadata.name}: {signal.name} is {signal.verdict}"
        for feature in seen.features
        for signal in signals_now(feature)
        if signal.verdict == BAD
    ]


def _is_recovering(seen: Seen) -> bool:
    return seen.spec.requested_phase is RequestedPhase.RECOVERING


def _calm(seen: Seen, at: Milestones, now: datetime) -> Milestones:
    if at.resolved_at is not None:
        return at
    return at.but(calm_at=None if trouble(seen) else at.calm_at or now)


def _resolved(seen: Seen, at: Milestones, now: datetime) -> Milestones:
    if at.closed_at is not None:
        return at
    said = seen.spec.requested_phase in SAID_OVER
    if at.resolved_at is not None:
        again = _is_recovering(seen) or (seen.is_grave and not said)  # the word was taken back
        return undone(at, now) if again and now - at.resolved_at < seen.settings.reopen else at
    if at.calm_at is None:
        return at
    # a kill that is over was contained by its end
    alone = not seen.ends_by_word and at.contained_at is not None and not _is_recovering(seen)
    over = said or (alone and now - at.calm_at >= seen.settings.quiet)
    return at.but(resolved_at=now) if over else at


def resolves_at(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When it may be over without a person's word."""
    at = after.milestones
    if (
        seen.ends_by_word
        or at.resolved_at is not None
        or at.calm_at is None
        or at.contained_at is None
    ):
        return None
    return None if _is_recovering(seen) else at.calm_at + seen.settings.quiet
