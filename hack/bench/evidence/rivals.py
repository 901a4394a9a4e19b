"""Threshold rules as Flagger and Argo Rollouts apply them, written from their documented behaviour.

Decides which poll goes back. A rule compares one ratio with one number and counts failed polls; the
count never falls. Refuses to know worlds, and to tune a rule to one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from goaround.api.base import Json
from hack.bench.evidence.crowd import Floats
from hack.bench.evidence.traffic import Sample

POLL: Final = 60.0

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """name: with its parameters. limit: times the base rate, or times stable's share in the same
    window. minutes: length of the window that each poll looks back on. allowed: failed polls that
    do not go back. silence_fails: no data (or 0/0) is a failed poll. late: polls between the
    verdict and the move."""

    name: str
    limit: float
    versus_stable: bool
    minutes: int
    allowed: int
    silence_fails: bool
    late: int

    @property
    def parameters(self) -> Json:
        """Everything that makes the rule, with units in names."""
        return {
            "limit": self.limit,
            "limitTimes": "stable" if self.versus_stable else "base rate",
            "pollSeconds": POLL,
            "windowSeconds": self.minutes * POLL,
            "failedPollsAllowed": self.allowed,
            "noDataFails": self.silence_fails,
            "pollsUntilItMoves": self.late,
        }

    def goes_back(self, sample: Sample, base: Floats) -> Floats:
        """Seconds until the rule goes back, per rollout; inf if never. sample: (polls, rollouts,
        signals, 2), base: the rate before the rollout, (rollouts,)."""
        bad, total = (_windowed(some, self.minutes) for some in (sample.bad, sample.total))
        failed = self._failed(bad, total, base).any(axis=2)
        count = np.cumsum(failed, axis=0) > self.allowed
        found = count.any(axis=0)
        return np.where(found, (np.argmax(count, axis=0) + 1 + self.late) * POLL, np.inf)

    def _failed(self, bad: Floats, total: Floats, base: Floats) -> Bools:
        mine, stable = _share(bad[..., 0], total[..., 0]), _share(bad[..., 1], total[..., 1])
        limit = self.limit * (stable if self.versus_stable else base[:, None])
        above = mine > limit
        if not self.silence_fails:
            return np.asarray(above)
        unknown = np.isnan(mine) | (np.isnan(stable) if self.versus_stable else False)
        return np.asarray(above | unknown)


def _flagger(name: str, limit: float, threshold: int, *, versus_stable: bool = False) -> Rule:
    """Checks of the last minute; no data counts as failed; the tick after the last one moves."""
    return Rule(
        name=f"Flagger, {name}, threshold {threshold}",
        limit=limit,
        versus_stable=versus_stable,
        minutes=1,
        allowed=threshold - 1,
        silence_fails=True,
        late=1,
    )


def _argo(limit: float, failure_limit: int) -> Rule:
    """Measurements over five minutes with a failureCondition, which no data passes."""
    return Rule(
        name=f"Argo Rollouts, above {limit:g}x base, failureLimit {failure_limit}",
        limit=limit,
        versus_stable=False,
        minutes=5,
        allowed=failure_limit,
        silence_fails=False,
        late=0,
    )


RULES: Final = (
    _flagger("max 2x base", 2.0, 1),
    _flagger("max 2x base", 2.0, 5),
    _flagger("max 2x base", 2.0, 10),
    _flagger("max 1.5x stable", 1.5, 5, versus_stable=True),
    _argo(2.0, 0),
    _argo(2.0, 3),
)


def _windowed(values: Floats, minutes: int) -> Floats:
    """Sums over the last so many polls, fewer at the beginning."""
    sums = np.cumsum(values, axis=0)
    sums[minutes:] -= sums[:-minutes].copy()
    return sums


def _share(bad: Floats, total: Floats) -> Floats:
    return np.asarray(np.where(total > 0, bad / np.maximum(total, 1.0), np.nan))
