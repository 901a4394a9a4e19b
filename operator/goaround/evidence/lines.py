"""One line per signal that explains itself.

Decides how numbers are rounded so that the line stays true: e-values are cut, never rounded up to a
level they miss, and a share is never shown equal to a limit it differs from. Refuses to judge.
"""

import math
from datetime import UTC, datetime
from typing import Final, assert_never

from goaround.evidence import score_lines
from goaround.evidence.assumptions import Rule
from goaround.evidence.model import Counts, Max, Min, TestSpec, TestState, VsStable
from goaround.evidence.weighing import Weighed

LONGEST_REASON: Final = 240
ROUNDING: Final = 1e-9


def breached(spec: TestSpec, state: TestState, e_value: float, level: float) -> str:
    """`schema-errors 12.4% > max 5% (n=113): e-value 215 >= 100 -> breach`"""
    return f"{_trouble(spec, state)}: e-value {number(e_value)} >= {number(level)} -> breach"


def suspected(spec: TestSpec, state: TestState, e_value: float, level: float) -> str:
    """Nearer to a breach than to acceptance, but neither."""
    seen = _trouble(spec, state)
    return f"{seen}: undecided, e-value of harm {number(e_value)} < {number(level)}"


def accepted(spec: TestSpec, state: TestState, e_value: float, level: float) -> str:
    """`schema-errors 0.3% within max 5% (n=812): accepted, e-value 9,120 >= 20`"""
    return f"{_overall(spec, state)}: accepted, e-value {number(e_value)} >= {number(level)}"


def divided(spec: TestSpec, state: TestState, weighed: Weighed, level: float) -> str:
    """`errors 4.1% vs 1% (n=5,210/46,800): evidence 31.2 / clustering 2.1 = 14.8 >= 4.6, t 5.3 >= 3
    -> breach`; level: nats that this test needs."""
    return f"{_trouble(spec, state)}: {_division(weighed, level)} -> breach"


def held(spec: TestSpec, state: TestState, weighed: Weighed, level: float) -> str:
    """What would be a breach if requests were independent, and why it is none."""
    if weighed.assumptions.rule is Rule.GROSS:
        evidence = f"evidence {nats(weighed.log_e)} >= {nats(level)}"
        return (
            f"{_trouble(spec, state)}: {evidence}, of gross harm {nats(weighed.log_x)} "
            f"-> hold: {weighed.assumptions.message}"
        )
    told = f"{_trouble(spec, state)}: {_division(weighed, level)} -> hold: few users carry it"
    return told + visible(spec, weighed)


def _division(weighed: Weighed, level: float) -> str:
    """Of all starts; or of those in the last hour, whose prior is part of what is needed."""
    late = " in the last hour" if weighed.log_mass else ""
    level -= weighed.log_mass
    left = max(weighed.evidence, 0.0) / weighed.divided_by
    relation, passed = _relation(left, level), _relation(weighed.t, weighed.t_needed)
    by = f"{nats(weighed.evidence)} / clustering {nats(weighed.divided_by)}"
    shares = f"{by} = {nats(left)} {relation} {nats(level)}"
    return f"evidence{late} {shares}, t {nats(weighed.t)} {passed} {nats(weighed.t_needed)}"


def _relation(value: float, needed: float) -> str:
    return ">=" if value >= needed else "<"


def visible(spec: TestSpec, weighed: Weighed) -> str:
    """`, smallest visible difference +0.9 points`, so that quiet is not read as safe."""
    if weighed.visible is None:
        return ""
    if spec.scale is not None:
        return f", smallest visible difference {spec.scale.width * weighed.visible:.2g}"
    points = 100 * weighed.visible
    return f", smallest visible difference +{points:.{1 if points >= 0.1 else 2}f} points"


def nats(value: float) -> str:
    """Evidence, a divisor or t for people: cut to one decimal."""
    if math.isinf(value):
        return "inf" if value > 0 else "none"
    return f"{math.floor(value * 10 + ROUNDING) / 10:.1f}".removesuffix(".0")


def undecided(
    spec: TestSpec, state: TestState, e_value: float, level: float, *, needed: int | None
) -> str:
    """Not enough either way, and how much is missing."""
    gap = f"e-value {number(e_value)} < {number(level)}"
    return f"{_overall(spec, state)}: undecided, {gap}, {_missing(spec, state, needed)}"


def _missing(spec: TestSpec, state: TestState, needed: int | None) -> str:
    if needed is not None:
        return f"needs about {rounded_up(needed):,} more {spec.arm} requests"
    if isinstance(spec.bound, VsStable) and not state.reference.total:
        return f"needs {spec.reference} requests to compare with"
    return "cannot be accepted at this rate"


