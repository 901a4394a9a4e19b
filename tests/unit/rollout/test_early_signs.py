"""Early signs open one P4 incident where spec asks for it, and move nobody."""

from datetime import timedelta

import pytest

from goaround.api.base import Json
from goaround.api.incident import RequestedPhase, Severity
from goaround.api.incident_status import Phase
from goaround.api.judgement import ContainmentAction, ContainmentRequest
from goaround.api.kinds import AIIncident
from goaround.rollout.observed import Breakers, Opened
from goaround.rollout.planned import OpenSign
from tests.unit.rollout.build import DIGEST_A, A, a_spec
from tests.unit.rollout.flights import live
from tests.unit.rollout.test_drift import sees
from tests.unit.rollout.test_open_breakers import FALLBACK
from tests.unit.rollout.world import World, live_good

DAY = 86_400


def watching(incident: str = "OnDrift", action: str = "Alert") -> World:
    """A live release whose prompts' language is under watch."""
    counter = {"counter": "language_total{$match}", "label": "language"}
    one = {"name": "language", "category": counter, "action": action, "reference": "Baseline"}
    world = live()
    world.spec = a_spec(A, drift={"inputs": [one], "incident": incident})
    return world


def drifts(world: World, verdict: str = "Alert", seconds: float = 60) -> World:
    return sees(world, verdict, digest=DIGEST_A).wait(seconds, live_good)


def only(world: World) -> AIIncident:
    (found,) = world.troubles.values()
    return found


def says(world: World, phase: RequestedPhase, **spec: str) -> World:
    found = only(world)
    spec_then = found.spec.but(requested_phase=phase, **spec)
    world.troubles[found.metadata.name] = found.but(spec=spec_then)
    return drifts(world)


@pytest.mark.parametrize("action", ["Alert", "Hold"])
def test_drift_of_what_is_live_opens_one_p4_and_moves_nobody(action: str) -> None:
    world = drifts(watching(action=action), action)
    spec = only(world).spec
    assert (spec.severity, spec.trigger.source) == (Severity.P4, "Drift")
    assert spec.trigger.key == f"inputs language of release {DIGEST_A[7:19]}"
    assert (spec.trigger.digest, spec.summary.what_broke) == (
        DIGEST_A,
        f"language: PSI 0.8 -> {action.lower()}",
    )
    assert (world.status.split.stable, world.status.latches) == (100, [])


def test_without_being_asked_for_no_incident_is_opened() -> None:
    assert drifts(watching("Never")).troubles == {}


def test_in_band_or_unknown_nothing_is_opened() -> None:
    assert drifts(drifts(watching(), "Quiet"), "Unknown").troubles == {}


def test_while_one_is_open_another_drift_opens_none() -> None:
    world = drifts(watching())
    for _ in range(5):
        drifts(drifts(world, "Quiet", DAY), "Alert", DAY)
    assert len(world.troubles) == 1


def test_it_stays_open_until_people_end_it() -> None:
    world = drifts(drifts(watching()), "Quiet", 3 * DAY)
    assert only(world).status.phase is Phase.DETECTED


def test_where_people_say_that_nothing_has_to_be_contained_it_ends_by_itself() -> None:
    world = drifts(watching())
    found = only(world)
    asked = ContainmentRequest(action=ContainmentAction.NONE, reason="a new market")
    spec = found.spec.but(containment=asked)
    world.troubles[found.metadata.name] = found.but(spec=spec)
    drifts(world, "Quiet")
    assert only(drifts(world, "Quiet", 1801)).status.phase is Phase.RESOLVED


def test_a_day_after_it_was_over_a_drift_that_lasts_opens_the_next_and_names_the_last() -> None:
    world = says(drifts(watching()), RequestedPhase.RESOLVED)
    assert only(world).status.phase is Phase.RESOLVED
    assert len(drifts(world, seconds=DAY - 600).troubles) == 1
    assert len(drifts(world, seconds=1200).troubles) == 2
    first, second = world.troubles.values()
    assert second.spec.related_to == first.metadata.name


def test_one_that_was_none_is_not_opened_again_at_once() -> None:
    world = drifts(watching())
    drifts(world, seconds=5 * DAY)
    says(world, RequestedPhase.CANCELLED, cancel_reason="a holiday")
    assert only(world).status.phase is Phase.CANCELLED
    assert len(drifts(world, seconds=600).troubles) == 1


def test_the_same_inputs_on_the_same_day_are_the_same_incident() -> None:
    """A crash between the effect and the next look must not open a second one."""
    world = sees(watching(), "Alert", digest=DIGEST_A)
    first = [e for e in world.plan(live_good).then if isinstance(e, OpenSign)]
    world.now += timedelta(minutes=5)
    again = [e for e in world.plan(live_good).then if isinstance(e, OpenSign)]
    assert (len(first), [e.name for e in first]) == (1, [e.name for e in again])


def with_breaker(world: World, seconds: int | None) -> World:
    incident: Json = {"breakerOpenSeconds": seconds} if seconds is not None else {}
    return world.wants(world.spec.release, fallback=FALLBACK, incident=incident)


def opened(world: World, replicas: int, seconds: float) -> World:
    world.breakers = Breakers({"stable": Opened(replicas, 3)}, world.now)
    return world.wait(seconds, live_good)


def test_a_breaker_that_stays_open_in_live_opens_one_p4() -> None:
    world = opened(with_breaker(live(), 300), 2, 1)
    assert opened(world, 2, 290).troubles == {}
    spec = only(opened(world, 2, 20)).spec
    assert (spec.severity, spec.trigger.source) == (Severity.P4, "Breaker")
    assert (spec.summary.what_broke or "").startswith("2 of 3 replicas (67%) on stable have")
    assert len(opened(world, 1, DAY).troubles) == 1


def test_a_breaker_that_closes_in_time_or_was_not_asked_about_opens_none() -> None:
    world = opened(opened(with_breaker(live(), 300), 2, 200), 0, 200)
    assert opened(world, 1, 200).troubles == {}
    assert opened(opened(with_breaker(live(), None), 2, 1), 2, DAY).troubles == {}
