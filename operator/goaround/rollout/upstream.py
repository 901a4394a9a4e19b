"""A feature whose input comes from one that fails: it is told, it waits, and it is not blamed.

Decides what counts as failing, and what that means for a candidate downstream. Nothing here stands
before a way down: proof of harm still takes every user away at once, it merely quarantines nothing.
"""

from goaround.api.acceptance import Layer
from goaround.api.base import rfc3339
from goaround.api.conditions import Wanted, condition
from goaround.api.kinds import AIFeature
from goaround.api.reasons import CAME_BACK, ConditionType, Reason, Stage
from goaround.api.status import LatchCause
from goaround.rollout.observed import Breach, Observed


def fails(upstream: AIFeature) -> str | None:
    """Why those who go on with what it returns must beware; None where they need not.

    It fails while it is killed, while its fallback serves everybody after a way down or in a drill,
    and until a release that did harm is contained.
    """
    status, name = upstream.status, upstream.metadata.name
    if status.stage is Stage.KILLED:
        return f"{name} is killed, its fallback serves"
    if status.drill is not None:
        return f"{name} is in a drill, its fallback serves"
    if status.stage in CAME_BACK and status.split.fallback == 100:
        return f"{name} came back, its fallback serves"
    for latch in status.latches[:1]:
        if latch.cause is LatchCause.SIGNAL and latch.contained_at is None:
            since = rfc3339(latch.at)
            return f"{name} did harm, was sent back at {since} and is not contained yet"
    return None


def told(o: Observed) -> Wanted | None:
    """`UpstreamIncident`, as long as one fails."""
    if not o.upstream:
        return None
    said = (
        f"{_named(o)}. Nothing climbs here meanwhile; a candidate that breaks a bound still "
        "goes around, without blame unless the signal is of layer Safety"
    )
    return condition(ConditionType.UPSTREAM_INCIDENT, "True", Reason.UPSTREAM_FAILS, said)


def stops_climb(o: Observed) -> str | None:
    """Why nothing climbs; None where nothing upstream fails."""
    return f"UpstreamIncident: {_named(o)}"[:512] if o.upstream else None


def excuses(o: Observed, breach: Breach) -> str | None:
    """Why this proof blames nobody: what comes in is not what the candidate was made for. Safety
    is never excused."""
    signal = o.feature.spec.signal(breach.signal)
    if not o.upstream or signal is None or signal.watches is Layer.SAFETY:
        return None
    return f"{breach.line}; not blamed on it, for {_named(o)}"[:512]


def _named(o: Observed) -> str:
    return "; ".join(o.upstream)[:400]
