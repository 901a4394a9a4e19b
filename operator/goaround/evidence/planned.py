"""What a flight plan says: the values, and the figures that need no rehearsal.

Decides what a bound permits and how many requests its acceptance takes at first order. Refuses to
judge a plan; `refusals` does.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from goaround.evidence.bets import EDGE, Floats
from goaround.evidence.hint import needed
from goaround.evidence.model import Bound, Counts, Max, Min, TestSpec, TestState, VsStable
from goaround.evidence.rehearsal import Leg, Subject
from goaround.evidence.scale import Scale

MANY: Final = 1e6


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that begins with the step. share: of harm. allowed: the bound permits it. found:
    share of flights that prove it before `horizon`; median, late (95 %): seconds to the proof, None
    where that is later. bad: bad responses expected until then."""

    name: str
    share: float
    allowed: bool
    found: float
    median: float | None
    late: float | None
    bad: float
    horizon: float


@dataclass(frozen=True, slots=True)
class TestPlan:
    """One test in one step. healthy: share of harm of a healthy release; gate: a climb waits for
    it; per_second: requests of the candidate that it sees. requests: of the candidate since the
    rollout began until it is accepted at this step's level, in the median; None where nothing has
    to be, or can be. smallest: share of harm that is proven in four of five flights
    within the `stays` seconds that a healthy flight stays here; None: not even a total failure.
    scale: of scores, whose shares are badness; deviation: of one of them, as a part of the scale.
    """

    __test__ = False

    name: str
    bound: Bound
    hard: bool
    gate: bool
    healthy: float
    per_second: float
    requests: int | None
    smallest: float | None
    stays: float
    faults: tuple[Fault, ...]
    scale: Scale | None = None
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step. weight: percent on the candidate; rates in requests per second; times in seconds.
    reached: share of healthy flights that climb before the deadline (`most`); earliest, likely and
    late (5, 50, 95 %) climbs, None where more than that run into it."""

    index: int
    weight: int
    candidate_rps: float
    stable_rps: float
    least: int
    most: int
    level: float | None
    reached: float
    earliest: float | None
    likely: float | None
    late: float | None
    tests: tuple[TestPlan, ...]


@dataclass(frozen=True, slots=True)
class FlightPlan:
    """The whole ramp, times in seconds; a plan with refusals does not fly."""

    rps: float
    steps: tuple[StepPlan, ...] = ()
    earliest: float | None = None
    likely: float | None = None
    late: float | None = None
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def flies(self) -> bool:
        return not self.refusals


def boundary(test: TestSpec, healthy: float) -> float:
    """The largest share of harm that the bound permits."""
    match test.bound:
        case Max(limit):
            edge = limit
        case Min(limit):
            edge = 1 - limit
        case VsStable(factor=factor, worse_by=worse_by):
            edge = factor * healthy + worse_by
        case _:
            assert_never(test.bound)
    return min(max(edge, EDGE), 1 - 1e3 * EDGE)


def allowed(test: TestSpec, share: float, healthy: float) -> bool:
    """Whether a candidate with this share of harm is within the bound, so that nothing finds it."""
    return share == 0 or (not test.hard and share <= boundary(test, healthy) * (1 + EDGE))


def quantile(values: Floats, at: float) -> float | None:
    """The value that the share `at` of all stays at or below; None where that is infinite."""
    ranked = np.sort(values)
    found = float(ranked[max(0, math.ceil(at * len(ranked)) - 1)])
    return found if math.isfinite(found) else None


def requests_to_accept(subject: Subject, leg: Leg, accepted: Mapping[float, Floats]) -> int | None:
    """Median of the rehearsal, by level; beyond its deadline the first-order figure of `hint`."""
    test = subject.test
    if leg.level is None or test.hard or not test.gate:
        return None
    median = quantile(accepted[leg.level], 0.5)
    if median is not None:
        return math.ceil(median)
    state = TestState(
        fingerprint="",
        last_t=0,
        step_began=0.0,
        arm=_counts(subject, MANY),
        reference=_counts(subject, MANY * leg.stable / leg.candidate),
    )
    return needed(test, state, math.log(leg.level))


def _counts(subject: Subject, total: float) -> Counts:
    """So many requests of a healthy release."""
    share, scale, squares = subject.healthy, subject.test.scale, None
    if scale is not None and scale.bucketed:
        squares = total * (share**2 + share * (1 - share) / subject.tosses)
    counts = Counts(total, total * share, squares)
    return counts.mirrored if isinstance(subject.test.bound, Min) else counts


def deviation(subject: Subject) -> float | None:
    """Of one score of a healthy release, as it is rehearsed; None for events."""
    if subject.test.scale is None:
        return None
    return math.sqrt(subject.healthy * (1 - subject.healthy) / subject.tosses)


def percent(share: float) -> str:
    """Two digits: `1%`, `0.35%`, `12%`."""
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"
