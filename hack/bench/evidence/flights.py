"""Many simulated rollouts flown at once on the production kernel, window by window.

Decides nothing itself: bets, detector, design effect and levels are `goaround.evidence.kernel`.
This module only feeds it and notes when each rollout went back, or was accepted. A test holds it
to `judge.advance` and `judge.combine` on single rollouts.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from goaround.evidence import clustering, detector, kernel
from goaround.evidence.clustering import Spread
from goaround.evidence.kernel import Gains, Stakes
from goaround.evidence.model import Max, VsStable
from hack.bench.evidence.crowd import BUCKETS, Floats
from hack.bench.evidence.traffic import Sample, Traffic

Bools = NDArray[np.bool_]

THIN: Final = 0.8
"""Rollouts that ended are dropped once fewer than this part of those drawn still fly."""

DOUBLE: Final = VsStable(factor=1.0, reject_factor=2.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """bound: the same for every signal, which share the budget equally. robust: divided by the
    design effect measured from buckets; else independent requests are taken for granted. alpha,
    beta: of going back when healthy, and of acceptance at the margin."""

    bound: VsStable | Max = DOUBLE
    robust: bool = True
    alpha: float = 0.01
    beta: float = 0.05


@dataclass(frozen=True, slots=True)
class Flying:
    """R rollouts of S signals each.

    whole, block: (R, S, 4, buckets), counts since the beginning and of the present block, which
    began at `block_began`. known: (R, S, 2), the (bad, all) that bets are guessed from: stable's
    with the hour before, or under a fixed limit the candidate's. phi_w, log_shares: (R, S).
    log_a_past: (R, S), what acceptance proved under weights before. rows: (R,), which rollouts of
    the traffic these are.
    """

    stakes: Stakes
    whole: Floats
    block: Floats
    known: Floats
    phi_w: Floats
    log_shares: Floats
    log_a_past: Floats
    rows: NDArray[np.intp]
    block_began: float = 0.0

    def only(self, keep: Bools | NDArray[np.intp]) -> "Flying":
        return Flying(
            stakes=Stakes(*(getattr(self.stakes, f.name)[keep] for f in fields(Stakes))),
            whole=self.whole[keep],
            block=self.block[keep],
            known=self.known[keep],
            phi_w=self.phi_w[keep],
            log_shares=self.log_shares[keep],
            log_a_past=self.log_a_past[keep],
            rows=self.rows[keep],
            block_began=self.block_began,
        )


def take_off(traffic: Traffic, rule: Rule) -> Flying:
    """The rollouts before their first window, with what the hour before tells: stable's share, and
    how requests cluster within one poll."""
    parts = [_before(sample) for sample in traffic.history()]
    known, phi_w = (np.concatenate(some) for some in zip(*parts, strict=True))
    shape = phi_w.shape
    return Flying(
        stakes=kernel.fresh(shape),
        whole=np.zeros((*shape, 4, BUCKETS)),
        block=np.zeros((*shape, 4, BUCKETS)),
        known=np.zeros_like(known) if isinstance(rule.bound, Max) else known,
        phi_w=phi_w if rule.robust else np.ones(shape),
        log_shares=np.full(shape, -math.log(shape[1])),
        log_a_past=np.zeros(shape),
        rows=np.arange(shape[0]),
    )


def _before(polls: Sample) -> tuple[Floats, Floats]:
    """(stable's (bad, all) in the hour before, phi_w) of some rollouts."""
    totals = [some.sum(axis=(2, 3)) for some in (polls.bad, polls.total)]
    return np.stack(totals, axis=-1), clustering.phi_w(np.stack([polls.total, polls.bad], axis=-2))


def advanced(
    flying: Flying, sample: Sample, rule: Rule, *, began: float, ended: float, moved: bool
) -> Flying:
    """After the window (began, ended], seconds since the rollout began; moved: the weight did."""
    bad, total = (np.moveaxis(some.sum(axis=-1), -1, 0) for some in (sample.bad, sample.total))
    flying = _folded(flying, rule) if moved and rule.robust else flying
    is_late = ended - flying.block_began > clustering.BLOCK_SECONDS
    new_block, seconds = began == 0 or moved or is_late, ended - began
    stakes = kernel.move(
        flying.stakes,
        _gains(flying, bad, total, rule),
        detector.release(first=began == 0, elapsed=seconds, weight_changed=moved),
        phi_w=flying.phi_w,
        new_block=new_block,
        interval=seconds,
    )
    table, guessed = _table(sample), 0 if isinstance(rule.bound, Max) else 1
    return replace(
        flying,
        stakes=stakes,
        whole=flying.whole + table,
        known=flying.known + np.stack([bad[guessed], total[guessed]], axis=-1),
        block=table if new_block else flying.block + table,
        block_began=began if new_block else flying.block_began,
    )


def _folded(flying: Flying, rule: Rule) -> Flying:
    """Where the weight changes: counts by bucket begin anew."""
    whole = spread(flying.whole, rule)
    stakes, past = kernel.folded(flying.stakes, whole, flying.phi_w, flying.log_a_past)
    return replace(flying, stakes=stakes, log_a_past=past, whole=np.zeros_like(flying.whole))


def _gains(flying: Flying, bad: Floats, total: Floats, rule: Rule) -> Gains:
    """What the window is worth; bad, total: (2 arms, R, S)."""
    known = (flying.known[..., 0], flying.known[..., 1])
    match rule.bound:
        case Max(limit):
            return kernel.against_limit(np.full(total[0].shape, limit), (bad[0], total[0]), known)
        case VsStable(reject_at=reject_at, worse_by=worse_by, factor=factor, reject_factor=reject):
            boundaries = ((factor, worse_by), (reject, reject_at))
            arm, stable = (bad[0], total[0]), (bad[1], total[1])
            return kernel.against_reference(boundaries, arm, stable, known)
        case _:
            assert_never(rule.bound)


def goes_back(flying: Flying, rule: Rule) -> Bools:
    """(rows,): the combined evidence of the signals reached 1/alpha."""
    return np.asarray(evidence(flying, rule) >= -math.log(rule.alpha))


def evidence(flying: Flying, rule: Rule) -> Floats:
    """(rows,): ln of sum v_i E_i, and where that reaches 1/alpha of sum v_i X_i, as `combine` does:
    division only lessens it."""
    log_e = kernel.combined(kernel.plain(flying.stakes).log_x, flying.log_shares)
    suspects = np.flatnonzero(log_e >= -math.log(rule.alpha))
    if rule.robust and len(suspects):
        log_e[suspects] = _divided(flying.only(suspects), rule)
    return log_e


def _divided(flying: Flying, rule: Rule) -> Floats:
    whole, block = spread(flying.whole, rule), spread(flying.block, rule)
    level = -math.log(rule.alpha)
    weight = kernel.divided(flying.stakes, whole, block, flying.phi_w, level=level)
    return kernel.combined(weight.log_x, flying.log_shares)


def is_accepted(flying: Flying, rule: Rule) -> Bools:
    """(rows,): every signal reached the level 1/beta."""
    level = -math.log(rule.beta)
    proof = kernel.accepted(flying.stakes) + flying.log_a_past
    reached = np.asarray((proof >= level).all(axis=-1))
    hopeful = np.flatnonzero(reached)
    if rule.robust and len(hopeful):
        some = flying.only(hopeful)
        whole = spread(some.whole, rule)
        proof = kernel.accepted(some.stakes, whole, some.phi_w) + some.log_a_past
        reached[hopeful] = (proof >= level).all(axis=-1)
    return reached


@dataclass(frozen=True, slots=True)
class Log:
    """When each rollout ended (seconds since it began, inf if never), and what the candidate had
    served by then, counted from `since` on: all and bad requests of the first signal."""

    ended: Floats
    requests: Floats
    bad: Floats


def fly(
    traffic: Traffic,
    rule: Rule,
    windows: Iterable[tuple[float, float]],
    ends: Callable[[Flying, Rule], Bools] = goes_back,
    *,
    since: float = 0.0,
) -> Log:
    """Each rollout until `ends` holds, or the windows are over. Thins `traffic`."""
    flying, rollouts = take_off(traffic, rule), len(traffic.rps)
    log = Log(np.full(rollouts, np.inf), np.zeros(rollouts), np.zeros(rollouts))
    for began, ended in windows:
        sample = traffic.window(began, ended)
        moved = traffic.split.moves(began, ended)
        flying = advanced(flying, sample, rule, began=began, ended=ended, moved=moved)
        if ended > since:
            log.requests[flying.rows] += _of_candidate(sample.total, log, flying)
            log.bad[flying.rows] += _of_candidate(sample.bad, log, flying)
        over = ends(flying, rule) & np.isinf(log.ended[flying.rows])
        log.ended[flying.rows[over]] = ended
        flying = _thinned(traffic, flying, log)
        if not len(flying.rows):
            break
    return log


def _thinned(traffic: Traffic, flying: Flying, log: Log) -> Flying:
    alive = np.isinf(log.ended[flying.rows])
    if np.mean(alive) >= THIN:
        return flying
    traffic.rows = traffic.rows[alive]
    return flying.only(alive)


def _of_candidate(counts: Floats, log: Log, flying: Flying) -> Floats:
    return np.asarray(counts[:, 0, 0].sum(axis=-1) * np.isinf(log.ended[flying.rows]))


def spread(table: Floats, rule: Rule) -> Spread:
    """How counts of this table vary over buckets."""
    if isinstance(rule.bound, Max):
        return clustering.against_limit(table, rule.bound.limit)
    return clustering.against_reference(table, rule.bound.factor, rule.bound.worse_by)


def _table(sample: Sample) -> Floats:
    """(R, S, 4, buckets) as `clustering.ROWS`: arm all, arm bad, reference all, reference bad."""
    rows = np.stack([sample.total, sample.bad], axis=-2)
    return np.asarray(rows.reshape(*rows.shape[:-3], 4, rows.shape[-1]))
