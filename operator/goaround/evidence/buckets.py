"""Counts by bucket in a test's memory: since the rollout began, and since this hour did.

Decides when buckets can no longer be compared with those before: their number changed, or the label
appeared, vanished, or is missing on too many requests. Then they are not used until an hour has
passed without such trouble, and the evidence begins anew. Refuses to mend counts.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from goaround.evidence import clustering
from goaround.evidence.assumptions import FEW_UNLABELLED, is_unlabelled
from goaround.evidence.clustering import BLOCK_SECONDS, BUCKETS
from goaround.evidence.model import (
    NEVER,
    NO_BLOCK,
    NOTHING,
    STABLE,
    Counts,
    Squares,
    Table,
    TestSpec,
    TestState,
    Window,
)
from goaround.evidence.varints import GRAIN


@dataclass(frozen=True, slots=True)
class Labels:
    """The requests of one window by bucket. labelled, unlabelled: requests of both arms. squares:
    of the scores in the table."""

    table: Table
    labelled: float
    unlabelled: float
    squares: Squares = None


def labels(spec: TestSpec, window: Window) -> Labels:
    """Rows of the window as in `clustering.ROWS`; () without bucket labels, and for hard guards."""
    arm, reference = (window.buckets.get(name, ()) for name in (spec.arm, spec.reference))
    if spec.hard:
        return Labels((), 0.0, 0.0)
    table = _table(arm, reference)
    whole, against = (window.arms.get(name, NOTHING) for name in (spec.arm, spec.reference))
    seen, seen_s = (sum(table[0]), sum(table[2])) if table else (0.0, 0.0)
    missing = _missing(whole, seen)
    if spec.arm != spec.reference:
        missing += _missing(against, seen_s)
    squares = None
    if table and (whole.squares is not None or against.squares is not None):
        squares = _part(whole, seen, sum(table[1])), _part(against, seen_s, sum(table[3]))
    return Labels(table, _sum(table), missing, squares)


def settled(state: TestState, found: Labels, end: int) -> TestState:
    """The state as the window that ends at `end` finds it: with buckets to compare, without, or
    anew.

    Beginning anew forgets bets, never prior: what remains is bounded by the e-process that forgot
    nothing (bets that were lost stay lost), so it removes proofs and adds none, whatever caused it.
    """
    if not found.unlabelled and not found.labelled:
        return state
    if _is_trouble(state, found):
        blind = end + BLOCK_SECONDS
        state = _without_tables(state)
        return replace(state, unlabelled=0.0, blind_until=blind)
    if state.blind_until and end > state.blind_until:
        return _anew(state)
    return state


def counted(state: TestState, found: Labels, *, new_block: bool) -> TestState:
    """The window's requests added to both tables."""
    return replace(
        state,
        whole=_add(state.whole, found.table),
        block=_add(() if new_block else state.block, found.table),
        whole_squares=_added(state.whole_squares, found.squares),
        block_squares=_added(None if new_block else state.block_squares, found.squares),
        unlabelled=(0.0 if new_block else state.unlabelled) + found.unlabelled,
    )


def phi_w(windows: Iterable[Window], arm: str = STABLE) -> float:
    """Clustering within one poll (`clustering.phi_w`) in an arm's past; windows without buckets are
    left out, 1 if none has any."""
    found = [
        (_table(some, ())[:2], w.arms.get(arm, NOTHING))
        for w in windows
        if len(some := w.buckets.get(arm, ())) > 1
    ]
    size = max((len(total) for (total, _), _ in found), default=BUCKETS)
    alike = [(poll, whole) for poll, whole in found if len(poll[0]) == size]
    polls = np.array([poll for poll, _ in alike]).reshape(-1, 2, size)
    squares = None
    if any(whole.squares is not None for _, whole in alike):
        squares = [_part(whole, sum(total), sum(bad)) for (total, bad), whole in alike]
    return float(clustering.phi_w(polls, squares))


def _table(arm: tuple[Counts, ...], reference: tuple[Counts, ...]) -> Table:
    size = max(len(arm), len(reference))
    if size < 2:
        return ()
    arm, reference = ((*some, *(NOTHING,) * (size - len(some))) for some in (arm, reference))
    return (
        tuple([_rounded(c.total) for c in arm]),
        tuple([_rounded(c.bad) for c in arm]),
        tuple([_rounded(c.total) for c in reference]),
        tuple([_rounded(c.bad) for c in reference]),
    )


def _part(arm: Counts, labelled: float, bad: float) -> float:
    """Squares of the scores that have a bucket, at most their sum; the few others are taken to be
    like them."""
    return min(bad, arm.second * min(1.0, labelled / arm.total)) if arm.total else 0.0


def _missing(arm: Counts, labelled: float) -> float:
    """Requests of an arm without a bucket; less than half a request is rounding."""
    missing = arm.total - labelled
    return missing if missing > 0.5 else 0.0


def _is_trouble(state: TestState, found: Labels) -> bool:
    if found.table and state.whole and len(found.table[0]) != len(state.whole[0]):
        return True
    if state.blind_until:
        return is_unlabelled(found.unlabelled, found.labelled)
    if state.whole or found.labelled:
        before = 0.0 if state.whole else state.arm.total + state.reference.total
        missing, labelled = state.unlabelled + found.unlabelled, _sum(state.block) + found.labelled
        return before > FEW_UNLABELLED or is_unlabelled(missing, labelled)
    return False


def _anew(state: TestState) -> TestState:
    state = _without_tables(state)
    return replace(
        state,
        log_m=NEVER,
        log_mb=NEVER,
        log_a=tuple(min(value, 0.0) for value in state.log_a),
        log_a_past=min(state.log_a_past, 0.0),
        block_start=NO_BLOCK,
        unlabelled=0.0,
        blind_until=0,
    )


def _without_tables(state: TestState) -> TestState:
    return replace(state, whole=(), block=(), whole_squares=None, block_squares=None)


def _added(squares: Squares, more: Squares) -> Squares:
    if squares is None or more is None:
        return more if squares is None else squares
    return squares[0] + more[0], squares[1] + more[1]


def _add(table: Table, more: Table) -> Table:
    if not table or not more:
        return table or more
    return tuple(
        tuple(map(operator.add, one, other)) for one, other in zip(table, more, strict=True)
    )


def _sum(table: Table) -> float:
    """All requests of both arms."""
    return sum(table[0]) + sum(table[2]) if table else 0.0


def _rounded(value: float) -> float:
    """Sums of scores are kept to 1/256: exact sums, short strings, and nothing to the spread."""
    return round(value * GRAIN) / GRAIN
