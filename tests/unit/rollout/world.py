"""A world that carries plans out, and the evidence that its flights meet.

`World` stands in for the API server and the operator around `decide`: it keeps what a plan writes,
passes every status through the wire, and moves its clock only when it is told to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from goaround.api import names
from goaround.api.aftermath import Bin, Review, RootCause, Waivers
from goaround.api.base import Json, ObjectMeta
from goaround.api.conditions import Condition, find
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.incident import AIIncidentSpec, RequestedPhase, Severity
from goaround.api.judgement import Triage, TriageOutcome
from goaround.api.kinds import AIFeature, AIIncident, AIKillSwitch, AISignOff
from goaround.api.reasons import ConditionType, Stage
from goaround.api.signoff import Decision
from goaround.api.status import AIFeatureStatus, SignalStatus, Transition
from goaround.incident.decide import decide as decide_incident
from goaround.incident.forewarned import forewarned
from goaround.incident.opening import opening
from goaround.incident.seen import Seen
from goaround.rollout.chain import segment
from goaround.rollout.decide import decide
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import (
    Baselined,
    Breach,
    Breakers,
    Changes,
    Checked,
    Contents,
    Delivered,
    Drifted,
    Guarded,
    Indexes,
    Judged,
    Observed,
    Problem,
    Record,
)
from goaround.rollout.planned import (
    DropRecord,
    Effect,
    OpenIncident,
    OpenSign,
    Plan,
    PostEvent,
    WriteRecord,
    WriteSegment,
)
from tests.unit.rollout.build import (
    CREATED,
    NAME,
    NAMESPACE,
    NOW,
    a_drill,
    a_feature,
    a_record,
    a_retry,
    a_sign_off,
    a_spec,
    a_switch,
    a_window,
)

QUIET_PASSES = 6
VOUCHED = Guarded(since=CREATED)

LEARNT: dict[str, Any] = {
    "triage": Triage(outcome=TriageOutcome.INVESTIGATE),
    "root_cause": RootCause(bin=Bin.CONFIG, line="max_context above the limit of the model"),
    "review": Review(waivers=Waivers(guardrail="the limit is checked at build time already")),
}
"""What people must have said of an incident before a fix may fly."""

Evidence = Callable[["World"], Judged | None]


def judged(world: "World", **changes: Any) -> Judged | None:
    """Undecided evidence, read up to now; None where nothing flies at a step, as at the desk."""
    flown = world.status.candidate
    if flown is None or not in_flight(world.status) or world.status.step is None:
        return None
    found = Judged(
        digest=flown.digest,
        attempt=flown.attempt,
        signals=signals("Undecided"),
        samples=50,
        total=50,
        exposed=20,
        through=world.now,
        next_at=world.now + timedelta(seconds=10),
    )
    return replace(found, **changes)


def signals(verdict: str) -> tuple[SignalStatus, ...]:
    return tuple(
        SignalStatus(name=name, verdict=verdict, message=f"{name}: {verdict.lower()}")
        for name in ("errors", "toxic")
    )


def undecided(world: "World") -> Judged | None:
    return judged(world)


def good(world: "World", **changes: Any) -> Judged | None:
    found = {"accepted": True, "samples": 1000, "total": 1000, "signals": signals("Good")}
    return judged(world, **found | changes)


def unreadable(world: "World") -> Judged | None:
    """The provider does not answer: nothing was read since the step began."""
    step = world.status.step
    since = step.since if step is not None else world.now
    told = "signal errors: the provider does not answer"
    return judged(world, unreadable=told, through=since, signals=signals("Unknown"))


def bad(world: "World", signal: str = "errors", **changes: Any) -> Judged | None:
    breach = Breach(
        signal=signal,
        line=f"{signal} ratio 4.1% vs 2.0%: e-value 312 >= 100 -> breach",
        proven_at=world.now - timedelta(seconds=1),
        started_at=world.now - timedelta(seconds=31),
    )
    found = {"breach": breach, "samples": 1000, "exposed": 321, "signals": signals("Bad")}
    return judged(world, **found | changes)


def live_good(world: "World", **changes: Any) -> Judged | None:
    """Every bound of what serves everybody is proven to be kept."""
    good = world.status.last_known_good
    if good is None or not is_watched(world.status):
        return None
    found = Judged(
        digest=good.digest,
        attempt=0,
        signals=signals("Good"),
        accepted=True,
        exposed=12,
        through=world.now,
        next_at=world.now + timedelta(seconds=60),
    )
    return replace(found, **changes)


def live_bad(world: "World", **changes: Any) -> Judged | None:
    """What serves everybody is proven to do harm."""
    breach = Breach(
        signal="errors",
        line="errors 4.1% > max 2% (n=9,000): e-value 612 >= 366 -> breach",
        proven_at=world.now - timedelta(seconds=1),
        started_at=world.now - timedelta(seconds=121),
    )
    found = {"breach": breach, "accepted": False, "exposed": 900, "signals": signals("Bad")}
    return live_good(world, **found | changes)


def nothing(world: "World") -> Judged | None:
    return None


def quiet(world: "World") -> Judged | None:
    """A whole window after all that was decided, in which nobody asked for anything."""
    window = a_window(world.now, stable=0.0, candidate=0.0)
    return Judged(digest="", attempt=0, exposed=400, traffic=window)


@dataclass(slots=True)
class World:
    """One feature, everything around it, and a clock that stands still between moves. remembers:
    incidents stay open until people close them; else they do so at once."""

    spec: AIFeatureSpec = field(default_factory=a_spec)
    status: AIFeatureStatus = field(default_factory=AIFeatureStatus)
    now: datetime = NOW
    generation: int = 1
    switches: dict[str, AIKillSwitch] = field(default_factory=dict)
    sign_offs: list[AISignOff] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    incidents: set[str] = field(default_factory=set)
    troubles: dict[str, AIIncident] = field(default_factory=dict)
    remembers: bool = False
    events: dict[str, Transition] = field(default_factory=dict)
    segments: dict[str, Json] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    delivered: Delivered | None = None
    drift: Drifted | None = None
    checked: Checked | None = None
    baselined: Baselined | None = None
    contents: Contents | None = None
    indexes: Indexes | None = None
    breakers: Breakers | None = None
    changes: Changes | None = None
    braked: str | None = None
    guarded: Guarded = VOUCHED
    confirmed: bool = False
    author: str | None = "git"
    annotations: dict[str, str] = field(default_factory=dict)
    told: datetime | None = None

    def copied(self) -> "World":
        """Another world at the same point: models are frozen, all that holds them is copied."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        held = {k: v.copy() for k, v in found.items() if isinstance(v, dict | list | set)}
        return World(**found | held)

    @property
    def stage(self) -> Stage | None:
        return self.status.stage

    @property
    def weight(self) -> int:
        return self.status.split.candidate

    @property
    def feature(self) -> AIFeature:
        return a_feature(
            self.spec,
            self.status,
            generation=self.generation,
            author=self.author,
            annotations=self.annotations,
        )

    def condition(self, kind: ConditionType) -> Condition | None:
        return find(self.status.conditions, kind)

    def observed(self, evidence: Evidence = undecided) -> Observed:
        return Observed(
            feature=self.feature,
            switches=tuple(self.switches.values()),
            sign_offs=tuple(self.sign_offs),
            records=tuple(self.records.values()),
            incidents=frozenset(self.incidents),
            troubles=tuple(self.troubles.values()),
            judged=evidence(self),
            drift=self.drift,
            checked=self.checked,
            baselined=self.baselined,
            contents=self.contents,
            indexes=self.indexes,
            breakers=self.breakers,
            changes=self.changes,
            problems=self.problems,
            delivered=self.delivered,
            announced_at=self.told,
            braked=self.braked,
            guarded=self.guarded,
            confirmed=self.confirmed,
            upstream=self.upstream,
            segments=tuple(s for k, b in self.segments.items() if (s := segment(k, b)) is not None),
        )

    def plan(self, evidence: Evidence = undecided) -> Plan:
        return decide(self.observed(evidence), self.now)

    def look(self, evidence: Evidence = undecided, *, lost: bool = False) -> Plan:
        """One pass. `lost`: it dies after its first effects, before its status is stored."""
        plan = self.plan(evidence)
        for effect in plan.first:
            self.do(effect)
        if lost:
            return plan
        if plan.status != self.status:  # what did not change has been through the wire before
            self.status = AIFeatureStatus.model_validate(plan.status.wire())
        for effect in plan.then:
            self.do(effect)
        for name, one in self.troubles.items():
            known = decide_incident(Seen(one, (self.feature,)), self.now).status
            self.troubles[name] = one.but(status=known)
        posted = [e.transition.at for e in plan.then if isinstance(e, PostEvent)]
        self.told = max(posted, default=self.told)
        return plan

    def settle(self, evidence: Evidence = undecided, passes: int = QUIET_PASSES) -> "World":
        """Passes until none is due at once; the clock moves by a millisecond between them."""
        for _ in range(passes):
            plan = self.look(evidence)
            if plan.wake_at is None or plan.wake_at > self.now:
                return self
            self.now += timedelta(milliseconds=1)
        raise AssertionError(f"still not quiet after {passes} passes: {self.status.summary}")

    def wait(self, seconds: float, evidence: Evidence = undecided) -> "World":
        self.now += timedelta(seconds=seconds)
        return self.settle(evidence)

    def do(self, effect: Effect) -> None:
        match effect:
            case WriteRecord():
                new = a_record(effect.release, holds=frozenset(effect.texts))
                known = self.records.get(effect.digest) or new
                self.records[effect.digest] = _marked(known, effect.marks)
            case OpenIncident():
                assert effect.latch.incident is not None
                self.incidents.add(effect.latch.incident)
                if self.remembers:
                    self._opens(effect.latch.incident, opening(self.feature, effect.latch))
            case OpenSign():
                spec = forewarned(
                    self.feature,
                    effect.source,
                    effect.cause,
                    effect.line,
                    since=effect.since,
                    digest=effect.digest,
                    earlier=effect.earlier,
                )
                self.incidents.add(effect.name)
                self._opens(effect.name, spec)
            case DropRecord():
                self.records = {k: r for k, r in self.records.items() if r.name != effect.name}
                self.segments.pop(effect.name, None)
            case PostEvent():
                self.events.setdefault(effect.name, effect.transition)
            case WriteSegment():
                self.segments.setdefault(effect.name, effect.data)

    def _opens(self, name: str, spec: AIIncidentSpec) -> None:
        """The API server stamps whole seconds."""
        stamp = self.now.replace(microsecond=0)
        meta = ObjectMeta(name=name, namespace=NAMESPACE, generation=1, creation_timestamp=stamp)
        self.troubles.setdefault(name, AIIncident(metadata=meta, spec=spec))

    def drills(self, seconds: int = 60, name: str = "drill") -> "World":
        """Somebody begins a drill; the API server stamps whole seconds."""
        self.switches[name] = a_drill(self.now, seconds, name)
        return self

    def people(self, wanted: RequestedPhase | None, severity: Severity | None = None) -> "World":
        """People say of every incident where it stands; of one that recovers what they learnt."""
        for name, one in self.troubles.items():
            graded = severity or one.spec.severity
            said = one.spec.but(requested_phase=wanted, severity=graded)
            if wanted is RequestedPhase.RECOVERING:
                said = said.but(**LEARNT)
            self.troubles[name] = one.but(spec=said)
        return self

    def wants(self, release: Release, **parts: Any) -> "World":
        """Git asks for another release or another plan."""
        self.spec = a_spec(release, **parts)
        self.generation += 1
        return self

    def kill(self, name: str = "stop") -> "World":
        self.switches[name] = a_switch(name)
        return self

    def held(self, reason: str = "we look into it") -> "World":
        """Whoever is on call annotates the feature."""
        self.annotations[names.HOLD] = reason
        return self

    def aborted(self, words: str | None = None) -> "World":
        """Whoever is on call names what flies now, or says what they like."""
        flown = self.status.candidate
        now = f"{flown.digest}/{flown.attempt}" if flown is not None else "nothing/1"
        self.annotations[names.ABORT] = words if words is not None else now
        return self

    def decides(self, decision: Decision, by: str = "ann", **changes: Any) -> "World":
        """A person decides on what flies now."""
        flown = self.status.candidate
        assert flown is not None
        known: Json = {"digest": flown.plan_digest, "attempt": flown.attempt, "at": self.now}
        about: Json = known | changes
        self.sign_offs.append(a_sign_off(decision, by=by, **about))
        return self

    def signs(self, digest: str, attempt: int, feature: str = NAME) -> "World":
        self.sign_offs.append(a_retry(digest, attempt, feature=feature, at=self.now))
        return self


def _marked(record: Record, marks: Mapping[str, str | None]) -> Record:
    """The record with annotations as the API server would merge them."""
    found: dict[str, Any] = {}
    for name, value in marks.items():
        match name:
            case names.ATTEMPTS:
                found["attempts"] = int(value or 0)
            case names.TOOK_OFF_AT:
                found["took_off_at"] = datetime.fromisoformat(value) if value else None
            case names.OUTCOME:
                found["outcome"] = value
            case names.QUARANTINED:
                found["quarantined_attempt"] = int(value) if value else None
            case names.GOOD_SINCE:
                found["good_since"] = datetime.fromisoformat(value) if value else None
            case names.SIGNAL_BASELINE:
                found["signal_baseline"] = value
            case _:
                raise AssertionError(f"a mark nobody reads: {name}")
    return replace(record, **found)
