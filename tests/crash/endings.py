"""What must hold at the end of every run, whatever the undisturbed run says.

Comparing with the undisturbed run finds what a fault changes; this finds what is wrong without any.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from goaround.api import names
from goaround.api.conditions import find
from goaround.api.digest import short
from goaround.api.kinds import (
    CONFIG_MAPS,
    EVENTS,
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    RECORDS,
    AIFeature,
    AIIncident,
)
from goaround.api.reasons import ConditionType
from goaround.api.status import Latch, LatchCause
from goaround.incident.entries import Entry
from goaround.incident.notes import is_note
from goaround.incident.verifying import faults as broken
from goaround.incident.verifying import newer
from goaround.rollout.binder import OUTCOMES, flight_of
from goaround.rollout.chain import faults, segment
from goaround.rollout.moves import in_flight
from goaround.world.timelines import FILE, lines_of
from tests.crash.script import Ending
from tests.crash.store import Store


def endings(store: Store, ends: Ending, *, twin: bool = False) -> Iterator[str]:
    """Everything that does not agree with the script, or with everything else."""
    incidents = Counter(b["spec"]["severity"] for b in store.list(INCIDENTS, None, None))
    wanted, killed_again = Counter(ends.incidents), twin and "KillEngaged" in ends.twin_may
    if incidents != wanted and not (killed_again and incidents > wanted):
        yield f"incidents: {sorted(incidents.elements())} instead of {sorted(ends.incidents)}"
    for body in store.list(FEATURES, None, None):
        feature = AIFeature.model_validate(body)
        yield from _outcome(feature, ends)
        yield from _records(store, feature)
        yield from _latches(store, feature)
        yield from _told(store, feature)
        yield from _binder(store, feature)
        yield from _conditions(feature)
    yield from _timelines(store, ends)
    yield from _notes(store)
    for body in store.list(KILL_SWITCHES, None, None):
        if "latchedAt" not in body["status"]:
            yield f"switch {body['metadata']['name']} was never latched"


def _notes(store: Store) -> Iterator[str]:
    """The note that is stored is the one that status names."""
    for body in store.list(INCIDENTS, None, None):
        meta = body["metadata"]
        found = store.find(CONFIG_MAPS, meta["namespace"], f"{meta['name']}-note")
        text = found["data"]["note.json"] if found is not None else ""
        if body["status"].get("noteHash") != f"sha256:{sha256(text.encode()).hexdigest()}":
            yield f"note of {meta['name']}: status names another one"


def _outcome(feature: AIFeature, ends: Ending) -> Iterator[str]:
    status = feature.status
    good = status.last_known_good
    serves = good.release.prompt.version if good is not None and good.release.prompt else None
    if (status.stage, serves) != (ends.stage, ends.good):
        yield f"ended {status.stage} with {serves} instead of {ends.stage} with {ends.good}"


def _marks(store: Store, feature: AIFeature, digest: str) -> dict[str, str] | None:
    namespace, name = feature.key
    found = store.find(RECORDS, namespace, names.record_name(name, digest))
    return None if found is None else dict(found["metadata"].get("annotations") or {})


def _records(store: Store, feature: AIFeature) -> Iterator[str]:
    status = feature.status
    good, flown = status.last_known_good, status.candidate if in_flight(status) else None
    if good is not None:
        marks = _marks(store, feature, good.digest) or {}
        if marks.get(names.OUTCOME) != "Good" or names.QUARANTINED in marks:
            yield f"{short(good.digest)} is last-known-good, its record says {marks}"
    for body in store.list(RECORDS, None, None):
        flies = (body["metadata"].get("annotations") or {}).get(names.OUTCOME) == "Flying"
        if flies and (flown is None or body["data"]["digest"] != flown.digest):
            yield f"record {body['metadata']['name']} says Flying, and it does not fly"


def _latches(store: Store, feature: AIFeature) -> Iterator[str]:
    namespace, _ = feature.key
    for latch in feature.status.latches:
        if latch.incident is None or store.find(INCIDENTS, namespace, latch.incident) is None:
            yield f"no incident {latch.incident} of the latch {latch.cause}"
        if latch.cause is LatchCause.SIGNAL and not _is_marked(store, feature, latch):
            yield f"{short(latch.digest or '')} attempt {latch.attempt} is latched, not quarantined"


def _is_marked(store: Store, feature: AIFeature, latch: Latch) -> bool:
    """Quarantined, or good since a later attempt."""
    marks = _marks(store, feature, latch.digest or "") or {}
    retried = int(marks.get(names.ATTEMPTS, 0)) > latch.attempt
    return retried or int(marks.get(names.QUARANTINED, 0)) >= latch.attempt


def _told(store: Store, feature: AIFeature) -> Iterator[str]:
    meta = feature.metadata
    known = {b["metadata"]["name"] for b in store.list(EVENTS, meta.namespace, None)}
    for told in feature.status.history:
        if names.event_name(meta.name, meta.uid, told.at, told.reason) not in known:
            yield f"no event told of {told.reason}"


def _binder(store: Store, feature: AIFeature) -> Iterator[str]:
    """One whole chain, which status vouches for, with one segment for each flight that ended."""
    log, namespace = feature.status.evidence_log, feature.metadata.namespace
    found = [
        s
        for b in store.list(RECORDS, namespace, names.EVIDENCE_LABEL)
        if (s := segment(b["metadata"]["name"], b["data"])) is not None
    ]
    yield from (f"binder: {name}: {why}" for name, why in faults(found, log))
    flights = Counter(s.flight for s in found)
    yield from (
        f"flight {flight} is {n} times in the binder" for flight, n in flights.items() if n > 1
    )
    if log is not None and (log.landing is not None or log.length != len(found)):
        yield f"binder: status speaks of {log.length} segments, there are {len(found)}"
    ended = {flight_of(x) for x in feature.status.latches if x.cause in OUTCOMES and x.digest}
    if ended - flights.keys():
        yield f"binder: {len(ended - flights.keys())} latches have no segment"


def _timelines(store: Store, ends: Ending) -> Iterator[str]:
    """Each is whole, vouched for, and has every note once; no note waits for anything."""
    noted: Counter[str] = Counter()
    for body in store.list(INCIDENTS, None, None):
        incident = AIIncident.model_validate(body)
        namespace, name = incident.key
        found = store.find(CONFIG_MAPS, namespace, names.timeline_name(name))
        lines = lines_of(found["data"][FILE]) if found is not None else []
        status = incident.status
        yield from (f"timeline: {why}" for why in broken(lines, status.timeline_anchor))
        if status.timeline_anchor.complete is None or newer(lines, status.timeline_anchor):
            yield f"timeline: {len(lines)} entries, and status says {status.timeline_anchor}"
        if any(is_note(key) for key in incident.metadata.annotations):
            yield f"timeline: a note still waits on {name}"
        entries = [e for line in lines if (e := Entry.read(line)) is not None]
        if len({e.id for e in entries}) != len(lines):
            yield f"timeline: {[e.text for e in entries]} has something twice"
        noted.update(e.text for e in entries if e.kind == "note")
    if noted != Counter(ends.notes):
        yield f"notes: {sorted(noted.elements())} instead of {sorted(ends.notes)}"


def _conditions(feature: AIFeature) -> Iterator[str]:
    status = feature.status
    if status.observed_generation != feature.metadata.generation:
        yield f"generation {feature.metadata.generation} was never acted upon"
    delivered = find(status.conditions, ConditionType.DELIVERED)
    if status.delivery is not None and (delivered is None or delivered.status != "True"):
        yield "delivered to every replica, and the condition does not say so"
    for one in status.conditions:
        if one.observed_generation != feature.metadata.generation:
            yield f"condition {one.type} speaks of generation {one.observed_generation}"
