"""Watching what is live, for ever: two detectors in turns, each 48 hours long.

Decides when a detector begins anew, and how much of the yearly budget it may spend. Both run all
the time, a day apart, so that the younger one is never older than a day: years of good data dull
neither. Refuses to know what follows from a breach. All times are unix seconds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from goaround.evidence.judge import Breach, TestSpec, TestState, Window, advance, combine, new_state
from goaround.evidence.model import CANDIDATE, STABLE, Units

ERA_SECONDS: Final = 48 * 3600
DETECTORS: Final = 2
YEAR_SECONDS: Final = 31_557_600


@dataclass(frozen=True, slots=True)
class Detector:
    """One of the two, in one era. states: in the order of the tests; `step_began` of a state is
    the beginning of its era, or of the watch where that began later."""

    which: int
    states: tuple[TestState, ...]

    @property
    def began(self) -> float:
        return max(state.step_began for state in self.states)

    @property
    def ends(self) -> int:
        return era_end(self.began, self.which)


def era_end(instant: float, which: int) -> int:
    """End of the era of detector `which` in which a window that begins at `instant` lies.

    Eras are anchored at the Unix epoch, so that whoever takes over continues the same ones.
    """
    shift = which * ERA_SECONDS // DETECTORS
    return (math.floor(instant - shift) // ERA_SECONDS + 1) * ERA_SECONDS + shift


def alpha(per_year: float, seconds: float) -> float:
    """What a detector that runs for so long may spend of `per_year` false alarms.

    The budget is spent evenly over time and detectors: each crosses its level with a chance of at
    most this much (Ville), so that a year's eras sum to `per_year` expected false alarms.
    """
    return per_year * seconds / (DETECTORS * YEAR_SECONDS)


def live_tests(
    tests: Iterable[TestSpec], interval: int, budget: float = 1.0
) -> tuple[TestSpec, ...]:
    """The same absolute bounds, asked of what everybody is served; nobody is assigned to an arm.

    budget: their part of the yearly budget, where other bounds send back, too."""
    return tuple(
        replace(
            test,
            arm=STABLE if test.arm == CANDIDATE else test.arm,
            interval=interval,
            gate=False,
            share=test.share * budget,
            units=Units.REQUESTS,
            about=f"{test.about}/live/{interval}",
        )
        for test in tests
    )


def begun(specs: Sequence[TestSpec], which: int, start: int) -> Detector:
    """A detector whose first window begins at `start`, a grid instant."""
    return Detector(which, tuple(fresh(spec, start) for spec in specs))


def fresh(spec: TestSpec, start: int) -> TestState:
    """A test at the beginning of an era.

    As if one window had passed: the detector bets most on a fault that begins with the first one,
    which is right for a take-off and wrong here, where no instant is likelier than another.
    """
    return replace(new_state(spec, start, float(start)), windows=1)


def advanced(
    specs: Sequence[TestSpec], detector: Detector, windows: Mapping[str, Window]
) -> Detector:
    """One instant, by name of test. A window of the next era begins that era."""
    return Detector(
        detector.which,
        tuple(
            _advanced(spec, state, window, detector.which)
            if (window := windows.get(spec.signal)) is not None
            else state
            for spec, state in zip(specs, detector.states, strict=True)
        ),
    )


def _advanced(spec: TestSpec, state: TestState, window: Window, which: int) -> TestState:
    begins = window.end - spec.interval
    if begins >= era_end(state.step_began, which):
        state = fresh(spec, era_end(begins, which) - ERA_SECONDS)
    return advance(spec, state, window, step_began=state.step_began)


def judged(specs: Sequence[TestSpec], detector: Detector, per_year: float) -> Breach:
    """What this detector says of all its tests together; hard guards act outside the budget."""
    level = alpha(per_year, detector.ends - detector.began)
    return combine(specs, detector.states, level)
