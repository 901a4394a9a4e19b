"""The nouns of golden scoring: runs, cases, abilities.

Decides which results are possible at all. Refuses to compute anything.
"""

from dataclasses import dataclass
from typing import Final

from goaround.evidence.stratified import Stratum

MOST_RUNS: Final = 20
MOST_TAGS: Final = 8


@dataclass(frozen=True, slots=True)
class Runs:
    """Repeats of one case, or of several, on one release. 0 <= passed <= total."""

    passed: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.passed <= self.total:
            raise ValueError(f"{self.passed} of {self.total} runs is impossible")

    @property
    def failed(self) -> int:
        return self.total - self.passed

    def __add__(self, other: "Runs") -> "Runs":
        return Runs(self.passed + other.passed, self.total + other.total)


NOT_RUN: Final = Runs()


@dataclass(frozen=True, slots=True)
class Case:
    """One golden input. stable: absent (no runs) for a first release or a new case. must_pass: an
    assertion such as schema or safety. tags: the abilities that it shows."""

    name: str
    candidate: Runs
    stable: Runs = NOT_RUN
    must_pass: bool = False
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"case {self.name} has more than {MOST_TAGS} tags")
        if max(self.candidate.total, self.stable.total) > MOST_RUNS:
            raise ValueError(f"case {self.name} has more than {MOST_RUNS} runs")

    @property
    def is_compared(self) -> bool:
        """Both releases ran it."""
        return self.candidate.total > 0 and self.stable.total > 0

    @property
    def stratum(self) -> Stratum:
        """(candidate failures, candidate runs, stable failures, stable runs)."""
        return self.candidate.failed, self.candidate.total, self.stable.failed, self.stable.total


@dataclass(frozen=True, slots=True)
class TagRow:
    """One ability on both releases. p_value: of "not worse", over its compared cases; absent where
    there are none. lost: worse at 5 % although several abilities were asked about."""

    tag: str
    cases: int
    candidate: Runs
    stable: Runs
    p_value: float | None
    lost: bool
