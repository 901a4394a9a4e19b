"""Durations in words.

Decides how exactly a forecast is told: two digits, one unit. Refuses to know what it is about.
"""

import math

MINUTE, HOUR, DAY = 60, 3600, 86400


def about(seconds: float) -> str:
    """A duration for people: `50 s`, `12 min`, `2.1 h`, `31 h`, `5 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 9.95 * HOUR:
        return f"{seconds / HOUR:.1f}".removesuffix(".0") + " h"
    if seconds < 72 * HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / DAY:,.0f} days"


def time_needed(requests: float, per_second: float) -> str | None:
    """`about 2 h` until so many requests have come at this rate; None where none come."""
    if not 0 < per_second < math.inf:
        return None
    return f"about {about(max(1.0, requests / per_second))}"
