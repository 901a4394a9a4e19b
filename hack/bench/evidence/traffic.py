"""Requests of many simulated rollouts, drawn as totals per window, arm and bucket.

Decides what happens to the service: load over the day, an outage of both arms, a candidate that
turns bad, weights that move, requests that fail in bursts. Refuses to judge any of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hack.bench.evidence.crowd import DAY, Crowd, Floats

HISTORY_POLLS: Final = 360
POLL: Final = 10.0
STILL: Final = 300.0
AT_ONCE: Final = 50
ARMS: Final = ("candidate", "stable")


@dataclass(frozen=True, slots=True)
class Split:
    """Candidate's share over time: (seconds since the rollout began, share), first at 0.

    by_request: arms are drawn anew for each request, so users stick to none.
    """

    steps: tuple[tuple[float, float], ...] = ((0.0, 0.1),)
    by_request: bool = False

    @property
    def widths(self) -> Floats:
        """Parts of the users that change arms together; a grown share keeps its users."""
        if self.by_request:
            return np.ones(1)
        edges = sorted({share for _, share in self.steps})
        return np.diff([0.0, *edges, 1.0])

    def share(self, at: float) -> float:
        return next(share for began, share in reversed(self.steps) if began <= at)

    def arms(self, at: float) -> Floats:
        """(2, bands): which part of each band goes to the candidate, and to stable."""
        share = self.share(at)
        if self.by_request:
            return np.array([[share], [1 - share]])
        mine = (np.cumsum(self.widths) <= share + 1e-9).astype(float)
        return np.stack([mine, 1 - mine])

    def moves(self, began: float, ended: float) -> bool:
        """Whether a window is the first with another weight."""
        return any(began <= at < ended for at, _ in self.steps if at)


@dataclass(frozen=True, slots=True)
class Weather:
    """What both arms share. swing: load rises and falls by this part over the day. outage:
    (begins, seconds, factor on the failing share). burst: requests that come and end together."""

    swing: float = 0.0
    outage: tuple[float, float, float] | None = None
    burst: int = 1

    def load(self, at: float) -> float:
        return 1 + self.swing * float(np.sin(2 * np.pi * at / DAY))

    def factor(self, at: float) -> float:
        if self.outage is None:
            return 1.0
        begins, seconds, factor = self.outage
        return factor if begins <= at < begins + seconds else 1.0


@dataclass(frozen=True, slots=True)
class Signals:
    """How many are watched, and which part of their failures they have in common."""

    number: int = 1
    together: float = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """One window: (rollouts, signals, 2 arms, buckets), candidate first."""

    bad: Floats
    total: Floats


@dataclass(frozen=True, slots=True)
class Harm:
    """From `onset` seconds on, this part (one per rollout) of the candidate's good requests
    fails too."""

    onset: float
    part: Floats


@dataclass(slots=True)
class Traffic:
    """The requests of `len(rps)` rollouts. rps: requests a second of the whole service, (rows,).

    rows: those that are drawn; leaving out what has ended changes no other rollout's law.
    """

    crowd: Crowd
    rps: Floats
    rng: np.random.Generator
    split: Split = Split()
    weather: Weather = Weather()
    signals: Signals = Signals()
    harm: Harm | None = None
    rows: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = np.arange(len(self.rps))

    def window(self, began: float, ended: float) -> Sample:
        """Requests in (began, ended], seconds since the rollout began."""
        bad, good = self.expected(began, ended)
        return self._draw(bad, good)

    @property
    def base(self) -> Floats:
        """The share that failed before the rollout, (rows,)."""
        return np.asarray(self.crowd.rates(0.0).bad.sum(axis=(1, 2)))

    def totals(self, interval: float, seconds: float) -> Sample:
        """Windows of one length, without buckets: (windows, rows, signals, 2).

        Rates stand still for `STILL` seconds, of which `interval` is a part.
        """
        each = round(STILL / interval)
        told = [self.expected(at, at + STILL) for at in np.arange(0.0, seconds, STILL)]
        bad, good = (
            np.concatenate([np.tile(t[i].sum(2, keepdims=True) / each, (each, 1, 1)) for t in told])
            for i in (0, 1)
        )
        drawn = self._draw(bad, good)
        shape = (len(told) * each, -1, self.signals.number, len(ARMS))
        return Sample(drawn.bad.reshape(shape), drawn.total.reshape(shape))

    def expected(self, began: float, ended: float) -> tuple[Floats, Floats]:
        """(failing, good) requests to expect, both (rows, 2, buckets)."""
        at = (began + ended) / 2
        rates, arms = self.crowd.rates(at), self.split.arms(began)
        volume = (self.rps * (ended - began) * self.weather.load(at))[self.rows, None, None]
        bad = np.einsum("ab,rbk->rak", arms, rates.bad[self.rows]) * volume
        good = np.einsum("ab,rbk->rak", arms, rates.good[self.rows]) * volume
        return self._harmed(*self._struck(bad, good, at), began)

    def history(self) -> Iterator[Sample]:
        """The polls of the hour before the rollout, stable alone serves everyone: (some rows,
        signals, polls, buckets), all rows in their order."""
        rates, volume = self.crowd.rates(0.0), (self.rps * POLL)[:, None, None]
        for begin in range(0, len(self.rows), AT_ONCE):
            rows = self.rows[begin : begin + AT_ONCE]
            both = (some[rows].sum(axis=1, keepdims=True) for some in (rates.bad, rates.good))
            yield self._draw(*(np.repeat(x * volume[rows], HISTORY_POLLS, axis=1) for x in both))

    def _struck(self, bad: Floats, good: Floats, at: float) -> tuple[Floats, Floats]:
        more = np.minimum(bad * (self.weather.factor(at) - 1), good)
        return bad + more, good - more

    def _harmed(self, bad: Floats, good: Floats, began: float) -> tuple[Floats, Floats]:
        if self.harm is None or began < self.harm.onset:
            return bad, good
        more = np.zeros_like(good)
        more[:, 0] = good[:, 0] * self.harm.part[self.rows, None]
        return bad + more, good - more

    def _draw(self, bad: Floats, good: Floats) -> Sample:
        size, several = self.weather.burst, self.signals.number > 1
        if several:
            return self._draw_several(bad, good)
        k, g = (size * self.rng.poisson(some / size).astype(np.float64) for some in (bad, good))
        return Sample(k[:, None], (k + g)[:, None])

    def _draw_several(self, bad: Floats, good: Floats) -> Sample:
        """Failures in common, and for each signal more of its own among the other requests."""
        common, volume = bad * self.signals.together, bad + good
        k = self.rng.poisson(common)[:, None]
        others = self.rng.poisson(volume - common)[:, None]
        own = (bad - common) / np.maximum(volume - common, 1e-300)
        shape = (len(bad), self.signals.number, *bad.shape[1:])
        mine = self.rng.binomial(np.broadcast_to(others, shape), own[:, None])
        return Sample((k + mine).astype(float), np.broadcast_to(k + others, shape).astype(float))
