"""The windows of a flight, read again.

Decides how far back is read at most. Refuses to leave a gap in silence: a reading that fails is
told, and its tests then stand still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.kinds import AIFeature
from goaround.cli import ranges
from goaround.cli.command import CommandError
from goaround.cli.replay import Flown
from goaround.cli.signals import Signals
from goaround.evidence import grid
from goaround.evidence.model import (
    CANDIDATE,
    STABLE,
    Counts,
    ImpossibleCounts,
    Window,
)
from goaround.evidence.plan import readings
from goaround.world.prom_types import Provider, Readings, WindowReading
from goaround.world.promql import FeatureKey

ARMS: Final = (STABLE, CANDIDATE)
MOST_WINDOWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Windows by reading, and what could not be read."""

    windows: Mapping[str, Sequence[Window]]
    notes: Sequence[str]


def read_back(feature: AIFeature, flown: Flown, where: Provider, signals: Signals) -> ReadBack:
    """Every window of the flight. Raises CommandError where there is none, or too many."""
    interval = feature.spec.ramp.interval_seconds
    last = grid.latest_end(flown.end, 0.0, interval)
    ends = range(flown.start + interval, last + 1, interval)
    if not ends:
        raise CommandError("no window of this flight is complete yet: try again in a moment")
    if len(ends) > MOST_WINDOWS:
        raise CommandError(f"{len(ends):,} windows are too many to draw: give --since")
    found: dict[str, Sequence[Window]] = {}
    notes: list[str] = []
    for name in readings(feature.spec):
        try:
            found[name] = _windows(feature, name, ends, where, signals=signals)
        except (_Unreadable, ImpossibleCounts) as err:
            notes.append(f"{name} cannot be read: {err}")
    return ReadBack(found, notes)


class _Unreadable(Exception):
    """The text says why."""


def _windows(
    feature: AIFeature, name: str, ends: range, where: Provider, *, signals: Signals
) -> list[Window]:
    shape = signals.shape_of(feature, name, ends.step)
    asked = signals.wanted(feature, name, ends)
    read = ranges.windows(where, FeatureKey(*feature.key), shape, asked, variants=ARMS)
    told = signals.understood(feature, name, read, ends)
    if not isinstance(told, Readings):
        raise _Unreadable(told.message)
    return [_window(w) for w in told.windows]


def _window(reading: WindowReading) -> Window:
    return Window(
        end=reading.end,
        arms={arm: Counts(c.total, c.bad, c.squares) for arm, c in reading.arms.items()},
        buckets={
            arm: tuple(Counts(c.total, c.bad) for c in some)
            for arm, some in reading.buckets.items()
        },
    )
