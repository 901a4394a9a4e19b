"""The fields of a CRD's schema as rows: path, type, default, bounds, words, and what is refused.

Decides how a schema reads to people. Adds no word of its own about what a field means: that stands
in the schema.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from goaround.api.base import Json
from goaround.api.schema import RULES

LIST, MAP = "[]", ".<name>"
BOUNDS: Final = {
    "imum": "",
    "Length": " characters",
    "Items": " items",
    "Properties": " keys",
}
"""The end of a pair of bounds, and what is counted by it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the API server refuses with `message`, at the field that carries it."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `path` begins at `spec` or `status`; a list ends in `[]`, and keys of a map are
    `<name>`. `required`: within the object that it is part of."""

    path: str
    type: str
    required: bool
    default: str
    bounds: str
    words: str


def rows(schema: Json, path: str) -> Iterator[Row]:
    """`schema` at `path`, and everything below it, in the order of the schema."""
    yield _row(schema, path, required=False)
    yield from _below(schema, path)


def rules(schema: Json, path: str) -> Iterator[Rule]:
    """Every rule at `path` and below it."""
    for rule in schema.get(RULES, ()):
        yield Rule(path + rule.get("fieldPath", ""), rule["message"])
    for name, part in schema.get("properties", {}).items():
        yield from rules(part, f"{path}.{name}")
    for mark, part in _elements(schema):
        yield from rules(part, path + mark)


def _below(schema: Json, path: str) -> Iterator[Row]:
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        yield _row(part, f"{path}.{name}", required=name in required)
        yield from _below(part, f"{path}.{name}")
    for mark, part in _elements(schema):
        yield from _below(part, path + mark)


def _elements(schema: Json) -> Iterator[tuple[str, Json]]:
    """What a list or a map is made of."""
    if "items" in schema:
        yield LIST, schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        yield MAP, schema["additionalProperties"]


def _row(schema: Json, path: str, *, required: bool) -> Row:
    default = schema.get("default")
    return Row(
        path=path,
        type=_type(schema),
        required=required,
        default="" if default in (None, {}) else _written(default),
        bounds=_bounds(schema),
        words=_words(schema),
    )


def _type(schema: Json) -> str:
    for mark, part in _elements(schema):
        kind = "list of" if mark == LIST else "map of"
        return f"{kind} {_type(part)}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema["type"])


def _bounds(schema: Json) -> str:
    """Of the field, and of the elements of a list or map."""
    found = [*_of(schema)]
    for _, part in _elements(schema):
        found += [f"each {told}" for told in _of(part)]
    return "; ".join(found)


def _of(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{choice}`" for choice in schema["enum"])
        return
    for end, unit in BOUNDS.items():
        low, high = schema.get(f"min{end}"), schema.get(f"max{end}")
        if low is not None and high is not None:
            yield f"{low} to {high}{unit}" if low != high else f"{low}{unit}"
        elif low is not None or high is not None:
            yield (f"at least {low}{unit}" if high is None else f"at most {high}{unit}")
    if "pattern" in schema:
        yield f"like `{schema['pattern']}`"
    if "x-kubernetes-list-map-keys" in schema:
        yield "unique by " + ", ".join(f"`{key}`" for key in schema["x-kubernetes-list-map-keys"])


def _words(schema: Json) -> str:
    """The description without the default and the range, which have columns of their own."""
    text = " ".join(str(schema.get("description", "")).split())
    low, high = schema.get("minimum"), schema.get("maximum")
    for range_ in (f" Range: {low} to {high}.", f" At least {low}.", f" At most {high}."):
        text = text.removesuffix(range_)
    default = schema.get("default")
    if default not in (None, {}):
        shown = default if "enum" in schema else _written(default)
        text = text.removesuffix(f" Default: {shown}.")
    return text


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
