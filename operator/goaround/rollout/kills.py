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


def latched(
    switch: AIKillSwitch, features: Sequence[AIFeature], now: datetime
) -> AIKillSwitchStatus:
    """The switch's status: `latchedAt` once all are recorded; set once, kept for ever."""
    seen = switch.status.but(observed_generation=switch.metadata.generation)
    if switch.status.latched_at is not None:
        return seen
    matching = [f for f in features if switch.matches(f.metadata)]
    killed = [f for f in matching if _recorded(f.status, switch)]
    spared = [f for f in matching if _is_spared(f)]
    waiting = [f for f in matching if f not in killed and f not in spared]
    if waiting:
        return seen.but(message=f"waits for {_names(waiting)} to be recorded as killed"[:512])
    told = [f"killed: {_names(killed)}"] if killed else []
    told += [f"mode Observe, not killed: {_names(spared)}"] if spared else []
    nothing = "no feature of this namespace matches: nothing is killed by it now"
    return seen.but(
        latched_at=now,
        latched_revision=max((f.status.revision for f in killed), default=0),
        message=("; ".join(told) or nothing)[:512],
    )


def _names(features: Sequence[AIFeature]) -> str:
    return ", ".join(f.metadata.name for f in features)


def _is_spared(feature: AIFeature) -> bool:
    """Mode Observe moves nothing; what was killed before stays so, and is recorded."""
    return feature.spec.mode is Mode.OBSERVE and feature.status.stage is not Stage.KILLED


def _recorded(status: AIFeatureStatus, switch: AIKillSwitch) -> bool:
    sources = status.kill.sources if status.kill is not None else []
    named = any(s.kind == "AIKillSwitch" and s.name == switch.metadata.name for s in sources)
    return status.stage is Stage.KILLED and (named or len(sources) >= MOST_SOURCES)
