"""Many points of one scenario for little more than the price of their second halves.

Up to its fault a point is the undisturbed run. So that run is made once; where a point begins, the
process splits, and the child goes on with the fault. What comes out is what `points.play` says, and
a test holds it to that.
"""

import asyncio
import json
import os
import traceback
from collections import defaultdict
from collections.abc import Sequence

from tests.crash.faults import WATCH_FAULTS
from tests.crash.judge import verdict
from tests.crash.points import CrashPoint, beginning, play, right
from tests.crash.scenarios import BY_NAME
from tests.crash.world import World

Result = tuple[CrashPoint, list[str]]


def play_together(points: Sequence[CrashPoint]) -> list[Result]:
    """Points of one scenario, in the given order, each with its violations."""
    (name,) = {p.scenario for p in points}
    right(name)  # before the split, so that children need not make it
    splitting = _Splitting(points)
    world = World(BY_NAME[name], beginning(name), before=splitting.split)
    try:
        run = world.run()
        if splitting.mine is not None:
            _tell(splitting.pipe, verdict(run, right(name), splitting.mine.injections))
    except BaseException:
        if splitting.mine is None:
            raise
        _tell(splitting.pipe, [traceback.format_exc()[-2000:]])
    finally:
        if splitting.mine is not None:
            os._exit(0)
    told = splitting.told
    return [(p, told[p] if p in told else play(p)) for p in points]


class _Splitting:
    """Splits the process where points begin; knows in which of them it is."""

    def __init__(self, points: Sequence[CrashPoint]) -> None:
        self._at: dict[tuple[bool, int], list[CrashPoint]] = defaultdict(list)
        for point in points:
            first = point.injections[0]
            self._at[first.fault in WATCH_FAULTS, first.at].append(point)
        self.told: dict[CrashPoint, list[str]] = {}
        self.mine: CrashPoint | None = None
        self.pipe = -1

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
                self.mine, self.pipe = point, writing
                world.inject(point.injections)
                return
            os.close(writing)
            with os.fdopen(reading, "rb") as answer:
                text = answer.read()
            os.waitpid(child, 0)
            self.told[point] = json.loads(text) if text else ["the child died"]


def _tell(pipe: int, told: list[str]) -> None:
    with os.fdopen(pipe, "wb") as out:
        out.write(json.dumps([line[:2000] for line in told]).encode())
