"""The nouns of evidence: counts, windows, bounds, tests, their state, and what they say.

Decides which values are possible at all, so that the formulas need no guards of their own.
Refuses to compute anything.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from goaround.evidence.grid import require_interval

CANDIDATE: Final = "candidate"
STABLE: Final = "stable"

ROUNDING: Final = 1e-9
"""Sums of floats may differ in the last digits; a larger excess of bad over all is a fault."""


class Verdict(StrEnum):
    """What one signal says about the release."""

    GOOD = "Good"
    BAD = "Bad"
    UNDECIDED = "Undecided"
    UNKNOWN = "Unknown"


class ImpossibleCounts(ValueError):
    """More bad events than events, or a count that is no number: drop the window and say so."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Events and the bad ones among them. Raises `ImpossibleCounts`; a pair that exists is sane."""

    total: float = 0.0
    bad: float = 0.0

    def __post_init__(self) -> None:
        finite = math.isfinite(self.total) and math.isfinite(self.bad)
        if not finite or self.total < 0 or self.bad < 0:
            raise ImpossibleCounts(f"{self.bad} bad of {self.total} are no counts")
        if self.bad > self.total * (1 + ROUNDING):
            raise ImpossibleCounts(f"{self.bad} bad events of {self.total} are impossible")

    @property
    def good(self) -> float:
        return max(0.0, self.total - self.bad)

    @property
    def share(self) -> float:
        """Bad share; 0 when nothing was seen (ask `total` first)."""
        return self.bad / self.total if self.total else 0.0

    @property
    def mirrored(self) -> "Counts":
        """Good and bad swapped: turns "at least" into "at most"."""
        return Counts(self.total, self.good)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.total + other.total, self.bad + other.bad)


NOTHING: Final = Counts()


@dataclass(frozen=True, slots=True)
class Window:
    """What each arm did in `(end - interval, end]`; an arm without data is absent.

    end: unix seconds, a grid instant.
    """

    end: int
    arms: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Max:
    """The share must stay at or below `limit`, 0 <= limit < 1; 0 = the first bad event breaches."""

    limit: float

    def __post_init__(self) -> None:
        if not 0 <= self.limit < 1:
            raise ValueError(f"max must be at least 0 and below 1, not {self.limit}")


@dataclass(frozen=True, slots=True)
class Min:
    """The share must stay at or above `limit`, 0 < limit <= 1; 1 = the first miss breaches."""

    limit: float

    def __post_init__(self) -> None:
        if not 0 < self.limit <= 1:
            raise ValueError(f"min must be above 0 and at most 1, not {self.limit}")


@dataclass(frozen=True, slots=True)
class VsStable:
    """The share may be `factor` x stable's + `worse_by`; it must be proven below
    `reject_factor` x stable's + `reject_at` before a climb.

    worse_by, reject_at: shares (0.02 = two points). The second pair must be the wider one.
    """

    reject_at: float = 0.0
    worse_by: float = 0.0
    factor: float = 1.0
    reject_factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.worse_by <= self.reject_at < 1:
            raise ValueError("0 <= worseBy <= rejectAt < 1 must hold")
        if not 0 < self.factor <= self.reject_factor < math.inf:
            raise ValueError("0 < factor <= reject factor must hold")
        if (self.worse_by, self.factor) == (self.reject_at, self.reject_factor):
            raise ValueError("what is rejected must be worse than what is allowed")


