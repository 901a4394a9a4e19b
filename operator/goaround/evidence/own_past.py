"""Stable against its own recent past: the limit that its hour before the rollout sets for it.

Decides how much worse stable may become before it is an outage, for signals that have no absolute
bound. Refuses to blame a release: whatever changes stable itself, no candidate caused. A before/
after test is sensitive to the time of day, hence the wide margin.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from goaround.evidence.model import STABLE, Counts, Max, TestSpec, Units, VsStable
from goaround.evidence.plan import OUTAGE, signal_of, slice_of

SECONDS: Final = 3600
INTERVAL: Final = 300
LEAST: Final = 100.0
"""Fewer requests in the hour before say too little of what is normal."""

FACTOR: Final = 2.0
DOUBT: Final = 1e-3
"""Chance that the true share of the past lies above the limit's base."""


def windows_before(took_off: float, since: float) -> range:
    """Ends of the windows of the hour before take-off (unix seconds); none that began before
    `since`, when the release that is stable now began to serve."""
    last = math.floor(took_off / INTERVAL) * INTERVAL
    first = math.ceil(max(took_off - SECONDS, since) / INTERVAL) * INTERVAL
    return range(first + INTERVAL, last + 1, INTERVAL)


def upper(past: Counts, doubt: float = DOUBT) -> float:
    """The largest share that such counts do not rule out at `doubt`: Chernoff's bound,
    n KL(share || u) = ln(1/doubt), solved by bisection. 1 where nothing was seen."""
    if past.total <= 0:
        return 1.0
    allowed, low, high = -math.log(doubt) / past.total, past.share, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(past.share, middle) < allowed else (low, middle)
    return high


def limit(past: Counts, allowed: VsStable | None = None) -> float | None:
    """The share that must not be exceeded; what a candidate may always be worse by is allowed to
    stable, too. None where the past is not known well enough to set a limit."""
    if past.total < LEAST:
        return None
    factor, extra = (allowed.factor, allowed.worse_by) if allowed is not None else (FACTOR, 0.0)
    found = max(FACTOR, factor) * upper(past) + extra
    return found if found < 1 else None


def past_tests(
    tests: Iterable[TestSpec], guarded: Collection[str], past: Mapping[str, Counts]
) -> tuple[TestSpec, ...]:
    """Tests of stable itself for signals that are only compared. guarded: what has an absolute
    bound, by which stable is tested already. past: counts of stable from before the rollout."""
    found = [
        (test, bound)
        for test in compared(tests, guarded)
        if isinstance(test.bound, VsStable)
        and (bound := limit(past.get(signal_of(test.signal), Counts()), test.bound)) is not None
    ]
    return tuple(
        replace(
            test,
            signal=signal_of(test.signal) + OUTAGE,
            bound=Max(bound),
            share=1 / len(found),
            gate=False,
            arm=STABLE,
            units=Units.REQUESTS,
            about=f"{test.about}/own-past",
        )
        for test, bound in found
    )


def compared(tests: Iterable[TestSpec], guarded: Collection[str]) -> list[TestSpec]:
    """The tests whose signals are compared with stable and have no absolute bound; no slices."""
    return [
        test
        for test in tests
        if isinstance(test.bound, VsStable)
        and (name := signal_of(test.signal)) not in guarded
        and slice_of(name) is None
    ]


def packed(past: Mapping[str, Counts], names: Iterable[str]) -> str:
    """For a status field: counts in the order of `names`, which are those of the plan."""
    known = (past.get(name) for name in names)
    return ",".join("" if c is None else f"{c.total:.9g}/{c.bad:.9g}" for c in known)


def unpacked(text: str, names: Collection[str]) -> Mapping[str, Counts] | None:
    """None where the text holds no such past: then it is read again."""
    parts = text.split(",")
    if len(parts) != len(names):
        return None
    try:
        return {
            name: Counts(*map(float, part.split("/")))
            for name, part in zip(names, parts, strict=True)
            if part
        }
    except (TypeError, ValueError):
        return None


def _divergence(p: float, q: float) -> float:
    """KL(p || q) of two coins, in nats."""
    bad = p * math.log(p / q) if p > 0 else 0.0
    return bad + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 and q < 1 else 0.0)
