"""From the parts of one arm in one window to its counts, for each kind of shape.

Decides how latency, scores and events become `bad of total`. Refuses what cannot be: more bad
events than events, scores beyond their scale, a bucket that some series lack.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from goaround.world.prom_types import Counts, Kind, Shape, UnreadableReason

# Counters are floats: the difference of two sums may be off in its last digits.
RELATIVE_SLACK: Final = 1e-9
ABSOLUTE_SLACK: Final = 1e-6
# A pod that restarts, and passes its old count before the window ends, loses scores of one counter
# and not of the other. More than so many were never lost that way.
LOST_SCORES: Final = 10


class Flaw(Exception):
    """What one feature's rows get wrong; it costs that feature its reading."""

    def __init__(self, reason: UnreadableReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def counts(arm: str, end: int, parts: Mapping[str, float], shape: Shape) -> Counts:
    """Counts of one arm (or of one bucket of it). A part without a value counts 0: its series may
    not have been born yet. Raises `Flaw`."""
    total = parts.get("total", 0.0)
    match shape.kind:
        case Kind.RATIO:
            return _ratio(parts.get("bad", 0.0), total, f"{arm} in the window that ended at {end}")
        case Kind.COUNT:
            # An event may come later than its request. The surplus counts as requests of its own,
            # which never makes the share larger than events over requests.
            events = parts.get("bad", 0.0)
            return Counts(total=max(total, events), bad=events)
        case Kind.LATENCY:
            if parts.get("odd", 0.0) > 0:
                raise Flaw(
                    UnreadableReason.NO_BUCKET,
                    f"{parts['odd']:g} series of {arm} have no bucket le={shape.slower_than!r}",
                )
            fast = min(parts.get("fast", 0.0), total)
            return Counts(total=total, bad=total - fast)
        case Kind.MEAN:
            return _scores(arm, parts.get("sum", 0.0), total, shape)
        case Kind.QUERY:
            raise ValueError("a query counts nothing")
        case _:
            assert_never(shape.kind)


def _ratio(bad: float, total: float, where: str) -> Counts:
    if bad > total * (1 + RELATIVE_SLACK) + ABSOLUTE_SLACK:
        raise Flaw(
            UnreadableReason.BAD_ANSWER,
            f"{bad:g} bad of {total:g} in all for {where}; bad may not exceed total: check that "
            "total counts every event, bad ones included",
        )
    return Counts(total=total, bad=min(bad, total))


def _scores(arm: str, total_score: float, count: float, shape: Shape) -> Counts:
    """Each score counts as bad by its distance from the best end, as a part of the scale.

    A bet on counts stays valid with such fractions, by convexity (notes/statistics.md 3.5).
    """
    scale = shape.highest - shape.lowest
    badness = (total_score - shape.lowest * count) / scale
    slack = LOST_SCORES + RELATIVE_SLACK * count
    if not -slack <= badness <= count + slack:
        raise Flaw(
            UnreadableReason.BAD_ANSWER,
            f"{count:g} scores of {arm} add up to {total_score:g}, which is beyond their scale "
            f"{shape.lowest:g} to {shape.highest:g}: correct lowest and highest, or the sum",
        )
    within = min(max(badness, 0.0), count)
    return Counts(total=count, bad=count - within if shape.lower_is_worse else within)
