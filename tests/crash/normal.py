"""The normal form of an end state: what must be the same whatever went wrong on the way.

Times, versions, uids and measured numbers are taken out; states, names, reasons, words and counts
of objects stay. Two forms are equal exactly if a person would call the outcomes the same.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.kinds import (
    CONFIG_MAPS,
    EVENTS,
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    RECORDS,
    SIGN_OFFS,
)
from goaround.incident.entries import Entry
from goaround.world.timelines import FILE, lines_of
from tests.crash.store import Store

TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ])?\d\d:\d\d(:\d\d(\.\d+)?)?Z|\b\d+(d \d+h|h \d+m|[ms])(?= at |\. |$)"
)
"""Times, and how long something took on a whiteboard."""

LASTED: Final = re.compile(
    r"(?:(?<=^SAFE\?  YES contained T in )|(?<=[A-Z]  after ))\d+(d \d+h|h \d+m|[ms])\b"
)
"""How long it took to contain, in the middle of that line, and to resolve, in the header. Spans
that somebody configured are no measurements."""

INCIDENT: Final = re.compile(r"-\d{8}-[0-9a-f]{6}\b")
UNKNOWN: Final = re.compile(r"unknown: [^;]*")
NUMBER: Final = re.compile(r"(?<![\w@#-])\d[\d,.]*+(?:e[+-]?\d+)?%?(?![\w-])(?! %)")
MEASURED: Final = frozenset(
    {"resourceVersion", "uid", "creationTimestamp", "revision", "latchedRevision", "touched"}
    | {
        "timeline",
        "timelineAnchor",
        names.NOTED,
    }  # hashes over times; `endings.py` looks at all of it
)
LABEL: Final = 7
"""Columns of a whiteboard before its text; blank where a line goes on."""

LATE: Final = 6
"""Transitions that are compared where a race may have pushed older ones out of history."""

TIMED: Final = frozenset({"hash"})
"""Of a message: its text says when things happened."""

DRILLED: Final = frozenset({"flipMilliseconds", "flipBackMilliseconds"})
OPAQUE: Final = frozenset(
    {"state", "eValue", "acceptEValue", "total", "bad", "exposedRequests", "prev", "head", "flight"}
    | {"seconds", "requests"}
    | {"noteHash"}  # of a text with times; `endings.py` looks whether it is the one that is stored
)


def normal_form(store: Store, races: frozenset[str] = frozenset()) -> Json:
    """The end state, comparable; without what depends on transitions that race with the fault."""
    whole = _whole(store)
    if not races:
        return whole
    whole["events"] = {k: v for k, v in whole["events"].items() if _reason(k) not in races}
    for feature in whole[FEATURES.plural].values():
        told = [t for t in feature["status"].get("history", []) if t["reason"] not in races]
        feature["status"]["history"] = told[-LATE:]
        for latch in feature["status"].get("latches", []):
            latch.pop("containedAt", None)
    del whole["timelines"]
    for incident in whole["incidents"]:
        incident["status"] = {"signals": incident["status"].get("signals")}
    return whole


def _whole(store: Store) -> Json:
    whole: Json = {
        kind.plural: {_name(b): _plain(b) for b in store.list(kind, None, None)}
        for kind in (FEATURES, KILL_SWITCHES, SIGN_OFFS, RECORDS)
    }
    whole["incidents"] = sorted(
        (_plain(b) for b in store.list(INCIDENTS, None, None)), key=lambda b: repr(b["spec"])
    )
    whole["events"] = dict(sorted(events(store).items()))
    whole["timelines"] = dict(sorted(_entered(store).items()))
    return whole


def _entered(store: Store) -> Counter[str]:
    """How often each thing was entered in a timeline, in whatever order it was noticed."""
    bodies = [b["metadata"] for b in store.list(INCIDENTS, None, None)]
    found = [
        store.find(CONFIG_MAPS, b["namespace"], names.timeline_name(b["name"])) for b in bodies
    ]
    lines = [line for b in found if b is not None for line in lines_of(b["data"][FILE])]
    entries = [e for line in lines if (e := Entry.read(line)) is not None]
    return Counter(f"{e.source} {e.kind} {_text(e.text)}" for e in entries)


def events(store: Store) -> Counter[str]:
    """How often each transition was told of which object."""
    return Counter(
        f"{b['involvedObject']['kind']} {_text(b['involvedObject']['name'])} {b['reason']}: "
        f"{_text(b['message'])}"
        for b in store.list(EVENTS, None, None)
    )


def _reason(told: str) -> str:
    return told.split(":")[0].split(" ")[-1]


def differences(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Where two normal forms differ: path, what it is, what it should be."""
    match one, other:
        case dict(), dict():
            for name in sorted({*one, *other}, key=str):
                yield from differences(one.get(name), other.get(name), f"{at}.{name}")
        case list(), list() if len(one) == len(other):
            for number, (a, b) in enumerate(zip(one, other, strict=True)):
                yield from differences(a, b, f"{at}[{number}]")
        case _ if one != other:
            yield f"{at.lstrip('.')}: {_brief(one)} instead of {_brief(other)}"


def _brief(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 220 else f"{text[:220]}…"


def _name(body: Json) -> str:
    return _text(body["metadata"]["name"])


FACTS: Final = frozenset({"triageFacts", "diagnosisFacts"})
"""What signals said at the last look before it was over, which may be a window earlier."""


def _plain(value: Any, name: str = "") -> Any:
    match value:
        case dict() if name in FACTS:
            return "#"
        case dict() if name == "annotations":
            return {k: TIME.sub("T", v) for k, v in value.items() if k not in MEASURED}
        case dict() if "configMap" in value and "takenAt" in value:
            return {"configMap": _text(value["configMap"])}  # its text has times and figures
        case dict():
            left_out = MEASURED | DRILLED | (TIMED if "renderedAt" in value else frozenset())
            return {k: _plain(v, k) for k, v in value.items() if k not in left_out}
        case list() if name == "whiteboard":
            return [_text(line) for line in _without_log(value)]
        case list():
            return [_plain(v, name) for v in value]
        case _ if name in OPAQUE:
            return "#"
        case str():
            return _text(value)
        case _:
            return value


def _without_log(lines: list[str]) -> Iterator[str]:
    """The newest entries of the timeline are another three if two were noticed the other way round;
    what was entered is compared as a whole."""
    label = ""
    for line in lines:
        label = line[:LABEL].strip() or label
        if label != "LOG":
            yield line


def _text(text: str) -> str:
    """Words without times, measured numbers, why a signal is unknown just now, and the date and
    hash in names of incidents."""
    text = LASTED.sub("T", TIME.sub("T", UNKNOWN.sub("unknown", text)))
    return NUMBER.sub("#", INCIDENT.sub("-<date>-<hash>", text))
