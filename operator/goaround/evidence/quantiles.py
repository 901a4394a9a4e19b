"""Tails of the chi-square and F distributions, for the noise floors of drift.

Decides how large pure noise may look at a given chance. Finite sums and a continued fraction, so
that numpy and the standard library suffice. Refuses anything but whole degrees of freedom for
chi-square; arguments outside the domain raise `ValueError`.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

BISECTIONS: Final = 50
LARGEST_DEGREES: Final = 2000
TINY: Final = 1e-300
CONVERGED: Final = 1e-14
TERMS: Final = 2000


def chi_square_tail(x: float, degrees: int) -> float:
    """P(chi2_degrees > x), exact finite sum (Abramowitz and Stegun 26.4.4 and 26.4.5)."""
    if not 1 <= degrees <= LARGEST_DEGREES:
        raise ValueError(f"degrees of freedom must be 1 to {LARGEST_DEGREES}, not {degrees}")
    if x <= 0:
        return 1.0
    half = x / 2
    odd = degrees % 2
    start = math.erfc(math.sqrt(half)) if odd else 0.0
    powers = (i + odd / 2 for i in range((degrees - odd) // 2))
    terms = (math.exp(p * math.log(half) - half - math.lgamma(p + 1)) for p in powers)
    return min(1.0, start + math.fsum(terms))


@lru_cache(maxsize=1024)
def chi_square_quantile(degrees: int, p: float) -> float:
    """The x with P(chi2_degrees <= x) = p; relative error below 1e-9. 0 < p < 1."""
    return _root(lambda x: chi_square_tail(x, degrees), p)


@lru_cache(maxsize=1024)
def f_quantile(degrees: float, below: float, p: float) -> float:
    """The x with P(F <= x) = p, for `degrees` over `below` degrees of freedom (any positive)."""
    if degrees <= 0 or below <= 0:
        raise ValueError("degrees of freedom must be positive")
    return _root(lambda x: beta_share(below / (below + degrees * x), below / 2, degrees / 2), p)


def largest_share(seen: int, n: int, confidence: float) -> float:
    """The largest share that still explains at most `seen` of `n` (Clopper and Pearson's upper
    bound, one-sided): 0 of 10 leaves 26 % at 95 %."""
    if not 0 <= seen <= n or n < 1:
        raise ValueError(f"{seen} of {n} must be a share")
    if seen == n:
        return 1.0
    return _root(lambda share: beta_share(max(0.0, 1 - share), n - seen, seen + 1), confidence)


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) (Abramowitz and Stegun 26.5.8)."""
    if not (0 <= x <= 1 and a > 0 and b > 0):
        raise ValueError("0 <= x <= 1 and positive shapes must hold")
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the near side only
        return 1 - beta_share(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / (a * _fraction(lambda i: _beta_term(i, x, a, b)))


def _beta_term(i: int, x: float, a: float, b: float) -> float:
    """The i-th partial numerator of that continued fraction, i >= 1."""
    m = i // 2
    if i % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _fraction(term: Callable[[int], float]) -> float:
    """1 + t1/(1 + t2/(1 + ...)), by the ratios of successive convergents (Lentz)."""
    value, above, under = 1.0, 1.0, 0.0
    for i in range(1, TERMS):
        numerator = term(i)
        under = 1 / _nonzero(1 + numerator * under)
        above = _nonzero(1 + numerator / above)
        value *= above * under
        if abs(above * under - 1) < CONVERGED:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > TINY else TINY


def _root(tail: Callable[[float], float], p: float) -> float:
    """Where the falling function `tail` crosses 1 - p."""
    if not 0 < p < 1:
        raise ValueError(f"a probability must lie between 0 and 1, not {p}")
    low, high = 0.0, 1.0
    while tail(high) > 1 - p:
        low, high = high, high * 2
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > 1 - p else (low, middle)
    return (low + high) / 2
