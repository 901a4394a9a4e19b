"""What the last hour of a Prometheus says about a feature's traffic.

Decides the rate and the healthy shares that a flight plan is made for: all requests, and the
stable arm's own share of harm. Refuses to call silence a rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from goaround.api.kinds import AIFeature
from goaround.api.signals import Query
from goaround.cli import ranges
from goaround.cli.signals import Signals
from goaround.evidence.model import CANDIDATE, STABLE, Counts, Min
from goaround.evidence.plan import absolute
from goaround.evidence.score_lines import deviation
from goaround.world.prom_types import Provider, Readings, WindowReading
from goaround.world.promql import FeatureKey

HOUR: Final = 3600
WINDOW: Final = 60
ARMS: Final = (STABLE, CANDIDATE)
VARIANTS: Final = (*ARMS, "fallback")
FEWEST: Final = 100
"""Fewer requests of stable than this say nothing of its share."""


@dataclass(frozen=True, slots=True)
class Rates:
    """rps: requests per second, absent where nothing was seen. healthy: share of harm by signal.
    deviations: of one score, as a part of its scale, by mean with buckets. notes: what could not
    be read, and why."""

    rps: float | None
    healthy: Mapping[str, float]
    deviations: Mapping[str, float]
    notes: Sequence[str] = ()


def last_hour(feature: AIFeature, where: Provider, now: float, signals: Signals) -> Rates:
    """Rates of the hour before `now` (unix seconds), from every signal that counts requests."""
    last = int((now - where.lag_seconds) // WINDOW) * WINDOW
    ends = range(last - HOUR + WINDOW, last + 1, WINDOW)
    rps: list[float] = []
    healthy: dict[str, float] = {}
    deviations: dict[str, float] = {}
    notes: list[str] = []
    for signal in feature.spec.acceptance.signals:
        if isinstance(signal.kind, Query):
            continue
        shape = signals.shape_of(feature, signal.name, WINDOW)
        variants = ARMS if shape.arms else VARIANTS
        found = ranges.windows(where, FeatureKey(*feature.key), shape, ends, variants=variants)
        if not isinstance(found, Readings):
            notes.append(f"{signal.name}: {found.message}")
            continue
        rate, stable = _rate(found.windows), _stable(found.windows)
        rps += [rate] if rate is not None else []
        if stable.total < FEWEST:
            notes.append(f"{signal.name}: fewer than {FEWEST} requests of stable in the last hour")
            continue
        healthy[signal.name] = (
            1 - stable.share if isinstance(absolute(signal), Min) else stable.share
        )
        if stable.squares is not None:
            deviations[signal.name] = deviation(stable)
    return Rates(max(rps, default=None), healthy, deviations, tuple(notes))


def _rate(windows: Sequence[WindowReading]) -> float | None:
    """Requests per second of all arms, over the windows since anything was first seen."""
    totals = [sum(counts.total for counts in w.arms.values()) for w in windows]
    first = next((i for i, total in enumerate(totals) if total > 0), None)
    return sum(totals) / (WINDOW * len(totals[first:])) if first is not None else None


def _stable(windows: Sequence[WindowReading]) -> Counts:
    arms = [w.arms[STABLE] for w in windows if STABLE in w.arms]
    return sum((Counts(a.total, a.bad, a.squares) for a in arms), Counts())
