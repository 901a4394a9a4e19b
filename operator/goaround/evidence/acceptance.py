"""Acceptance: evidence that a release is on the good side of its bound, and the level it needs.

The bet of the detector the other way, as plain products without restarts: P(ever accept | at or
beyond the bound) <= 1/level. Decides which good shares are bet on, from the past alone. Refuses to
accept because nothing was seen: without requests the product stands still.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence.bets import EDGE, Floats
from goaround.evidence.model import Counts

LOG_WEIGHTS: Final = np.log([0.75, 0.25])

HALVES: Final = np.array([1.0, 0.5])

PRIOR_ODDS: Final = 0.1
"""Before data, the release is taken to fail at a tenth of the limit's odds.

A clean run reaches level L after at least ln L / -ln(1 - tau) requests (149 for 20 at 2 %), and
only by betting everything on "never fails", which one failure would void. Measured against that
optimum, and against ln L / KL for releases that do fail: a tenth costs 7 % on clean runs (160
requests) and 1.3 x at half the limit's odds; a twentieth 5 % and 1.7 x, a quarter 18 % and 1.1 x.
"""

PRIOR_COUNT: Final = 0.5
"""Pseudo-events of the rarer kind behind that guess."""

LOSS_NATS: Final = 2.0
"""What a wrong guess may cost in the first window, roughly."""

CEILING_ODDS: Final = 0.9
"""Guesses stay below this multiple of the limit's odds: strictly on the good side."""

STABLE_PRIOR: Final = Counts(total=50.0, bad=0.5)
"""Guess of stable's share before anything is known of it: 1 %."""


def alternatives(guess: ArrayLike) -> Floats:
    """The two shares bet on: the guess and half of it, weights .75 and .25. Shape (..., 2)."""
    return np.asarray(np.asarray(guess)[..., None] * HALVES)


def log_e_value(log_a: Floats) -> Floats:
    """ln of the weighted sum of the two products. Shape (..., 2)."""
    first, second = LOG_WEIGHTS[0] + log_a[..., 0], LOG_WEIGHTS[1] + log_a[..., 1]
    return np.asarray(np.logaddexp(first, second))


def guess_below(limit: float, past: Counts, history: Counts, n: float) -> float:
    """The share guessed for the coming window of `n` requests, strictly below the limit.

    past: earlier windows of this rollout. history: before it; it counts for no more than the prior
    does, because another release made it.
    """
    known = (past.bad, past.total)
    return float(plug_in(limit, known, (history.bad, history.total), n))


def plug_in(
    limit: ArrayLike,
    past: tuple[ArrayLike, ArrayLike],
    history: tuple[ArrayLike, ArrayLike],
    n: ArrayLike,
) -> Floats:
    """`guess_below` over arrays; past and history are (bad, all).

    A large window is bet on from a prior nearer to the limit: a good release wins it anyway, and a
    bad guess costs about `LOSS_NATS` (KL(limit || guess) ~ limit (1-limit) ln(f)^2 / 2 for f times
    the limit's odds). Between windows the prior fades behind what was seen. Like the count bet,
    this needs window sizes that do not depend on outcomes.
    """
    (bad, total), (old_bad, old) = map(np.asarray, past), map(np.asarray, history)
    tau, n = np.asarray(limit), np.asarray(n)
    information = np.maximum(n * tau * (1 - tau), EDGE)
    cautious = 1 - np.sqrt(2 * LOSS_NATS / information)
    prior = scaled_odds(tau, np.clip(cautious, PRIOR_ODDS, CEILING_ODDS))
    strength = PRIOR_COUNT / np.minimum(prior, 1 - prior)
    worth = np.minimum(1.0, strength / np.maximum(old, 1.0))
    guess = (bad + prior * strength + worth * old_bad) / (total + strength + worth * old)
    return np.asarray(np.minimum(guess, scaled_odds(tau, CEILING_ODDS)))


def guess_stable(known: Counts) -> float:
    """The share guessed for stable, from all that is known of it before this window."""
    return float(guess_stable_at((known.bad, known.total)))


def guess_stable_at(known: tuple[ArrayLike, ArrayLike]) -> Floats:
    """`guess_stable` over arrays of (bad, all)."""
    bad, total = np.asarray(known[0]), np.asarray(known[1])
    share = (bad + STABLE_PRIOR.bad) / (total + STABLE_PRIOR.total)
    return np.asarray(np.minimum(np.maximum(share, EDGE), 1 - EDGE))


def below(guess: ArrayLike, boundary: ArrayLike) -> Floats:
    """The guess, moved to the good side of the boundary if it is not there; over arrays."""
    edge = np.minimum(boundary, 1 - EDGE)
    return np.asarray(np.minimum(guess, scaled_odds(edge, CEILING_ODDS)))


def scaled_odds(share: ArrayLike, factor: ArrayLike) -> Floats:
    """The share whose odds are `factor` times those of `share`; keeps inside (0, 1)."""
    share = np.asarray(share)
    odds = share / (1 - share) * factor
    return np.asarray(odds / (1 + odds))


def acceptance_level(step_gate_index: int, gates: int, beta: float, attempt: int) -> float:
    """Level that acceptance must reach to leave the step of this gate.

    step_gate_index: 0 for the first step with a gate; gates: how many there are. The last needs
    (1/beta) 2^(attempt-1), earlier ones a quarter: 5 and 20 for three steps, beta 5 %, attempt 1.
    """
    if not 0 <= step_gate_index < gates:
        raise ValueError(f"gate {step_gate_index} is none of {gates}")
    if not 0 < beta < 1 or attempt < 1:
        raise ValueError("0 < beta < 1 and attempt >= 1 must hold")
    level = 2.0 ** (attempt - 1) / beta
    # with a large beta a quarter would be at most 1, which no data at all reaches
    return level if step_gate_index == gates - 1 else max(level / 4, min(level, 2.0))
