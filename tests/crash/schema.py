"""Whether the real schema would take an object, and keep all of it.

Our own kinds are checked with the models their CRDs are generated from; of the others only what we
rely on. Refuses nothing that the API server would accept.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from goaround.api.base import Json, Model
from goaround.api.kinds import EVENTS, SERVED, Kind, Served

NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
MICRO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
OURS: Final[dict[str, Served]] = {s.kind.plural: s for s in SERVED}


class Unacceptable(Exception):
    """The API server would refuse it, or drop a part of it silently."""


def checked(kind: Kind, body: Json, before: Json | None = None) -> Json:
    """The body as it is stored; `before` was. Raises Unacceptable."""
    if not NAME.fullmatch(body["metadata"]["name"]):
        raise Unacceptable(f"{kind.plural}: {body['metadata']['name']!r} is no name")
    if kind is EVENTS:
        _event(body)
    if kind.plural not in OURS:
        return body
    served = OURS[kind.plural]
    stored = dict(body)
    if before is None or body["spec"] != before["spec"]:
        stored["spec"] = _kept(kind, served.spec, body["spec"])
    if served.status is not None:
        _kept(kind, served.status, body["status"])  # the schema of a status has no defaults
        _split_sums_up(kind, stored["status"])
    return stored


def _kept(kind: Kind, model: type[Model], part: Json) -> Json:
    """The part with its defaults, if nothing of it would be lost."""
    try:
        kept = model.model_validate(part).wire()
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Unacceptable(f"{kind.plural}: {where}: {first['msg']}") from err
    lost = list(_lost(part, kept, ""))
    if lost:
        raise Unacceptable(f"{kind.plural}: the schema does not know {', '.join(lost[:3])}")
    return kept


def _lost(sent: Any, kept: Any, at: str) -> Iterator[str]:
    """Fields that were sent and would not be stored."""
    match sent:
        case dict():
            for name, value in sent.items():
                if not value and value in ({}, [], None):
                    continue
                if isinstance(kept, dict) and name in kept and kept[name] == value:
                    continue
                if not isinstance(kept, dict) or name not in kept:
                    yield f"{at}.{name}"
                else:
                    yield from _lost(value, kept[name], f"{at}.{name}")
        case list():
            for number, (one, other) in enumerate(zip(sent, kept, strict=False)):
                yield from _lost(one, other, f"{at}[{number}]")
        case _ if sent != kept:
            yield f"{at} ({sent!r} became {kept!r})"


def _split_sums_up(kind: Kind, status: Json) -> None:
    split = status.get("split")
    if split is not None and sum(split.values()) != 100:
        raise Unacceptable(f"{kind.plural}: the split must sum to 100, not {split}")


def _event(body: Json) -> None:
    """What core/v1 asks of an event that carries `eventTime`, and what `kubectl describe` needs."""
    needed = ("reportingComponent", "reportingInstance", "action", "reason", "type", "message")
    missing = [n for n in needed if not body.get(n)]
    if missing or not MICRO_TIME.fullmatch(body.get("eventTime", "")):
        raise Unacceptable(f"event {body['metadata']['name']}: {missing or 'eventTime'}")
    if body["type"] not in ("Normal", "Warning") or len(body["message"]) > 1024:
        raise Unacceptable(f"event {body['metadata']['name']}: type or message")
    if body["involvedObject"]["namespace"] != body["metadata"]["namespace"]:
        raise Unacceptable(f"event {body['metadata']['name']}: another namespace")
