"""Runs the tests that rows name, all in one pytest, and tells how each of them ended.

It decides nothing about rows. A test that was skipped, or that does not exist, was not run.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from hack.conformance.row import Outcome, Result
from hack.controlplane.start import AUDIT_TO

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 1800
PLANES = "2"


def run(tests: Iterable[str], folder: Path) -> dict[str, Outcome]:
    """How each node id below `tests/` ended; a file stands for all of its tests.

    `folder` gets the report, what pytest said, and the audit logs of the API servers."""
    wanted = sorted(set(tests))
    known = [test for test in wanted if exists(test)]
    lost = {test: Outcome(Result.NOT_RUN, "there is no such test") for test in wanted}
    if not known:
        return lost
    for stale in folder.glob("*.audit"):
        stale.unlink()
    report = folder / "junit.xml"
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    argv += ["-n", PLANES, "--dist", "loadfile", "--no-loadscope-reorder"]
    with (folder / "pytest.log").open("wb") as out, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*argv, *(f"tests/{test}" for test in known)],
            cwd=ROOT,
            env=os.environ | {AUDIT_TO: str(folder)},
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    if not report.exists():
        why = f"pytest ended without a report: see {out.name}"
        return lost | {test: Outcome(Result.FAIL, why) for test in known}
    cases = ended(report)
    return lost | {test: of_all(test, cases) for test in known}


def exists(test: str) -> bool:
    """Whether there is this file below `tests/`, and the test in it where one is named."""
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.is_file() and (not name or f"def {name}(" in path.read_text(encoding="utf-8"))


def ended(report: Path) -> dict[str, Outcome]:
    """Every case of a JUnit report by its node id below `tests/`, parameters included."""
    found: dict[str, Outcome] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        where = case.get("classname", "").removeprefix("tests.").replace(".", "/")
        found[f"{where}.py::{case.get('name')}"] = _outcome(case)
    return found


def of_all(test: str, cases: Mapping[str, Outcome]) -> Outcome:
    """One word for all parameters of a test, or all tests of a file: the worst."""
    begin = f"{test}[" if "::" in test else f"{test}::"
    mine = [told for at, told in cases.items() if at == test or at.startswith(begin)]
    for result in (Result.FAIL, Result.NOT_RUN):
        for told in mine:
            if told.result is result:
                return told
    return Outcome(Result.PASS, "") if mine else Outcome(Result.NOT_RUN, "was not collected")


def _outcome(case: ElementTree.Element) -> Outcome:
    for tag, result in (("failure", Result.FAIL), ("error", Result.FAIL)):
        if (told := case.find(tag)) is not None:
            return Outcome(result, _line(told))
    if (told := case.find("skipped")) is not None:
        return Outcome(Result.NOT_RUN, f"skipped: {_line(told)}")
    return Outcome(Result.PASS, "")


def _line(told: ElementTree.Element) -> str:
    text = (told.get("message") or told.text or "").strip()
    return text.splitlines()[0][:200] if text else "without a word"
