"""What is live against its own yesterday: an alert for people, which moves nobody.

Decides when today is proven to be more than twice as bad as yesterday. Days are those of UTC, so
that whoever takes over continues the same ones. A mixture of six alternatives over the totals of
the day; P(false alert of a signal in a day) <= 1 / (365 signals).
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from goaround.evidence import bets, detector
from goaround.evidence.model import NOTHING, Counts
from goaround.evidence.own_past import LEAST, limit

SECONDS: Final = 86400
DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Day:
    """One signal of today. to: end of the last window counted (unix seconds). past: of the last
    day that saw enough; now: of today."""

    to: int = 0
    past: Counts = NOTHING
    now: Counts = NOTHING


def counted(day: Day, end: int, counts: Counts) -> Day:
    """After the window that ends at `end`; one that was counted before changes nothing."""
    if end <= day.to:
        return day
    if day.to and (end - 1) // SECONDS > (day.to - 1) // SECONDS:
        day = Day(day.to, day.now if day.now.total >= LEAST else day.past)
    return replace(day, to=end, now=day.now + counts)


def is_worse(day: Day, signals: int) -> bool:
    """Whether today is proven to be beyond what yesterday allows."""
    allowed = limit(day.past)
    if allowed is None or not day.now.total:
        return False
    worse = detector.alternatives(allowed)
    log_e = detector.log_sum(bets.one_sample(day.now.bad, day.now.total, allowed, worse))
    return float(log_e) >= math.log(DAYS * signals)


def packed(day: Day) -> str:
    """For a status field; `unpacked` gives back what matters of it."""
    numbers = (day.past.total, day.past.bad, day.now.total, day.now.bad)
    return "/".join([str(day.to), *(repr(n) for n in numbers)])


def unpacked(text: str) -> Day:
    """A day that knows nothing where the text holds none."""
    try:
        to, *numbers = text.split("/")
        past, past_bad, now, now_bad = map(float, numbers)
        return Day(int(to), Counts(past, past_bad), Counts(now, now_bad))
    except ValueError:
        return Day()
