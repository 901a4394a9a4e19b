"""When a kill switch is latched: every feature it matches is recorded as killed by it.

Until then a policy refuses to delete it, so that deleting one early cannot raise anything again.
"""

from collections.abc import Sequence
from datetime import datetime

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
    waiting = [f.metadata.name for f in matching if not _recorded(f.status, switch)]
    if waiting:
        told = f"waits for {', '.join(waiting)} to be recorded as killed"
        return seen.but(message=told[:512])
    if not matching:
        told = "no feature of this namespace matches: nothing is killed by it now"
    else:
        told = f"killed: {', '.join(f.metadata.name for f in matching)}"
    return seen.but(
        latched_at=now,
        latched_revision=max((f.status.revision for f in matching), default=0),
        message=told[:512],
    )


def _recorded(status: AIFeatureStatus, switch: AIKillSwitch) -> bool:
    sources = status.kill.sources if status.kill is not None else []
    named = any(s.kind == "AIKillSwitch" and s.name == switch.metadata.name for s in sources)
    return status.stage is Stage.KILLED and (named or len(sources) >= MOST_SOURCES)
