"""Time to detect: each fault flown on the production rule, and under the rivals' rules.

Decides how medians are taken: over rollouts that had not gone back before the fault began; one that
never found it counts as later than all. Refuses to count time before the onset. Times exclude
scrape interval and lag.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from goaround.api.base import Json
from hack.bench.evidence.crowd import Floats
from hack.bench.evidence.faults import Fault, fleet
from hack.bench.evidence.flights import Log, Rule, fly
from hack.bench.evidence.intervals import Standing, quantile, standing_of_median
from hack.bench.evidence.rivals import RULES
from hack.bench.evidence.sizes import DAY, POLL, Sizes

COST_GOAL: Final = 1.10
HORIZON: Final = 3 * DAY
"""A fault that is not found in this time counts as never found."""


def ours(faults: Sequence[Fault], sizes: Sizes, seed: int) -> list[Json]:
    """One row per fault; `plainSeconds` is the median without the design effect, same traffic."""
    found: dict[Fault, Json] = {}
    for onset in sorted({fault.onset for fault in faults}):
        some = tuple(fault for fault in faults if fault.onset == onset)
        robust, plain = (_flown(some, sizes, seed, Rule(robust=robust)) for robust in (True, False))
        each = (np.split(values, len(some)) for values in (robust.ended, robust.bad, plain.ended))
        for fault, ended, bad, simple in zip(some, *each, strict=True):
            found[fault] = row(fault, ended - onset, bad) | {
                "plainSeconds": _median(simple - onset)
            }
    return [found[fault] for fault in faults]


def theirs(faults: Sequence[Fault], sizes: Sizes, seed: int) -> dict[str, list[Json]]:
    """The faults that are there from the beginning, under each threshold rule."""
    rows: dict[str, list[Json]] = {rule.name: [] for rule in RULES}
    for fault in (fault for fault in faults if not fault.onset):
        traffic = fleet((fault,), sizes.rivals, seed)
        sample = traffic.totals(60.0, DAY)
        served = np.cumsum(sample.bad[:, :, 0, 0], axis=0)
        for rule in RULES:
            ended = rule.goes_back(sample, np.full(sizes.rivals, fault.p0))
            polls = np.minimum(np.nan_to_num(ended, posinf=DAY) / 60, len(served)).astype(int)
            bad = served[polls - 1, np.arange(sizes.rivals)]
            rows[rule.name].append(row(fault, ended, bad))
    return rows


def row(fault: Fault, delays: Floats, bad: Floats) -> Json:
    """delays: seconds after the onset, inf if never; negative ones went back before it."""
    late = delays > 0
    times = sorted(delays[late].tolist())
    median = quantile(times, 0.5)
    return {
        "rps": fault.rps,
        "p0": fault.p0,
        "p1": fault.p1,
        "onsetHours": fault.onset / 3600,
        "medianSeconds": _finite(median),
        "p95Seconds": _finite(quantile(times, 0.95)),
        "boundSeconds": fault.bound,
        "ratio": _finite(median / fault.bound),
        "badResponses": float(np.median(bad[late])) if late.any() else None,
        "found24h": float((delays[late] <= DAY).mean()) if late.any() else 0.0,
        "goal": fault.goal,
        "aim": fault.is_aim,
        "standing": _standing(times, fault).value,
    }


def cost(rows: Sequence[Json]) -> Json:
    """What the design effect costs where requests are independent: the mean ratio of medians."""
    pairs = [(r["medianSeconds"], r["plainSeconds"]) for r in rows if not r["onsetHours"]]
    ratios = [a / b for a, b in pairs if a is not None and b is not None]
    mean = float(np.mean(ratios)) if ratios else None
    met = mean is not None and mean <= COST_GOAL
    return {
        "meanRatio": mean,
        "largestRatio": max(ratios, default=None),
        "goal": COST_GOAL,
        "standing": (Standing.MET if met else Standing.MISSED).value,
    }


def _flown(some: tuple[Fault, ...], sizes: Sizes, seed: int, rule: Rule) -> Log:
    onset = some[0].onset
    windows = sizes.pace.windows(HORIZON, onset=onset)
    return fly(fleet(some, sizes.delay, seed), rule, windows, since=onset)


def _standing(times: Sequence[float], fault: Fault) -> Standing:
    """Held against the goal in whole polls: at one poll the ratio is 1, whatever happens."""
    return standing_of_median(times, fault.goal * max(fault.bound, POLL))


def _median(delays: Floats) -> float | None:
    return _finite(quantile(delays[delays > 0].tolist(), 0.5))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
