"""One incident with a timeline that is stored in a list: what a desk does, without an API server.

`looks` is one pass; `settles` goes on until nothing changes. A process that dies is `reborn`: what
it had in memory is gone, what is stored stays.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from goaround.api.base import ObjectMeta
from goaround.api.incident import AIIncidentSpec
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.names import NOTE, NOTED
from goaround.api.status import Latch, SignalStatus
from goaround.incident.chronicle import with_timeline
from goaround.incident.decide import decide
from goaround.incident.entries import Entry
from goaround.incident.log import Log, appended, read
from goaround.incident.planned import Append, Effect, OpenLog, Plan, TakeOff
from goaround.incident.seen import Seen
from tests.unit.incident.build import AT, NAME, a_feature, a_latch, an_incident

CONTAINED = {"delivered_at": AT, "contained_at": AT + timedelta(seconds=9)}


def by_hand(**spec: Any) -> AIIncident:
    said = {
        "affects": [{"name": "chat"}],
        "trigger": {"source": "Manual", "key": "support heard of it"},
        "severity": "P2",
        "severityReason": "customers wrote in",
    }
    meta = ObjectMeta(name=NAME, namespace="shop", uid="i", generation=1, creation_timestamp=AT)
    return AIIncident(metadata=meta, spec=AIIncidentSpec.model_validate(said | spec))


def first_seen(incident: AIIncident) -> AIIncident:
    return incident.but(metadata=incident.metadata.but(generation=1))


class Diary:
    """refuses: nothing can be written into the log."""

    def __init__(self, incident: AIIncident | None = None, latch: Latch | None = None) -> None:
        self.latch = latch or a_latch()
        self.incident = incident or first_seen(an_incident(self.latch))
        self.now, self.bad, self.refuses = AT, False, False
        self.lines: list[str] = []
        self.log: Log | None = None
        self.writes = 0

    # -- what people do --------------------------------------------------------------------------

    def says(self, **spec: Any) -> "Diary":
        meta = self.incident.metadata
        self.incident = self.incident.but(
            spec=AIIncidentSpec.model_validate(self.incident.spec.wire() | spec),
            metadata=meta.but(generation=meta.generation + 1),
        )
        return self

    def annotated(self, **annotations: str) -> "Diary":
        meta = self.incident.metadata
        found = {**meta.annotations, **annotations}
        self.incident = self.incident.but(metadata=meta.but(annotations=found))
        return self

    def notes(self, text: str, called: str = "") -> "Diary":
        return self.annotated(**{NOTE + called: text})

    # -- what the operator does ------------------------------------------------------------------

    @property
    def feature(self) -> AIFeature:
        feature = a_feature(self.latch)
        signals = [SignalStatus(name="errors", verdict="Bad", message="4 %")] if self.bad else []
        return feature.but(status=feature.status.but(signals=signals))

    def plan(self) -> Plan:
        return decide(self.seen(bad=self.bad), self.now)

    def seen(self, *, bad: bool) -> Seen:
        self.bad = bad
        return Seen(
            self.incident,
            (self.feature,),
            annotations=self.incident.metadata.annotations,
            log=self.log,
            log_trouble="disk full" if self.refuses else None,
        )

    def enters(self, sight: Seen) -> None:
        """Only the step that writes the timeline, and what it asks for."""
        seen = replace(sight, incident=self.incident, log=self.log)
        status, effects = with_timeline(seen, self.incident.status, self.now)
        self.incident = self.incident.but(status=status)
        for effect in effects:
            self.does(effect)

    def looks(self, after: timedelta = timedelta(0)) -> Plan:
        self.now += after
        plan = self.plan()
        self.writes += plan.status != self.incident.status
        self.incident = self.incident.but(status=plan.status)
        for effect in plan.then:
            self.does(effect)
        return plan

    def does(self, effect: Effect) -> None:
        match effect:
            case OpenLog() if not self.refuses:
                anchor = self.incident.status.timeline_anchor
                self.log = read(self.lines, anchor, anchor.segments)
            case Append(facts) if self.log is not None and not self.refuses:
                self.log, lines = appended(self.log, facts, self.now)
                self.lines += lines
            case TakeOff(annotations, noted):
                meta = self.incident.metadata
                kept = {k: v for k, v in meta.annotations.items() if annotations.get(k) != v}
                self.incident = self.incident.but(
                    metadata=meta.but(annotations=kept | {NOTED: str(noted)})
                )

    def settles(self, after: timedelta = timedelta(0)) -> "Diary":
        self.looks(after)
        for _ in range(9):
            before = self.incident, len(self.lines)
            self.looks()
            if (self.incident, len(self.lines)) == before:
                return self
        raise AssertionError("it never settles")

    def reborn(self) -> "Diary":
        self.log = None
        return self

    # -- what is there ---------------------------------------------------------------------------

    @property
    def entries(self) -> list[Entry]:
        return [e for line in self.lines if (e := Entry.read(line)) is not None]

    def told(self, kind: str) -> list[str]:
        return [e.text for e in self.entries if e.kind == kind]

    def at(self, text: str) -> datetime:
        return next(e.at for e in self.entries if text in e.text)
