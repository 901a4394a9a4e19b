"""Many watches at once: detectors of one absolute bound over simulated eras, as arrays.

Calls the same bets and the same detector as the engine; a test shows that both give the same
numbers. The last axis is the alternative, the one before it the simulated run.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from goaround.evidence import bets, detector, live
from goaround.evidence.bets import Floats

INTERVAL: Final = 60
ERA_WINDOWS: Final = live.ERA_SECONDS // INTERVAL


@dataclass
class Era:
    """One detector in many runs. limit: the same in all, or one for each. left_over: windows of the
    era that were gone when it began."""

    limit: float | Floats
    runs: int
    per_year: float = 1.0
    left_over: int = 0

    def __post_init__(self) -> None:
        self.log_m: Floats = np.full((self.runs, 6), -np.inf)
        self.log_left: Floats = np.zeros(self.runs)
        self.seconds = (ERA_WINDOWS - self.left_over) * INTERVAL

    @property
    def level(self) -> float:
        return -float(np.log(live.alpha(self.per_year, self.seconds)))

    @property
    def log_e(self) -> Floats:
        return detector.log_e_value(self.log_m, self.log_left)

    @property
    def breached(self) -> NDArray[np.bool_]:
        return np.asarray(self.log_e >= self.level)

    def step(self, bad: Floats, total: Floats) -> None:
        q = detector.alternatives(self.limit)
        tau = np.asarray(self.limit)[..., None]
        gain = bets.one_sample(bad[:, None], total[:, None], tau, q)
        fraction = detector.release(first=False, elapsed=INTERVAL, weight_changed=False)
        self.log_m, self.log_left = detector.step(self.log_m, self.log_left, gain, fraction)


class Watch:
    """Both detectors over many runs; `at` counts windows since the Unix epoch."""

    def __init__(self, limit: float, runs: int, at: int) -> None:
        self.limit, self.runs, self.at = limit, runs, at
        self.eras = [Era(limit, runs, left_over=self._age(which)) for which in (0, 1)]

    def _age(self, which: int) -> int:
        return (self.at - which * ERA_WINDOWS // 2) % ERA_WINDOWS

    def step(self, bad: Floats, total: Floats) -> NDArray[np.bool_]:
        """One window; which runs breach in it."""
        for which in (0, 1):
            if self._age(which) == 0:
                self.eras[which] = Era(self.limit, self.runs)
            self.eras[which].step(bad, total)
        self.at += 1
        return np.asarray(self.eras[0].breached | self.eras[1].breached)
