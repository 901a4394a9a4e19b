"""Strict decoding of a matrix answer: from bytes to one reading per feature.

Decides what counts as a row. What one feature's rows get wrong costs that feature its reading and
no other; an answer that cannot be attributed costs all. Refuses to guess: NaN is never 0, a stray
time stamp is never rounded, a second row for the same thing is never added up.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from goaround.world.prom_matchers import PART_LABEL, FeatureKey, Labels
from goaround.world.prom_types import (
    Counts,
    Read,
    Readings,
    Unreadable,
    UnreadableReason,
    WindowReading,
)

_DECIMAL: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NOT_A_NUMBER: Final = frozenset({"NaN", "+Inf", "-Inf", "Inf"})
# Counters are floats: the difference of two sums may be off in its last digits.
_RELATIVE_SLACK: Final = 1e-9
_ABSOLUTE_SLACK: Final = 1e-6

# (variant, part) -> window end -> events
_Series = dict[tuple[str, str], dict[int, float]]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Row(_Strict):
    metric: dict[str, str]
    # Missing in a row of native histograms, which must not cost other features their reading.
    values: list[tuple[float, str]] = []


class _Matrix(_Strict):
    result_type: Annotated[Literal["matrix"], Field(alias="resultType")]
    result: list[_Row]


class _Answer(_Strict):
    status: Literal["success"]
    data: _Matrix
    warnings: list[str] = []


class _Flaw(Exception):
    def __init__(self, reason: UnreadableReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def decode(
    body: bytes,
    *,
    labels: Labels,
    features: Collection[FeatureKey],
    variants: Collection[str],
    ends: range,
) -> Mapping[FeatureKey, Read] | Unreadable:
    """The reading of every one of `features`, or why the answer as a whole is unusable.

    Rows of features and variants that were not asked for are passed over. A feature without rows
    reads as empty windows: that is what a provider says about series it does not have.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        return Unreadable(
            UnreadableReason.BAD_ANSWER,
            "the answer is not a matrix in the Prometheus HTTP API's JSON: "
            "check that the provider's url leads to a Prometheus-compatible query API",
        )
    if answer.warnings:
        return Unreadable(
            UnreadableReason.PARTIAL,
            f"the answer came with {len(answer.warnings)} warning(s), so it may be partial; "
            "none is allowed: run the query by hand to read them, and mend the store or the metric",
        )
    rows: defaultdict[FeatureKey, list[_Row]] = defaultdict(list)
    for row in answer.data.result:
        if not {*labels.names, PART_LABEL} <= row.metric.keys():
            return Unreadable(
                UnreadableReason.BAD_ANSWER,
                f"a row lacks one of the labels {', '.join(labels.names)}, {PART_LABEL}: "
                "check the provider and what stands between it and the operator",
            )
        if row.metric[labels.variant] in variants:
            rows[FeatureKey(row.metric[labels.namespace], row.metric[labels.feature])].append(row)
    return {f: _reading(rows.get(f, ()), labels, ends) for f in features}


def _reading(rows: Sequence[_Row], labels: Labels, ends: range) -> Read:
    try:
        series: _Series = {}
        for row in rows:
            arm, part = row.metric[labels.variant], row.metric[PART_LABEL]
            if (arm, part) in series:
                raise _Flaw(
                    UnreadableReason.DUPLICATE,
                    f"two rows count the same events of {arm}; one is allowed: "
                    "look for two stores that answer without deduplication",
                )
            series[arm, part] = _points(row, ends)
        return Readings(tuple(_window(end, series) for end in ends))
    except _Flaw as flaw:
        return Unreadable(flaw.reason, str(flaw))


def _points(row: _Row, ends: range) -> dict[int, float]:
    if not row.values:
        raise _Flaw(
            UnreadableReason.BAD_ANSWER,
            "a row holds no plain numbers (a native histogram?): name a counter in the signal",
        )
    points: dict[int, float] = {}
    for at, text in row.values:
        if not (at.is_integer() and int(at) in ends):
            raise _off_grid(at, ends)
        if int(at) in points:
            raise _Flaw(
                UnreadableReason.DUPLICATE,
                f"two values at {at:.0f}, one is allowed: check the provider",
            )
        points[int(at)] = _number(text)
    return points


def _off_grid(at: float, ends: range) -> _Flaw:
    reason = UnreadableReason.FUTURE if at > ends[-1] else UnreadableReason.BAD_ANSWER
    return _Flaw(
        reason,
        f"a value is stamped {at}, outside the asked times {ends[0]} to {ends[-1]} "
        f"in steps of {ends.step} s: check the provider and its clock",
    )


def _number(text: str) -> float:
    if text in _NOT_A_NUMBER:
        raise _Flaw(
            UnreadableReason.NOT_A_NUMBER,
            f"a count is {text}, which is not an amount: mend the counter that exports it",
        )
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not (math.isfinite(value) and value >= 0):
        raise _Flaw(
            UnreadableReason.BAD_ANSWER,
            "a count is not a number of at least 0: name a counter in the signal, not a gauge",
        )
    return value


def _window(end: int, series: _Series) -> WindowReading:
    arms = sorted({arm for (arm, _), points in series.items() if end in points})
    return WindowReading(end, {arm: _counts(arm, end, series) for arm in arms})


def _counts(arm: str, end: int, series: _Series) -> Counts:
    """A part without a value counts 0: its series may not have been born yet."""
    bad, total = (series.get((arm, part), {}).get(end, 0.0) for part in ("bad", "total"))
    if bad > total * (1 + _RELATIVE_SLACK) + _ABSOLUTE_SLACK:
        raise _Flaw(
            UnreadableReason.BAD_ANSWER,
            f"{bad:g} bad of {total:g} in all for {arm} in the window that ended at {end}; bad may "
            "not exceed total: check that total counts every event, bad ones included",
        )
    return Counts(total=total, bad=min(bad, total))
