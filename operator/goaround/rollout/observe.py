"""Mode Observe: decide and say, move nothing. What spec asks for serves everybody."""

from datetime import datetime

from goaround.api.digest import release_digest
from goaround.api.reasons import EventReason, Reason, Stage
from goaround.api.status import AIFeatureStatus, KillSource
from goaround.rollout.contents import lacking
from goaround.rollout.go_back import go_back
from goaround.rollout.moves import in_flight, is_watched, move
from goaround.rollout.observed import Observed
from goaround.rollout.stated import DOWN
from goaround.rollout.suspend import suspended
from goaround.rollout.takeoff import take_off
from goaround.rollout.towards import towards_spec
from goaround.rollout.up import fly

AND = " | "
MOST_WORDS = 250  # both events have room in one line of status


def observe(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    """What would have been done is said once per release; what is down already stays down."""
    if sources and status.stage is not None:  # else it would say that it serves what it does not
        named = ", ".join(f"{s.kind} {s.name}" for s in sources)
        return _say(status, EventReason.WOULD_HAVE_KILLED, f"killed by {named}", now)
    status = _without_kill(status)
    breach = o.judged.breach if o.judged is not None else None
    if breach is not None and (in_flight(status) or is_watched(status)):
        return _say(status, EventReason.WOULD_HAVE_ROLLED_BACK, breach.line, now)
    if (back := go_back(o, status, now)) is not None:
        return back
    wanted = release_digest(o.feature.spec.release)
    good, flown = status.last_known_good, status.candidate
    if good is not None and good.digest == wanted:
        return towards_spec(o, status, now)
    if flown is not None and flown.digest == wanted and in_flight(status):
        return status if status.would_have else fly(o, status, now)
    if status.stage in DOWN or o.quarantined_at(wanted):
        return status
    if (why := suspended(o)) is not None or (why := _wrong_way_back(o)) is not None:
        return status.but(hold=why[:512])
    if (why := lacking(o)) is not None:
        return status.but(hold=why[:512])
    return take_off(o, status, now, serves_already=True)


def _wrong_way_back(o: Observed) -> str | None:
    """While spec.rollbackTo cannot be followed, the release of spec is not taken over."""
    wrong = (p.message for p in o.problems if p.reason is Reason.ROLLBACK_REFUSED)
    return next(wrong, None)


def _without_kill(status: AIFeatureStatus) -> AIFeatureStatus:
    """A switch that is gone keeps nothing from landing any more; a proof of harm does."""
    said = status.would_have.split(AND) if status.would_have is not None else []
    left = [one for one in said if not one.startswith(EventReason.WOULD_HAVE_KILLED)]
    return status.but(would_have=AND.join(left) or None)


def _say(status: AIFeatureStatus, event: EventReason, what: str, now: datetime) -> AIFeatureStatus:
    """Once for each event: a kill in between must not make the same proof a second one."""
    said = status.would_have.split(AND) if status.would_have is not None else []
    if any(one.startswith(event) for one in said):
        return status
    told = AND.join([*said, f"{event}: {what}"[:MOST_WORDS]])
    return move(
        status,
        now,
        event,
        f"Mode Observe moves nothing. Enforced, this would have gone down: {what}",
        warning=True,
        stage=status.stage or Stage.LIVE,
        would_have=told,
    )
