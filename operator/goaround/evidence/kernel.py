"""A whole window for many tests at once: bets -> detector -> clustering -> how much they weigh.

Decides nothing; it is the arithmetic that `advance` and `judge` call with one row, and benchmarks
with thousands. Leading axes (...) are tests or simulated rollouts, everything is in natural logs.
Nothing has to be divided before plain evidence reaches a level, because division only lessens it:
with thousands of tests, call `divided` and `accepted` for those rows alone. Refuses to guess from
anything but earlier windows: what it is told of the past is its caller's promise.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from goaround.evidence import acceptance, bets, clustering, detector
from goaround.evidence.bets import EDGE, Floats
from goaround.evidence.clustering import Spread

Pair = tuple[ArrayLike, ArrayLike]
"""(bad, all) of one arm, each of shape (...); or (rho, delta) of a boundary."""

GROSS_FACTOR: Final = 3.0
GROSS_SHARE: Final = 0.05
"""What users who stick to an arm hardly ever differ by: beyond 3 x and 5 points it is the release.
Simulated over five worlds of sticky users: 0-0.5 % false rollbacks within 24 h."""

LARGEST_LIMIT: Final = 0.95


@dataclass(frozen=True, slots=True)
class Stakes:
    """What the bets stand at, as natural logs.

    log_m: (..., 6), bets on faults that began at any time. log_left: (...), prior over later
    starts. log_mb: (..., 6), only faults that began in the present block. log_mass: (...), the
    prior mass of that block, fixed when it begins. log_a: (..., 2), acceptance. log_g: (..., 6),
    the bets on gross harm; they stand still where no gross bets are made.
    """

    log_m: Floats
    log_left: Floats
    log_mb: Floats
    log_mass: Floats
    log_a: Floats
    log_g: Floats


@dataclass(frozen=True, slots=True)
class Gains:
    """ln e of one window, undivided. harm: (..., 6). proof: (..., 2). gross: (..., 6) or absent."""

    harm: Floats
    proof: Floats
    gross: Floats | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What the tests prove; each of shape (...), natural logs.

    log_e: the plain e-process. log_x: the part of it that counts after division and the t
    condition, at most `log_e`, -inf where t fails. The rest tells the line that carries log_x, or
    is nearest to: evidence / divided_by + log_mass, with its t. log_mass is 0 for all starts, and
    the prior mass of its starts for the line of this block.
    """

    log_e: Floats
    log_x: Floats
    evidence: Floats
    log_mass: Floats
    divided_by: Floats
    t: Floats


def fresh(shape: tuple[int, ...]) -> Stakes:
    """Stakes before the first window, for tests of this shape."""
    nothing, six = np.full((*shape, 6), -np.inf), (*shape, 6)
    return Stakes(
        log_m=nothing,
        log_left=np.zeros(shape),
        log_mb=np.full(six, -np.inf),
        log_mass=np.zeros(shape),
        log_a=np.zeros((*shape, 2)),
        log_g=np.full(six, -np.inf),
    )


def against_limit(
    limit: ArrayLike, arm: Pair, past: Pair, history: Pair = (0.0, 0.0), *, gross: bool = False
) -> Gains:
    """Bets on one window against p <= limit; `Min` mirrors its counts before. limit: (...).

    past: the arm's counts of earlier windows of this rollout; history: from before it.
    """
    tau = np.asarray(limit, dtype=np.float64)
    k, n = (np.asarray(value)[..., None] for value in arm)
    guess = acceptance.plug_in(tau, past, history, arm[1])
    edge = tau[..., None]
    wide = gross_limit(tau)
    far = bets.one_sample(k, n, wide[..., None], detector.alternatives(wide)) if gross else None
    return Gains(
        harm=bets.one_sample(k, n, edge, detector.alternatives(tau)),
        proof=bets.one_sample(k, n, edge, acceptance.alternatives(guess)),
        gross=far,
    )


