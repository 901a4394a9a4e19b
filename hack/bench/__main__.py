"""`python -m hack.bench`: measure, print tables, write one JSON report. Ends by itself.

Figures are of this machine while it ran; nothing here passes or fails.
"""

import argparse
import asyncio
import json
import os
import platform
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from goaround.api.base import Json
from hack.bench import commands, idle, kill, passes, rollback, start
from hack.bench.site import OPERATOR, Site, site
from hack.bench.world import World, world
from hack.demo.stack import ROOT

MANY = 1000

Bench = Callable[[World, int], Awaitable[Json]]
ON_A_FLEET: dict[str, Bench] = {"rollback": rollback.run, "idle": idle.run, "kill": kill.run}
NAMES = ("pass", *ON_A_FLEET, "start", "commands")


def main() -> int:
    options = _options()
    out: Path = options.json
    out.parent.mkdir(parents=True, exist_ok=True)
    wanted, began = options.only or NAMES, time.monotonic()
    report = _machine()
    if "pass" in wanted:
        report["pass"] = passes.run(options.many)
    if fleet := [name for name in ON_A_FLEET if name in wanted]:
        with site(out.parent / "logs") as here:
            here.start(OPERATOR)
            here.wait(OPERATOR)
            report |= asyncio.run(_on_a_fleet(here, fleet, options.features))
    if "start" in wanted:
        with site(out.parent / "logs-start") as here:
            report["start"] = asyncio.run(_start(here, options.many))
    if "commands" in wanted:
        with site(out.parent / "logs-commands") as here:
            report["commands"] = commands.run(str(here.plane.kubeconfig)) | _load("commands")
    report["seconds"] = round(time.monotonic() - began, 1)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{report['seconds']:.0f} s in all; the report is {out}")
    return 0


async def _on_a_fleet(here: Site, names: Sequence[str], features: int) -> Json:
    found: Json = {}
    async with world(here) as made:
        for name in names:
            found[name] = await ON_A_FLEET[name](made, features) | _load(name)
    return found


async def _start(here: Site, features: int) -> Json:
    async with world(here) as made:
        return await start.run(made, features) | _load("start")


def _load(name: str) -> Json:
    """How busy the machine was: beside other work, every time is longer."""
    load = round(os.getloadavg()[0], 1)
    print(f"  ({name}: load average {load} on {os.cpu_count()} cores)\n")
    return {"load": load}


def _machine() -> Json:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.bench", description=__doc__)
    parser.add_argument("--features", type=int, default=100, help="size of the fleet")
    parser.add_argument("--many", type=int, default=MANY, help="features of `pass` and `start`")
    parser.add_argument("--only", action="append", choices=NAMES, help="repeat for several")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "bench" / "report.json", metavar="FILE"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
