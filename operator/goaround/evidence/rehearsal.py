"""Rehearsed flights: one test in many simulated rollouts at once, moved by the engine's own bets.

Decides when each rollout proves harm and when it may climb, for traffic that is assumed. Refuses to
throw dice itself: chance is a parameter (`Dice`), as time is. Shares are shares of harm, so that
`Min` bounds are mirrored before they come here. A test holds it to `advance`, window by window.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from goaround.evidence import detector, kernel, score_bets
from goaround.evidence.bets import Floats
from goaround.evidence.kernel import Gains, Stakes
from goaround.evidence.model import Max, Min, TestSpec, VsStable
from goaround.evidence.weighing import limit_of

GROWTH: Final = 0.05
"""A rehearsal looks every interval at first, later every 5 % of the time that has passed: a time to
detect is at most that much late, and a day needs 150 windows instead of 8,640."""

CROWDED: Final = 0.85
"""Rows that are done are dropped when they are more than 15 % of all."""

Sums = tuple[Floats, Floats, Floats]
"""(bad, all, squares of badness) of one arm, each (R,); of events the squares are the bad ones."""


class Dice(Protocol):
    """Whoever throws; `numpy.random.Generator` does."""

    def poisson(self, lam: Floats, /) -> NDArray[np.int64]: ...


@dataclass(frozen=True, slots=True)
class Rows:
    """R rehearsals of one test; arm and reference since the rollout began."""

    stakes: Stakes
    arm: Sums
    reference: Sums

    @property
    def runs(self) -> int:
        return len(self.stakes.log_left)

    def pick(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Rows":
        """These rows, in this order."""
        return _each(self, lambda values: values[index])


@dataclass(frozen=True, slots=True)
class Subject:
    """One test under assumed traffic. healthy: share of harm of a healthy release; part: of all
    requests that this test sees (slices see less). tosses: a score is rehearsed as the mean of so
    many coin tosses, so that its variance is p (1 - p)/tosses at every mean p; 1 for events."""

    test: TestSpec
    healthy: float
    part: float = 1.0
    tosses: float = 1.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One step as it is rehearsed. candidate, stable: requests per second. least: seconds at this
    step at least; most: until its deadline. level: e-value of acceptance that leaves it, None where
    time alone does. first: no window came before. growth: of its windows, see `GROWTH`."""

    candidate: float
    stable: float
    least: int
    most: int
    samples: float
    level: float | None
    first: bool = False
    growth: float = GROWTH


@dataclass(frozen=True, slots=True)
class Climbs:
    """R healthy flights through one step. seconds: (R,) until the climb, inf where the deadline
    came first. accepted: per test, (L, R) requests of the candidate since the rollout began when
    this test first stood at each of L levels, inf where it did not. rows: per test, as they left
    the step."""

    seconds: Floats
    accepted: tuple[Floats, ...]
    rows: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Tries:
    """N faulty candidates. shares: (N,) of harm; horizons: (N,) seconds after which each is given
    up; origins: (N,) the row that each starts from."""

    shares: Floats
    horizons: Floats
    origins: NDArray[np.int64]


def fresh(runs: int) -> Rows:
    """Before the first window."""
    none = np.zeros(runs)
    return Rows(kernel.fresh((runs,)), (none, none, none), (none, none, none))


def instants(
    interval: int, horizon: float, *marks: float, growth: float = GROWTH
) -> tuple[int, ...]:
    """Window ends in seconds since a step began, `marks` among them; the last at the horizon."""
    found = {_up(mark, interval) for mark in marks if 0 < mark < horizon}
    now = 0
    while now < horizon:
        now += max(interval, int(growth * now / interval) * interval)
        found.add(min(now, _up(horizon, interval)))
    return tuple(sorted(found))


def _up(seconds: float, interval: int) -> int:
    return math.ceil(seconds / interval) * interval


def move(test: TestSpec, rows: Rows, arm: Sums, reference: Sums, *, fraction: float) -> Rows:
    """One window. fraction: as of `detector.release`."""
    gains = _gains(test, rows, arm, reference)
    return Rows(
        kernel.move(rows.stakes, gains, fraction, phi_w=test.cluster_size, interval=test.interval),
        _added(rows.arm, arm),
        _added(rows.reference, reference),
    )


def _added(before: Sums, now: Sums) -> Sums:
    return before[0] + now[0], before[1] + now[1], before[2] + now[2]


def _gains(test: TestSpec, rows: Rows, arm: Sums, reference: Sums) -> Gains:
    match test.bound:
        case Max() | Min() if test.hard:
            runs = len(arm[0])
            return Gains(np.zeros((runs, 6)), np.zeros((runs, 2)))
        case Max() | Min():
            limit = limit_of(test.bound)
            if test.scale is not None:
                return score_bets.against_limit(limit, arm, rows.arm)
            return kernel.against_limit(limit, arm[:2], rows.arm[:2])
        case VsStable() as bound:
            tolerance = bound.factor, bound.worse_by
            margin = bound.reject_factor, bound.reject_at
            known = rows.reference
            if test.scale is not None:
                return score_bets.against_reference((tolerance, margin), arm, reference, known)
            return kernel.against_reference((tolerance, margin), arm[:2], reference[:2], known[:2])
        case _:
            assert_never(test.bound)


