"""What the evidence of a flight rests on, and whether it must wait for that, in words of status.

Decides which test speaks for the flight: the one that proves least. What follows stands in rollout.
"""

from goaround.api.reasons import Reason
from goaround.evidence.assumptions import Kind, assumptions, weakest
from goaround.evidence.plan import signal_of
from goaround.rollout.observed import PAUSES, Assumed, Paused
from goaround.runtime.flight import Flight

SOUND = frozenset({Kind.MEASURED, Kind.DECLARED_INDEPENDENT})


def assumed(flight: Flight) -> Assumed | None:
    """None before the first request, and where no test is statistical."""
    seen = [
        assumptions(test, state)
        for test, state in flight.main.pairs
        if not test.hard and (state.arm.total or state.reference.total)
    ]
    found = weakest(seen)
    if found is None:
        return None
    return Assumed(found.kind in SOUND, Reason(found.kind.value), found.message)


def paused(flight: Flight) -> Paused | None:
    """Why a climb must wait although nobody is to blame: harm that only users who were not
    measured carry. The text counts nothing, so that it is written once."""
    breach = flight.main.breach
    if breach is None or not breach.lingering:
        return None
    first = (*breach.pausing, *breach.lingering)[0]
    test, state = next((t, s) for t, s in flight.main.pairs if t.signal == first)
    told = f"signal {signal_of(first)} {PAUSES}; {assumptions(test, state).message}"
    return Paused(told, begins=bool(breach.pausing))
