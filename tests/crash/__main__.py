"""`python -m tests.crash`: play every crash point, print a table, exit 1 on any violation.

Two worker processes share the points; the order of the report does not depend on them.
"""

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from tests.crash.faults import CALL_FAULTS, WATCH_FAULTS, Fault
from tests.crash.forks import Played, Result, play_together
from tests.crash.points import Broken, CrashPoint, all_points, right
from tests.crash.scenarios import BY_NAME, VARIANTS

SHOWN: Final = 8
TOGETHER: Final = 80
COLUMNS: Final = (*map(str, (*CALL_FAULTS, Fault.TWIN, *WATCH_FAULTS)), "pairs")


def main(argv: Sequence[str] | None = None) -> int:
    """0 if no point violates anything."""
    asked = _arguments(argv)
    names = asked.scenario or [n for n in BY_NAME if asked.all or n not in VARIANTS]
    begun = time.monotonic()
    try:
        points = all_points(names)
    except Broken as err:
        print(err)
        return 1
    if asked.fault:
        points = [p for p in points if p.group in asked.fault]
    if asked.point:
        points = [p for p in points if p.injections[0].at == asked.point]
    played = _played(points, asked.workers)
    results = played.results
    _table(names, results)
    bad = [(point, told) for point, told in results if told]
    for point, told in bad[: asked.show]:
        print(f"\n{point}")
        print("\n".join(f"    {line}" for line in told))
    seconds = time.monotonic() - begun
    print(f"\n{played.shared} of them had a future that was played already (tests/crash/forks.py)")
    print(f"points={len(results)} violations={len(bad)} seconds={seconds:.0f}")
    return 1 if bad else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=BY_NAME, help="only this one")
    parser.add_argument("--all", action="store_true", help="variants of scenarios, too")
    parser.add_argument("--fault", action="append", choices=COLUMNS, help="only this one")
    parser.add_argument("--point", type=int, default=0, help="only this call or commit")
    parser.add_argument("--workers", type=int, default=2, help="processes; default 2")
    parser.add_argument("--show", type=int, default=SHOWN, help="violating points to print")
    return parser.parse_args(argv)


def _played(points: Sequence[CrashPoint], workers: int) -> Played:
    jobs = list(_jobs(points))
    gc.collect()
    gc.disable()  # children live for a blink, and a collection would copy what they share
    gc.freeze()  # what was imported and computed so far is shared by all children
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        found: list[Result] = []
        shared = 0
        for played in pool.imap(play_together, jobs, chunksize=1):
            found += played.results
            shared += played.shared
            bad = sum(1 for _, told in found if told)
            print(f"{len(found)} of {len(points)}, {bad} violations", file=sys.stderr, flush=True)
    return Played(found, shared)


def _jobs(points: Sequence[CrashPoint]) -> Iterator[list[CrashPoint]]:
    """Neighbours of one scenario together, so that they share what comes before them."""
    for _, of_one in groupby(points, lambda p: p.scenario):
        near = sorted(of_one, key=lambda p: p.injections[0].at)
        for begin in range(0, len(near), TOGETHER):
            yield near[begin : begin + TOGETHER]


def _table(names: Sequence[str], results: Sequence[Result]) -> None:
    """Points by scenario and fault; violating ones after a stroke."""
    every = Counter((p.scenario, p.group) for p, _ in results)
    bad = Counter((p.scenario, p.group) for p, told in results if told)
    head = "".join(f"{_short(c):>12}" for c in COLUMNS)
    print(f"{'scenario':26}{'calls':>6}{'writes':>7}{head}")
    for name in names:
        cells = "".join(f"{_cell(every[name, c], bad[name, c]):>12}" for c in COLUMNS)
        print(f"{name:26}{len(right(name).calls):6}{right(name).writes:7}{cells}")


def _short(column: str) -> str:
    return column.replace(" commit", "").replace("time-out after", "time-out")


def _cell(every: int, bad: int) -> str:
    return f"{every}/{bad} bad" if bad else str(every)


if __name__ == "__main__":
    sys.exit(main())
