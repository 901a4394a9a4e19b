"""Strict decoding of a matrix answer: from bytes to one reading per feature.

Decides what counts as a row. What one feature's rows get wrong costs that feature its reading and
no other; an answer that cannot be attributed costs all. Refuses to guess: NaN is never 0, a stray
time stamp is never rounded, a second row for the same thing is never added up.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from goaround.world.prom_count import Flaw, counts
from goaround.world.prom_matchers import LE, PART_LABEL, FeatureKey, Labels
from goaround.world.prom_matrix import Row
from goaround.world.prom_matrix import rows as matrix_rows
from goaround.world.prom_scores import BY_BOUND, Histogram, scored
from goaround.world.prom_types import (
    BUCKETS,
    NOTHING,
    Counts,
    Kind,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
    WindowReading,
)

_LONGEST_PLAIN: Final = 16
_DECIMAL: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NOT_A_NUMBER: Final = frozenset({"NaN", "+Inf", "-Inf", "Inf"})
_NUMBERS: Final = {f"b{number:02}": number for number in range(BUCKETS)}

# window end -> (variant, label of the bucket of users) -> part -> number
_Windows = dict[int, dict[tuple[str, str], dict[str, float]]]
# window end -> variant -> (part, bound of the bucket of scores) -> number
_Histograms = dict[int, dict[str, dict[tuple[str, str], float]]]
_Parts = Mapping[str, float]
_Key = TypeVar("_Key", bound=Hashable)


def decode(
    body: bytes,
    *,
    labels: Labels,
    features: Collection[FeatureKey],
    variants: Collection[str],
    ends: range,
    shape: Shape,
) -> Mapping[FeatureKey, Read] | Unreadable:
    """The reading of every one of `features`, or why the answer as a whole is unusable.

    Rows of features and variants that were not asked for are passed over. A feature without rows
    reads as empty windows: that is what a provider says about series it does not have.
    """
    answer = matrix_rows(body)
    if isinstance(answer, Unreadable):
        return answer
    rows: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    needed, (namespace, feature, variant) = {*labels.names, PART_LABEL}, labels.names
    for row in answer:
        if not needed <= row.metric.keys():
            return Unreadable(
                UnreadableReason.BAD_ANSWER,
                f"a row lacks one of the labels {', '.join(labels.names)}, {PART_LABEL}: "
                "check the provider and what stands between it and the operator",
            )
        if row.metric[variant] in variants:
            rows[row.metric[namespace], row.metric[feature]].append(row)
    return {f: _reading(rows.get((f.namespace, f.name), ()), labels, ends, shape) for f in features}


def decode_values(body: bytes, label: str) -> tuple[str, ...]:
    """Values of one label over all rows of a matrix answer; nothing of an answer that is none."""
    answer = matrix_rows(body)
    found = () if isinstance(answer, Unreadable) else answer
    return tuple(row.metric[label] for row in found if label in row.metric)


def _reading(rows: Sequence[Row], labels: Labels, ends: range, shape: Shape) -> Read:
    try:
        found: _Windows = {end: {} for end in ends}
        held: _Histograms = {end: {} for end in ends}
        seen: set[tuple[str, str, str]] = set()
        for row in rows:
            arm, part = row.metric[labels.variant], row.metric[PART_LABEL]
            by_bound = part in BY_BOUND
            bucket = row.metric.get(LE if by_bound else labels.bucket, "")
            if (arm, bucket, part) in seen:
                raise Flaw(
                    UnreadableReason.DUPLICATE,
                    f"two rows count the same events of {arm}; one is allowed: "
                    "look for two stores that answer without deduplication",
                )
            seen.add((arm, bucket, part))
            for end, value in _points(row, ends, shape):
                if by_bound:
                    _put(held[end].setdefault(arm, {}), (part, bucket), value, end)
                else:
                    _put(found[end].setdefault((arm, bucket), {}), part, value, end)
        return Readings(tuple(_window(end, found[end], held[end], shape) for end in ends))
    except Flaw as flaw:
        return Unreadable(flaw.reason, str(flaw))


def _put(cell: dict[_Key, float], key: _Key, value: float, end: int) -> None:
    if key in cell:
        raise Flaw(
            UnreadableReason.DUPLICATE, f"two values at {end}, one is allowed: check the provider"
        )
    cell[key] = value


def _points(row: Row, ends: range, shape: Shape) -> Iterator[tuple[int, float]]:
    if not row.values:
        raise Flaw(
            UnreadableReason.BAD_ANSWER,
            "a row holds no plain numbers (a native histogram?): name a counter in the signal",
        )
    for at, text in row.values:
        if not (at.is_integer() and int(at) in ends):
            raise _off_grid(at, ends)
        if shape.kind is Kind.QUERY:
            # a quotient of nothing is no value; the counters of other kinds are never one
            if text != "NaN":
                yield int(at), _measured(text)
        else:
            yield int(at), _number(text, signed=shape.lowest < 0)


def _off_grid(at: float, ends: range) -> Flaw:
    reason = UnreadableReason.FUTURE if at > ends[-1] else UnreadableReason.BAD_ANSWER
    return Flaw(
        reason,
        f"a value is stamped {at}, outside the asked times {ends[0]} to {ends[-1]} "
        f"in steps of {ends.step} s: check the provider and its clock",
    )


def _measured(text: str) -> float:
    if text in _NOT_A_NUMBER:
        return math.inf if text.lstrip("+") == "Inf" else -math.inf
    return _number(text, signed=True)


def _number(text: str, *, signed: bool) -> float:
    if len(text) < _LONGEST_PLAIN and text.isascii() and text.isdigit():
        return float(text)  # nearly all of them
    if text in _NOT_A_NUMBER:
        raise Flaw(
            UnreadableReason.NOT_A_NUMBER,
            f"a count is {text}, which is not an amount: mend the counter that exports it",
        )
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not (math.isfinite(value) and (signed or value >= 0)):
        raise Flaw(
            UnreadableReason.BAD_ANSWER,
            "a count is not a number of at least 0: name a counter in the signal, not a gauge",
        )
    return value


def _window(
    end: int,
    rows: Mapping[tuple[str, str], _Parts],
    held: Mapping[str, Histogram],
    shape: Shape,
) -> WindowReading:
    if shape.kind is Kind.QUERY:
        found = {arm: row["value"] for (arm, _), row in rows.items() if "value" in row}
        return WindowReading(end, {}, values=found)
    arms: dict[str, Counts] = {}
    buckets: dict[str, tuple[Counts, ...]] = {}
    for arm in sorted({arm for arm, _ in rows}):
        mine = {label: parts for (other, label), parts in rows.items() if other == arm}
        whole = counts(arm, end, _summed(mine.values()), shape)
        arms[arm] = scored(arm, whole, held.get(arm, {}), shape) if shape.buckets else whole
        if numbered := _numbered(arm, end, mine, shape):
            buckets[arm] = numbered
    return WindowReading(end, arms, buckets)


def _summed(rows: Iterable[_Parts]) -> _Parts:
    sums: dict[str, float] = {}
    for parts in rows:
        for part, value in parts.items():
            sums[part] = sums.get(part, 0.0) + value
    return sums


def _numbered(arm: str, end: int, rows: Mapping[str, _Parts], shape: Shape) -> tuple[Counts, ...]:
    """Counts by bucket; none where no row is numbered, or where one part is and another is not."""
    found = [NOTHING] * BUCKETS
    numbered = {label: _NUMBERS[label] for label in rows if label in _NUMBERS}
    others = (parts for label, parts in rows.items() if label not in numbered)
    if not numbered or any("total" not in parts for parts in others):
        return ()
    for label, number in numbered.items():
        try:
            found[number] = counts(arm, end, rows[label], shape)
        except Flaw:
            return ()
    return tuple(found)
