"""Golden scoring: is the candidate worse than stable on the golden set?

Decides `Regression | NoRegression | TooFew` from repeated passes and failures, with one line per
reason. A smoke gate against gross faults: it never shortens a ramp, and its own line says how much
it leaves open. Refuses to run cases, and to call a single flipped run a regression.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from goaround.evidence import golden_text
from goaround.evidence.golden_cases import NOT_RUN, Case, Runs, TagRow
from goaround.evidence.stratified import log_smallest_p, one_sided_p

LEVEL: Final = 0.05
MIN_CASES: Final = 10
MOST_CASES: Final = 200

MUST_PASS_FAILURES: Final = 2
"""One failure may be chance; two on a case that stable never fails block. A single run that fails
blocks too: there is no second one to clear it."""


__all__ = ["NOT_RUN", "Case", "GoldenScore", "GoldenVerdict", "Runs", "TagRow", "blocks", "score"]


class GoldenVerdict(StrEnum):
    REGRESSION = "Regression"
    NO_REGRESSION = "NoRegression"
    TOO_FEW = "TooFew"


@dataclass(frozen=True, slots=True)
class GoldenScore:
    """The verdict, its reasons in one line each, the p-value over all cases, abilities by name."""

    verdict: GoldenVerdict
    reasons: tuple[str, ...]
    p_value: float | None
    tags: tuple[TagRow, ...]


def score(cases: Sequence[Case], *, min_cases: int = MIN_CASES) -> GoldenScore:
    """Score a candidate against stable, or a first release by its must-pass cases alone.

    Regression, each rule at 5 %: all cases together, stratified by case (the exact form of
    Cochran-Mantel-Haenszel); one case alone (Fisher, times the number of cases); one ability alone
    (likewise, times the number of abilities); or a must-pass case failing twice that stable never
    fails. A regression stands however few cases there are; the absence of one needs enough.
    """
    _require_bounds(cases)
    compared = [case for case in cases if case.is_compared]
    p_value = one_sided_p([case.stratum for case in compared]) if compared else None
    tags = _tag_rows(cases)
    against = [
        *(golden_text.must_pass(case) for case in cases if blocks(case)),
        *([golden_text.together(compared, p_value)] if _is_small(p_value) else []),
        *_single_cases(compared),
        *(golden_text.lost(row) for row in tags if row.lost),
    ]
    if against:
        return GoldenScore(GoldenVerdict.REGRESSION, tuple(against), p_value, tags)
    missing = tuple(_missing(cases, compared, min_cases))
    if missing:
        return GoldenScore(GoldenVerdict.TOO_FEW, missing, p_value, tags)
    notes = (golden_text.held(cases, p_value), *_notes(cases))
    return GoldenScore(GoldenVerdict.NO_REGRESSION, notes, p_value, tags)


def blocks(case: Case) -> bool:
    """A must-pass case that stable, if there is one, never fails and the candidate fails twice."""
    limit = min(MUST_PASS_FAILURES, max(case.candidate.total, 1))
    return case.must_pass and not case.stable.failed and case.candidate.failed >= limit


def _single_cases(compared: Sequence[Case]) -> list[str]:
    found = [(one_sided_p([case.stratum]), case) for case in compared]
    return [
        golden_text.broken(case, p, len(compared))
        for p, case in sorted(found, key=lambda pair: pair[0])
        if _is_small(p * len(compared))
    ]


def _tag_rows(cases: Iterable[Case]) -> tuple[TagRow, ...]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for tag in dict.fromkeys(case.tags):
            groups[tag].append(case)
    return tuple(_tag_row(tag, groups[tag], len(groups)) for tag in sorted(groups))


def _tag_row(tag: str, group: Sequence[Case], asked: int) -> TagRow:
    compared = [case.stratum for case in group if case.is_compared]
    p_value = one_sided_p(compared) if compared else None
    return TagRow(
        tag=tag,
        cases=len(group),
        candidate=sum((case.candidate for case in group), NOT_RUN),
        stable=sum((case.stable for case in group), NOT_RUN),
        p_value=p_value,
        lost=p_value is not None and _is_small(p_value * asked),
    )


def _missing(cases: Sequence[Case], compared: Sequence[Case], min_cases: int) -> Iterable[str]:
    """What keeps the absence of a regression from meaning anything."""
    if len(cases) < min_cases:
        yield golden_text.few_cases(len(cases), min_cases)
    if unrun := [case.name for case in cases if not case.candidate.total]:
        yield golden_text.unrun(unrun)
    if not compared:
        if not any(case.must_pass for case in cases):
            yield golden_text.NOTHING_TO_JUDGE_BY
    elif log_smallest_p([case.stratum for case in compared]) > math.log(LEVEL):
        yield golden_text.powerless(compared)


def _notes(cases: Sequence[Case]) -> Iterable[str]:
    if idle := [case.name for case in cases if case.must_pass and case.stable.failed]:
        yield golden_text.idle(idle)
    if new := [case.name for case in cases if not case.stable.total and case.candidate.total]:
        yield golden_text.not_compared(new)


def _is_small(p_value: float | None) -> bool:
    return p_value is not None and p_value <= LEVEL


def _require_bounds(cases: Sequence[Case]) -> None:
    if len(cases) > MOST_CASES:
        raise ValueError(f"a golden set has at most {MOST_CASES} cases, not {len(cases)}")
    if len({case.name for case in cases}) < len(cases):
        raise ValueError("two golden cases have the same name")
