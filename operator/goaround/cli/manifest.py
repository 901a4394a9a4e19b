"""A feature from a file, or why it is none, in the words of the API server.

Decides whether a file holds exactly one AIFeature that the API server would accept. Refuses fields
that do not exist: a typo in a plan must not be a plan without that line.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from goaround.api import API_VERSION
from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import FEATURES, AIFeature
from goaround.cli.command import CommandError
from goaround.cli.rules import broken_rules, messages_by_pattern

M = TypeVar("M", bound=BaseModel)

LARGEST_FILE: Final = 1 << 20
SEVERAL: Final = "it holds {0} AIFeatures ({1}): choose one with --name"

WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be a string: put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a map of fields",
    "model_attributes_type": "must be a map of fields",
    "dict_type": "must be a map",
    "enum": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} entries, has {actual_length}",
    "too_long": "may have at most {max_length} entries, has {actual_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
    "string_pattern_mismatch": "does not have the form {pattern}",
}


def feature(path: str, name: str | None = None) -> AIFeature:
    """The AIFeature in the file at `path` (`-`: stdin). Raises CommandError with every fault."""
    listed = objects(path)
    found = [o for o in listed if o.get("kind") == FEATURES.kind]
    if not found:
        kinds = ", ".join(sorted({str(o.get("kind") or "no kind") for o in listed})) or "nothing"
        raise CommandError(f"{path}: no AIFeature in it, only {kinds}")
    chosen = [o for o in found if name is None or _name(o) == name]
    if len(chosen) != 1:
        names = ", ".join(map(_name, found))
        raise CommandError(f"{path}: {SEVERAL.format(len(found), names)}")
    return parsed(chosen[0], source=path)


def parsed(body: Json, *, source: str) -> AIFeature:
    """The object as a feature. Raises CommandError, which names every fault."""
    if body.get("apiVersion") != API_VERSION:
        raise CommandError(
            f"{source}: apiVersion is {body.get('apiVersion')!r}, it must be {API_VERSION}"
        )
    found, faults = checked(body, AIFeature, AIFeatureSpec)
    if found is None or faults:
        raise CommandError(_told(source, faults))
    return found


def checked(body: Json, model: type[M], spec: type[BaseModel]) -> tuple[M | None, list[str]]:
    """The object as a model, None where it is none, and every fault in the words of the API
    server. A field that does not exist is a fault; rules are asked of what is a model."""
    try:
        found = model.model_validate({k: v for k, v in body.items() if k != "status"})
    except ValidationError as err:
        rules = messages_by_pattern(model)
        return None, [_plain(fault, rules) for fault in err.errors()]
    strangers = (f"{at}: no such field" for at in _strangers(body.get("spec"), spec, "spec"))
    return found, [*strangers, *broken_rules(found)]


def objects(path: str) -> list[Json]:
    """Everything in the file at `path` (`-`: stdin), Lists opened. Raises CommandError."""
    documents = [d for d in _documents(_text(path), path) if d is not None]
    for document in documents:
        if not isinstance(document, Mapping):
            raise CommandError(f"{path}: a document is {_kind_of(document)}, not an object")
    return [o for d in documents for o in _objects(d)]


def _text(path: str) -> str:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as err:
        raise CommandError(f"cannot read {path}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise CommandError(f"{path} is not UTF-8 text") from err
    if len(text) > LARGEST_FILE:
        raise CommandError(f"{path} is larger than {LARGEST_FILE >> 20} MiB: no feature is")
    return text


def _documents(text: str, path: str) -> list[Any]:
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(err, "problem", None) or "it cannot be parsed"
        raise CommandError(f"{path} is not YAML{where}: {problem}") from err
    except RecursionError as err:
        raise CommandError(f"{path} is not YAML that we read: it is nested too deeply") from err


def _objects(document: Mapping[str, Any]) -> list[Json]:
    """The object itself, or what a List holds."""
    items = document.get("items") if document.get("kind") == "List" else None
    if isinstance(items, list):
        return [dict(item) for item in items if isinstance(item, Mapping)]
    return [dict(document)]


def _name(body: Json) -> str:
    meta = body.get("metadata")
    return str(meta.get("name", "?")) if isinstance(meta, Mapping) else "?"


def _kind_of(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return "text" if isinstance(value, str) else "a plain value"


def _told(source: str, faults: list[str]) -> str:
    if len(faults) == 1:
        return f"{source}: {faults[0]}"
    return f"{source}: {len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults)


def _plain(fault: Any, rules: Mapping[str, str]) -> str:
    """One fault of pydantic; where a pattern has a rule, in the words of the rule."""
    words, context, where = WORDS.get(fault["type"]), fault.get("ctx", {}), _where(fault["loc"])
    if rule := rules.get(str(context.get("pattern"))):
        return f"{where}: {rule}"
    return f"{where} {words.format(**context) if words is not None else fault['msg']}"


def _where(location: tuple[int | str, ...]) -> str:
    """`spec.ramp.steps[1].weightPercent`"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "the object"


def _strangers(value: object, model: type[BaseModel], where: str) -> Iterator[str]:
    """Fields that the model does not have, at any depth."""
    if not isinstance(value, Mapping):
        return
    known = {info.alias or name: info for name, info in model.model_fields.items()}
    for key, inner in value.items():
        if key not in known:
            yield f"{where}.{key}"
            continue
        for below in _models(known[key].annotation):
            for index, item in enumerate(inner if isinstance(inner, list) else [inner]):
                at = f"{where}.{key}[{index}]" if isinstance(inner, list) else f"{where}.{key}"
                yield from _strangers(item, below, at)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation such as `list[Signal] | None`; of our fields, at most one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
