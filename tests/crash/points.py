"""Which points there are, and how one is played.

A point is a scenario with one fault, or a pair of them, or a second controller. Everything is
deterministic: a point that fails, fails again alone.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.crash.faults import CALL_FAULTS, Fault, Injection, possible
from tests.crash.judge import Reference, alone, reference, verdict
from tests.crash.scenarios import BY_NAME, SCENARIOS
from tests.crash.world import Image, Run, World

SEED: Final = 20261121
PAIRS_PER_SCENARIO: Final = 16


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """One run to make: a scenario, and what goes wrong in it."""

    scenario: str
    injections: tuple[Injection, ...]

    @property
    def group(self) -> str:
        """The column of the table it belongs to."""
        return str(self.injections[0].fault) if len(self.injections) == 1 else "pairs"

    def __str__(self) -> str:
        return f"{self.scenario}: {', '.join(map(str, self.injections))}"


class Broken(Exception):
    """The undisturbed run itself is not as it must be: nothing can be compared with it."""


@cache
def beginning(scenario: str) -> Image | None:
    """Where a scenario starts from."""
    before = BY_NAME[scenario].begins_after
    return undisturbed(before).image if before is not None else None


@cache
def undisturbed(scenario: str) -> Run:
    """The run in which nothing goes wrong. Raises Broken."""
    run = World(BY_NAME[scenario], beginning(scenario)).run()
    if told := alone(run):
        raise Broken(f"{scenario} without any fault: {'; '.join(told[:5])}")
    return run


@cache
def right(scenario: str) -> Reference:
    return reference(undisturbed(scenario))


def play(point: CrashPoint) -> list[str]:
    """The violations of one point; [] is what we want."""
    name = point.scenario
    run = World(BY_NAME[name], beginning(name), point.injections).run()
    return verdict(run, right(name), point.injections)


# -- all points ----------------------------------------------------------------------------------


def all_points(names: Iterable[str] | None = None) -> list[CrashPoint]:
    """Every point, scenario by scenario."""
    chosen = list(names) if names is not None else [s.name for s in SCENARIOS]
    return [p for name in chosen for p in points_of(name)]


def points_of(name: str) -> Iterator[CrashPoint]:
    """Every call with every fault, a stale twin from every write on, every event twice, pairs."""
    found = right(name)
    for at, call in enumerate(found.calls, 1):
        for fault in CALL_FAULTS:
            if possible(fault, call):
                yield CrashPoint(name, (Injection(at, fault),))
        if call.writes or at == 1:
            yield CrashPoint(name, (Injection(at, Fault.TWIN),))
    for at in range(1, found.commits + 1):
        yield CrashPoint(name, (Injection(at, Fault.DOUBLED),))
        yield CrashPoint(name, (Injection(at, Fault.LOST),))
    yield from _pairs(name, len(found.calls))


def _pairs(name: str, calls: int) -> Iterator[CrashPoint]:
    """Two faults: the second hits a run that the first has changed already."""
    dice = random.Random(f"{SEED}/{name}")
    faults = (*CALL_FAULTS, Fault.TWIN)
    for _ in range(PAIRS_PER_SCENARIO):
        one, other = sorted(dice.sample(range(1, calls + 9), 2))
        yield CrashPoint(
            name, (Injection(one, dice.choice(faults)), Injection(other, dice.choice(CALL_FAULTS)))
        )


def sample(number: int, names: Iterable[str] | None = None) -> list[CrashPoint]:
    """Points spread evenly over all of them; the same ones every time."""
    points = all_points(names)
    random.Random(SEED).shuffle(points)
    return points[:number]
