"""Turns the models of this room into CustomResourceDefinitions: one source for model and schema.

It decides nothing about the API; it translates what the models say, word for word. It refuses
(`ValueError`) whatever it cannot translate exactly, so that no bound is lost on the way.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from goaround.api import GROUP
from goaround.api.base import Json, Model
from goaround.api.kinds import Served
from goaround.api.schema import RULES, cel

CATEGORY = "aiops"
MAX_API_VERSION = 253
MAX_KIND = 63
MAX_NAME = 253

# The order in which a reader wants them, and all that a structural schema of ours may hold.
KEYWORDS = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "default",
    "items",
    "additionalProperties",
    "properties",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    RULES,
)
KEY_BOUND = "self.all(key, key.size() <= "
TYPES = frozenset({"string", "integer", "boolean", "array", "object"})
SELF_EVIDENT: Json = {
    "apiVersion": {
        "description": "Group and version of this object.",
        "type": "string",
        "maxLength": MAX_API_VERSION,
    },
    "kind": {"description": "Kind of this object.", "type": "string", "maxLength": MAX_KIND},
    # The API server brings its own words for metadata, and refuses ours. The name stands here so
    # that a rule about it can point at it.
    "metadata": {
        "type": "object",
        "properties": {
            "name": {"description": "Name of this object.", "type": "string", "maxLength": MAX_NAME}
        },
    },
}


def crd(served: Served) -> Json:
    """The CustomResourceDefinition of one kind, ready to apply."""
    kind = served.kind
    version: Json = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [dict(column) for column in served.columns],
        "schema": {"openAPIV3Schema": _object_schema(served)},
    }
    if served.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in served.selectable]
    if served.status is not None:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": served.singular,
                "shortNames": [served.short],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def unbounded(schema: Json, at: str = "") -> Iterator[str]:
    """Paths of strings, lists and maps below `schema` that may grow without limit."""
    match schema["type"]:
        case "string" if not schema.keys() & {"maxLength", "enum"}:
            if schema.get("format") != "date-time":
                yield at
        case "array":
            if "maxItems" not in schema:
                yield at
            yield from unbounded(schema["items"], f"{at}[]")
        case "object" if "additionalProperties" in schema:
            if "maxProperties" not in schema or not _bounds_keys(schema):
                yield at
            yield from unbounded(schema["additionalProperties"], f"{at}{{}}")
        case "object" if "properties" in schema:
            for name, below in schema["properties"].items():
                yield from unbounded(below, f"{at}.{name}")
        case "object":
            yield at


def _bounds_keys(schema: Json) -> bool:
    return any(check["rule"].startswith(KEY_BOUND) for check in schema.get(RULES, ()))


def _object_schema(served: Served) -> Json:
    properties = SELF_EVIDENT | {"spec": _model_schema(served.spec)}
    if served.status is not None:
        properties["status"] = _status_schema(served.status)
    schema: Json = {
        "description": served.description,
        "type": "object",
        "properties": properties,
        "required": ["spec"],
    }
    if served.object_rules:
        schema[RULES] = [dict(check) for check in served.object_rules]
    return schema


def _model_schema(model: type[Model]) -> Json:
    whole = model.model_json_schema(by_alias=True, schema_generator=_WithFactories)
    return _structural(whole, whole.get("$defs", {}))


def _status_schema(model: type[Model]) -> Json:
    """Status starts as `{observedGeneration: -1}` and nothing else.

    kstatus calls an object without status ready; any other default would be a claim that nobody
    made.
    """
    whole = model.model_json_schema(by_alias=True, schema_generator=_WithFactories)
    for name, below in whole["properties"].items():
        if name != "observedGeneration":
            below.pop("default", None)
    unseen = {"observedGeneration": whole["properties"]["observedGeneration"]["default"]}
    return _structural(whole | {"default": unseen}, whole.get("$defs", {}), tell=False)


class _WithFactories(GenerateJsonSchema):
    """Shows the defaults that factories make, as a user would have written them."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        if "default_factory" not in schema:
            return _as_written(schema.get("default"))
        make: Any = schema["default_factory"]
        return _as_written(make())


def _as_written(value: Any) -> Any:
    """What a user would write for this default; None for what nobody writes."""
    match value:
        case Model():
            return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        case list():
            return [_as_written(item) for item in value] or None
        case _:
            return value


def _structural(schema: Json, defs: Json, *, tell: bool = True) -> Json:
    """The structural schema that means the same; `tell` adds default and range to the words."""
    flat = _resolved(schema, defs)
    flat.pop("$defs", None)
    flat.pop("title", None)
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    if flat.get("type") == "integer":
        flat["format"] = "int64"
    if "propertyNames" in flat:
        flat[RULES] = [*flat.get(RULES, ()), *_key_rules(flat.pop("propertyNames"))]
    for name in ("items", "additionalProperties"):
        if name in flat:
            if not isinstance(flat[name], dict):
                raise ValueError(f"a free-form map cannot be translated: {flat}")
            flat[name] = _structural(flat[name], defs)
    if "properties" in flat:
        flat["properties"] = {k: _structural(v, defs) for k, v in flat["properties"].items()}
    if flat.get("default") is None or (flat["default"] == {} and not _has_defaults(flat)):
        flat.pop("default", None)
    if "description" in flat:
        flat["description"] = _described(flat) if tell else _one_line(flat["description"])
    return _ordered(flat)


def _resolved(schema: Json, defs: Json) -> Json:
    """`schema` with its reference, and the `null` of an optional field, taken out."""
    flat = dict(schema)
    while "$ref" in flat or "anyOf" in flat:
        if "$ref" in flat:
            target = defs[flat.pop("$ref").removeprefix("#/$defs/")]
        else:
            options = [o for o in flat.pop("anyOf") if o != {"type": "null"}]
            if len(options) != 1:
                raise ValueError(f"a field of several types is not structural: {options}")
            target = options[0]
        checks = [*target.get(RULES, ()), *flat.get(RULES, ())]
        flat = target | flat | ({RULES: checks} if checks else {})
    return flat


def _has_defaults(schema: Json) -> bool:
    return any("default" in below for below in schema.get("properties", {}).values())


def _key_rules(names: Json) -> list[Json]:
    """Bounds of a map's keys, which a structural schema cannot state, as CEL."""
    unknown = names.keys() - {"maxLength", "minLength", "type"}
    if unknown or "maxLength" not in names:
        raise ValueError(f"keys of a map need a maxLength and nothing else: {names}")
    low, high = names.get("minLength", 0), names["maxLength"]
    checks = [
        cel(
            f"{KEY_BOUND}{high})",
            f"a name may have at most {high} characters: shorten it",
        )
    ]
    return [*checks, cel("!('' in self)", "a name is empty: give it one")] if low else checks


def _described(schema: Json) -> str:
    """The description, ending in the default and the range unless it states them itself."""
    text = _one_line(schema["description"])
    default = schema.get("default")
    if default not in (None, {}) and "Default: " not in text:
        shown = default if "enum" in schema else json.dumps(default, ensure_ascii=False)
        text += f" Default: {shown}."
    match schema:
        case {"minimum": low, "maximum": high}:
            text += f" Range: {low} to {high}."
        case {"minimum": low}:
            text += f" At least {low}."
        case {"maximum": high}:
            text += f" At most {high}."
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ordered(schema: Json) -> Json:
    unknown = schema.keys() - set(KEYWORDS)
    if unknown or schema.get("type") not in TYPES:
        raise ValueError(f"cannot be translated: {unknown or schema.get('type')} in {schema}")
    return {keyword: schema[keyword] for keyword in KEYWORDS if keyword in schema}
