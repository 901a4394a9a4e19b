"""Drills: the fallback serves for a while, and then exactly what was decided meanwhile serves.

A drill lies over the decided split and changes nothing beneath it: proof of harm still goes down, a
real kill ends the drill, nothing climbs. Opens no incident, quarantines nothing, freezes nothing.
"""

from datetime import datetime, timedelta

from goaround.api.base import rfc3339
from goaround.api.feature import Mode
from goaround.api.killswitch import LONGEST_DRILL
from goaround.api.kinds import AIKillSwitch
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import (
    ALL_FALLBACK,
    AIFeatureStatus,
    Drill,
    DrillResult,
    KillSource,
    KillSwitchStatus,
)
from goaround.rollout.moves import move
from goaround.rollout.observed import Observed
from goaround.rollout.seen import is_delivered, is_quiet

EVERYBODY = ("stable", "candidate")


def lifted(status: AIFeatureStatus) -> AIFeatureStatus:
    """What status would say without the drill that lies over it."""
    return status.but(split=status.drill.split) if status.drill is not None else status


def laid(status: AIFeatureStatus) -> AIFeatureStatus:
    """What is decided, with the drill over it."""
    if status.drill is None:
        return status
    return status.but(drill=status.drill.but(split=status.split), split=ALL_FALLBACK)


def dated(before: AIFeatureStatus, after: AIFeatureStatus) -> AIFeatureStatus:
    """The revision that carries the beginning of a drill, or its end, once it is settled."""
    drill, known = after.drill, after.kill_switch
    if drill is not None and before.drill is None:
        return after.but(drill=drill.but(revision=after.revision))
    result = known.last_drill if known is not None else None
    if known is None or result is None or before.drill is None or drill is not None:
        return after
    ended = result.but(revision=after.revision)
    return after.but(kill_switch=known.but(last_drill=ended))


def begun(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    """`status` with the drill that begins now, before anything else is decided."""
    found = _next(o, status, now) if status.drill is None and not sources else None
    return status if found is None else _begun(status, found, now)


def drilled(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    """What was decided beneath a drill, with what the drill showed; at its end, without it."""
    status = _measured_back(o, status, now)
    if status.drill is None:
        return status
    status = _measured(o, status, status.drill, now)
    if sources:
        return _ended(status, now, "ended by a kill, which goes on")
    if _is_over(o, status, now):
        # going back to what served before it is no climb: no brake and no hold keeps it down
        return _ended(status, now, "what was decided serves again")
    return status


def _next(o: Observed, status: AIFeatureStatus, now: datetime) -> AIKillSwitch | None:
    """The drill that begins now. Before its first step a release is compared with golden runs: a
    drill would make it answer by its fallback, and waits."""
    if status.stage in {None, Stage.KILLED, Stage.PREFLIGHT}:
        return None
    if o.feature.spec.mode is Mode.OBSERVE:
        return None
    last = status.kill_switch.last_drill if status.kill_switch is not None else None
    return next(
        (
            s
            for s in sorted(o.switches, key=lambda s: s.metadata.name)
            if s.spec.drill
            and s.status.ended_at is None
            and s.matches(o.feature.metadata)
            and now < ends(s, now)
            and not s.held(last)
        ),
        None,
    )


def ends(switch: AIKillSwitch, now: datetime) -> datetime:
    """When a drill ends by itself, however late it was seen."""
    made = switch.metadata.creation_timestamp or now
    return made + timedelta(seconds=switch.spec.drill_seconds)


def _begun(status: AIFeatureStatus, switch: AIKillSwitch, now: datetime) -> AIFeatureStatus:
    until = ends(switch, now)
    name = switch.metadata.name
    return move(
        status,
        now,
        EventReason.DRILL_STARTED,
        f"Drill {name}: the fallback serves everybody until {rfc3339(until)}, or until the "
        f"switch is deleted ({switch.spec.reason}). Nothing is blamed.",
        drill=Drill(switch=name, since=now, until=until, split=status.split),
    )


def _is_over(o: Observed, status: AIFeatureStatus, now: datetime) -> bool:
    """Its time has come, or its switch is gone. No status keeps anybody down for longer."""
    if (drill := status.drill) is None:
        return False
    longest = drill.since + timedelta(seconds=LONGEST_DRILL)
    there = any(s.metadata.name == drill.switch and s.spec.drill for s in o.switches)
    return not there or now >= min(drill.until, longest)


def _ended(status: AIFeatureStatus, now: datetime, what: str) -> AIFeatureStatus:
    drill, step = status.drill, status.step
    assert drill is not None
    seconds = int((now - drill.since).total_seconds())
    result = DrillResult(
        switch=drill.switch,
        began_at=drill.since,
        ended_at=now,
        flip_milliseconds=_milliseconds(drill.since, drill.delivered_at),
        contained_at=drill.contained_at,
        message=f"{_effect(drill)}; {what}"[:512],
    )
    known = status.kill_switch or KillSwitchStatus()
    return move(
        status,
        now,
        EventReason.DRILL_ENDED,
        f"Drill {drill.switch} is over after {seconds} s: {result.message}.",
        drill=None,
        kill_switch=known.but(last_drill=result),
        step=step.but(drilled_seconds=step.drilled_seconds + seconds + 1) if step else None,
    )


def _effect(drill: Drill) -> str:
    if drill.delivered_at is None:
        return "it was not seen to reach every flag replica"
    took = _milliseconds(drill.since, drill.delivered_at)
    seen = "no request reached any release" if drill.contained_at else "its effect was not seen"
    return f"every flag replica streamed the fallback in {took} ms, {seen}"


def _measured(o: Observed, status: AIFeatureStatus, drill: Drill, now: datetime) -> AIFeatureStatus:
    """When its beginning was streamed by all, and felt by all."""
    if drill.delivered_at is None and drill.revision and is_delivered(o, drill.revision):
        drill = drill.but(delivered_at=now)
    if drill.contained_at is None and is_quiet(o, drill.since, drill.delivered_at, EVERYBODY):
        drill = drill.but(contained_at=now)
    return status if drill == status.drill else status.but(drill=drill)


def _measured_back(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """When its end was streamed by all, as long as nothing newer was decided."""
    known = status.kill_switch
    last = known.last_drill if known is not None else None
    if (
        known is None
        or last is None
        or last.flip_back_milliseconds is not None
        or not last.revision
    ):
        return status
    if last.revision != o.feature.status.revision or not is_delivered(o, last.revision):
        return status
    back = last.but(flip_back_milliseconds=_milliseconds(last.ended_at, now))
    return status.but(kill_switch=known.but(last_drill=back))


def _milliseconds(since: datetime, at: datetime | None) -> int | None:
    return int((at - since).total_seconds() * 1000) if at is not None else None
