"""Promotion: what acceptance costs a healthy release, and how often one at the margin slips by.

Each margin is `reject_factor`: the candidate must be proven to fail less than so many times as
often as stable. Decides which worlds it is measured in. Refuses to count an acceptance after a day.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from goaround.api.base import Json
from goaround.evidence.model import VsStable
from hack.bench.evidence.crowd import Floats
from hack.bench.evidence.flights import Log, Rule, fly, is_accepted
from hack.bench.evidence.intervals import quantile, standing, wilson
from hack.bench.evidence.sizes import DAY, Sizes
from hack.bench.evidence.traffic import Harm
from hack.bench.evidence.worlds import Batch, World, mild, strong

GOAL: Final = 0.05
MARGINS: Final = (1.5, 2.0, 3.0)

WORLDS: Final = (
    World("independent", 1.0),
    World("independent", 10.0),
    World("independent", 100.0),
    World("independent", 1000.0),
    World("10,000 mild", 100.0, mild(10_000)),
    World("10,000 strong", 100.0, strong(10_000)),
    World("2,000 mild", 10.0, mild(2_000)),
)


def rows(sizes: Sizes, seed: int) -> list[Json]:
    """One row per world and margin."""
    batch = Batch(WORLDS, (sizes.accept,) * len(WORLDS))
    found = {}
    for margin in MARGINS:
        good, bad = (_flown(batch, margin, sizes, seed, healthy=ok) for ok in (True, False))
        columns = (good.ended, good.requests, bad.ended)
        for told in zip(*map(batch.by_world, columns), strict=True):
            (world, ended), (_, requests), (_, wrong) = told
            found[world, margin] = _row(world, margin, Accepted(ended, requests), wrong)
    return [found[world, margin] for world in WORLDS for margin in MARGINS]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Healthy rollouts of one world: seconds until acceptance, inf if never, and requests."""

    seconds: Floats
    requests: Floats


def _flown(batch: Batch, margin: float, sizes: Sizes, seed: int, *, healthy: bool) -> Log:
    traffic = batch.traffic(seed)
    if not healthy:
        more = traffic.base * (margin - 1) / (1 - traffic.base)
        traffic.harm = Harm(0.0, more)
    rule = Rule(VsStable(factor=1.0, reject_factor=margin))
    return fly(traffic, rule, sizes.pace.windows(DAY), is_accepted)


def _row(world: World, margin: float, good: Accepted, at_margin: Floats) -> Json:
    wrong, trials = int(np.isfinite(at_margin).sum()), len(at_margin)
    low, high = wilson(wrong, trials)
    accepted = np.isfinite(good.seconds)
    requests = np.where(accepted, good.requests, np.inf).tolist()
    return {
        "world": world.name,
        "rps": world.rps,
        "margin": margin,
        "medianRequests": _finite(quantile(requests, 0.5)),
        "p95Requests": _finite(quantile(requests, 0.95)),
        "medianSeconds": _finite(quantile(good.seconds.tolist(), 0.5)),
        "accepted24h": float(accepted.mean()),
        "wrongAccept": wrong / trials,
        "low": low,
        "high": high,
        "goal": GOAL,
        "standing": standing(wrong / trials, low, GOAL).value,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
