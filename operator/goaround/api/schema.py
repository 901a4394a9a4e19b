"""Hints that a model carries for the CRD generator: CEL rules and list types.

A hint is a plain dict for pydantic's `json_schema_extra`; `|` joins several.
"""

from goaround.api.base import Json

RULES = "x-kubernetes-validations"


def cel(rule: str, message: str, *, path: str | None = None) -> Json:
    """One CEL rule with a message in plain English: what, limit, what to do.

    `path` is the field below that the refusal names; without it, the one that carries the rule.
    """
    return {"rule": rule, "message": message} | ({"fieldPath": path} if path else {})


def rules(*checks: Json) -> Json:
    return {RULES: list(checks)}


def keyed_by(*keys: str) -> Json:
    """A list of named things: two with one name are refused, and managers merge by name."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def atomic() -> Json:
    return {"x-kubernetes-list-type": "atomic"}


def immutable(message: str) -> Json:
    """What carries this never changes after creation; `message` says what to do instead."""
    return cel("self == oldSelf", message)
