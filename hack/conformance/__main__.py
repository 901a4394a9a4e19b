"""`python -m hack.conformance [--rows "A1 A2"] [--to FILE]`: prove the goal table, row by row.

Prints `row | what | result (detail)`, writes the same as JSON, and leaves with 1 when a row failed.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from hack.conformance import suite
from hack.conformance.row import CannotRun, Check, Failed, Outcome, Result, Verdict, judged
from hack.conformance.site import Site
from hack.conformance.table import ROWS
from hack.controlplane import StartFailed

BUILD = suite.ROOT / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing failed, which says nothing of what was not run; 1: a row failed; 2: usage."""
    parser = argparse.ArgumentParser(prog="hack.conformance", description=__doc__)
    parser.add_argument("--rows", default="", help="rows to prove, for instance 'A1 A2'; all")
    parser.add_argument("--to", type=Path, default=BUILD / "conformance.json", help="JSON report")
    asked = parser.parse_args(arguments)
    names = set(asked.rows.upper().replace(",", " ").split())
    if strange := sorted(names - {row.row for row in ROWS}):
        parser.error(f"there is no row {', '.join(strange)}; rows are A1 to H7")
    chosen = tuple(row for row in ROWS if not names or row.row in names)
    folder = BUILD / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    told = suite.run((test for row in chosen for test in row.tests), folder)
    verdicts: list[Verdict] = []
    with ExitStack() as stack:
        site = Site(suite.ROOT, folder, stack, whole=chosen == ROWS)
        for row in chosen:
            verdict = judged(row, told, [_checked(check, site) for check in row.checks])
            verdicts.append(verdict)
            print(_line(verdict), flush=True)
    asked.to.parent.mkdir(parents=True, exist_ok=True)
    asked.to.write_text(_report(verdicts), encoding="utf-8")
    counted = Counter(verdict.result for verdict in verdicts)
    print(" ".join(f"{result}={counted[result]}" for result in Result), f"report={asked.to.name}")
    return 1 if counted[Result.FAIL] else 0


def _checked(check: Check, site: Site) -> Outcome:
    try:
        return Outcome(Result.PASS, check(site))
    except CannotRun as why:
        return Outcome(Result.NOT_RUN, _one_line(str(why)))
    except (Failed, StartFailed, TimeoutError, subprocess.SubprocessError) as what:
        return Outcome(Result.FAIL, _one_line(str(what)))
    # the top of a worker: a check that stumbles is its row's failure, not the end of the others
    except Exception as error:
        return Outcome(Result.FAIL, _one_line(f"{check.__name__}: {error!r}"))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]


def _line(verdict: Verdict) -> str:
    detail = f" ({verdict.detail})" if verdict.detail else ""
    return f"{verdict.row:4}| {verdict.what} | {verdict.result}{detail}"


def _report(verdicts: Iterable[Verdict]) -> str:
    rows = [
        {"row": one.row, "what": one.what, "result": one.result, "detail": one.detail}
        for one in verdicts
    ]
    return json.dumps({"rows": rows}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
