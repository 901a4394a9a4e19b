"""What is known of a watched object, as hashes and small facts, and what became of it since.

Decides what counts as a change: the images and the pod template of a workload, the keys of a
ConfigMap, whether it exists. Replicas and status do not. Refuses to keep content.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from goaround.api.base import Json
from goaround.api.changes import Change, WatchedKind

MOST_KEYS: Final = 64
MOST_IMAGES: Final = 16
MOST_LINES: Final = 8
"""More facts than that of one object at once are told in one line."""

TEMPLATE: Final = "pod template"
PARTS: Final = {WatchedKind.CONFIG_MAP: ("f:data", "f:binaryData")}

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an object. facts: by part, None where it does not exist. at, by: when it was
    written last, and by which field manager, as the API server keeps it."""

    facts: Facts | None
    at: datetime | None = None
    by: str = field(default="", compare=False)


GONE: Final = Look(None)


def look(kind: WatchedKind, body: Json) -> Look:
    """What there is to know of an object as the API server gave it."""
    facts = dict(_keys(body) if kind is WatchedKind.CONFIG_MAP else _workload(body))
    at, by = _written(kind, body.get("metadata") or {})
    return Look(facts, at, by)


def changes(title: str, before: Look, after: Look, now: datetime) -> list[Change]:
    """What changed between two looks, by part. A change is dated by the API server where that has
    dated it since the look before, else by `now`."""
    is_dated = after.at is not None and after.at <= now
    if is_dated and before.at is not None and after.at is not None:
        is_dated = after.at > before.at
    at = after.at if is_dated and after.at is not None else now
    told = _told(before.facts, after.facts)
    return [
        Change(at=at, object=title, what=what, was=was, now=since, by=after.by[:128])
        for what, was, since in told
    ]


def _told(before: Facts | None, after: Facts | None) -> list[tuple[str, str, str]]:
    if before is None or after is None:
        return [] if before is after else [("object", _is_there(before), _is_there(after))]
    found = [
        (what, before.get(what, "absent"), after.get(what, "absent"))
        for what in sorted({*before, *after})
        if before.get(what) != after.get(what)
    ]
    if len(found) <= MOST_LINES:
        return found
    return [(f"{len(found)} parts", _hash(dict(before)), _hash(dict(after)))]


def _is_there(facts: Facts | None) -> str:
    return "absent" if facts is None else "present"


def _keys(body: Json) -> Iterator[tuple[str, str]]:
    """A hash for each key; those over the limit have one together."""
    found: Json = {**(body.get("data") or {}), **(body.get("binaryData") or {})}
    names = sorted(found)
    yield from ((f"key {name}", _hash(found[name])) for name in names[:MOST_KEYS])
    if rest := names[MOST_KEYS:]:
        yield f"keys after the first {MOST_KEYS}", _hash({name: found[name] for name in rest})


def _workload(body: Json) -> Iterator[tuple[str, str]]:
    """The image of each container, and all else of the pod template as one hash."""
    template: Json = (body.get("spec") or {}).get("template") or {}
    spec: Json = dict(template.get("spec") or {})
    images = 0
    for part in ("initContainers", "containers"):
        rest = []
        for container in spec.get(part) or []:
            if images < MOST_IMAGES and "image" in container:
                images += 1
                yield f"image of {container.get('name', '')}", _image(str(container["image"]))
                container = {k: v for k, v in container.items() if k != "image"}
            rest.append(container)
        spec[part] = rest
    yield TEMPLATE, _hash({**template, "spec": spec})


def _image(reference: str) -> str:
    """`name:tag` or `name@sha256:<12 hex>`; where it came from only if it is of another name."""
    name, at, digest = reference.rpartition("/")[2].partition("@")
    return f"{name[:100]}{at}{digest[:19]}"


def _hash(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _written(kind: WatchedKind, meta: Json) -> tuple[datetime | None, str]:
    """When it was written last, and by whom: whoever owns the part that is looked at, if anybody
    is said to."""
    entries = [e for e in meta.get("managedFields") or [] if not e.get("subresource")]
    owners = [e for e in entries if _owns(kind, e.get("fieldsV1") or {})] or entries
    dated = [(at, str(e.get("manager", ""))) for e in owners if (at := _time(e)) is not None]
    return max(dated, default=(None, ""), key=lambda one: one[0])


def _owns(kind: WatchedKind, fields: Json) -> bool:
    if kind in PARTS:
        return any(part in fields for part in PARTS[kind])
    return "f:template" in (fields.get("f:spec") or {})


def _time(entry: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(str(entry.get("time")))
    except ValueError:
        return None
