"""How much is simulated: rollouts per cell and length of windows, for the quick and the full run.

Windows are polls of 10 s where a verdict may fall soon, and widen where seconds no longer matter:
a verdict is then found up to one window late. Refuses to drop rows: both runs have the same ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

DAY: Final = 86400.0
POLL: Final = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Length of windows by time since the last event: (until, length), both in seconds."""

    stretches: tuple[tuple[float, float], ...]

    def windows(self, seconds: float, *, onset: float = 0.0) -> Iterator[tuple[float, float]]:
        """(began, ended) of the windows of a rollout that ends so long after `onset`; the pace is
        fine again from `onset` on, a multiple of every length."""
        if onset:
            yield from self._stretch(0.0, onset)
        yield from self._stretch(onset, seconds)

    def _stretch(self, began: float, seconds: float) -> Iterator[tuple[float, float]]:
        at = 0.0
        for until, length in self.stretches:
            while at < min(until, seconds):
                yield began + at, began + at + length
                at += length


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rollouts per cell: null worlds, delays, rivals, acceptance; and the pace of the flights."""

    null: int
    delay: int
    rivals: int
    accept: int
    pace: Pace

    def of_users(self, users: int) -> int:
        """Rollouts of a null world with so many users: fewer where cities are large."""
        return self.null if users < 50_000 else max(self.null // 2, 10)


FULL: Final = Sizes(
    null=800,
    delay=300,
    rivals=200,
    accept=400,
    pace=Pace(((1800.0, 10.0), (10800.0, 60.0), (10 * DAY, 300.0))),
)
QUICK: Final = Sizes(
    null=30,
    delay=40,
    rivals=20,
    accept=30,
    pace=Pace(((600.0, 10.0), (3600.0, 60.0), (10 * DAY, 600.0))),
)
