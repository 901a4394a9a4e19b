"""Assertions of a golden case: what an answer must be, without anybody reading it.

Decides whether each holds, exactly and in bounded time. Refuses to quote an answer: what does not
hold is called by its kind.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from goaround.evidence.golden_schema import fits


class _Missing:
    """There is nothing at a path."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. value: its JSON, MISSING where it has none."""

    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class FitsSchema:
    path: str
    validator: Any


@dataclass(frozen=True, slots=True)
class Equals:
    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Matches:
    path: str
    expression: Any


@dataclass(frozen=True, slots=True)
class Near:
    """|actual - value| <= tolerance."""

    path: str
    value: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Contains:
    path: str
    text: str
    wanted: bool = True


Assertion = FitsSchema | Equals | Matches | Near | Contains


def answer(body: bytes) -> Answer:
    """The body of a response; what is no JSON has only text."""
    text = body.decode("utf-8", errors="replace")
    try:
        return Answer(text, json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return Answer(text, MISSING)


def broken(assertions: Sequence[Assertion], found: Answer) -> str | None:
    """The kind of the first assertion that does not hold; None where all do."""
    return next((kind(one) for one in assertions if _is_broken(one, found)), None)


def kind(assertion: Assertion) -> str:
    """How a golden set calls it."""
    match assertion:
        case FitsSchema():
            return "schema"
        case Equals():
            return "exact"
        case Matches():
            return "regex"
        case Near():
            return "numeric"
        case Contains(wanted=wanted):
            return "mustContain" if wanted else "mustNotContain"
        case _:
            assert_never(assertion)


def at(value: Any, path: str) -> Any:
    """What a JSON pointer (RFC 6901) finds; MISSING where there is nothing."""
    for token in path.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        match value:
            case dict() if name in value:
                value = value[name]
            case list() if name.isascii() and name.isdigit() and int(name[:9]) < len(value):
                value = value[int(name[:9])]
            case _:
                return MISSING
    return value


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is 1.0, and true is no number."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case _:
            return bool(one == other)


def _is_broken(assertion: Assertion, found: Answer) -> bool:
    try:
        return not _holds(assertion, found)
    except RecursionError:
        return True  # an answer that is nested to no purpose


def _holds(assertion: Assertion, found: Answer) -> bool:
    value = at(found.value, assertion.path)
    match assertion:
        case FitsSchema(validator=validator):
            return value is not MISSING and fits(validator, value)
        case Equals(value=wanted):
            return value is not MISSING and same(value, wanted)
        case Matches(expression=expression):
            text = _text(found, assertion.path, value)
            return text is not None and bool(expression.search(text))
        case Near(value=wanted, tolerance=tolerance):
            return _is_number(value) and abs(value - wanted) <= tolerance
        case Contains(text=needle, wanted=wanted):
            text = _text(found, assertion.path, value)
            # nothing contains nothing: what is absent holds no promise, for better or worse
            return text is not None and (needle in text) is wanted
        case _:
            assert_never(assertion)


def _text(found: Answer, path: str, value: Any) -> str | None:
    """The text at a path: of a string itself, of anything else its JSON."""
    if not path:
        return found.text
    if value is MISSING:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 1e300 and math.isfinite(value)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
