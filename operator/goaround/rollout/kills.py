"""When a kill switch is latched: every feature it matches is recorded as killed by it.

Until then a policy refuses to delete it, so that deleting one early cannot raise anything again.
Features in mode Observe are not waited for: no switch kills them, so none would ever be recorded.
"""

from collections.abc import Sequence
from datetime import datetime

from goaround.api.feature import Mode
from goaround.api.killswitch import AIKillSwitchStatus
from goaround.api.kinds import AIFeature, AIKillSwitch
from goaround.api.reasons import Stage
from goaround.api.status import MOST_SOURCES, AIFeatureStatus
from goaround.rollout.drill import ends

SOON_SECONDS = 2.0


def latched(
    switch: AIKillSwitch, features: Sequence[AIFeature], now: datetime
) -> AIKillSwitchStatus:
    """The switch's status: `latchedAt` once all are recorded; set once, kept for ever."""
    seen = switch.status.but(observed_generation=switch.metadata.generation)
    matching = [f for f in features if switch.matches(f.metadata)]
    if switch.spec.drill:
        return _drilled(switch, seen, matching, now)
    if switch.status.latched_at is not None:
        return seen
    killed = [f for f in matching if _recorded(f.status, switch)]
    spared = [f for f in matching if _is_spared(f)]
    waiting = [f for f in matching if f not in killed and f not in spared]
    if waiting:
        return _waits(switch, f"waits for {_names(waiting)} to be recorded as killed")
    told = [f"killed: {_names(killed)}"] if killed else []
    told += [f"mode Observe, not killed: {_names(spared)}"] if spared else []
    nothing = "no feature of this namespace matches: nothing is killed by it now"
    return seen.but(
        latched_at=now,
        latched_revision=max((f.status.revision for f in killed), default=0),
        message=("; ".join(told) or nothing)[:512],
    )


def _waits(switch: AIKillSwitch, told: str) -> AIKillSwitchStatus:
    """Its generation is not said to be done: kstatus would call the switch Current."""
    return switch.status.but(message=told[:512])


def _names(features: Sequence[AIFeature]) -> str:
    return ", ".join(f.metadata.name for f in features)


def _is_spared(feature: AIFeature) -> bool:
    """Mode Observe moves nothing; what was killed before stays so, and is recorded."""
    return feature.spec.mode is Mode.OBSERVE and feature.status.stage is not Stage.KILLED


def _recorded(status: AIFeatureStatus, switch: AIKillSwitch) -> bool:
    sources = status.kill.sources if status.kill is not None else []
    named = any(s.kind == "AIKillSwitch" and s.name == switch.metadata.name for s in sources)
    return status.stage is Stage.KILLED and (named or len(sources) >= MOST_SOURCES)


def again_in(switch: AIKillSwitch, status: AIKillSwitchStatus, now: datetime) -> float | None:
    """Seconds after which a drill is looked at again: it ends although nobody does anything."""
    if not switch.spec.drill or status.ended_at is not None:
        return None
    return max((ends(switch, now) - now).total_seconds(), SOON_SECONDS)


def _drilled(
    switch: AIKillSwitch, seen: AIKillSwitchStatus, matching: list[AIFeature], now: datetime
) -> AIKillSwitchStatus:
    """A drill is latched once every feature takes part, or cannot; it has ended once its time is
    over and nobody is in it any more."""
    name = switch.metadata.name
    inside = [f for f in matching if f.status.drill is not None and f.status.drill.switch == name]
    done = [f for f in matching if f not in inside and _took_part(f.status, switch)]
    late = now >= ends(switch, now)
    waiting = [f for f in matching if f not in inside and f not in done and not _is_out(f)]
    if seen.latched_at is None and waiting and not late:
        return _waits(switch, f"waits for {_names(waiting)}: no drill before a first step")
    if seen.latched_at is None:
        revision = max((f.status.revision for f in inside), default=0)
        seen = seen.but(latched_at=now, latched_revision=revision)
    if seen.ended_at is None and late and not inside:
        seen = seen.but(ended_at=now)
    took = [*inside, *done]
    told = f"drill of {_names(took)}" if took else "nobody took part"
    missed = [f for f in matching if f not in took]
    return seen.but(message=(told + (f"; not of {_names(missed)}" if missed else ""))[:512])


def _took_part(status: AIFeatureStatus, switch: AIKillSwitch) -> bool:
    known = status.kill_switch
    return known is not None and switch.held(known.last_drill)


def _is_out(feature: AIFeature) -> bool:
    """Nothing of it can be drilled: it is killed, moves nothing, or was never looked at."""
    observing = feature.spec.mode is Mode.OBSERVE
    return observing or feature.status.stage in {None, Stage.KILLED}