Bound = Max | Min | VsStable


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One bound under test.

    signal: its name, unique among the tests of a release. gate: a climb needs it to be `Good`.
    share: v_i, its part of the false-rollback budget; 0 for hard guards, which stand outside alpha.
    cluster_size: requests that fail together (D >= 1). arm: the arm under judgement. about:
    whatever else must start new evidence when it changes (queries, provider, digest, attempt).
    """

    __test__ = False  # not a test case of pytest

    signal: str
    bound: Bound
    interval: int
    share: float = 1.0
    gate: bool = True
    cluster_size: float = 1.0
    arm: str = CANDIDATE
    reference: str = STABLE
    about: str = ""

    def __post_init__(self) -> None:
        require_interval(self.interval)
        if not 1 <= self.cluster_size < math.inf:
            raise ValueError(f"clusterSize must be at least 1, not {self.cluster_size}")
        if self.hard and self.share != 0:
            raise ValueError(f"{self.signal} is a hard guard and takes no share of alpha")
        if not self.hard and not 0 < self.share <= 1:
            raise ValueError(f"the share of {self.signal} must be above 0 and at most 1")

    @property
    def hard(self) -> bool:
        """No statistics: the first bad event breaches, outside alpha."""
        match self.bound:
            case Max(limit):
                return limit == 0
            case Min(limit):
                return limit == 1
            case VsStable():
                return False

    def harm(self, counts: Counts) -> Counts:
        """Counts whose `bad` are what the bound is about: swapped under `Min`."""
        return counts.mirrored if isinstance(self.bound, Min) else counts

    @property
    def fingerprint(self) -> str:
        """8 hex digits of every parameter that shapes the evidence.

        The share is one of them: weights that move with the evidence would void the guarantee.
        """
        bound = (type(self.bound).__name__, repr(self.bound))
        parts = (self.signal, bound, self.interval, self.share, self.cluster_size)
        text = repr((*parts, self.arm, self.reference, self.about))
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def budget_shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Relative weights of the statistical tests as shares v_i that add up to 1."""
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Run:
    """The present excursion of the mildest alternative: where trouble, if there is any, began.

    cusum: its height in nats, 0 = at rest. first_end: end of the window that started it.
    arm, reference: counts since then.
    """

    cusum: float = 0.0
    first_end: int | None = None
    arm: Counts = NOTHING
    reference: Counts = NOTHING


@dataclass(frozen=True, slots=True)
class TestState:
    """All that a test remembers; as raw counts (never mirrored) and natural logs.

    last_t: unix seconds of the last window end consumed. windows: how many were. arm, reference:
    totals since the rollout began. step_began: unix seconds, the identity of the step; step_total:
    events of the arm since then (minSamples). history: an arm's past from before the rollout.
    log_m, log_left: the detector. log_a: acceptance.
    """

    __test__ = False

    fingerprint: str
    last_t: int
    step_began: float
    windows: int = 0
    arm: Counts = NOTHING
    reference: Counts = NOTHING
    step_total: float = 0.0
    history: Counts = NOTHING
    log_m: tuple[float, ...] = (-math.inf,) * 6
    log_left: float = 0.0
    log_a: tuple[float, ...] = (0.0, 0.0)
    run: Run = field(default=Run())


@dataclass(frozen=True, slots=True)
class Breach:
    """The combined test of one release.

    log_e: ln of the weighted sum of e-values. breached: it reached 1/alpha, or a hard guard saw a
    bad event. culprits: the signals to blame, the main one first; empty without a breach. top: the
    signal that contributes most, breach or not. alpha: the level it was held against.
    """

    log_e: float
    breached: bool
    top: str
    culprits: tuple[str, ...]
    alpha: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one signal says, with the numbers that say why.

    e_value: this test's part v_i * E_i of the combined e-value (parts add up; 1/alpha breaches),
    at most 1e300. accept_e: against `level`, likewise. All three are absent on hard guards, which
    are no statistics. total, bad, share: of the judged arm since
    the rollout began; step_total since the step began. needed: first-order guess of the further
    requests until acceptance, absent when the rate observed leads nowhere. started: unix seconds
    at which the present trouble began, if there is any.
    """

    name: str
    verdict: Verdict
    line: str
    gate: bool
    e_value: float | None
    accept_e: float | None
    level: float | None
    total: float
    bad: float
    share: float
    step_total: float
    needed: int | None
    started: int | None
