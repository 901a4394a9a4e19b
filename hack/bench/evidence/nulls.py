"""False rollbacks within 24 h: the production rule and its rivals in the same worlds.

A release that is as good as stable for every user flies a day; each rollback is false. Decides what
goes into the rows of the report. Refuses to pool worlds that were not meant to be pooled.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from goaround.api.base import Json
from hack.bench.evidence.crowd import Floats
from hack.bench.evidence.flights import fly
from hack.bench.evidence.intervals import standing, wilson
from hack.bench.evidence.rivals import RULES
from hack.bench.evidence.sizes import DAY, Sizes
from hack.bench.evidence.worlds import POOLED_GOAL, World, batches


@dataclass(frozen=True, slots=True)
class Told:
    """How many of the rollouts in one world went back."""

    world: World
    hits: int
    rollouts: int

    def row(self) -> Json:
        return {"world": self.world.name, "rps": self.world.rps, **_share(self)} | _held(
            self.hits, self.rollouts, self.world.goal
        )


def ours(some: Iterable[World], sizes: Sizes, seed: int) -> list[Told]:
    """Every world under the production rule, in the order given."""
    told = []
    worlds = list(some)
    for i, batch in enumerate(batches(worlds, lambda w: _rollouts(w, sizes))):
        log = fly(batch.traffic(seed + i), batch.rule, sizes.pace.windows(DAY))
        told += [_told(world, ended) for world, ended in batch.by_world(log.ended)]
    return sorted(told, key=lambda one: worlds.index(one.world))


def theirs(some: Iterable[World], sizes: Sizes, seed: int) -> dict[str, list[Told]]:
    """The same worlds under each threshold rule."""
    told: dict[str, list[Told]] = {rule.name: [] for rule in RULES}
    worlds = list(some)
    for i, batch in enumerate(batches(worlds, lambda _: sizes.rivals)):
        traffic = batch.traffic(seed + i)
        sample, base = traffic.totals(60.0, DAY), traffic.base
        for rule in RULES:
            parts = batch.by_world(rule.goes_back(sample, base))
            told[rule.name] += [_told(world, ended) for world, ended in parts]
    return {
        name: sorted(rows, key=lambda one: worlds.index(one.world)) for name, rows in told.items()
    }


def pooled(told: Iterable[Told]) -> Json:
    """All worlds with persistent users taken together."""
    some = [one for one in told if one.world.pooled]
    hits, rollouts = sum(one.hits for one in some), sum(one.rollouts for one in some)
    low, high = wilson(hits, rollouts)
    return {
        "worlds": len(some),
        "falseRollback24h": hits / max(rollouts, 1),
        "low": low,
        "high": high,
        "rollouts": rollouts,
    } | _held(hits, rollouts, POOLED_GOAL)


def _told(world: World, ended: Floats) -> Told:
    return Told(world, int(np.isfinite(ended).sum()), len(ended))


def _share(told: Told) -> Json:
    low, high = wilson(told.hits, told.rollouts)
    share = told.hits / told.rollouts
    return {"falseRollback24h": share, "low": low, "high": high, "rollouts": told.rollouts}


def _held(hits: int, rollouts: int, goal: float) -> Json:
    low, _ = wilson(hits, rollouts)
    return {"goal": goal, "standing": standing(hits / max(rollouts, 1), low, goal).value}


def _rollouts(world: World, sizes: Sizes) -> int:
    return sizes.of_users(world.users.number if world.users else 0)
