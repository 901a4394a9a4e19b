"""Whether a provider that does not answer is asked at all.

Decides when to stop asking and when to try again. Refuses to let a dead provider cost a time-out
per query, and to tell about it more than once. Time comes from the caller's clock.
"""

import logging
from collections.abc import Callable
from typing import Final

from goaround.world.backoff import doubling
from goaround.world.prom_types import Unreadable, UnreadableReason

log = logging.getLogger("goaround.provider")

FAILURES_TO_OPEN: Final = 5
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 5.0
_OUTAGES: Final = frozenset({UnreadableReason.TIMEOUT, UnreadableReason.REFUSED})
# A proxy that gave up on the provider, or a provider that asks to be spared.
_OUTAGE_STATUSES: Final = frozenset({429, 502, 504})


def is_outage(problem: Unreadable) -> bool:
    """The provider is not there, or wants nobody to be: no question would fare better."""
    return problem.reason in _OUTAGES or problem.status in _OUTAGE_STATUSES


class Breaker:
    """Open after five outages in a row; then one query at a time tries whether it is back.

    Pauses double from one second to five: a provider that comes back is missed no longer.
    """

    def __init__(self, provider: str, clock: Callable[[], float]) -> None:
        self._provider = provider
        self._clock = clock
        self._outages = 0
        self._problem: Unreadable | None = None
        self._closed_again_at = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._problem is not None

    def enter(self) -> Unreadable | None:
        """None: ask, and tell by `leave` how it went. Else: do not ask, this is the answer."""
        if self._problem is None:
            return None
        if self._is_probing or self._clock() < self._closed_again_at:
            return self._problem
        self._is_probing = True
        return None

    def leave(self, answer: bytes | Unreadable | None) -> None:
        """What came of a question; None: it was given up, which says nothing."""
        self._is_probing = False
        if answer is None:
            return
        if not (isinstance(answer, Unreadable) and is_outage(answer)):
            self._close()
            return
        self._outages += 1
        if self._outages >= FAILURES_TO_OPEN:
            self._open(answer)

    def _open(self, problem: Unreadable) -> None:
        if self._problem is None:
            log.warning(
                "provider does not answer", extra={"provider": self._provider, "why": str(problem)}
            )
        self._problem = problem
        pause = doubling(self._outages - FAILURES_TO_OPEN + 1, FIRST_PAUSE, LONGEST_PAUSE)
        self._closed_again_at = self._clock() + pause

    def _close(self) -> None:
        if self._problem is not None:
            log.info("provider answers again", extra={"provider": self._provider})
        self._outages, self._problem = 0, None
