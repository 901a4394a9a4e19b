"""What a pre-flight found, as it stands in status: verdict, counts, names, never an answer.

Decides what the runs of both releases amount to, with and without a last-known-good. How a
regression is told from chance is decided in `golden.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.base import Json
from goaround.api.preflight import (
    MOST_REGRESSIONS,
    MOST_TAG_ROWS,
    PreflightStatus,
    PreflightVerdict,
    TagResult,
)
from goaround.evidence.golden import Case, GoldenScore, GoldenVerdict, Runs, blocks, score
from goaround.evidence.golden_cases import NOT_RUN
from goaround.evidence.golden_set import GoldenSet
from goaround.evidence.stratified import one_sided_p

MOST_TEXT: Final = 512
VERDICTS: Final = {
    GoldenVerdict.REGRESSION: PreflightVerdict.FAILED,
    GoldenVerdict.NO_REGRESSION: PreflightVerdict.PASSED,
    GoldenVerdict.TOO_FEW: PreflightVerdict.TOO_FEW,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs of one case on one release, and how often each kind of assertion, or the answer itself
    (`timeout`, `status`, …), was why one failed."""

    runs: Runs
    why: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one pre-flight. cases: one row each for the report, verdicts only."""

    verdict: PreflightVerdict
    message: str
    passed: int = 0
    total: int = 0
    by_tag: tuple[TagResult, ...] = ()
    regressions: tuple[str, ...] = ()
    cases: tuple[Json, ...] = ()

    @property
    def found(self) -> PreflightStatus:
        """What of it stands in status."""
        return PreflightStatus(
            verdict=self.verdict,
            message=self.message,
            passed=self.passed,
            total=self.total,
            by_tag=list(self.by_tag),
            regressions=list(self.regressions),
        )


Tallies = Mapping[str, Tally]


def report(
    golden: GoldenSet, candidate: Tallies, stable: Tallies | None, *, min_pass_percent: int
) -> Report:
    """The verdict over all cases; `stable` is absent where there is no last-known-good: then
    must-pass cases decide, and the share of passed runs."""
    cases = [
        Case(
            one.name,
            candidate[one.name].runs,
            stable[one.name].runs if stable is not None else NOT_RUN,
            one.must_pass,
            one.tags,
        )
        for one in golden.cases
    ]
    scored = score(cases, min_cases=1)  # how many there must be was asked of the set
    runs = sum((case.candidate for case in cases), NOT_RUN)
    verdict, reasons = VERDICTS[scored.verdict], scored.reasons
    if stable is None and verdict is not PreflightVerdict.FAILED:
        verdict, reasons = _absolute(runs, min_pass_percent)
    failed = verdict is PreflightVerdict.FAILED
    return Report(
        verdict=verdict,
        message="; ".join(reasons)[:MOST_TEXT],
        passed=runs.passed,
        total=runs.total,
        by_tag=_tags(scored),
        regressions=_regressions(cases) if failed else (),
        cases=tuple(_row(case, candidate, stable) for case in cases),
    )


def broken_contracts(reasons: Mapping[str, str]) -> Report:
    """What contract checks that failed amount to; `reasons` by name of the check."""
    told = "; ".join(f"contract {name}: {why}" for name, why in reasons.items())
    names = tuple(reasons)[:MOST_REGRESSIONS]
    return Report(PreflightVerdict.FAILED, told[:MOST_TEXT], regressions=names)


def contracts_kept(number: int) -> Report:
    """Every contract check held, and there is no golden set."""
    return Report(PreflightVerdict.PASSED, f"{number} contract checks held; no golden set")


def _absolute(runs: Runs, least: int) -> tuple[PreflightVerdict, tuple[str, ...]]:
    """Nothing to compare with: the share alone."""
    share = 100 * runs.passed / runs.total
    told = f"{runs.passed}/{runs.total} runs passed ({share:.0f} %), no stable release"
    if share < least:
        return PreflightVerdict.FAILED, (f"{told}: below minPassPercent {least}",)
    return PreflightVerdict.PASSED, (f"{told}; minPassPercent {least}",)


def _regressions(cases: Sequence[Case]) -> tuple[str, ...]:
    """What stands against the candidate, worst first: must-pass cases, then by how much worse."""
    worse = [c for c in cases if blocks(c) or _share(c.candidate) > _share(c.stable)]
    worse.sort(key=lambda c: (not blocks(c), one_sided_p([c.stratum]), c.name))
    return tuple(case.name for case in worse[:MOST_REGRESSIONS])


def _share(runs: Runs) -> float:
    return runs.failed / runs.total if runs.total else 0.0


def _tags(scored: GoldenScore) -> tuple[TagResult, ...]:
    rows = sorted(scored.tags, key=lambda row: (not row.lost, row.tag))
    return tuple(
        TagResult(tag=row.tag, candidate=_of(row.candidate), stable=_of(row.stable), lost=row.lost)
        for row in rows[:MOST_TAG_ROWS]
    )


def _row(case: Case, candidate: Tallies, stable: Tallies | None) -> Json:
    row: Json = {"name": case.name, "candidate": _of(case.candidate)}
    if stable is not None:
        row["stable"] = _of(case.stable)
    if candidate[case.name].why:
        row["failed"] = dict(candidate[case.name].why)
    return row


def _of(runs: Runs) -> str:
    return f"{runs.passed}/{runs.total}"
