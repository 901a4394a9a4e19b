"""What a flight learns of the time before it, beside the reading of its windows.

Decides when that is asked, and when a flight need not wait for it any longer. Refuses to let a
provider that cannot tell the past keep a flight from being judged.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from goaround.api.kinds import AIFeature
from goaround.evidence.judge import ImpossibleCounts
from goaround.runtime.before import PAST, POLLS, Ask, read_before, read_clustering
from goaround.runtime.case import LONGEST_PAUSE, Case
from goaround.runtime.flight import Flight
from goaround.runtime.queue import Key, key_of

MOST_SECONDS = 5.0
"""So long a flight waits at its start to learn how requests cluster; its first window takes about
that long to become readable anyway."""


class Learner:
    """Asks for the past of flights. `news` is called when one may go on."""

    def __init__(self, *, news: Callable[[Key], None], wall: Callable[[], datetime]) -> None:
        self._news = news
        self._wall = wall

    def learn(self, feature: AIFeature, case: Case, flight: Flight, ask: Ask, now: float) -> None:
        """Starts asking for what `flight` does not know yet. now: unix seconds."""
        if not flight.polled and POLLS not in case.asked:
            self._start(case, POLLS, self._polls(feature, case, flight, ask))
        known = flight.baseline is not None or not flight.compared
        if not known and PAST not in case.asked and now >= case.retry_at.get(PAST, 0.0):
            self._start(case, PAST, self._past(feature, case, flight, ask))

    def _start(self, case: Case, what: str, asking: Coroutine[Any, Any, None]) -> None:
        case.asked.add(what)
        task = asyncio.create_task(asking)
        case.rounds.add(task)
        task.add_done_callback(case.rounds.discard)

    async def _polls(self, feature: AIFeature, case: Case, flight: Flight, ask: Ask) -> None:
        """Asked once: whatever the answer is, or if there is none, the flight goes on."""
        found: dict[str, float] = {}
        try:
            async with asyncio.timeout(MOST_SECONDS):
                found = await read_clustering(feature, flight.main.specs, ask)
        except TimeoutError:
            pass
        finally:
            if case.is_about(flight):
                flight.measured(found)
                self._news(key_of(feature))

    async def _past(self, feature: AIFeature, case: Case, flight: Flight, ask: Ask) -> None:
        """Asked until there is an answer: a guard more is worth having late, too."""
        try:
            found = await read_before(feature, flight.compared, ask)
        except ImpossibleCounts:
            found = {}
        if found is not None and case.is_about(flight):
            flight.learn(found, case.step_began)
        elif case.is_about(flight):
            case.asked.discard(PAST)
            case.retry_at[PAST] = self._wall().timestamp() + LONGEST_PAUSE
