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
from goaround.evidence.scale import Scale

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
    """Events and the bad ones among them; or scores, and the sum of their badness in [0, 1].

    squares: an upper bound of the sum of squares of badness. Absent it is the sum itself, which
    events of badness 0 or 1 attain and scores never exceed. Raises `ImpossibleCounts`; counts that
    exist are sane.
    """

    total: float = 0.0
    bad: float = 0.0
    squares: float | None = None

    def __post_init__(self) -> None:
        finite = math.isfinite(self.total) and math.isfinite(self.bad)
        if not finite or self.total < 0 or self.bad < 0:
            raise ImpossibleCounts(f"{self.bad} bad of {self.total} are no counts")
        if self.bad > self.total * (1 + ROUNDING):
            raise ImpossibleCounts(f"{self.bad} bad events of {self.total} are impossible")
        if self.squares is not None:
            least = self.bad * self.bad / self.total if self.total else 0.0
            slack = ROUNDING * self.bad
            if not least - slack <= self.squares <= self.bad + slack:
                raise ImpossibleCounts(f"{self.squares} are no squares that add up to {self.bad}")

    @property
    def good(self) -> float:
        return max(0.0, self.total - self.bad)

    @property
    def share(self) -> float:
        """Bad share; 0 when nothing was seen (ask `total` first)."""
        return self.bad / self.total if self.total else 0.0

    @property
    def second(self) -> float:
        """The sum of squares, or what it is at most."""
        return self.bad if self.squares is None else self.squares

    @property
    def mirrored(self) -> "Counts":
        """Good and bad swapped: turns "at least" into "at most"."""
        if self.squares is None:
            return Counts(self.total, self.good)
        return Counts(self.total, self.good, max(0.0, self.good - self.bad + self.squares))

    def __add__(self, other: "Counts") -> "Counts":
        both = self.squares is None and other.squares is None
        squares = None if both else self.second + other.second
        return Counts(self.total + other.total, self.bad + other.bad, squares)


NOTHING: Final = Counts()


@dataclass(frozen=True, slots=True)
class Window:
    """What each arm did in `(end - interval, end]`; an arm without data is absent.

    end: unix seconds, a grid instant. buckets: the same requests by bucket of users, arm -> counts
    with the bucket's number as index; empty where requests carry no bucket label. What is in `arms`
    but in no bucket had none.
    """

    end: int
    arms: Mapping[str, Counts]
    buckets: Mapping[str, tuple[Counts, ...]] = field(default_factory=dict)


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


class Units(StrEnum):
    """What is assigned to an arm: each request anew, or users who then stay (or nobody knows)."""

    REQUESTS = "Requests"
    USERS = "Users"


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One bound under test.

    signal: its name, unique among the tests of a release. gate: a climb needs it to be `Good`.
    share: v_i, its part of the false-rollback budget; 0 for hard guards, which stand outside alpha.
    cluster_size: requests that fail together (D >= 1). arm: the arm under judgement. about:
    whatever else must start new evidence when it changes (queries, provider, digest, attempt).
    units: what sticks to an arm; with `USERS`, counts without buckets prove only gross harm.
    scale: counts are scores on it, bounds their mean badness; without one they are events.
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
    units: Units = Units.REQUESTS
    scale: Scale | None = None

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
        arms = (self.arm, self.reference)
        text = repr((*parts, *arms, self.about, str(self.units), self.scale))
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


Table = tuple[tuple[float, ...], ...]
"""Counts by bucket: rows as in `clustering.ROWS`, all of one length, or () for none."""

Squares = tuple[float, float] | None
"""Sums of squares in a table, of arm and reference; None where each is the sum of its bad row."""

NEVER: Final = (-math.inf,) * 6
NO_BLOCK: Final = -1


@dataclass(frozen=True, slots=True)
class TestState:
    """All that a test remembers; as raw counts (never mirrored) and natural logs.

    last_t: unix seconds of the last window end consumed. windows: how many were. arm, reference:
    totals since the rollout began. step_began: unix seconds, the identity of the step; step_total:
    events of the arm since then (minSamples). history: an arm's past from before the rollout.
    log_m, log_left: the detector. log_a: acceptance, since the weight changed if users are
    measured; log_a_past: what was proven under weights before, divided already. log_mb, log_mass,
    block_start (unix seconds): the detector of the present block and its prior mass. log_g: the
    detector of gross harm. phi_w: clustering within one poll, fixed at the start. whole, block:
    counts by bucket since the weight changed and since the block began, and their squares.
    unlabelled: requests of this block without a bucket. blind_until: unix seconds, buckets changed
    or vanished and are not used before then; 0 = they are.
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
    log_m: tuple[float, ...] = NEVER
    log_left: float = 0.0
    log_a: tuple[float, ...] = (0.0, 0.0)
    run: Run = field(default=Run())
    log_mb: tuple[float, ...] = NEVER
    log_mass: float = 0.0
    block_start: int = NO_BLOCK
    log_g: tuple[float, ...] = NEVER
    phi_w: float = 1.0
    whole: Table = ()
    block: Table = ()
    whole_squares: Squares = None
    block_squares: Squares = None
    log_a_past: float = 0.0
    unlabelled: float = 0.0
    blind_until: int = 0
