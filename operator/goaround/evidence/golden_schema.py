"""JSON Schema on answers nobody vouches for: local, linear in its patterns, counted in its steps.

Decides whether an answer fits a schema. Refuses whatever could fetch, match in exponential time or
walk for ever: remote `$ref`, other keywords that resolve names, and schemas that take too long.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UndefinedTypeCheck, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from goaround.evidence.quoting import quoted_name

MOST_STEPS: Final = 20_000
"""Keywords applied to one answer; a page of schema on a page of answer takes a few hundred."""

TEXT_PER_STEP: Final = 256
MOST_PATTERN: Final = 512
PATTERN_MEMORY: Final = 1 << 20
REFUSED: Final = {
    "$id": "names are resolved in the schema itself: take it out",
    "$dynamicRef": "use $ref to #/$defs/…",
    "patternProperties": "list the properties, or use propertyNames",
    "unevaluatedProperties": "use additionalProperties",
    "unevaluatedItems": "use items",
}
NAMES_ONLY: Final = {"properties", "$defs", "dependentSchemas", "enum", "const", "default"}

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

_left: ContextVar[list[int]] = ContextVar("steps left")


class Unfit(ValueError):
    """A schema or expression that cannot be used; the text says what it is and what to do."""


class _Exhausted(Exception):
    """The answer took more steps than it may."""


def expression(pattern: str) -> Any:
    """A linear-time expression (RE2 syntax). Raises Unfit."""
    if len(pattern) > MOST_PATTERN:
        raise Unfit(f"an expression has at most {MOST_PATTERN} characters, not {len(pattern)}")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as err:
        told = err.args[0] if err.args else "?"
        told = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
        raise Unfit(
            f"the expression is not understood ({quoted_name(told)}): RE2 syntax, without "
            "look-around and back-references"
        ) from err


def compiled(schema: Any) -> Any:
    """A validator for `fits`. Raises Unfit."""
    _require_local(schema)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as err:
        where = "/".join(quoted_name(str(part)) for part in err.absolute_path) or "its top"
        raise Unfit(f"not a JSON Schema of draft 2020-12, at {where}") from err
    except (RecursionError, UndefinedTypeCheck) as err:
        raise Unfit("the schema is nested too deeply") from err
    return _Counted(schema, registry=Registry())


def fits(validator: Any, value: Any) -> bool:
    """Whether a JSON value fits; one that takes too many steps to tell does not."""
    token = _left.set([MOST_STEPS])
    try:
        return next(validator.iter_errors(value), None) is None
    except (_Exhausted, RecursionError, Unresolvable):
        return False
    finally:
        _left.reset(token)


def _require_local(schema: Any, *, names: bool = False) -> None:
    """names: the keys of this level are names of the author, not keywords."""
    if isinstance(schema, list):
        for one in schema:
            _require_local(one)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if not names and key in REFUSED:
            raise Unfit(f"{key} is not supported: {REFUSED[key]}")
        if not names and key == "$ref" and not str(value).startswith("#"):
            raise Unfit("$ref may only point into the schema itself, as #/$defs/…: nothing is "
                        "fetched")  # fmt: skip
        if not names and key == "pattern" and isinstance(value, str):
            expression(value)
        if names or key not in {"enum", "const", "default"}:
            _require_local(value, names=not names and key in NAMES_ONLY)


def _spend(steps: int) -> None:
    left = _left.get()
    left[0] -= steps
    if left[0] < 0:
        raise _Exhausted


def _counted(keyword: str, apply: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spend(_cost(keyword, value, instance))
        yield from apply(validator, value, instance, schema) or ()

    return counted


def _cost(keyword: str, value: Any, instance: Any) -> int:
    size = len(instance) if isinstance(instance, list | dict | str) else 1
    match keyword:
        case "uniqueItems":
            return 1 + size * size // TEXT_PER_STEP
        case "enum":
            return 1 + len(value) * (1 + size // TEXT_PER_STEP)
        case _:
            return 1 + size // TEXT_PER_STEP


def _pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not expression(value).search(instance):
        yield ValidationError("pattern")


_Counted: Final = extend(
    Draft202012Validator,
    {
        name: _counted(name, _pattern if name == "pattern" else apply)
        for name, apply in Draft202012Validator.VALIDATORS.items()
    },
)
