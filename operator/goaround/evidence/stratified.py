"""Exact one-sided comparison of failures in two arms, stratified.

Decides how probable as many candidate failures are, if in every stratum failures fall on the arms
by chance: the exact conditional form of Cochran-Mantel-Haenszel, which with one stratum is Fisher's
test and with one run per arm McNemar's. Refuses asymptotics: counts here are tiny.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from goaround.evidence.bets import Floats

Stratum = tuple[int, int, int, int]
"""(candidate failures, candidate runs, stable failures, stable runs)."""

ROUNDING: Final = 1e-12


def one_sided_p(strata: Sequence[Stratum]) -> float:
    """P(at least the candidate failures seen | failures per stratum), under no difference.

    Sum of independent hypergeometric counts; 1 without strata. Costs O(strata^2 runs^2).
    """
    whole, lowest = np.ones(1), 0
    for k_c, n_c, k_s, n_s in strata:
        low, chances = _hypergeometric(k_c + k_s, n_c, n_s)
        whole, lowest = np.convolve(whole, chances), lowest + low
    seen = sum(k_c for k_c, _, _, _ in strata) - lowest
    return min(1.0, float(whole[seen:].sum()) + ROUNDING)


def log_smallest_p(strata: Sequence[Stratum]) -> float:
    """ln of the p-value if the candidate had failed every run and stable none."""
    return -math.fsum(math.log(math.comb(n_c + n_s, n_c)) for _, n_c, _, n_s in strata)


@lru_cache(maxsize=4096)
def _hypergeometric(failures: int, n_c: int, n_s: int) -> tuple[int, Floats]:
    """(fewest possible candidate failures, chances of that many and more)."""
    low, high = max(0, failures - n_s), min(n_c, failures)
    ways = [math.comb(n_c, k) * math.comb(n_s, failures - k) for k in range(low, high + 1)]
    chances = np.array(ways, dtype=np.float64) / math.comb(n_c + n_s, failures)
    chances.flags.writeable = False  # shared by every caller through the cache
    return low, chances
