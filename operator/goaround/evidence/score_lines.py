"""The words for a mean: in the unit of the score, with the spread that the evidence believes in.

Decides how many decimals a score needs so that the line stays true. Refuses to judge.
"""

import math
from typing import Final, assert_never

from goaround.evidence.model import Counts, Max, Min, TestSpec, VsStable
from goaround.evidence.scale import Scale

MORE_DECIMALS: Final = 6


def means(spec: TestSpec, scale: Scale, arm: Counts, stable: Counts, *, outside: bool) -> str:
    """`judge 0.71 vs 0.8 - 0.04`, or `judge 0.66 < min 0.7`; without how many there were."""
    seen = scale.score(arm.share)
    match spec.bound:
        case Max(limit) | Min(limit):
            badness = limit if isinstance(spec.bound, Max) else 1 - limit
            mean, edge = numbers(seen, scale.score(badness), scale.width)
            name, beyond = ("min", "<") if scale.lower_is_worse else ("max", ">")
            return f"{spec.signal} {mean} {beyond if outside else 'within'} {name} {edge}"
        case VsStable() as bound:
            mean, other = numbers(seen, scale.score(stable.share), scale.width)
            allowed = tolerance(scale, bound.factor, bound.worse_by)
            return f"{spec.signal} {mean} vs {other if stable.total else '?'}{allowed}"
        case _:
            assert_never(spec.bound)


def tolerance(scale: Scale, factor: float, worse_by: float) -> str:
    """` - 0.04` of a score that should be high, ` + 0.04` of one that should be low."""
    best = scale.score(0.0)
    times = f" x {factor:g} of its distance from {best:g}" if factor != 1 else ""
    sign = "-" if scale.lower_is_worse else "+"
    return times + (f" {sign} {scale.width * worse_by:g}" if worse_by else "")


def spread(scale: Scale, arm: Counts) -> str:
    """What is known of the spread of one score, for the sizes of a line."""
    if not scale.bucketed:
        return ", spread unknown"
    return f", sd at most {scale.width * deviation(arm):.2g}"


def deviation(counts: Counts) -> float:
    """Standard deviation of one score's badness, at most."""
    mean = counts.second / counts.total if counts.total else 0.0
    return math.sqrt(max(0.0, mean - counts.share**2))


def numbers(score: float, other: float, width: float) -> tuple[str, str]:
    """Two scores to about a hundredth of the scale, and as much finer as keeps them apart."""
    fewest = max(0, 2 - math.floor(math.log10(width)))
    for decimals in range(fewest, fewest + MORE_DECIMALS):
        shown = _rounded(score, decimals), _rounded(other, decimals)
        if shown[0] != shown[1] or score == other:
            return shown
    return shown


def _rounded(score: float, decimals: int) -> str:
    text = f"{score:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
