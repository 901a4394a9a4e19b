"""Hints that a model carries for the CRD generator: CEL rules and list types.

A hint is a plain dict for pydantic's `json_schema_extra`; `|` joins several.
"""

from goaround.api.base import Json

RULES = "x-kubernetes-validations"


def cel(rule: str, message: str) -> Json:
    """One CEL rule with a message in plain English: what, limit, what to do."""
    return {"rule": rule, "message": message}


def rules(*checks: Json) -> Json:
    return {RULES: list(checks)}


def keyed_by(*keys: str) -> Json:
    """A list of named things: two with one name are refused, and managers merge by name."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def atomic() -> Json:
    return {"x-kubernetes-list-type": "atomic"}


def as_set() -> Json:
    return {"x-kubernetes-list-type": "set"}


IMMUTABLE = cel("self == oldSelf", "is immutable: delete the object and create a new one")
