"""What evidence rests on: measured users, requests declared independent, or neither.

Decides which rule a test is under, from its counts by bucket and from what sticks to an arm.
Refuses to fall back to independent requests in silence: each case has its sentence, the text of
`EvidenceAssumptions`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from goaround.evidence.bets import Floats
from goaround.evidence.model import TestSpec, TestState, Units

FEW_REQUESTS: Final = 200
LEAST_IN_USE: Final = 15
"""Fewer groups of users measure their spread too badly: with 10 of them 2.2 % of healthy flights
were rolled back."""

LEAST_EXPECTED: Final = 20
"""A bucket that has none of so many expected requests follows the arm."""

MOST_UNLABELLED: Final = 0.05
FEW_UNLABELLED: Final = 20
"""So many may lack a bucket whatever their share is: one late pod is no change of labels."""


class Rule(StrEnum):
    """How the evidence of a test is weighed."""

    PLAIN = "Plain"
    DIVIDED = "Divided"
    GROSS = "Gross"


class Kind(StrEnum):
    """Why that rule."""

    MEASURED = "Measured"
    DECLARED_INDEPENDENT = "DeclaredIndependent"
    NO_BUCKETS = "NoBuckets"
    TOO_FEW_BUCKETS = "TooFewBuckets"
    BUCKETS_FOLLOW_ARM = "BucketsFollowArm"
    BUCKETS_CHANGED = "BucketsChanged"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """kind: what was found; rule: what follows; message: both in plain words."""

    kind: Kind
    rule: Rule
    message: str


FINDINGS: Final = {
    Kind.NO_BUCKETS: "requests carry no bucket label",
    Kind.TOO_FEW_BUCKETS: f"fewer than {LEAST_IN_USE} buckets are in use, too few users to measure",
    Kind.BUCKETS_FOLLOW_ARM: "buckets follow the arm: the bucket needs a salt of its own",
    Kind.BUCKETS_CHANGED: "the bucket label changed or vanished, and an hour has not passed since",
}
FALLBACKS: Final = {
    Rule.PLAIN: "assumes independent requests, as routing is declared per request",
    Rule.GROSS: (
        "users may stick to an arm, so only gross harm rolls back (3 x the bound + 5 points), "
        "lesser harm pauses, and data never promotes"
    ),
}


def assumptions(spec: TestSpec, state: TestState) -> Assumptions:
    """What the evidence of this test rests on after the last window."""
    kind = _kind(state)
    if kind is Kind.MEASURED:
        buckets = len(state.whole[0]) if state.whole else 0
        told = f"clustering is measured over {buckets} buckets" if buckets else "no requests yet"
        return Assumptions(kind, Rule.DIVIDED, told)
    rule = Rule.GROSS if spec.units is Units.USERS else Rule.PLAIN
    if kind is Kind.NO_BUCKETS and rule is Rule.PLAIN:
        return Assumptions(Kind.DECLARED_INDEPENDENT, rule, FALLBACKS[rule])
    return Assumptions(kind, rule, f"{FINDINGS[kind]}; {FALLBACKS[rule]}")


def weakest(found: Iterable[Assumptions]) -> Assumptions | None:
    """Of several tests, the assumptions that prove least; the first among equals, None of none."""
    order = [Rule.GROSS, Rule.PLAIN, Rule.DIVIDED]
    return min(found, key=lambda told: order.index(told.rule), default=None)


def is_unlabelled(unlabelled: float, labelled: float) -> bool:
    """Too many requests lack a bucket: more than 5 %, and not just a handful among others."""
    share = unlabelled > MOST_UNLABELLED * (unlabelled + labelled)
    return share and (unlabelled > FEW_UNLABELLED or not labelled)


def _kind(state: TestState) -> Kind:
    if state.blind_until:
        return Kind.BUCKETS_CHANGED
    if not state.whole:
        seen = state.arm.total + state.reference.total
        return Kind.NO_BUCKETS if seen else Kind.MEASURED
    arm, reference = np.array(state.whole[0]), np.array(state.whole[2])
    if _follow_arm(arm, reference):
        return Kind.BUCKETS_FOLLOW_ARM
    if arm.sum() >= FEW_REQUESTS and np.count_nonzero(arm) < LEAST_IN_USE:
        return Kind.TOO_FEW_BUCKETS
    return Kind.MEASURED


def _follow_arm(arm: Floats, reference: Floats) -> bool:
    """A bucket has requests in one arm, and none of many expected in the other."""
    n_c, n_s = arm.sum(), reference.sum()
    if not n_c or not n_s:
        return False
    missing = np.maximum(arm * (reference == 0) * n_s / n_c, reference * (arm == 0) * n_c / n_s)
    return bool(missing.max() > LEAST_EXPECTED)