def unknown(spec: TestSpec, state: TestState, reason: str) -> str:
    """Nothing could be read, or nothing has come."""
    last = f"; last seen: {_overall(spec, state)}" if state.arm.total else ""
    return f"{spec.signal} unknown: {reason[:LONGEST_REASON]}{last}"


def hard_guard(spec: TestSpec, state: TestState, min_samples: float) -> str:
    """`safety 1 bad event >= 1 (n=1,204) -> breach (hard guard)`"""
    bad, missing = spec.harm(state.arm).bad, math.ceil(min_samples - state.step_total)
    if bad > 0:
        events = "bad event" if bad == 1 else "bad events"
        return f"{spec.signal} {bad:,g} {events} >= 1 {_n(state.arm)} -> breach (hard guard)"
    seen = f"{spec.signal} no bad event {_n(state.arm)}"
    if missing > 0:
        return f"{seen}: undecided, needs {missing:,} more {spec.arm} requests (hard guard)"
    return f"{seen}: accepted (hard guard)"


def _overall(spec: TestSpec, state: TestState) -> str:
    return _shares(spec, state.arm, state.reference, "")


def _trouble(spec: TestSpec, state: TestState) -> str:
    """The numbers behind harm: of the whole flight if they show it, else since trouble began."""
    run = state.run
    if run.first_end is None or not run.arm.total or is_outside(spec, state.arm, state.reference):
        return _overall(spec, state)
    began = datetime.fromtimestamp(run.first_end - spec.interval, UTC)
    return _shares(spec, run.arm, run.reference, f" since {began:%Y-%m-%dT%H:%M:%SZ}")


def is_outside(spec: TestSpec, arm: Counts, stable: Counts) -> bool:
    """The shares themselves, noise and all, are on the bad side of what the bound allows."""
    match spec.bound:
        case Max(limit):
            return arm.share > limit
        case Min(limit):
            return arm.share < limit
        case VsStable(factor=factor, worse_by=worse_by):
            return arm.share > factor * stable.share + worse_by
        case _:
            assert_never(spec.bound)


def _shares(spec: TestSpec, arm: Counts, stable: Counts, since: str) -> str:
    outside = is_outside(spec, arm, stable)
    if spec.scale is not None:
        told = score_lines.means(spec, spec.scale, arm, stable, outside=outside)
        against = stable if isinstance(spec.bound, VsStable) else None
        return f"{told} {_n(arm, against, since=score_lines.spread(spec.scale, arm) + since)}"
    match spec.bound:
        case Max(limit):
            relation = ">" if outside else "within"
            share, bound = percents(arm.share, limit)
            return f"{spec.signal} {share} {relation} max {bound} {_n(arm, since=since)}"
        case Min(limit):
            relation = "<" if outside else "within"
            share, bound = percents(arm.share, limit)
            return f"{spec.signal} {share} {relation} min {bound} {_n(arm, since=since)}"
        case VsStable():
            share, other = percents(arm.share, stable.share)
            other = other if stable.total else "?"
            allowed = _tolerance(spec.bound)
            sizes = _n(arm, stable, since=since)
            return f"{spec.signal} {share} vs {other}{allowed} {sizes}"
        case _:
            assert_never(spec.bound)


def _tolerance(bound: VsStable) -> str:
    """What is allowed on top of stable: ` + 2 points`, ` x 1.2`, or nothing."""
    factor = f" x {bound.factor:g}" if bound.factor != 1 else ""
    worse_by = f" + {100 * bound.worse_by:g} points" if bound.worse_by else ""
    return factor + worse_by


def _n(arm: Counts, stable: Counts | None = None, *, since: str = "") -> str:
    against = f"/{whole(stable.total)}" if stable is not None else ""
    return f"(n={whole(arm.total)}{against}{since})"


def whole(value: float) -> str:
    return f"{round(value):,}"


def number(value: float) -> str:
    """An e-value or level for people: cut to one decimal below 100, to an integer above."""
    if value < 0.1:
        return "0" if value == 0 else "under 0.1"
    if value < 100:
        # 1e-9 of slack: 0.3 * 10 is 2.9999999999999996
        return f"{math.floor(value * 10 + ROUNDING) / 10:.1f}".removesuffix(".0")
    if value < 1e6:
        return f"{math.floor(value * (1 + ROUNDING)):,}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def percents(share: float, other: float) -> tuple[str, str]:
    """Two shares in percent with as few decimals as keep them apart, at least one significant."""
    for decimals in range(1, 8):
        shown = _percent(share, decimals), _percent(other, decimals)
        if shown[0] != shown[1] or share == other:
            return shown
    return shown


def _percent(share: float, decimals: int) -> str:
    percent = 100 * share
    if 0 < percent < 10.0**-decimals:
        decimals = math.ceil(-math.log10(percent))
    text = f"{percent:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def rounded_up(count: int) -> int:
    """Up to two significant digits: more would be a promise."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit
