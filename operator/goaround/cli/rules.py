"""Which rules of our schema an object breaks, told as the API server tells them.

Decides where a rule applies: to what carries it, if that is there. Rules about changes (`oldSelf`)
are not asked, since a file has no past.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from goaround.api.base import Json
from goaround.api.schema import RULES
from goaround.cli.cel import CelError, evaluate


def broken_rules(model: BaseModel, where: str = "") -> Iterator[str]:
    """`spec.ramp.steps: weightPercent must rise…` for every rule that the object breaks."""
    wire = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    yield from _checked(_rules(model.model_config.get("json_schema_extra")), wire, where)
    for name, info in type(model).model_fields.items():
        value, alias = getattr(model, name), info.alias or name
        if value is None or alias == "status":
            continue
        at = f"{where}.{alias}".removeprefix(".")
        for hint in (info.json_schema_extra, *_hints(info.annotation)):
            yield from _checked(_rules(hint), wire.get(alias), at)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, BaseModel):
                yield from broken_rules(item, f"{at}[{index}]" if isinstance(value, list) else at)


@cache
def messages_by_pattern(model: type[BaseModel]) -> dict[str, str]:
    """What the rule that goes with a pattern says, for every pattern of the model's schema."""
    return dict(_patterns(model.model_json_schema()))


def _patterns(schema: Any) -> Iterator[tuple[str, str]]:
    match schema:
        case {"pattern": str(pattern), **rest} if found := _rules(rest):
            yield pattern, str(found[0]["message"])
    below = schema.values() if isinstance(schema, Mapping) else schema
    for part in below if isinstance(schema, Mapping | list) else ():
        yield from _patterns(part)


def _hints(annotation: Any) -> Iterator[object]:
    """What stands in `Annotated` inside a union; a list's items are not the field."""
    if get_origin(annotation) is list:
        return
    for part in (*getattr(annotation, "__metadata__", ()), *get_args(annotation)):
        if isinstance(part, FieldInfo):
            yield part.json_schema_extra
        else:
            yield from _hints(part)


def _rules(hint: object) -> list[Json]:
    found = hint.get(RULES, []) if isinstance(hint, Mapping) else []
    return list(found) if isinstance(found, list) else []


def _checked(rules: Sequence[Json], value: Any, where: str) -> Iterator[str]:
    asked = [rule for rule in rules if value is not None and "oldSelf" not in rule["rule"]]
    for rule in asked:
        if not _is_kept(rule["rule"], value):
            at = where + str(rule.get("fieldPath", ""))
            yield f"{at.removeprefix('.')}: {rule['message']}"


def _is_kept(rule: str, value: Any) -> bool:
    try:
        return evaluate(rule, value)
    except CelError:
        return True  # the API server will ask it
