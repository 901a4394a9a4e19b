"""Small parts for tests of the pure core, and a world that carries plans out.

`World` stands in for the API server and the operator around `decide`: it keeps what a plan writes,
passes every status through the wire, and moves its clock only when it is told to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from goaround.api import names
from goaround.api.base import Json, ObjectMeta
from goaround.api.conditions import Condition, find
from goaround.api.digest import release_digest
from goaround.api.feature import AIFeatureSpec, FeatureReference, Release
from goaround.api.killswitch import AIKillSwitchSpec, LabelSelector
from goaround.api.kinds import AIFeature, AIKillSwitch, AISignOff
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.api.signoff import AISignOffSpec, Decision
from goaround.api.status import AIFeatureStatus, SignalStatus, Transition
from goaround.rollout.decide import decide
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import (
    Breach,
    Delivered,
    Effect,
    Judged,
    Observed,
    OpenIncident,
    Plan,
    PostEvent,
    Problem,
    Record,
    Traffic,
    WriteRecord,
)

NAMESPACE, NAME, UID = "shop", "chat", "5b6f4f4e-uid"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CREATED = NOW - timedelta(days=1)
HOLD, CRUISE, STEP_DEADLINE, RAMP_DEADLINE = 600, 3600, 21600, 172800
QUIET_PASSES = 6

Evidence = Callable[["World"], Judged | None]


def a_release(version: str) -> Release:
    return Release.model_validate(
        {
            "model": {"name": "chat-7b", "version": "2026-11-02"},
            "prompt": {"name": "support", "version": version},
        }
    )


A, B, C = a_release("v1"), a_release("v2"), a_release("v3")
DIGEST_A, DIGEST_B, DIGEST_C = map(release_digest, (A, B, C))


def a_signal(name: str, layer: str = "OutputQuality", share: str = "0.02") -> Json:
    ratio = {"bad": f'{name}_total{{$match,result="bad"}}', "total": f"{name}_total{{$match}}"}
    return {"name": name, "layer": layer, "ratio": ratio, "max": share}


def a_spec(release: Release = A, **parts: Json) -> AIFeatureSpec:
    """A plan of three steps; every part can be given as it stands on the wire."""
    ramp: Json = {
        "steps": [
            {"weightPercent": w, "holdSeconds": HOLD, "minSamples": 100} for w in (10, 50, 100)
        ],
        "cruiseSeconds": CRUISE,
    }
    whole: Json = {
        "release": release.wire(),
        "delivery": [{"name": "app", "role": "Split", "flag": {}}],
        "acceptance": {
            "scope": "support questions",
            "signals": [a_signal("errors"), a_signal("toxic", "Safety")],
        },
        **parts,
        "ramp": ramp | parts.get("ramp", {}),
    }
    return AIFeatureSpec.model_validate(whole)


def a_feature(
    spec: AIFeatureSpec,
    status: AIFeatureStatus | None = None,
    *,
    name: str = NAME,
    generation: int = 1,
    labels: Mapping[str, str] | None = None,
) -> AIFeature:
    return AIFeature(
        metadata=ObjectMeta(
            name=name,
            namespace=NAMESPACE,
            uid=UID,
            generation=generation,
            creation_timestamp=CREATED,
            labels=dict(labels or {}),
        ),
        spec=spec,
        status=status or AIFeatureStatus(),
    )


def a_switch(
    name: str = "stop",
    *,
    feature: str | None = NAME,
    labels: Mapping[str, str] | None = None,
    namespace: str = NAMESPACE,
) -> AIKillSwitch:
    reference = FeatureReference(name=feature) if feature is not None else None
    selector = LabelSelector(match_labels=dict(labels)) if labels is not None else None
    return AIKillSwitch(
        metadata=ObjectMeta(name=name, namespace=namespace, uid=f"{name}-uid", generation=1),
        spec=AIKillSwitchSpec(feature_ref=reference, selector=selector, reason="it swears"),
    )


def a_retry(digest: str, attempt: int, *, feature: str = NAME) -> AISignOff:
    return AISignOff(
        metadata=ObjectMeta(name=f"retry-{attempt}", namespace=NAMESPACE, generation=1),
        spec=AISignOffSpec(
            feature_ref=FeatureReference(name=feature),
            decision=Decision.RETRY,
            digest=digest,
            attempt=attempt,
        ),
    )


def a_record(release: Release, **marks: object) -> Record:
    digest = release_digest(release)
    return replace(
        Record(name=names.record_name(NAME, digest), digest=digest, release=release), **marks
    )


def a_problem(reason: Reason = Reason.UNKNOWN_PROVIDER) -> Problem:
    return Problem(reason, "acceptance.provider 'nope' is not configured")


def a_delivery(revision: int | None, replicas: int = 2, expected: int = 2) -> Delivered:
    return Delivered(revision=revision, replicas=replicas, expected=expected, streams=7, at=NOW)


def a_window(start: datetime, seconds: int = 10, **requests: float) -> Traffic:
    return Traffic(start=start, end=start + timedelta(seconds=seconds), requests=requests)


# -- evidence: what the tests say of the flight in a pass -------------------------------------------


def judged(world: "World", **changes: object) -> Judged | None:
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


def good(world: "World") -> Judged | None:
    return judged(world, accepted=True, samples=1000, total=1000, signals=signals("Good"))


def unreadable(world: "World") -> Judged | None:
    """The provider does not answer: nothing was read since the step began."""
    step = world.status.step
    since = step.since if step is not None else world.now
    told = "signal errors: the provider does not answer"
    return judged(world, unreadable=told, through=since, signals=signals("Unknown"))


def bad(world: "World", signal: str = "errors") -> Judged | None:
    breach = Breach(
        signal=signal,
        line=f"{signal} ratio 4.1% vs 2.0%: e-value 312 >= 100 -> breach",
        proven_at=world.now - timedelta(seconds=1),
        started_at=world.now - timedelta(seconds=31),
    )
    return judged(world, breach=breach, samples=1000, exposed=321, signals=signals("Bad"))


def nothing(world: "World") -> Judged | None:
    return None


def quiet(world: "World") -> Judged | None:
    """A whole window after all that was decided, in which nobody asked for anything."""
    window = a_window(world.now, stable=0.0, candidate=0.0)
    return Judged(digest="", attempt=0, exposed=400, traffic=window)


# -- the world -------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    """One feature, everything around it, and a clock that stands still between moves."""

    spec: AIFeatureSpec = field(default_factory=a_spec)
    status: AIFeatureStatus = field(default_factory=AIFeatureStatus)
    now: datetime = NOW
    generation: int = 1
    switches: dict[str, AIKillSwitch] = field(default_factory=dict)
    sign_offs: list[AISignOff] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    incidents: set[str] = field(default_factory=set)
    events: dict[str, Transition] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    delivered: Delivered | None = None
    told: datetime | None = None

    @property
    def stage(self) -> Stage | None:
        return self.status.stage

    @property
    def weight(self) -> int:
        return self.status.split.candidate

    @property
    def feature(self) -> AIFeature:
        return a_feature(self.spec, self.status, generation=self.generation)

    def condition(self, kind: ConditionType) -> Condition | None:
        return find(self.status.conditions, kind)

    def observed(self, evidence: Evidence = undecided) -> Observed:
        return Observed(
            feature=self.feature,
            switches=tuple(self.switches.values()),
            sign_offs=tuple(self.sign_offs),
            records=tuple(self.records.values()),
            incidents=frozenset(self.incidents),
            judged=evidence(self),
            problems=self.problems,
            delivered=self.delivered,
            announced_at=self.told,
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
        self.status = AIFeatureStatus.model_validate(plan.status.wire())
        for effect in plan.then:
            self.do(effect)
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
                known = self.records.get(effect.digest) or a_record(effect.release)
                self.records[effect.digest] = _marked(known, effect.marks)
            case OpenIncident():
                assert effect.latch.incident is not None
                self.incidents.add(effect.latch.incident)
            case PostEvent():
                self.events.setdefault(effect.name, effect.transition)

    # -- what people do ----------------------------------------------------------------------------

    def wants(self, release: Release, **parts: Json) -> "World":
        """Git asks for another release or another plan."""
        self.spec = a_spec(release, **parts)
        self.generation += 1
        return self

    def kill(self, name: str = "stop") -> "World":
        self.switches[name] = a_switch(name)
        return self

    def signs(self, digest: str, attempt: int, feature: str = NAME) -> "World":
        self.sign_offs.append(a_retry(digest, attempt, feature=feature))
        return self


def _marked(record: Record, marks: Mapping[str, str | None]) -> Record:
    """The record with annotations as the API server would merge them."""
    found: dict[str, object] = {}
    for name, value in marks.items():
        match name:
            case names.ATTEMPTS:
                found["attempts"] = int(value or 0)
            case names.OUTCOME:
                found["outcome"] = value
            case names.QUARANTINED:
                found["quarantined_attempt"] = int(value) if value else None
            case names.GOOD_SINCE:
                found["good_since"] = datetime.fromisoformat(value) if value else None
            case _:
                raise AssertionError(f"a mark nobody reads: {name}")
    return replace(record, **found)


# -- worlds at some point of a flight -----------------------------------------------------------------


def adopted(release: Release = A) -> World:
    """The first release was taken over and cruises."""
    return World(spec=a_spec(release)).settle()


def live(release: Release = A) -> World:
    """`release` is last-known-good and spec asks for it."""
    world = adopted(release).wait(CRUISE + 10, good)
    assert world.stage is Stage.LIVE
    return world


def ramping(release: Release = B) -> World:
    """`release` is at the first step, beside A."""
    world = live().wants(release).wait(60)
    assert world.stage is Stage.RAMPING
    return world


def halfway(release: Release = B) -> World:
    world = ramping(release).wait(HOLD + 10, good)
    assert world.weight == 50
    return world


def cruising(release: Release = B) -> World:
    world = halfway(release).wait(HOLD + 10, good)
    assert world.stage is Stage.CRUISING
    return world


def holding(release: Release = B) -> World:
    world = ramping(release).wait(60, unreadable)
    assert world.stage is Stage.HOLDING
    return world


def preflight(release: Release = B) -> World:
    world = live().wants(release)
    world.now += timedelta(seconds=60)
    world.look()
    assert world.stage is Stage.PREFLIGHT
    return world


def rolled_back(release: Release = B) -> World:
    world = ramping(release).wait(60, bad)
    assert world.stage is Stage.ROLLED_BACK
    return world


def inconclusive(release: Release = B) -> World:
    world = ramping(release).wait(HOLD + STEP_DEADLINE, undecided)
    assert world.stage is Stage.INCONCLUSIVE
    return world


def killed(release: Release = B) -> World:
    world = ramping(release).kill().wait(60)
    assert world.stage is Stage.KILLED
    return world


STARTS: dict[str, Callable[[], World]] = {
    "nothing": World,
    "adopted": adopted,
    "live": live,
    "preflight": preflight,
    "ramping": ramping,
    "holding": holding,
    "halfway": halfway,
    "cruising": cruising,
    "rolled back": rolled_back,
    "inconclusive": inconclusive,
    "killed": killed,
}
