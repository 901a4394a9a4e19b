"""All tests of a release together decide on a breach.

Decides whether harm is proven within the false-rollback budget, and which signals are to blame.
Refuses to know what a signal says to people.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from goaround.evidence.assumptions import Rule, assumptions
from goaround.evidence.findings import Breach
from goaround.evidence.model import TestSpec, TestState
from goaround.evidence.weighing import log_e_value, weigh

LINGERS: Final = 0.5
"""Of the nats that begin a pause, so many keep it: evidence that walks about the level would else
begin and end one in nearly every window."""


def combine(specs: Sequence[TestSpec], states: Sequence[TestState], alpha: float) -> Breach:
    """The combined test: breached iff sum v_i X_i >= 1/alpha, or a hard guard saw a bad event.

    X_i is what is left of test i's e-value E_i after its design effect and its t condition, never
    more than E_i (`kernel.divided`, `kernel.gross`). A weighted average of e-processes is one,
    however they depend on each other, so for independent requests P(false rollback ever) <= alpha;
    with users who stick it is measured. Nothing is divided before the plain sum reaches the level,
    as division only lessens it. Hard guards stand outside. To blame are the tripped hard
    guards, the test that contributes most, and each that would have breached alone. It says what
    holds after the latest window: the caller latches a breach, and asks after every window
    (`advance_all`).
    """
    _require_budget(specs, alpha)
    pairs = list(zip(specs, states, strict=True))
    level = -math.log(alpha)
    tripped = tuple(t.signal for t, s in pairs if t.hard and t.harm(s.arm).bad > 0)
    soft = {t.signal: (t, s) for t, s in pairs if not t.hard}
    plain = {name: math.log(t.share) + log_e_value(s) for name, (t, s) in soft.items()}
    suspects = _guilty(plain, level)
    if not suspects:
        near = _guilty(plain, level * LINGERS)
        return replace(_breach(plain, tripped, alpha), lingering=_gross(soft, near))
    weighed = {name: weigh(t, s, level) for name, (t, s) in soft.items()}
    parts = {name: math.log(t.share) + weighed[name].log_x for name, (t, _) in soft.items()}
    breach = _breach(parts, (*tripped, *_guilty(parts, level)), alpha)
    if breach.breached:
        return breach
    gross = _gross(soft, suspects)
    return replace(breach, held=suspects, pausing=gross, lingering=gross)


def _gross(soft: Mapping[str, tuple[TestSpec, TestState]], names: Sequence[str]) -> tuple[str, ...]:
    """Those of which only gross harm can be proven."""
    return tuple(n for n in names if assumptions(*soft[n]).rule is Rule.GROSS)


def _breach(parts: Mapping[str, float], culprits: tuple[str, ...], alpha: float) -> Breach:
    return Breach(
        log_e=_sum(parts),
        breached=bool(culprits),
        top=next(iter((*culprits, *_ranked(parts))), ""),
        culprits=culprits,
        alpha=alpha,
    )


def _require_budget(specs: Sequence[TestSpec], alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    if math.fsum(spec.share for spec in specs) > 1 + 1e-9:
        raise ValueError("the shares of the tests add up to more than 1")
    if len({spec.signal for spec in specs}) < len(specs):
        raise ValueError("names of tests must be unique")


def _sum(parts: Mapping[str, float]) -> float:
    """ln of the sum of exp(parts); -inf for none."""
    return float(np.logaddexp.reduce(list(parts.values()))) if parts else -math.inf


def _ranked(parts: Mapping[str, float]) -> list[str]:
    return sorted(parts, key=lambda name: -parts[name])


def _guilty(parts: Mapping[str, float], level: float) -> tuple[str, ...]:
    """Of a sum that reached the level: the largest part, and each that reached it alone."""
    if _sum(parts) < level:
        return ()
    first, *others = _ranked(parts)
    return (first, *(name for name in others if parts[name] >= level))