def climb(
    subjects: Sequence[Subject],
    leg: Leg,
    rows: Sequence[Rows],
    *,
    levels: Sequence[float],
    dice: Dice,
) -> Climbs:
    """Healthy flights through a gated step: each climbs at the first window at which every gate
    stands at its level, with its samples, after the least time. levels: those at which `accepted`
    is noted."""
    assert leg.level is not None
    seconds, now = np.full(rows[0].runs, np.inf), list(rows)
    began = [r.arm[1] for r in rows]
    marks = np.log(levels)[:, None]
    accepted = [_noted(np.full((len(levels), r.runs), np.inf), r, marks) for r in rows]
    before = 0
    for end in instants(subjects[0].test.interval, leg.most, leg.least, growth=leg.growth):
        flying = np.isinf(seconds)
        if not flying.any():
            break
        ready, fraction = flying & (end >= leg.least), _release(leg, before, end)
        for i, subject in enumerate(subjects):
            shares = np.full(len(flying), subject.healthy)
            arm, reference = _traffic(subject, leg, shares, end - before, dice=dice)
            moved = move(subject.test, now[i], arm, reference, fraction=fraction)
            now[i] = _where(flying, moved, now[i])
            accepted[i] = _noted(accepted[i], now[i], marks)
            if subject.test.gate:
                ready &= _is_open(subject.test, now[i], leg.level)
                ready &= now[i].arm[1] - began[i] >= leg.samples
        seconds[ready] = end
        before = end
    return Climbs(seconds, tuple(accepted), tuple(now))


def _is_open(test: TestSpec, rows: Rows, level: float) -> NDArray[np.bool_]:
    seen = rows.arm[1] > 0
    return seen if test.hard else seen & (kernel.accepted(rows.stakes) >= math.log(level))


def _noted(accepted: Floats, rows: Rows, marks: Floats) -> Floats:
    """(L, R): requests at the first window in which each mark was reached."""
    reached = np.isinf(accepted) & (kernel.accepted(rows.stakes) >= marks)
    return np.where(reached, rows.arm[1], accepted)


def detect(
    subject: Subject, tries: Tries, leg: Leg, rows: Rows, *, alpha: float, dice: Dice
) -> Floats:
    """Seconds from the beginning of the step, and of the fault, to the window end that proves it;
    (N,), inf where nothing was proven in time. rows: healthy flights at the beginning of the step.

    The proof counts what this test alone adds to the combined evidence: the other signals stay
    healthy, and only help.
    """
    test = subject.test
    found: Floats = np.full(len(tries.shares), np.inf)
    left, flying = np.arange(len(found)), rows.pick(tries.origins)
    level = -math.log(alpha) - (math.log(test.share) if test.share else 0.0)
    marks = np.unique(tries.horizons)
    before = 0
    last = float(np.max(marks, initial=0.0))
    for end in instants(test.interval, last, *marks.tolist(), growth=leg.growth):
        arm, reference = _traffic(subject, leg, tries.shares[left], end - before, dice=dice)
        fraction = _release(leg, before, end)
        flying = move(test, flying, arm, reference, fraction=fraction)
        seen = flying.arm[0] > 0 if test.hard else kernel.plain(flying.stakes).log_e >= level
        found[left[seen & np.isinf(found[left])]] = end
        going = np.isinf(found[left]) & (tries.horizons[left] > end)
        if not going.any():
            break
        if going.mean() < CROWDED:
            left, flying = left[going], flying.pick(going)
        before = end
    return np.where(found <= tries.horizons, found, np.inf)


def _release(leg: Leg, before: int, end: int) -> float:
    return detector.release(
        first=leg.first and before == 0,
        elapsed=end - before,
        weight_changed=not leg.first and before == 0,
    )


def _traffic(
    subject: Subject, leg: Leg, shares: Floats, seconds: int, *, dice: Dice
) -> tuple[Sums, Sums]:
    """Both arms; requests come in clusters of `cluster_size` that share one fate."""
    size = subject.test.cluster_size / subject.tosses

    def thrown(rate: float, share: Floats) -> Sums:
        clusters = subject.part * rate * seconds / size
        bad = np.asarray(size * dice.poisson(clusters * share))
        total = bad + size * dice.poisson(clusters * (1 - share))
        return bad, total, _squares(subject, bad, total, share)

    arm = thrown(leg.candidate, shares)
    if not isinstance(subject.test.bound, VsStable):
        nothing = np.zeros_like(shares)
        return arm, (nothing, nothing, nothing)  # nobody compares
    return arm, thrown(leg.stable, np.full_like(shares, subject.healthy))


def _squares(subject: Subject, bad: Floats, total: Floats, share: Floats) -> Floats:
    """Of scores as spread as their mean says; no more is known of them where no bucket tells."""
    scale = subject.test.scale
    if scale is None or not scale.bucketed:
        return bad
    least = bad * bad / np.where(total > 0, total, 1.0)
    return np.minimum(least + total * share * (1 - share) / subject.tosses, bad)


def _each(rows: Rows, change: Callable[[Floats], Floats]) -> Rows:
    """`change` applied to every array, whose first axis are the rows."""
    stakes = {f.name: change(getattr(rows.stakes, f.name)) for f in fields(Stakes)}
    (bad, total, squares), (bad_s, total_s, squares_s) = (
        map(change, sums) for sums in (rows.arm, rows.reference)
    )
    return Rows(Stakes(**stakes), (bad, total, squares), (bad_s, total_s, squares_s))


def _where(these: NDArray[np.bool_], new: Rows, old: Rows) -> Rows:
    """`new` in these rows, `old` in the others."""
    both = _each(old, np.copy)
    changed = _arrays(new)
    for into, values in zip(_arrays(both), changed, strict=True):
        into[these] = values[these]
    return both


def _arrays(rows: Rows) -> list[Floats]:
    stakes = [getattr(rows.stakes, f.name) for f in fields(Stakes)]
    return [*stakes, *rows.arm, *rows.reference]
