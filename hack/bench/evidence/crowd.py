"""Who sends the requests, how often they fail, and to which part of the split they stick.

Decides the expected share of requests per split band and bucket. Refuses to draw requests, and to
know which arm a band belongs to: that moves with the ramp. Shapes: (rollouts, bands, buckets).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUCKETS: Final = 20
CHUNK: Final = 2_000_000
"""Users drawn at once: some 100 MB."""

MOST_SCALED: Final = 3.0

DAY: Final = 86400.0
HALF_HOUR: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Expected failing and good requests, as parts of all requests of the service (sum 1)."""

    bad: Floats
    good: Floats


class Crowd(Protocol):
    """What the traffic asks of its users."""

    def rates(self, at: float) -> Rates:
        """At `at` seconds since the rollout began; called with times that never go back."""


def strangers(base: Floats, widths: Floats) -> Crowd:
    """Every request stands for itself and fails with `base`, one per rollout."""
    part = np.broadcast_to(widths[:, None] / BUCKETS, (len(base), len(widths), BUCKETS))
    share = base[:, None, None]
    return _Settled(part * share, part * (1 - share), np.zeros((len(base), 1)), 0.0)


@dataclass(frozen=True, slots=True)
class Joined:
    """Rollouts of several crowds, one after the other."""

    crowds: tuple[Crowd, ...]

    def rates(self, at: float) -> Rates:
        told = [crowd.rates(at) for crowd in self.crowds]
        return Rates(np.concatenate([t.bad for t in told]), np.concatenate([t.good for t in told]))


@dataclass(frozen=True, slots=True)
class Users:
    """How users differ, for ever.

    number: of users. concentration: of the Beta distribution of failure rates about `base` (5
    mild, 1 strong). sigma: of ln of activity. client: (part of all traffic, failure rate) of one
    more user. swing: each user's activity rises and falls over the day by this part, at an hour of
    its own. active: part of the users that sends anything in one half hour. resalted: they are
    dealt out anew every half hour. exact: their failures are scaled, up to `MOST_SCALED` times, so
    that each city as a whole fails with `base`, which else holds on average.
    """

    number: int
    concentration: float
    sigma: float
    base: float = 0.01
    client: tuple[float, float] | None = None
    swing: float = 0.0
    active: float = 1.0
    resalted: bool = False
    exact: bool = False

    @property
    def renewed(self) -> bool:
        return self.resalted or self.active < 1

    def settle(self, rng: np.random.Generator, rollouts: int, widths: Floats) -> Crowd:
        """That many cities of such users, dealt out over bands of these widths and the buckets."""
        if self.renewed:
            return _Renewed(self, rng, widths, *self._draw(rng, rollouts))
        parts = [self._chunk(rng, rows, widths) for rows in _chunks(rollouts, self.number)]
        bad, good, waves = (np.concatenate(some) for some in zip(*parts, strict=True))
        if self.exact:
            scale = np.minimum(self.base / bad.sum(axis=(1, 2), keepdims=True), MOST_SCALED)
            bad, good = bad * scale, np.maximum(good + bad * (1 - scale), 0.0)
        return _Settled(bad, good, waves, self.swing)

    def _draw(self, rng: np.random.Generator, rollouts: int) -> tuple[Floats, Floats]:
        """(activity, failure rate), both (rollouts, users); activities of a rollout sum to 1."""
        size, c = (rollouts, self.number), self.concentration
        rate = rng.beta(c * self.base, c * (1 - self.base), size)
        activity = np.exp(self.sigma * rng.standard_normal(size))
        activity /= activity.sum(axis=1, keepdims=True)
        if self.client is None:
            return activity, rate
        part, fails = self.client
        one = np.ones((rollouts, 1))
        return np.hstack([activity * (1 - part), one * part]), np.hstack([rate, one * fails])

    def _chunk(
        self, rng: np.random.Generator, rollouts: int, widths: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """(bad, good, waves): waves are the cosine and sine parts of both over the day."""
        activity, rate = self._draw(rng, rollouts)
        cells = _deal(rng, activity.shape, widths)
        shape = (rollouts, len(widths), BUCKETS)
        bad, good = activity * rate, activity * (1 - rate)
        waves = [np.zeros(shape)]
        if self.swing:
            hour = 2 * np.pi * rng.random(activity.shape)
            sides = (np.cos(hour), np.sin(hour))
            waves = [_sum(cells, some * side, shape) for some in (bad, good) for side in sides]
        return _sum(cells, bad, shape), _sum(cells, good, shape), np.stack(waves, axis=1)


@dataclass(frozen=True, slots=True)
class _Settled:
    """Users whose band and bucket never change: sums say all about them."""

    bad: Floats
    good: Floats
    waves: Floats
    swing: float

    def rates(self, at: float) -> Rates:
        if not self.swing:
            return Rates(self.bad, self.good)
        angle = 2 * np.pi * at / DAY
        wave = np.array([np.cos(angle), np.sin(angle)]) * self.swing
        bad = np.einsum("w,rwab->rab", wave, self.waves[:, :2])
        good = np.einsum("w,rwab->rab", wave, self.waves[:, 2:])
        return Rates(self.bad + bad, self.good + good)


@dataclass(slots=True)
class _Renewed:
    """Users of whom other ones are active, or who are dealt out anew, every half hour."""

    users: Users
    rng: np.random.Generator
    widths: Floats
    activity: Floats
    rate: Floats
    half_hour: int = -1
    cells: NDArray[np.intp] | None = None
    now: Rates = field(init=False)

    def rates(self, at: float) -> Rates:
        if (half_hour := int(at // HALF_HOUR)) != self.half_hour:
            self.half_hour, self.now = half_hour, self._renew()
        return self.now

    def _renew(self) -> Rates:
        shape = (len(self.activity), len(self.widths), BUCKETS)
        if self.cells is None or self.users.resalted:
            self.cells = _deal(self.rng, self.activity.shape, self.widths)
        activity, rate, cells = self.activity, self.rate, self.cells
        if self.users.active < 1:
            size = (len(activity), max(1, int(self.users.active * activity.shape[1])))
            who = self.rng.integers(activity.shape[1], size=size)
            cells = np.take_along_axis(cells, who, 1)
            activity, rate = (np.take_along_axis(some, who, 1) for some in (activity, rate))
            activity = activity / activity.sum(axis=1, keepdims=True)
        return Rates(_sum(cells, activity * rate, shape), _sum(cells, activity * (1 - rate), shape))


def _deal(rng: np.random.Generator, size: tuple[int, ...], widths: Floats) -> NDArray[np.intp]:
    """For each user the index of its (rollout, band, bucket) in a flat array."""
    bands = np.searchsorted(np.cumsum(widths)[:-1], rng.random(size), side="right")
    row = np.arange(size[0])[:, None]
    return np.asarray((row * len(widths) + bands) * BUCKETS + rng.integers(BUCKETS, size=size))


def _sum(cells: NDArray[np.intp], weights: Floats, shape: tuple[int, int, int]) -> Floats:
    flat = np.bincount(cells.ravel(), weights.ravel(), minlength=int(np.prod(shape)))
    return np.asarray(flat.reshape(shape))


def _chunks(rollouts: int, users: int) -> Iterator[int]:
    at_once = max(1, CHUNK // users)
    for begin in range(0, rollouts, at_once):
        yield min(at_once, rollouts - begin)
