"""Requests by arm in the newest window that every signal was read in, while something is judged.

Refuses to speak of a window before that: some signals see few requests, and their silence would be
taken for the end of what was sent back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from goaround.evidence.judge import Window
from goaround.rollout.observed import Traffic

MOST_OPEN: Final = 100
"""A signal that cannot be read for long must not make the others be remembered for ever."""


@dataclass(slots=True)
class Noted:
    """newest: what is known. Each arm counts as the signal that saw most of it. since: windows up
    to there (unix seconds) were not, or will not be, seen by every signal."""

    newest: Traffic | None = None
    since: int = 0
    _partly: dict[int, dict[str, float]] = field(default_factory=dict)

    def take(self, now: Mapping[str, Window], end: int) -> None:
        """The windows that ended then, by signal; not always of all signals."""
        if end <= self.since:
            return
        known = self._partly.setdefault(end, {})
        for window in now.values():
            for arm, counts in window.arms.items():
                known[arm] = max(counts.total, known.get(arm, 0.0))
        if len(self._partly) > MOST_OPEN:
            self.since = min(self._partly)
            del self._partly[self.since]

    def settle(self, through: int, interval: int) -> None:
        """Every signal has been read up to `through`, unix seconds."""
        for end in sorted(e for e in self._partly if e <= through):
            self.newest = _traffic(end - interval, end, self._partly.pop(end))
        self.since = max(self.since, through)


def _traffic(start: int, end: int, requests: Mapping[str, float]) -> Traffic:
    return Traffic(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), requests)
