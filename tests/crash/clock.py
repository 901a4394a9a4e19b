"""A loop whose clock jumps: real code, timers and back-off included, in no real time.

It waits for nothing: where a loop would sleep, time moves on to the next timer. Refuses to stand
still: code that turns without a timer is found, not waited for.
"""

import asyncio
import selectors
from datetime import datetime, timedelta
from typing import Final

THINKING_SECONDS: Final = 2e-5
"""One turn of the loop costs a little, as it does in life."""

MOST_TURNS: Final = 50_000
"""Turns in a row without a wait; whoever needs more spins."""


class Stuck(Exception):
    """Nothing is due for ever, or something spins."""


class _Jump(selectors.SelectSelector):
    """Waits by moving the clock. No file is ever ready, because there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is due any more")
        self.turns = self.turns + 1 if timeout <= 0 else 0
        if self.turns > MOST_TURNS:
            self.turns = 0
            raise Stuck(f"{MOST_TURNS} turns without a wait")
        self.now += max(timeout, THINKING_SECONDS)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at `begin` and whose time is as long as what is waited for."""

    def __init__(self, begin: datetime) -> None:
        self._jump = _Jump()
        self._begin = begin
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def wall(self) -> datetime:
        """The wall clock that goes with `time()`."""
        return self._begin + timedelta(seconds=self._jump.now)
