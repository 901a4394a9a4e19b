"""The worlds in which a candidate as good as stable must not be rolled back, each with its goal.

Decides how users, load and ramp are combined, as in the notes on statistics, section 10.3, with the
worlds that those left out. Refuses to fly in them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from goaround.evidence.model import Max, VsStable
from hack.bench.evidence.crowd import Crowd, Floats, Joined, Users, strangers
from hack.bench.evidence.flights import DOUBLE, Rule
from hack.bench.evidence.traffic import Harm, Signals, Split, Traffic, Weather

GOAL: Final = 0.01
STICKY_GOAL: Final = 0.015
POOLED_GOAL: Final = 0.005

HOUR: Final = 3600.0
BATCH: Final = 500
RATES: Final = (1.0, 10.0, 100.0, 1000.0)

TEN: Final = Split()
CLIMB: Final = Split(((0.0, 0.1), (600.0, 0.5), (1200.0, 0.98)))
SLOW_CLIMB: Final = Split(((0.0, 0.1), (8 * HOUR, 0.5), (16 * HOUR, 0.98)))
HALF: Final = Split(((0.0, 0.5),))

CALM: Final = Weather()
ONE: Final = Signals()
FIVE: Final = Signals(5, together=0.5)

TOLERANT: Final = VsStable(factor=1.2, reject_factor=2.4)
AT_MOST: Final = Max(0.01)


Scene = tuple[Split, Weather, Signals, VsStable | Max]


@dataclass(frozen=True, slots=True)
class World:
    """rps: of the whole service. users: absent where every request stands for itself. pooled: one
    of those whose pooled false rollbacks have a goal of their own. at_edge: the candidate is as bad
    as the tolerance allows, else as good as stable."""

    name: str
    rps: float
    users: Users | None = None
    split: Split = TEN
    weather: Weather = CALM
    signals: Signals = ONE
    pooled: bool = False
    bound: VsStable | Max = DOUBLE
    at_edge: bool = False

    @property
    def goal(self) -> float:
        return STICKY_GOAL if self.users else GOAL

    @property
    def base(self) -> float:
        return self.users.base if self.users else 0.01

    @property
    def scene(self) -> Scene:
        """What rollouts must share to fly in one batch."""
        return self.split, self.weather, self.signals, self.bound

    def excess(self, base: Floats) -> Floats:
        """Part of the candidate's good requests that fails too; base: stable's share, (rows,)."""
        if not self.at_edge or isinstance(self.bound, Max):
            return np.zeros_like(base)
        edge = self.bound.factor * base + self.bound.worse_by
        return (edge - base) / (1 - base)

    def crowd(self, rollouts: int, rng: np.random.Generator) -> Crowd:
        widths = self.split.widths
        if self.users is None:
            return strangers(np.full(rollouts, self.base), widths)
        return self.users.settle(rng, rollouts, widths)


@dataclass(frozen=True, slots=True)
class Batch:
    """Worlds of one scene that fly at once; so many rollouts of each, in their order."""

    worlds: tuple[World, ...]
    rollouts: tuple[int, ...]

    def traffic(self, seed: int) -> Traffic:
        """The same rollouts for the same seed."""
        rng = np.random.default_rng(seed)
        crowds = [w.crowd(n, rng) for w, n in zip(self.worlds, self.rollouts, strict=True)]
        split, weather, signals, _ = self.worlds[0].scene
        traffic = Traffic(
            crowd=Joined(tuple(crowds)),
            rps=np.repeat([world.rps for world in self.worlds], self.rollouts),
            rng=rng,
            split=split,
            weather=weather,
            signals=signals,
        )
        parts = self.by_world(traffic.base)
        excess = np.concatenate([world.excess(base) for world, base in parts])
        traffic.harm = Harm(0.0, excess) if excess.any() else None
        return traffic

    @property
    def rule(self) -> Rule:
        return Rule(self.worlds[0].bound)

    def by_world(self, values: Floats) -> list[tuple[World, Floats]]:
        """One value per rollout, dealt out to the worlds."""
        parts = np.split(values, np.cumsum(self.rollouts)[:-1])
        return list(zip(self.worlds, parts, strict=True))


def batches(some: Iterable[World], rollouts: Callable[[World], int]) -> Iterator[Batch]:
    """Worlds of a scene together until a batch has `BATCH` rows: small arrays waste the kernel's
    time on Python, large ones on memory."""
    scenes: dict[Scene, list[World]] = {}
    for world in some:
        waiting = scenes.setdefault(world.scene, [])
        waiting.append(world)
        if sum(map(rollouts, waiting)) * world.signals.number >= BATCH:
            yield _batch(scenes.pop(world.scene), rollouts)
    yield from (_batch(waiting, rollouts) for waiting in scenes.values())


def _batch(some: list[World], rollouts: Callable[[World], int]) -> Batch:
    return Batch(tuple(some), tuple(map(rollouts, some)))


def mild(number: int, base: float = 0.01) -> Users:
    return Users(number, concentration=5, sigma=1, base=base)


def strong(number: int, base: float = 0.01) -> Users:
    """About `base` of the users fail always."""
    return Users(number, concentration=1, sigma=1.5, base=base)


def worlds() -> tuple[World, ...]:
    return (*_unclustered(), *_bursts(), *_persistent(), *_shifting(), *_not_covered())


def _unclustered() -> Iterator[World]:
    for rps in RATES:
        yield World("independent", rps)
    for rps in RATES:
        yield World("shared outage 10x, 10 min", rps, weather=Weather(outage=(HOUR, 600.0, 10.0)))
    for rps in RATES:
        yield World("diurnal ±80 %", rps, weather=Weather(swing=0.8))


def _bursts() -> Iterator[World]:
    for size, rps in ((5, 10.0), (5, 100.0), (20, 100.0), (20, 1000.0)):
        yield World(f"bursts of {size}", rps, weather=Weather(burst=size))
    yield World("bursts of 5, 10,000 mild", 100.0, mild(10_000), weather=Weather(burst=5))


def _persistent() -> Iterator[World]:
    """The 23 whose users keep their arm, bucket and failure rate."""
    cities: tuple[tuple[str, Users, tuple[float, ...]], ...] = (
        ("2,000 mild", mild(2_000), RATES),
        ("2,000 strong", strong(2_000), RATES[1:]),
        ("10,000 mild", mild(10_000), RATES[1:]),
        ("10,000 strong", strong(10_000), RATES[1:]),
        ("100,000 mild", mild(100_000), RATES[2:]),
        ("100,000 strong", strong(100_000), RATES[2:]),
        ("2,000, concentration 50", Users(2_000, 50, 1), (100.0,)),
        ("10,000, concentration 50", Users(10_000, 50, 1), (10.0,)),
        ("2,000 strong, base 0.2 %", strong(2_000, 0.002), (100.0,)),
        ("10,000 mild, base 0.2 %", mild(10_000, 0.002), (100.0,)),
        ("2,000 strong, base 5 %", strong(2_000, 0.05), (100.0,)),
        ("10,000 mild, base 5 %", mild(10_000, 0.05), (100.0,)),
    )
    for name, users, rates in cities:
        for rps in rates:
            yield World(name, rps, users, pooled=True)


def _shifting() -> Iterator[World]:
    """Users who come and go, are dealt out anew, or weigh more than all the others."""
    few_mild = Users(10_000, 5, 1, active=0.05)
    few_strong = Users(10_000, 1, 1.5, active=0.05)
    yield World("10,000 mild, 5 % active", 100.0, few_mild)
    yield World("10,000 strong, 5 % active", 100.0, few_strong)
    yield World("10,000 mild, re-salted", 100.0, Users(10_000, 5, 1, resalted=True))
    yield World("2,000 strong, re-salted", 100.0, Users(2_000, 1, 1.5, resalted=True))
    client = Users(2_000, 1e4, 0, client=(0.05, 0.3))
    broken = Users(2_000, 1e4, 0, base=0.002, client=(0.05, 1.0))
    yield World("one client 5 %, fails 30 %", 100.0, client)
    yield World("one client 5 %, fails always", 100.0, broken)
    by_request = Split(by_request=True)
    yield World("10,000 mild, routed by request", 100.0, mild(10_000), by_request)


def _not_covered() -> Iterator[World]:
    """What the notes list as not simulated; a tolerance and a limit with the candidate on it."""
    cities = ((None, 100.0), (mild(10_000), 100.0), (mild(2_000), 10.0), (strong(2_000), 100.0))
    for users, rps in cities:
        name = "independent" if users is None else f"{users.number:,} {_kind(users)}"
        yield World(f"10→50→98 % in 20 min, {name}", rps, users, CLIMB)
        yield World(f"10→50→98 % in 16 h, {name}", rps, users, SLOW_CLIMB)
        yield World(f"50 % share, {name}", rps, users, HALF)
        yield World(f"5 signals, {name}", rps, users, signals=FIVE)
        if users:
            yield World(f"diurnal users, {name}", rps, replace(users, swing=0.8))
        yield World(f"at 1.2x stable, {name}", rps, users, bound=TOLERANT, at_edge=True)
        exact = None if users is None else replace(users, exact=True)
        yield World(f"at its limit of 1 %, {name}", rps, exact, bound=AT_MOST, at_edge=True)


def _kind(users: Users) -> str:
    return "mild" if users.concentration == 5 else "strong"
