"""The lines in which a golden score explains itself.

Decides wording only. Case names come from tenants: they are cut, never interpreted.
"""

from collections.abc import Sequence
from typing import Final

from goaround.api.conditions import some
from goaround.evidence.golden_cases import NOT_RUN, Case, Runs, TagRow
from goaround.evidence.quantiles import largest_share
from goaround.evidence.quoting import quoted_name

CONFIDENCE: Final = 0.95
NAMED: Final = 5
NOTHING_TO_JUDGE_BY: Final = (
    "no stable release to compare with and no must-pass case: mark cases as must-pass"
)
SMOKE_GATE: Final = (
    "golden set: a smoke gate against gross faults, in front of the first step; it shortens no "
    "step, since 10 of 10 cases passed still leave up to 26 % of such inputs failing"
)


def must_pass(case: Case) -> str:
    """A must-pass case blocks."""
    rest = f"stable {_of(case.stable)}" if case.stable.total else "no stable release"
    return f"must-pass case {quoted_name(case.name)} passed {_of(case.candidate)}, {rest}"


def together(compared: Sequence[Case], p_value: float | None) -> str:
    """All cases together are worse."""
    candidate = sum((case.candidate for case in compared), NOT_RUN)
    stable = sum((case.stable for case in compared), NOT_RUN)
    return (
        f"candidate passed {_of(candidate)}, stable {_of(stable)} over {len(compared)} cases, "
        f"stratified by case: p {p_value or 0:.2g} <= 0.05"
    )


def broken(case: Case, p_value: float, asked: int) -> str:
    """One case alone is worse."""
    return (
        f"case {quoted_name(case.name)} passed {_of(case.candidate)}, stable {_of(case.stable)}: "
        f"p {p_value:.2g} x {asked} cases = {p_value * asked:.2g} <= 0.05"
    )


def lost(row: TagRow) -> str:
    """One ability alone is worse."""
    return (
        f"ability {quoted_name(row.tag)} lost: candidate passed {_of(row.candidate)}, "
        f"stable {_of(row.stable)} over {row.cases} cases (p {row.p_value or 0:.2g})"
    )


def held(cases: Sequence[Case], p_value: float | None) -> str:
    """No regression, and how much that leaves open."""
    failing = sum(1 for case in cases if case.candidate.failed > case.candidate.passed)
    most = largest_share(failing, len(cases), CONFIDENCE)
    compared = "no stable release, must-pass cases only" if p_value is None else f"p {p_value:.2g}"
    return (
        f"no regression in {len(cases)} cases ({compared}); a smoke gate: up to {most:.0%} of such "
        "inputs may still fail"
    )


def few_cases(found: int, needed: int) -> str:
    """The golden set is too small."""
    return f"{found} cases, {needed} are needed"


def unrun(names: Sequence[str]) -> str:
    """Cases without a result."""
    return f"no result of the candidate for {_list(names)}"


def powerless(compared: Sequence[Case]) -> str:
    """Not even total failure would have been a regression."""
    return (
        f"{len(compared)} compared cases with these few repeats could not show even total failure: "
        "repeat each case 5 times"
    )


def idle(names: Sequence[str]) -> str:
    """Must-pass cases whose rule cannot act."""
    return f"must-pass has no force for {_list(names)}: stable fails it too"


def not_compared(names: Sequence[str]) -> str:
    """Cases that stable has not run."""
    return f"not compared, stable has not run {_list(names)}"


def _of(runs: Runs) -> str:
    return f"{runs.passed}/{runs.total}"


def _list(names: Sequence[str]) -> str:
    return some([quoted_name(name) for name in names], NAMED)
