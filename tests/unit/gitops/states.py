"""Objects in every state that a GitOps tool meets, as the product makes them.

Features are flown and incidents lived through by the pure core; nothing of a status is written by
hand. Each says what kstatus, Argo CD and Flux must make of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from goaround.api.base import Json
from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, SIGN_OFFS, Kind, Resource
from goaround.api.reasons import Stage
from goaround.api.signoff import Decision
from goaround.rollout.kills import latched
from tests.unit.incident.life import Life
from tests.unit.rollout.build import DIGEST_B, HOLD, NOW, B, C, a_problem, a_sign_off, a_switch
from tests.unit.rollout.flights import (
    cruising,
    halfway,
    holding,
    inconclusive,
    killed,
    live,
    preflight,
    ramping,
    rolled_back,
)
from tests.unit.rollout.test_preflight import before_take_off, fails
from tests.unit.rollout.world import World, bad, good

DELETED_AT: Final = "2026-11-21T12:00:00Z"


@dataclass(frozen=True, slots=True)
class State:
    """An object, and what must be made of it.

    flux: by the expressions of examples/gitops/flux; the same as kstatus where not given. people:
    by those of the variant in which waiting for people is good enough.
    """

    kind: Kind
    make: Callable[[], Json]
    argocd: str
    kstatus: str
    flux: str = ""
    people: str = ""


def body(kind: Kind, resource: Resource) -> Json:
    """As the API server stores it."""
    return resource.wire() | {"apiVersion": kind.api_version, "kind": kind.kind}


def feature(world: World) -> Json:
    return body(FEATURES, world.feature)


def unseen() -> Json:
    """As it is created: the API server writes the default of status, and nobody else did yet."""
    found = feature(World())
    return found | {"status": {"observedGeneration": -1}}


def without_status() -> Json:
    """As no API server shows it; a file in Git looks so."""
    found = feature(World())
    del found["status"]
    return found


def held_alone() -> Json:
    """The hold is its only annotation."""
    world = ramping()
    world.author = None
    return feature(world.held().wait(1))


def changed() -> Json:
    """Live, and spec was changed a moment ago."""
    world = live()
    world.generation += 1
    return feature(world)


def asked_for_approval() -> World:
    """The evidence is complete at 50 %, and people are asked before full traffic."""
    world = live().wants(B, signOff={"mode": "BeforeFullTraffic"}).wait(60)
    world.wait(HOLD + 10, good).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    return world


def frozen() -> World:
    """A release went around at 50 %: the next one waits until people say that it is over."""
    world = halfway()
    world.remembers = True
    return world.wait(60, bad).wants(C).wait(60)


def wrong() -> World:
    world = ramping()
    world.problems = (a_problem(),)
    return world.wait(1)


def suspended() -> World:
    return ramping().wants(B, suspend=True).wait(1)


def deleting() -> Json:
    found = feature(live())
    return found | {"metadata": found["metadata"] | {"deletionTimestamp": DELETED_AT}}


def opened(severity: str) -> Life:
    return Life(severity).looks()


def mitigated() -> Life:
    life = opened("P2").says(milestones={"containedAt": (NOW + timedelta(minutes=5)).isoformat()})
    life.now += timedelta(minutes=10)
    return life.looks()


def resolved() -> Life:
    return opened("P2").says(requestedPhase="Resolved").looks()


def of_incident(life: Life) -> Json:
    return body(INCIDENTS, life.incident)


def switch(*, seen: bool = True) -> Json:
    one = a_switch()
    status = latched(one, [killed().feature], NOW) if seen else one.status
    return body(KILL_SWITCHES, one.but(status=status))


def unlatched() -> Json:
    """Seen, and not yet recorded by every feature that it kills."""
    one = a_switch()
    return body(KILL_SWITCHES, one.but(status=latched(one, [ramping().feature], NOW)))


def drill_over() -> Json:
    world = live().drills(60).wait(1)
    world.wait(120)
    one = world.switches["drill"]
    return body(KILL_SWITCHES, one.but(status=latched(one, [world.feature], world.now)))


def sign_off() -> Json:
    found = body(SIGN_OFFS, a_sign_off(Decision.APPROVE, DIGEST_B, 1))
    found.pop("status", None)
    return found


UNSEEN: Final = ("Progressing", "InProgress")
CLIMBS: Final = ("Progressing", "InProgress")
WAITS: Final = ("Suspended", "InProgress", "InProgress", "Current")
DONE: Final = ("Healthy", "Current")
FAILED: Final = ("Degraded", "Failed")

FLOWN: Final[Mapping[str, State]] = {
    "new": State(FEATURES, unseen, *UNSEEN),
    "stale-generation": State(FEATURES, changed, *UNSEEN),
    "preflight": State(FEATURES, lambda: feature(preflight()), *CLIMBS),
    "ramping": State(FEATURES, lambda: feature(ramping()), *CLIMBS),
    "holding-no-data": State(FEATURES, lambda: feature(holding()), *CLIMBS),
    "cruising": State(FEATURES, lambda: feature(cruising()), *CLIMBS),
    "drill": State(FEATURES, lambda: feature(live().drills().wait(1)), *CLIMBS),
    "awaiting-sign-off": State(FEATURES, lambda: feature(asked_for_approval()), *WAITS),
    "suspended": State(FEATURES, lambda: feature(suspended()), *WAITS),
    "held": State(FEATURES, lambda: feature(ramping().held().wait(1)), *WAITS),
    "change-freeze": State(FEATURES, lambda: feature(frozen()), *WAITS),
    "live": State(FEATURES, lambda: feature(live()), *DONE),
    # what serves everybody stays done; in Argo CD people see that the next release would wait
    "live-and-held": State(
        FEATURES, lambda: feature(live().held().wait(1)), "Suspended", "Current"
    ),
    "rolled-back": State(FEATURES, lambda: feature(rolled_back()), *FAILED),
    "rejected": State(FEATURES, lambda: feature(fails(before_take_off())), *FAILED),
    "invalid": State(FEATURES, lambda: feature(wrong()), *FAILED),
    "inconclusive": State(FEATURES, lambda: feature(inconclusive()), *FAILED),
    "killed": State(FEATURES, lambda: feature(killed()), *FAILED),
    # Flux asks nothing of what it has pruned, and its expressions do not look at deletion
    "deleting": State(FEATURES, deleting, "Progressing", "Terminating", "Current"),
}
"""AIFeature, in every stage and in all that a pipeline meets between two of them."""

RECORDS: Final[Mapping[str, State]] = {
    "open-p2": State(INCIDENTS, lambda: of_incident(opened("P2")), "Degraded", "InProgress"),
    "open-p3": State(INCIDENTS, lambda: of_incident(opened("P3")), *CLIMBS),
    "mitigated": State(INCIDENTS, lambda: of_incident(mitigated()), "Suspended", "InProgress"),
    "resolved": State(INCIDENTS, lambda: of_incident(resolved()), *DONE),
    "engaged": State(KILL_SWITCHES, lambda: switch(seen=False), *UNSEEN),
    "unlatched": State(KILL_SWITCHES, unlatched, *UNSEEN),
    "latched": State(KILL_SWITCHES, switch, *DONE),
    "drill-over": State(KILL_SWITCHES, drill_over, "Suspended", "Current"),
    "signed": State(SIGN_OFFS, sign_off, *DONE),
}
"""The other three kinds, which are not kept in Git."""

STATES: Final[Mapping[str, State]] = {**FLOWN, **RECORDS}
