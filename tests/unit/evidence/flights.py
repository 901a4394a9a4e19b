"""Many simulated flights at once, on the room's own formulas (their arrays broadcast)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goaround.evidence import acceptance, bets, detector
from goaround.evidence.judge import Max, VsStable

Floats = NDArray[np.float64]

INTERVAL = 10


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests per window and true shares of one kind of flight."""

    candidate: int
    p_candidate: float
    stable: int = 0
    p_stable: float = 0.0


def rollback_times(
    bound: Max | VsStable, traffic: Traffic, *, windows: int, flights: int, seed: int
) -> Floats:
    """Seconds until E >= 100 (alpha 1 %), one per flight; inf if it never happened."""
    rng = np.random.default_rng(seed)
    log_m, log_left = np.full((flights, 6), -np.inf), np.zeros(flights)
    found, seen_bad = np.full(flights, np.inf), np.zeros(flights)
    for i in range(1, windows + 1):
        k_c = rng.binomial(traffic.candidate, traffic.p_candidate, flights)[:, None]
        k_s = rng.binomial(traffic.stable, traffic.p_stable, flights)[:, None]
        log_e = harm_bets(bound, traffic, (k_c, k_s), (seen_bad, (i - 1) * traffic.stable))
        fraction = detector.release(first=i == 1, elapsed=INTERVAL, weight_changed=False)
        log_m, log_left = detector.step(log_m, log_left, log_e, fraction)
        breached = detector.log_e_value(log_m, log_left) >= np.log(100)
        found[breached & np.isinf(found)] = i * INTERVAL
        seen_bad = seen_bad + k_s[:, 0]
        if np.isfinite(found).all():
            break
    return found


def harm_bets(
    bound: Max | VsStable,
    traffic: Traffic,
    bad: tuple[NDArray[np.int64], NDArray[np.int64]],
    stable_past: tuple[Floats, int],
) -> Floats:
    """ln e of the six harms; bad: (candidate, stable), each (flights, 1); past: (bad, all)."""
    k_c, k_s = bad
    if isinstance(bound, Max):
        q = detector.alternatives(bound.limit)
        return bets.one_sample(k_c, traffic.candidate, bound.limit, q)
    prior, (past_bad, past) = acceptance.STABLE_PRIOR, stable_past
    x = ((past_bad + prior.bad) / (past + prior.total))[:, None]
    odds = _odds(bound.factor * x + bound.worse_by) * detector.ODDS
    log_e = bets.two_sample_worse(
        (k_c, traffic.candidate),
        (k_s, traffic.stable),
        (bound.factor, bound.worse_by),
        x=x,
        q=odds / (1 + odds),
    )
    thin = past < prior.total
    return np.asarray(np.logaddexp(log_e, 0.0) - np.log(2.0)) if thin else log_e


def _odds(share: Floats) -> Floats:
    return np.asarray(share / (1 - share))


def acceptances(
    bound: Max, traffic: Traffic, *, windows: int, flights: int, seed: int
) -> dict[float, Floats]:
    """By level (5, 20): requests until acceptance reached it, inf if it never did."""
    rng = np.random.default_rng(seed)
    log_a, bad = np.zeros((flights, 2)), np.zeros(flights)
    n, found = traffic.candidate, {level: np.full(flights, np.inf) for level in (5.0, 20.0)}
    for i in range(windows):
        guess = acceptance.plug_in(bound.limit, (bad, i * n), (0.0, 0.0), n)
        q = np.stack([guess, guess / 2], axis=-1)
        k = rng.binomial(n, traffic.p_candidate, flights)
        log_a = log_a + bets.one_sample(k[:, None], n, bound.limit, q)
        bad = bad + k
        for level, when in found.items():
            reached = acceptance.log_e_value(log_a) >= np.log(level)
            when[reached & np.isinf(when)] = (i + 1) * n
    return found
