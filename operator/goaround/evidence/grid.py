"""The one grid of windows: which instants are read, and when they become readable.

Windows of one interval length share a grid anchored at the Unix epoch, so that features share
queries and a replay reads what the first pass read. Refuses intervals that do not divide 300;
knows no clock: `now` is always given. All times are unix seconds.
"""

import math
from typing import Final

from goaround.api.feature import ALLOWED_INTERVALS

TOLERANCE: Final = 1e-6
"""A double near today's unix time is exact to 2.4e-7 s. Without this slack `due` could name an
instant at which `latest_end` does not see its window yet, and a worker would spin on it."""


class IntervalRefused(ValueError):
    """The interval fits no grid; the message lists those that do."""


def require_interval(interval: int) -> int:
    """`interval` if it is allowed, else `IntervalRefused`."""
    if interval not in ALLOWED_INTERVALS:
        allowed = ", ".join(map(str, ALLOWED_INTERVALS))
        raise IntervalRefused(f"an interval of {interval} s does not divide 300: use {allowed}")
    return interval


def first_window_start(began: float, interval: int) -> int:
    """First grid instant at or after `began`: no window reaches back before its step.

    A step that begins exactly on the grid wastes no window: `(start, start + interval]` excludes
    its left end.
    """
    require_interval(interval)
    return math.ceil(began / interval) * interval


def latest_end(now: float, lag: float, interval: int) -> int:
    """Last grid instant T <= now - lag: the newest window end that is complete by now."""
    require_interval(interval)
    return math.floor((now - lag + TOLERANCE) / interval) * interval


def due(last_t: int, interval: int, lag: float) -> float:
    """When the window after the one that ended at `last_t` becomes readable."""
    return last_t + require_interval(interval) + lag


def ends(last_t: int, now: float, lag: float, interval: int) -> range:
    """Ends of the windows to read, oldest first; `last_t` (a grid instant) was read already."""
    if last_t % require_interval(interval):
        raise ValueError(f"{last_t} is no instant of the {interval} s grid")
    return range(last_t + interval, latest_end(now, lag, interval) + 1, interval)
