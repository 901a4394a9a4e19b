"""A flight told again: the windows of its time, through the engine that judged it.

Decides where the flight began and ended and which step was in force. Refuses to judge anew: what
counted is what the operator said. The replay knows no outages, which set tests aside while they
last.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason
from goaround.api.status import Latch, LatchCause
from goaround.evidence import grid
from goaround.evidence.judge import (
    Breach,
    TestSpec,
    TestState,
    Window,
    advance,
    combine,
    new_state,
    report,
)
from goaround.evidence.plan import in_step, least_samples, level, signal_of, tests_of, undivided

FLOOR: Final = -8.0
"""ln e below which a plot has nothing to tell."""

AT_WEIGHT: Final = re.compile(r" at (\d+) ?%")
STEP: Final = re.compile(r"\(step (\d+) of \d+\)")
ENTERED: Final = frozenset({EventReason.STEP_STARTED, EventReason.CRUISING, EventReason.ADOPTED})


@dataclass(frozen=True, slots=True)
class Leg:
    """One step as it was flown: since (unix seconds), which, and percent of users, if known."""

    since: float
    index: int
    weight: int | None


@dataclass(frozen=True, slots=True)
class Flown:
    """A flight on the grid: legs in order; start and end in unix seconds."""

    legs: tuple[Leg, ...]
    start: int
    end: float
    latch: Latch | None

    def leg_at(self, end: int) -> Leg:
        """The step in force for the window that ends there."""
        return next((leg for leg in reversed(self.legs) if leg.since < end), self.legs[0])


@dataclass(slots=True)
class History:
    """One test over time, by window end: ln of its part of the e-value of harm, ln of its e-value
    of acceptance, and ln of the level that asked. line: what it says at last; hard: no statistics,
    then only the line."""

    test: TestSpec
    line: str = ""
    ends: list[int] = field(default_factory=list)
    harm: list[float] = field(default_factory=list)
    proof: list[float] = field(default_factory=list)
    level: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Replay:
    """All tests of a flight. limit: ln 1/alpha; proven_end: of the window that crossed it."""

    flown: Flown
    histories: tuple[History, ...]
    limit: float
    proven_end: int | None


def flight_of(feature: AIFeature, now: float, since: float | None = None) -> Flown | None:
    """The flight that status speaks of, under way or ended; None where there is none.

    now: until when windows are complete; since: draw no earlier than that (unix seconds).
    """
    status, interval = feature.status, feature.spec.ramp.interval_seconds
    flown = status.candidate
    if flown is None:
        return None
    legs = _legs(feature)
    latch = next(
        (x for x in status.latches if x.digest == flown.digest and x.attempt == flown.attempt), None
    )
    began = max(legs[0].since, since if since is not None else 0.0)
    start = grid.first_window_start(began, interval)
    end = min(now, latch.at.timestamp()) if latch is not None else now
    return Flown(legs, start, end, latch)


def _legs(feature: AIFeature) -> tuple[Leg, ...]:
    """Steps by the transitions that status still remembers, and the one in force."""
    status, spec = feature.status, feature.spec
    flown, last = status.candidate, len(spec.ramp.steps) - 1
    assert flown is not None
    found: list[Leg] = []
    for told in status.history:
        if told.reason in ENTERED and told.at >= flown.since:
            number, weight = STEP.search(told.message), AT_WEIGHT.search(told.message)
            index = min(int(number[1]) - 1, last) if number else last
            found.append(Leg(told.at.timestamp(), index, int(weight[1]) if weight else None))
    step = status.step
    if step is not None and not any(abs(leg.since - step.since.timestamp()) < 1 for leg in found):
        found.append(Leg(step.since.timestamp(), step.index, status.split.candidate or None))
    found.sort(key=lambda leg: leg.since)
    return tuple(found) or (Leg(flown.since.timestamp(), 0, None),)


def replay(feature: AIFeature, flown: Flown, windows: Mapping[str, Sequence[Window]]) -> Replay:
    """Every window in the order of time, up to the proof of harm. windows: by reading."""
    spec, candidate = feature.spec, feature.status.candidate
    assert candidate is not None
    beside = feature.status.last_known_good is not None
    tests = tests_of(spec, digest=candidate.digest, attempt=candidate.attempt, with_stable=beside)
    tests = undivided(tests) if candidate.adopted else tests
    alpha, began = float(spec.acceptance.alpha), flown.legs[0].since
    states = [new_state(test, flown.start, began) for test in tests]
    histories = tuple(History(test) for test in tests)
    breach, proven = combine(tests, states, alpha), None
    by_end = {(name, w.end): w for name, some in windows.items() for w in some}
    for end in sorted({end for _, end in by_end}):
        leg = flown.leg_at(end)
        states = [
            advance(test, state, window, step_began=leg.since)
            if (window := by_end.get((signal_of(test.signal), end))) is not None
            else state
            for test, state in zip(tests, states, strict=True)
        ]
        breach = combine(tests, states, alpha)
        for history, state in zip(histories, states, strict=True):
            _note(history, state, breach, end, feature=feature, step=leg.index)
        if breach.breached:
            proven = end
            break
    return Replay(flown, histories, -math.log(alpha), proven)


def _note(
    history: History, state: TestState, breach: Breach, end: int, *, feature: AIFeature, step: int
) -> None:
    spec, candidate = feature.spec, feature.status.candidate
    assert candidate is not None
    test, asked = (
        in_step(history.test, spec, step),
        level(spec, step=step, attempt=candidate.attempt),
    )
    least = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)].min_samples
    samples = least_samples(test, spec, least)
    told = report(test, state, breach, level=asked, min_samples=samples)
    history.line = told.line
    history.ends.append(end)
    history.harm.append(_log(told.e_value))
    history.proof.append(_log(told.accept_e))
    history.level.append(math.log(asked))


def unlike(replayed: Replay) -> Iterator[str]:
    """Where the replay does not end as the flight did, and why that may be."""
    latch = replayed.flown.latch
    if latch is not None and latch.cause is LatchCause.SIGNAL and replayed.proven_end is None:
        yield (
            "the replay does not reach the proof that sent the release back: an outage set tests "
            "aside, --since left out its beginning, or the counts are no longer kept"
        )
    if latch is None and replayed.proven_end is not None:
        yield (
            f"the replay proves harm at {clock(replayed.proven_end)}, but nothing was sent back: "
            "an outage or a doubt spoke against it, or the decision is under way"
        )


def clock(at: float) -> str:
    """UTC of unix seconds."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def _log(e_value: float | None) -> float:
    return max(FLOOR, math.log(e_value)) if e_value else FLOOR
