"""What stable did in the hour before a rollout: read once, kept with the flight's evidence.

Decides which counts are asked for. A provider that does not answer only delays the guard against
outages. How requests cluster must be known before the first window, so that it is asked only once:
without an answer they count as unclustered within a poll.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping

from goaround.api.kinds import AIFeature
from goaround.evidence import buckets, own_past
from goaround.evidence.judge import STABLE, Counts, ImpossibleCounts, TestSpec, Window
from goaround.evidence.plan import owner_of, signal_of
from goaround.runtime.readings import Purpose, is_known, shape_of, understood
from goaround.world.prometheus import Read, Readings, Shape, WindowReading

PAST = ".past"
"""Where status keeps it; starts with a dot, as no signal does."""

POLLS = ".polls"
MOST_POLLS = 360

Ask = Callable[[Shape, range], Awaitable[Read]]


def hour_before(feature: AIFeature) -> range:
    """Ends of the windows before the take-off of the candidate."""
    flown, good = feature.status.candidate, feature.status.last_known_good
    if flown is None or good is None:
        return range(0)
    return own_past.windows_before(flown.since.timestamp(), good.since.timestamp())


async def read_before(
    feature: AIFeature, names: tuple[str, ...], ask: Ask
) -> Mapping[str, Counts] | None:
    """Counts of stable by name; None where one could not be read: ask again later."""
    ends = hour_before(feature)
    found: dict[str, Counts] = {}
    for name in names if ends else ():
        shape = shape_of(feature, name, ends.step)
        read = understood(feature, name, await ask(shape, ends), ends, purpose=Purpose.FLIGHT)
        if not isinstance(read, Readings):
            return None
        arms = [w.arms[STABLE] for w in read.windows if STABLE in w.arms]
        total, bad = math.fsum(c.total for c in arms), math.fsum(c.bad for c in arms)
        found[name] = Counts(total, min(bad, total))
    return found


def polls_before(feature: AIFeature) -> range:
    """Ends of the windows of the hour before take-off, as long as those of the flight; of short
    ones only as many as 10 s take in an hour."""
    flown, good = feature.status.candidate, feature.status.last_known_good
    interval = feature.spec.ramp.interval_seconds
    if flown is None or good is None:
        return range(0)
    last = math.floor(flown.since.timestamp() / interval) * interval
    longest = min(own_past.SECONDS, MOST_POLLS * interval)
    first = math.ceil(max(last - longest, good.since.timestamp()) / interval) * interval
    return range(first + interval, last + 1, interval)


async def read_clustering(
    feature: AIFeature, tests: Iterable[TestSpec], ask: Ask
) -> dict[str, float]:
    """phi_w by reading (`clustering.phi_w`) for `tests`; slices take that of their signal. What
    cannot be read, or carries no buckets, is left out."""
    ends = polls_before(feature)
    wanted = [signal_of(test.signal) for test in tests if not test.hard] if ends else []
    names = sorted({o for reading in wanted if is_known(feature, o := owner_of(reading))})
    answers = await asyncio.gather(*(_clustering(feature, name, ask, ends) for name in names))
    found = {name: phi for name, phi in zip(names, answers, strict=True) if phi is not None}
    return {reading: found[o] for reading in wanted if (o := owner_of(reading)) in found}


async def _clustering(feature: AIFeature, name: str, ask: Ask, ends: range) -> float | None:
    shape = shape_of(feature, name, ends.step)
    read = understood(feature, name, await ask(shape, ends), ends, purpose=Purpose.FLIGHT)
    if not isinstance(read, Readings):
        return None
    try:
        return buckets.phi_w(map(_of_stable, read.windows))
    except ImpossibleCounts:
        return None


def _of_stable(read: WindowReading) -> Window:
    arms = {a: Counts(c.total, c.bad, c.squares) for a, c in read.arms.items() if a == STABLE}
    counts = tuple(Counts(c.total, c.bad) for c in read.buckets.get(STABLE, ()))
    return Window(read.end, arms, {STABLE: counts})
