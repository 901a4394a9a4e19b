"""`python -m hack.bench.evidence`: simulate, print tables, write one JSON report. Ends by itself.

Every figure stands beside its goal; a goal that is missed is told, never an error. Seeds are fixed,
so that a run is the same everywhere, but for the milliseconds.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from goaround.api.base import Json
from hack.bench.evidence import accepts, cost, delays, means, nulls, report
from hack.bench.evidence.faults import faults
from hack.bench.evidence.rivals import RULES
from hack.bench.evidence.sizes import FULL, QUICK, Sizes
from hack.bench.evidence.worlds import worlds

ROOT: Final = Path(__file__).resolve().parents[3]
SEED: Final = 2026
NAMES: Final = ("null", "delay", "means", "rivals", "accept", "cost")


def main() -> int:
    options = _options()
    out: Path = options.json
    out.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    found = measure(QUICK if options.quick else FULL, options.only or NAMES)
    found["quick"], found["seconds"] = options.quick, round(time.monotonic() - began, 1)
    out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    shown = out.relative_to(ROOT) if out.is_relative_to(ROOT) else out
    print(f"{found['seconds']:.0f} s in all; the report is {shown}")
    return 0


def measure(sizes: Sizes, wanted: Sequence[str], seed: int = SEED) -> Json:
    """The report, and its tables on standard output as they become known."""
    found: Json = {"seed": seed}
    if "cost" in wanted:
        found["cost"] = cost.measure()
        print(report.cost(found["cost"]), "\n", flush=True)
    if "null" in wanted or "rivals" in wanted:
        told = nulls.ours(worlds(), sizes, seed)
        found["null"], found["pooled"] = [one.row() for one in told], nulls.pooled(told)
        print(report.nulls(found["null"], found["pooled"]), "\n", flush=True)
    if "delay" in wanted or "rivals" in wanted:
        found["delay"] = delays.ours(faults(), sizes, seed)
        found["delayCost"] = delays.cost(found["delay"])
        print(report.delays(found["delay"], found["delayCost"]), "\n", flush=True)
    if "means" in wanted:
        found["means"] = means.rows(sizes, seed)
        print(report.means(found["means"]), "\n", flush=True)
    if "accept" in wanted:
        found["accept"] = accepts.rows(sizes, seed)
        print(report.accepts(found["accept"]), "\n", flush=True)
    if "rivals" in wanted:
        found["rivals"] = _rivals(sizes, seed)
        print(report.rivals(found["rivals"], found["null"]), "\n")
        print(report.rival_delays(found["rivals"], found["delay"]), "\n", flush=True)
    print(report.summary({k: found[k] for k in ("null", "delay", "accept") if k in found}), "\n")
    return found


def _rivals(sizes: Sizes, seed: int) -> list[Json]:
    null, delay = nulls.theirs(worlds(), sizes, seed), delays.theirs(faults(), sizes, seed)
    return [
        {
            "rule": rule.name,
            "parameters": rule.parameters,
            "null": [told.row() for told in null[rule.name]],
            "delay": delay[rule.name],
        }
        for rule in RULES
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hack.bench.evidence", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rollouts, the same rows")
    parser.add_argument("--only", action="append", choices=NAMES, help="repeat for several")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "bench" / "evidence.json", metavar="FILE"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
