"""N of M: when values beyond a plain threshold call for a rollback.

Decides it from the values alone, so that a replay decides the same. Refuses to call this
statistics: no chance of error is known, and no share of alpha is spent.
"""

from collections.abc import Sequence

from goaround.evidence.model import Counts


def evaluated(
    values: Sequence[float | None],
    *,
    highest: float | None,
    lowest: float | None,
    failures: int,
    of: int,
) -> list[Counts | None]:
    """One evaluation per value, in the order of time; None where there was no value.

    An evaluation is bad when at least `failures` of the last `of` values, itself included, are
    above `highest` or below `lowest`. A missing value is neither: it takes a place and fails
    nothing. The caller gives `of` - 1 values more than it asks about, as far as there are any.
    """
    beyond = [value is not None and _is_beyond(value, highest, lowest) for value in values]
    looked_at = [beyond[max(0, at - of) : at] for at in range(1, len(values) + 1)]
    return [
        None if value is None else Counts(1.0, float(some[-1] and sum(some) >= failures))
        for value, some in zip(values, looked_at, strict=True)
    ]


def _is_beyond(value: float, highest: float | None, lowest: float | None) -> bool:
    return (highest is not None and value > highest) or (lowest is not None and value < lowest)