def against_reference(
    boundaries: tuple[Pair, Pair], arm: Pair, reference: Pair, known: Pair, *, gross: bool = False
) -> Gains:
    """Bets on one window against p_arm <= rho p_reference + delta.

    boundaries: (tolerance, margin), each (rho, delta): harm is beyond the tolerance, proof within
    the margin. known: the reference's counts before this window, history included. While they are
    fewer than the prior's, half of each stake stays out: ln of (1 + e)/2, an e-value too, because
    a wrong guess could lose all before the flight has begun.
    """
    tolerance, margin = (_columns(pair) for pair in boundaries)
    x = acceptance.guess_stable_at(known)
    arms = _columns(arm), _columns(reference)
    better = acceptance.alternatives(acceptance.below(x, _edge(margin, x)))
    proof = bets.two_sample_better(*arms, margin, x=x[..., None], q=better)
    thin = (np.asarray(known[1]) < acceptance.STABLE_PRIOR.total)[..., None]

    def harm(boundary: tuple[Floats, Floats]) -> Floats:
        q = detector.alternatives(_edge(boundary, x))
        return bets.hedged(bets.two_sample_worse(*arms, boundary, x=x[..., None], q=q), thin)

    wide = (tolerance[0] * GROSS_FACTOR, np.minimum(tolerance[1] + GROSS_SHARE, LARGEST_LIMIT))
    return Gains(
        harm=harm(tolerance), proof=bets.hedged(proof, thin), gross=harm(wide) if gross else None
    )


def gross_limit(limit: ArrayLike) -> Floats:
    """The limit beyond which harm is gross: 3 x limit + 5 points."""
    return np.minimum(GROSS_FACTOR * np.asarray(limit) + GROSS_SHARE, LARGEST_LIMIT)


def block_mass(log_left: ArrayLike, fraction: ArrayLike, interval: float) -> Floats:
    """ln of the prior mass that a block which begins now will bet within its hour.

    fraction: what its first window releases. ln .712 for a flight's first block, and left x
    (1 - exp(-1/24)) for one without a weight change.
    """
    rest = (clustering.BLOCK_SECONDS - interval) / detector.PRIOR_SECONDS
    return np.asarray(log_left + np.log1p(-(1 - np.asarray(fraction)) * np.exp(-rest)))


def move(
    stakes: Stakes,
    gains: Gains,
    fraction: ArrayLike,
    *,
    phi_w: ArrayLike = 1.0,
    new_block: ArrayLike = False,
    interval: float = 10.0,
) -> Stakes:
    """The stakes after one window. fraction (`detector.release`), phi_w, new_block: (...).

    phi_w: clustering inside one poll, what log e is divided by; E[e^(1/phi_w)] <= 1 by Jensen, as
    long as it is fixed beforehand. new_block: the window is the first of a block.
    """
    fraction, new = np.asarray(fraction, dtype=np.float64), np.asarray(new_block)
    by = np.asarray(phi_w)[..., None]
    harm = gains.harm / by
    log_pi = (stakes.log_left + np.log(fraction))[..., None]
    kept = np.where(new[..., None], -np.inf, stakes.log_mb)
    mass = block_mass(stakes.log_left, fraction, interval)
    log_g = stakes.log_g
    if gains.gross is not None:
        log_g = np.logaddexp(log_g, log_pi) + gains.gross / by
    return Stakes(
        log_m=np.logaddexp(stakes.log_m, log_pi) + harm,
        log_left=stakes.log_left + np.log1p(-fraction),
        log_mb=np.logaddexp(kept, log_pi) + harm,
        log_mass=np.where(new, mass, stakes.log_mass),
        log_a=stakes.log_a + gains.proof / by,
        log_g=log_g,
    )


def plain(stakes: Stakes) -> Weight:
    """The e-process as it is: independent requests are taken for granted."""
    log_e = detector.log_e_value(stakes.log_m, stakes.log_left)
    return Weight(
        log_e=log_e,
        log_x=log_e,
        evidence=log_e,
        log_mass=np.zeros_like(log_e),
        divided_by=np.ones_like(log_e),
        t=np.full_like(log_e, np.inf),
    )


def gross(stakes: Stakes) -> Weight:
    """Only what proves gross harm counts, and never more than the plain e-process has."""
    found = plain(stakes)
    log_g = detector.log_e_value(stakes.log_g, stakes.log_left)
    return replace(found, log_x=np.minimum(found.log_e, log_g))


