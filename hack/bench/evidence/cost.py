"""What evidence costs: a poll of 5,000 signals, and the packed memory of one.

Decides what is counted: processor time of a whole window on the production kernel, verdicts
included, reading and packing left out. Refuses to be a promise about another machine.
"""

import time
from statistics import median
from typing import Final

import numpy as np

from goaround.api.base import Json
from goaround.evidence import kernel
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Counts,
    TestSpec,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.state import pack
from hack.bench.evidence.flights import (
    Flying,
    Rule,
    advanced,
    evidence,
    is_accepted,
    spread,
    take_off,
)
from hack.bench.evidence.intervals import Standing
from hack.bench.evidence.traffic import Sample
from hack.bench.evidence.worlds import Batch, World

SIGNALS: Final = 5000
POLLS: Final = 20
GOAL_MS: Final = 5.0
GOAL_BYTES: Final = 1024
WINDOWS: Final = 360


def measure(signals: int = SIGNALS) -> Json:
    """Milliseconds a poll where no signal is suspected, and where all are (medians of `POLLS`);
    bytes of state."""
    usual, suspects = (_milliseconds(signals, suspect=suspect) for suspect in (False, True))
    size, one_by_one = _signal()
    return {
        "signals": signals,
        "milliseconds": usual,
        "allSuspectMilliseconds": suspects,
        "oneByOneMicroseconds": one_by_one,
        "goalMilliseconds": GOAL_MS,
        "standing": _held(usual <= GOAL_MS),
        "stateBytes": size,
        "goalBytes": GOAL_BYTES,
        "stateStanding": _held(size <= GOAL_BYTES),
    }


def _milliseconds(signals: int, *, suspect: bool) -> float:
    """One window of all signals: bets, detector, counts by bucket, both sides of the verdict."""
    rule = Rule()
    traffic = Batch((World("independent", 100.0),), (signals,)).traffic(1)
    everyone, traffic.rows = traffic.rows, traffic.rows[:1]
    flying = take_off(traffic, rule).only(np.zeros(signals, dtype=np.intp))
    traffic.rows, taken = everyone, []
    for end in range(10, 10 * POLLS + 1, 10):
        sample = traffic.window(end - 10.0, end)
        began = time.process_time()
        flying = advanced(flying, sample, rule, began=end - 10.0, ended=end, moved=False)
        _judge(flying, rule, suspect=suspect)
        taken.append(1000 * (time.process_time() - began))
    return median(taken)


def _judge(flying: Flying, rule: Rule, *, suspect: bool) -> None:
    """Both sides of the verdict; a suspect's evidence is divided by its design effect."""
    if not suspect:
        evidence(flying, rule)
        is_accepted(flying, rule)
        return
    whole, block = spread(flying.whole, rule), spread(flying.block, rule)
    kernel.divided(flying.stakes, whole, block, flying.phi_w)
    kernel.accepted(flying.stakes, whole, flying.phi_w)


def _signal() -> tuple[int, float]:
    """(bytes of one signal's packed state after an hour of busy windows with buckets, microseconds
    a window takes when signals are moved one by one)."""
    spec = TestSpec("errors", VsStable(factor=1.0, reject_factor=2.0), 10)
    state, traffic = new_state(spec, 0, 0.0), Batch((World("independent", 100.0),), (1,)).traffic(1)
    samples = [traffic.window(10.0 * i, 10.0 * (i + 1)) for i in range(WINDOWS)]
    windows = [_window(sample, 10 * (i + 1)) for i, sample in enumerate(samples)]
    began = time.process_time()
    for window in windows:
        state = advance(spec, state, window, step_began=0.0)
        combine([spec], [state], 0.01)
    spent = time.process_time() - began
    return len(pack(state)), 1e6 * spent / WINDOWS


def _window(sample: Sample, end: int) -> Window:
    buckets = {
        name: tuple(map(Counts, sample.total[0, 0, i].tolist(), sample.bad[0, 0, i].tolist()))
        for i, name in enumerate((CANDIDATE, STABLE))
    }
    arms = {name: sum(counts, Counts()) for name, counts in buckets.items()}
    return Window(end, arms, buckets)


def _held(is_met: bool) -> str:
    return (Standing.MET if is_met else Standing.MISSED).value
