"""How a status changes: one transition at a time, each told once.

A move sets the stage and the split and appends the transition that an event will tell. Revision,
conditions and columns are settled in one place at the end of the pass (`settle.py`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from goaround.api.conditions import Wanted, find
from goaround.api.reasons import FLYING, EventReason, Stage
from goaround.api.status import (
    AIFeatureStatus,
    Latch,
    LatchCause,
    SignalStatus,
    Split,
    Transition,
)

HISTORY = 10
MOMENT = timedelta(milliseconds=1)
LATCHES = 4
SIGNALS_KEPT = 5
GRAVITY = {"Bad": 0, "Unknown": 1, "Undecided": 2}


def move(
    status: AIFeatureStatus,
    now: datetime,
    event: EventReason,
    message: str,
    *,
    warning: bool = False,
    **changes: object,
) -> AIFeatureStatus:
    """`status` with `changes` and with the transition that tells of them.

    Each transition is later than the one before it, whatever the clock does: what was told is
    remembered by its time.
    """
    at = max([now, *(t.at + MOMENT for t in status.history[-1:])])
    kind = "Warning" if warning else "Normal"
    told = Transition(at=at, reason=event, type=kind, message=message[:1024])
    return status.but(history=[*status.history, told][-HISTORY:], **changes)


def told_once(
    before: AIFeatureStatus,
    after: AIFeatureStatus,
    wanted: Wanted,
    event: EventReason,
    *,
    now: datetime,
    lead: str = "",
) -> AIFeatureStatus:
    """`after` with a warning of what `wanted` says, unless that condition stood before already."""
    kind, status, reason, message = wanted
    said = find(before.conditions, kind)
    if said is not None and (said.status, said.reason) == (status, reason):
        return after
    return move(after, now, event, lead + message, warning=True)


def latched(status: AIFeatureStatus, latch: Latch) -> list[Latch]:
    """The latches with a new one in front."""
    return [latch, *status.latches][:LATCHES]


def gravest(signals: Sequence[SignalStatus]) -> list[SignalStatus]:
    """What a latch keeps of the signals, in their order: all while they are few, else those that
    speak against the release most."""
    last = len(GRAVITY)
    by_gravity = sorted(signals, key=lambda s: GRAVITY.get(s.verdict, last))[:SIGNALS_KEPT]
    return [s for s in signals if s in by_gravity]


def ground(status: AIFeatureStatus) -> Split:
    """What serves while no candidate flies."""
    if status.last_known_good is not None:
        return Split(stable=100)
    return Split(fallback=100)


def split_at(status: AIFeatureStatus, weight: int) -> Split:
    """The candidate at `weight` percent, the rest on what is proven; without anything proven, on
    the fallback."""
    if status.last_known_good is not None:
        return Split(stable=100 - weight, candidate=weight)
    return Split(candidate=weight, fallback=100 - weight)


def raises(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether anybody would get more than before: a candidate more users, or the fallback fewer."""
    if after.stage is None:
        return False
    more = after.split.candidate > before.split.candidate
    return more or (before.stage is not None and after.split.fallback < before.split.fallback)


def lands(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether the candidate became last-known-good: it loses its share, and none of its users."""
    flown, good = before.candidate, after.last_known_good
    new = good is not None and good != before.last_known_good
    return new and good is not None and flown is not None and good.digest == flown.digest


def in_flight(status: AIFeatureStatus) -> bool:
    """Whether a candidate is on its way up, at whatever weight."""
    return status.candidate is not None and status.stage in FLYING


def is_watched(status: AIFeatureStatus) -> bool:
    """Whether last-known-good serves everybody, whatever waits at 0 % for its first step: that may
    take days under a freeze."""
    down = {Stage.ROLLED_BACK, Stage.INCONCLUSIVE, Stage.REJECTED}
    alone = status.stage in {Stage.LIVE, Stage.PREFLIGHT} or status.stage in down
    return alone and status.last_known_good is not None and status.split.stable == 100


def fell_from_live(latch: Latch) -> bool:
    """Whether it sent back what was last-known-good, and another release serves instead."""
    proven = latch.cause is LatchCause.SIGNAL and latch.stage == Stage.LIVE
    return proven and latch.back_to is not None


def never_back_to_it(status: AIFeatureStatus) -> AIFeatureStatus:
    """The candidate is not kept as an earlier good release, if it was one."""
    flown, earlier = status.candidate, status.previous_good
    if flown is None or earlier is None or earlier.digest != flown.digest:
        return status
    return status.but(previous_good=None)
