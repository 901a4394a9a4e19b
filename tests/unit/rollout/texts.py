"""Releases that have their prompt in a ConfigMap, and ConfigMaps as they were last read."""

from goaround.api.base import Json
from goaround.api.content import hash_of
from goaround.api.feature import Release
from goaround.api.reasons import Reason
from goaround.rollout.observed import Contents, Place, Problem

HELLO, CHANGED = "Answer politely.", "Answer rudely."
MAP = "support-prompts"


def by_reference(key: str, **more: str) -> Release:
    """A release whose prompt is a key of one ConfigMap."""
    return Release.model_validate(
        {
            "model": {"name": "chat-7b", "version": "2026-11-02"},
            "prompt": {"configMapRef": {"name": MAP, "key": key, **more}},
        }
    )


def read(**texts: str) -> Contents:
    """These keys have these texts."""
    return Contents(
        hashes={(MAP, key): hash_of(text) for key, text in texts.items()},
        texts={hash_of(text): text for text in texts.values()},
    )


def gone(key: str) -> Contents:
    """The ConfigMap does not exist."""
    place: Place = (MAP, key)
    told = f"ConfigMap {MAP}, key {key}: there is no such ConfigMap; create it"
    return Contents(faults={place: Problem(Reason.CONTENT_MISSING, told)})


def a_contract(**refs: Json) -> Json:
    return {"output": {"schemaRef": {"name": MAP, "key": "schema.json"}} | refs}
