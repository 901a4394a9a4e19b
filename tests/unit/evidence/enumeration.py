"""Exact expectations: every outcome of small windows with its binomial probability."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from goaround.evidence.judge import CANDIDATE, STABLE, Counts, TestSpec, TestState, Window, advance

Floats = NDArray[np.float64]


def binomial(n: int, p: float) -> Floats:
    """Probabilities of 0..n failures."""
    k = np.arange(n + 1)
    ways = np.array([math.comb(n, i) for i in k], dtype=np.float64)
    return np.asarray(ways * p**k * (1 - p) ** (n - k))


Sizes = tuple[int, int]
Shares = tuple[float, float]


def outcomes(sizes: Sizes, shares: Shares) -> Iterator[tuple[float, Counts, Counts]]:
    """(probability, candidate, stable) of one window."""
    (n_c, n_s), (p_c, p_s) = sizes, shares
    for k_c, w_c in enumerate(binomial(n_c, p_c)):
        for k_s, w_s in enumerate(binomial(n_s, p_s)):
            yield float(w_c * w_s), Counts(n_c, k_c), Counts(n_s, k_s)


def paths(
    spec: TestSpec, state: TestState, windows: Sequence[tuple[Sizes, Shares]]
) -> Iterator[tuple[float, TestState]]:
    """(probability, state) after every path through `windows`, driven through `advance`."""
    if not windows:
        yield 1.0, state
        return
    sizes, shares = windows[0]
    for weight, candidate, stable in outcomes(sizes, shares):
        window = Window(state.last_t + spec.interval, {CANDIDATE: candidate, STABLE: stable})
        after = advance(spec, state, window, step_began=state.step_began)
        for further, end in paths(spec, after, windows[1:]):
            yield weight * further, end