def divided(
    stakes: Stakes, whole: Spread, block: Spread, phi_w: ArrayLike = 1.0, *, level: float = 4.605
) -> Weight:
    """What is left of the e-process after the design effect.

    Two lines, the larger one counts: E^(1/D) of all starts if t >= t_needed(D), and mass x
    (E_b/mass)^(1/D_b) of the starts in this block if t_b >= t_needed(D_b); a value below 1 (below
    `mass`) stays as it is. So ln E >= L D, or ln E_b - m >= (L - m) D_b, reach L.

    Neither exceeds E: the roots because D >= 1, and E_b <= E because its starts are among all. So
    X <= E at every instant, sum v_i X_i >= 1/alpha implies sum v_i E_i >= 1/alpha, and for
    independent requests P(false rollback ever) <= alpha remains Ville's theorem, however D, t and
    the blocks were measured from the same data. A share v_i is prior mass and paid in full too:
    alone, a test must reach ln E_i >= (L - ln v_i) D_i.

    level: only chooses which line is told when neither t condition holds.
    """
    log_e = detector.log_e_value(stakes.log_m, stakes.log_left)
    log_eb = detector.log_sum(stakes.log_mb)
    d, d_b = clustering.divisor(whole.phi, phi_w), clustering.divisor(block.phi, phi_w)
    all_starts = _root(log_e, np.zeros_like(log_e), d)
    late = np.minimum(_root(log_eb, stakes.log_mass, d_b), log_e)
    open_all = whole.t >= clustering.t_needed(d)
    open_late = block.t >= clustering.t_needed(d_b)
    told, told_late = np.where(open_all, all_starts, -np.inf), np.where(open_late, late, -np.inf)
    shut = ~(open_all | open_late)
    pick = np.where(shut, (late >= level) & (all_starts < level), told_late > told)
    return Weight(
        log_e=log_e,
        log_x=np.maximum(told, told_late),
        evidence=np.where(pick, log_eb - stakes.log_mass, log_e),
        log_mass=np.where(pick, stakes.log_mass, 0.0),
        divided_by=np.where(pick, d_b, d),
        t=np.where(pick, block.t, whole.t),
    )


def accepted(stakes: Stakes, whole: Spread | None = None, phi_w: ArrayLike = 1.0) -> Floats:
    """ln A / D*, to be held against ln of the level; D* uses the widest of the spreads. (...)."""
    log_a = acceptance.log_e_value(stakes.log_a)
    if whole is None:
        return log_a
    return _root(log_a, np.zeros_like(log_a), clustering.divisor(whole.phi_widest, phi_w))


def folded(
    stakes: Stakes, whole: Spread, phi_w: ArrayLike = 1.0, log_a_past: ArrayLike = 0.0
) -> tuple[Stakes, Floats]:
    """(stakes, ln of what acceptance has proven) where the weight changes, of shape (...).

    Other users come, in other proportions: the counts by bucket begin anew, so what was bet on
    before is divided by the spread that belongs to it, once and for all. Stakes above 1 shrink,
    none grows, so `divided` still never exceeds the e-process that was not folded. Simulated over
    10, 50 and 98 % of 10,000 users: 10 % false rollbacks without, 1 % with it.
    """
    by = clustering.divisor(whole.phi, phi_w)[..., None]
    log_m = np.where(stakes.log_m > 0, stakes.log_m / by, stakes.log_m)
    log_mb = np.where(stakes.log_mb > 0, stakes.log_mb / by, stakes.log_mb)
    proven = np.asarray(log_a_past, dtype=np.float64) + accepted(stakes, whole, phi_w)
    log_a = np.zeros_like(stakes.log_a)
    return replace(stakes, log_m=log_m, log_mb=log_mb, log_a=log_a), proven


def combined(log_x: Floats, log_shares: ArrayLike) -> Floats:
    """ln of sum v_i X_i over the last axis; a breach where it reaches ln(1/alpha)."""
    return np.asarray(np.logaddexp.reduce(log_x + np.asarray(log_shares), axis=-1))


def _root(log_e: Floats, log_mass: Floats, by: Floats) -> Floats:
    """mass x (E/mass)^(1/by) where E exceeds its mass, else E."""
    gain = log_e - log_mass
    return np.where(gain > 0, log_mass + gain / by, log_e)


def _edge(boundary: tuple[Floats, Floats], x: Floats) -> Floats:
    rho, delta = boundary
    edge = rho[..., 0] * x + delta[..., 0]
    return np.asarray(np.minimum(np.maximum(edge, EDGE), 1 - EDGE))


def _columns(pair: Pair) -> tuple[Floats, Floats]:
    """Each with a last axis for the alternatives."""
    first, second = (np.asarray(value, dtype=np.float64)[..., None] for value in pair)
    return first, second
