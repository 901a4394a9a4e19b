"""Many points of one scenario for little more than the price of their second halves.

Up to its fault a point is the undisturbed run. So that run is made once; where a point begins, the
process splits, and the child goes on with the fault. After a crash only the store, the clock and
people go on: crashes that leave all of that the same have one future, and it is played once. An
event that is heard twice and changes nothing the second time is followed by the undisturbed run,
and so is one that is lost on whoever wrote it, or that nobody listens to.
What comes out is what `points.play` says, and tests hold it to that.
"""

import asyncio
import hashlib
import json
import os
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.base import Json
from tests.crash.faults import WATCH_FAULTS, Fault
from tests.crash.judge import verdict, writes_allowed
from tests.crash.points import CrashPoint, beginning, play, right
from tests.crash.scenarios import BY_NAME
from tests.crash.world import Run, World

Result = tuple[CrashPoint, list[str]]

CRASHES: Final = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)


@dataclass(frozen=True, slots=True)
class Played:
    """Points with their violations; `shared`: how many had a future that was played already."""

    results: list[Result]
    shared: int


def play_together(points: Sequence[CrashPoint]) -> Played:
    """Points of one scenario, in the given order, each with its violations."""
    (name,) = {p.scenario for p in points}
    right(name)  # before the split, so that children need not make it
    splitting = _Splitting(points)
    world = World(
        BY_NAME[name],
        beginning(name),
        before=splitting.split,
        reborn=splitting.reborn,
        unmoved=splitting.unmoved,
    )
    try:
        run = world.run()
        if splitting.mine is not None:
            splitting.ended(splitting.mine, run)
    except BaseException:
        if splitting.mine is None:
            raise
        splitting.tell([traceback.format_exc()[-2000:]])
    finally:
        if splitting.mine is not None:
            os._exit(0)
    told = splitting.told
    results = [(p, told[p] if p in told else play(p)) for p in points]
    return Played(results, splitting.shared)


class _Splitting:
    """Splits the process where points begin; knows in which of them it is."""

    def __init__(self, points: Sequence[CrashPoint]) -> None:
        self._at: dict[tuple[bool, int], list[CrashPoint]] = defaultdict(list)
        for point in points:
            first = point.injections[0]
            self._at[first.fault in WATCH_FAULTS, first.at].append(point)
        self.told: dict[CrashPoint, list[str]] = {}
        self.mine: CrashPoint | None = None
        self.shared = 0
        self._pipe = -1
        self._futures: dict[str, int] = {}
        """By what a crash left behind, if nothing was wrong after it: the most writes before the
        next life with which that would have been so."""
        self._left: tuple[str, int] | None = None

    def split(self, world: World, commit: bool, number: int) -> None:
        """Call or commit `number` is about to be known; in a child, what is to go wrong is, too."""
        if self.mine is not None:
            return
        for point in self._at.get((commit, number), ()):
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reading)
                # a loop is that of one process, unless the child says that it is its own
                asyncio._set_running_loop(world.loop)
                self.mine, self._pipe = point, writing
                world.inject(point.injections)
                return
            os.close(writing)
            with os.fdopen(reading, "rb") as answer:
                text = answer.read()
            os.waitpid(child, 0)
            self._heard(point, json.loads(text) if text else {"told": ["the child died"]})

    def _heard(self, point: CrashPoint, answer: Json) -> None:
        self.told[point] = answer["told"]
        self._futures |= answer.get("future", {})
        self.shared += answer.get("shared", 0)

    def reborn(self, world: World) -> None:
        """After a lone crash another life is about to begin; if it was played, that is enough."""
        if self.mine is None or not _is_lone_crash(self.mine):
            return
        writes = sum(1 for call in world.calls if call.writes)
        self._left = heritage(world), writes
        if writes <= self._futures.get(self._left[0], -1):
            self._ends_here()

    def unmoved(self) -> None:
        """Nothing came of what went wrong: from here on it is the undisturbed run."""
        if self.mine is not None and len(self.mine.injections) == 1:
            self._ends_here()

    def _ends_here(self) -> None:
        self.tell([], shared=1)
        os._exit(0)

    def ended(self, point: CrashPoint, run: Run) -> None:
        """The run of this child is over."""
        found = right(point.scenario)
        told, future = verdict(run, found, point.injections), {}
        if self._left is not None and not told:
            left, writes = self._left
            spare = writes_allowed(found, point.injections) - run.writes
            future = {left: writes + spare}
        self.tell(told, future=future)

    def tell(self, told: list[str], **more: object) -> None:
        """The answer of this child."""
        answer = {"told": [line[:2000] for line in told], **more}
        with os.fdopen(self._pipe, "wb") as out:
            out.write(json.dumps(answer).encode())


def heritage(world: World) -> str:
    """Everything that outlives a process, the count of its calls apart: where that is the same and
    no other process lives, so is all that follows."""
    watched, traffic = world.watchman, world.traffic
    left = (
        round(world.loop.time(), 6),
        world.store.image(),
        (traffic.segments, sorted(traffic.conditions.quality.items())),
        (sorted(traffic.conditions.silent), traffic.conditions.readable),
        (watched.course, watched.latched, watched.violations),
        (world.faults, world.store.refusals, world.stand),
    )
    return hashlib.sha256(repr(left).encode()).hexdigest()


def _is_lone_crash(point: CrashPoint) -> bool:
    return len(point.injections) == 1 and point.injections[0].fault in CRASHES
