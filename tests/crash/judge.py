"""Compares a run with the run in which nothing went wrong, and says what must not differ."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.base import Json
from tests.crash.endings import endings
from tests.crash.faults import Call, Fault, Injection
from tests.crash.normal import differences, normal_form
from tests.crash.watchman import Point
from tests.crash.world import Run

MORE_WRITES: Final = 12
"""After a crash what was not announced in status is announced again, and collides."""

SHOWN: Final = 4

JUDGED: Final = re.compile(r"signals\[|whiteboard\[")


@dataclass(frozen=True, slots=True)
class Reference:
    """The undisturbed run."""

    normal: Json
    course: tuple[Point, ...]
    calls: tuple[Call, ...]
    commits: int
    writes: int


def reference(run: Run) -> Reference:
    return Reference(
        normal=normal_form(run.store, run.ends.races),
        course=tuple(run.watchman.course),
        calls=run.calls,
        commits=run.commits,
        writes=run.writes,
    )


def verdict(run: Run, right: Reference, injections: Sequence[Injection]) -> list[str]:
    """Every way in which this run is not as it must be; [] is what we want."""
    twin = any(i.fault is Fault.TWIN for i in injections)
    free = twin and bool(run.ends.twin_may)
    found = alone(run, twin=free)
    if twin:
        # without the Lease it writes a text over a newer one, until that changes again
        found = [told for told in found if not told.startswith("note of ")]
    if free:
        return found
    return [*found, *_unlike(run, right, injections)]


def alone(run: Run, *, twin: bool = False) -> list[str]:
    """What is wrong with a run without comparing it to any other; `twin`: with what one may do."""
    ends = endings(run.store, run.ends, twin=twin)
    return [*run.faults, *run.watchman.violations, *ends]


def _unlike(run: Run, right: Reference, injections: Sequence[Injection]) -> Iterator[str]:
    found = list(differences(normal_form(run.store, run.ends.races), right.normal))
    if any(i.fault is Fault.LOST for i in injections):
        # heard later, it is also judged later: signals then may say more
        found = [told for told in found if not JUDGED.search(told.split(": ")[0])]
    if any(i.fault is Fault.TWIN for i in injections):
        # who hears late enters what it still sees, as taken back or once more; `endings.py` holds
        # that the log stays whole and that notes are in it once
        found = [told for told in found if not told.startswith("timelines.")]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more differences"
    course = tuple(run.watchman.course)
    if course != right.course:
        yield _turn(course, right.course)
    allowed = writes_allowed(right, injections)
    if run.writes > allowed:
        yield f"{run.writes} writes, where {allowed} are enough"


def _turn(course: Sequence[Point], right: Sequence[Point]) -> str:
    """The first point at which the course left the right one."""
    padded = [*course, None], [*right, None]
    for number, (one, other) in enumerate(zip(*padded, strict=False)):
        if one != other:
            return f"course, point {number}: {one} instead of {other}"
    return "course: longer than it should be"


def writes_allowed(right: Reference, injections: Sequence[Injection]) -> int:
    """More of them would be a loop that writes for nothing."""
    hands = 2 if any(i.fault is Fault.TWIN for i in injections) else 1
    return hands * right.writes + MORE_WRITES * len(injections)
