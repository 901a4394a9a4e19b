"""Timelines of incidents as the API server stores them: one ConfigMap, and sealed parts.

Decides names, labels and the order in which they are read. Sealed parts have no label of a feature,
so that nobody takes one for a release record; nothing has an owner, so that the record outlives
what it is about. Refuses to judge: what is stored is handed on as it stands.
"""

from dataclasses import dataclass
from typing import Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.incident_status import TimelineAnchor
from goaround.api.kinds import CONFIG_MAPS, RECORDS
from goaround.world.kube import Api, Body, NotFound

FILE: Final = "timeline.jsonl"


@dataclass(frozen=True, slots=True)
class Parts:
    """lines: all of it, sealed parts first. text, version: what is not sealed yet, and the version
    of its ConfigMap; None: there is none. missing: numbers of sealed parts that status knows of."""

    lines: tuple[str, ...] = ()
    text: str = ""
    version: str | None = None
    segments: int = 0
    missing: tuple[int, ...] = ()


async def stored_parts(api: Api, namespace: str, incident: str, anchor: TimelineAnchor) -> Parts:
    """All that is stored. The open part first: what is sealed meanwhile is then read twice, never
    not at all. Raises KubeError."""
    text, version = "", None
    if (body := await _found(api, namespace, names.timeline_name(incident))) is not None:
        text = str((body.get("data") or {}).get(FILE, ""))
        version = str(body["metadata"]["resourceVersion"])
    elif anchor.length == 0:
        return Parts()  # nothing is sealed before something was open
    sealed: list[str] = []
    missing: list[int] = []
    number = 0
    while True:
        number += 1
        found = await _sealed(api, namespace, names.timeline_name(incident, number))
        if found is not None:
            sealed += found
        elif number <= anchor.segments:
            missing.append(number)
        else:
            break
    known = set(sealed)
    still_open = [line for line in lines_of(text) if line not in known]
    text = "".join(f"{line}\n" for line in still_open)
    return Parts((*sealed, *still_open), text, version, number - 1, tuple(missing))


def lines_of(text: str) -> list[str]:
    """Split at line feeds only: nothing else ends a line of JSON."""
    return [line for line in text.split("\n") if line]


def open_part(incident: str, text: str) -> Body:
    """The ConfigMap, as it is created."""
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {
            "name": names.timeline_name(incident),
            "labels": {names.INCIDENT_LABEL: names.incident_label(incident)},
        },
        "data": {FILE: text},
    }


def segment(incident: str, number: int, text: str) -> Body:
    """A sealed part, as it is created."""
    labels = {
        names.INCIDENT_LABEL: names.incident_label(incident),
        names.TIMELINE_LABEL: str(number),
    }
    data: Json = {"incident": incident, "number": number, FILE: text}
    return {
        "apiVersion": RECORDS.api_version,
        "kind": RECORDS.kind,
        "metadata": {"name": names.timeline_name(incident, number), "labels": labels},
        "data": data,
        "revision": number,
    }


async def _found(api: Api, namespace: str, name: str) -> Body | None:
    try:
        return await api.get(CONFIG_MAPS, namespace, name)
    except NotFound:
        return None


async def _sealed(api: Api, namespace: str, name: str) -> list[str] | None:
    """Its lines; None where there is no such part."""
    try:
        body = await api.get(RECORDS, namespace, name)
    except NotFound:
        return None
    data = body.get("data")
    return lines_of(str(data.get(FILE, ""))) if isinstance(data, dict) else []
