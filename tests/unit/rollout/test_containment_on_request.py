"""What people ask for in an open incident is done at once, lowers only, and ends with it."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from goaround.api.base import rfc3339
from goaround.api.conditions import find
from goaround.api.feature import Mode
from goaround.api.incident import RequestedPhase
from goaround.api.incident_status import Phase
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.status import LatchCause, Split
from goaround.rollout.flown import as_flown
from goaround.rollout.moves import in_flight
from goaround.runtime.flight import identity
from tests.unit.rollout.build import CRUISE, DIGEST_B, HOLD, C, a_delivery
from tests.unit.rollout.flights import halfway, live, ramping
from tests.unit.rollout.incidents import asks, by_hand, says, withdraws
from tests.unit.rollout.test_the_way_down_always_works import OBSTACLES, STAGES
from tests.unit.rollout.world import LEARNT, World, bad, good, nothing, undecided

SOON = timedelta(hours=1)


def delivered(world: World) -> World:
    """Every flag replica streams what was decided."""
    world.delivered = a_delivery(world.status.revision)
    return world.wait(1).settle()


def told(world: World, reason: EventReason) -> int:
    return sum(t.reason == reason for t in world.status.history)


def test_a_throttle_takes_the_candidate_down_and_holds_it_there() -> None:
    world = asks(halfway(), "Throttle", percent=10).wait(1)
    assert (world.weight, world.stage) == (10, Stage.HOLDING)
    assert (world.status.hold or "").startswith("ContainmentRequested: AIIncident by-hand asks")
    world.wait(HOLD + 10, good).wait(HOLD + 10, good)
    assert (world.weight, told(world, EventReason.THROTTLED)) == (10, 1)


def test_when_the_throttle_is_withdrawn_the_flight_climbs_on_new_evidence_only() -> None:
    world = withdraws(asks(halfway(), "Throttle", percent=10).wait(HOLD + 10, good))
    assert world.wait(1, undecided).weight == 10
    assert world.wait(HOLD + 10, good).weight == 50


def test_below_its_first_step_it_comes_back_to_that_step_first() -> None:
    world = asks(ramping(), "Throttle", percent=3).wait(1)
    assert world.weight == 3
    withdraws(world).wait(1, undecided)
    assert world.weight == 3
    assert world.wait(HOLD + 10, good).weight == 10
    assert world.wait(HOLD + 10, good).weight == 50


def test_a_plan_of_one_step_does_not_land_from_below_it() -> None:
    one = {"steps": [{"weightPercent": 100, "holdSeconds": HOLD, "minSamples": 100}]}
    world = live().wants(C, ramp=one).settle().wait(1, good)
    assert world.weight == 100
    withdraws(asks(world, "Throttle", percent=40).wait(CRUISE + 10, good))
    assert world.wait(CRUISE + 10, good).weight == 100
    assert world.stage is Stage.CRUISING


def test_of_several_throttles_the_lowest_wins() -> None:
    world = asks(halfway(), "Throttle", percent=20, incident="one")
    assert asks(world, "Throttle", percent=5, incident="two").wait(1).weight == 5


def test_a_throttle_raises_nothing() -> None:
    assert asks(ramping(), "Throttle", percent=40).wait(1, good).weight == 10


def test_a_rollback_on_request_is_an_abort_that_joins_the_incident() -> None:
    world = asks(halfway(), "Rollback", reason="it swears").wait(1).settle()
    latch = world.status.latches[0]
    assert (world.weight, world.stage) == (0, Stage.REJECTED)
    assert (latch.cause, latch.incident) == (LatchCause.ABORTED, "by-hand")
    assert latch.incident_opened_at is not None
    assert world.incidents == set()
    assert all(r.quarantined_attempt is None for r in world.records.values())


def test_after_a_rollback_on_request_nothing_flies_until_it_is_withdrawn() -> None:
    world = asks(halfway(), "Rollback").wait(1).wants(C).wait(60)
    assert world.weight == 0
    assert (world.status.hold or "").startswith("ContainmentRequested")
    assert withdraws(world).wait(60).weight == 10


def test_what_was_rolled_back_on_request_needs_a_retry() -> None:
    world = withdraws(asks(halfway(), "Rollback").wait(1)).wait(60)
    assert world.weight == 0
    assert world.signs(DIGEST_B, 1).wait(60).weight == 10


@pytest.mark.parametrize("action", ["Fallback", "KillSwitch"])
def test_the_fallback_serves_everybody_while_an_incident_asks_for_it(action: str) -> None:
    world = asks(live(), action, reason="it swears").wait(1)
    assert (world.stage, world.status.split) == (Stage.KILLED, Split(fallback=100))
    assert world.status.kill is not None
    (source,) = world.status.kill.sources
    assert (source.kind, source.name, source.reason) == ("AIIncident", "by-hand", "it swears")
    assert (world.status.latches[0].incident, world.incidents) == ("by-hand", set())
    rules = {r.name: r.reason for r in world.status.gate if not r.open}
    assert rules["no-kill-source"] == "withdraw spec.containment of AIIncident by-hand"
    assert withdraws(world).wait(1).stage is Stage.LIVE


def test_a_kill_switch_goes_on_when_an_incident_stops_asking() -> None:
    world = asks(live().kill(), "Fallback").wait(1)
    assert withdraws(world).wait(1).stage is Stage.KILLED


def test_after_a_grave_incident_last_known_good_comes_back_once_its_gate_is_open() -> None:
    world = withdraws(asks(live(), "KillSwitch", severity="P1").wait(1)).wait(1)
    assert world.stage is Stage.KILLED
    assert "the fallback serves until the gate is open" in (world.status.hold or "")
    says(world, requested_phase=RequestedPhase.RECOVERING).wait(1)
    assert world.stage is Stage.KILLED
    assert says(world, **LEARNT).wait(1).wait(1).stage is Stage.LIVE


def test_people_who_call_a_grave_incident_over_bring_it_back() -> None:
    world = asks(live(), "KillSwitch", severity="P1").wait(1)
    says(world, requested_phase=RequestedPhase.RESOLVED).wait(1)
    assert world.wait(1).stage is Stage.LIVE


@pytest.mark.parametrize("said", list(RequestedPhase)[1:])
def test_an_incident_that_is_over_asks_nothing(said: RequestedPhase) -> None:
    world = asks(halfway(), "Rollback")
    assert says(world, requested_phase=said).wait(1).weight == 50


def test_a_drill_asks_nothing() -> None:
    drill = {"source": "Drill", "key": "tabletop"}
    world = halfway()
    world.troubles["by-hand"] = by_hand("by-hand", world.now, trigger=drill, drill="Tabletop")
    assert asks(world, "Rollback").wait(1).weight == 50


def test_mode_observe_moves_nothing_for_an_incident() -> None:
    world = asks(halfway(), "Throttle", percent=1)
    world.spec = world.spec.but(mode=Mode.OBSERVE)
    assert world.wait(1).weight == 50
    assert world.status.restraints == []


def test_a_filter_is_in_status_until_it_expires() -> None:
    world = live()
    asks(world, "Filter", filter="no-discounts", expiresAt=rfc3339(world.now + SOON)).wait(1)
    (obeyed,) = world.status.restraints
    assert (obeyed.filter, obeyed.incident) == ("no-discounts", "by-hand")
    before, plan = world.status.revision, world.plan(nothing)
    assert plan.wake_at is not None
    assert plan.wake_at <= world.now + SOON
    assert world.wait(3600, nothing).status.restraints == []
    assert world.status.revision > before


def test_a_tighter_bound_holds_while_it_lasts_and_a_looser_one_never_does() -> None:
    world = halfway()
    until = rfc3339(world.now + SOON)
    asks(world, "ThresholdAdjust", signal="errors", max="0.01", expiresAt=until).wait(1)
    judged_by = as_flown(world.feature).spec.acceptance.signals
    assert [s.max for s in judged_by] == ["0.01", "0.02"]
    assert identity(world.feature) != identity(world.feature.but(status=halfway().status))
    assert world.wait(HOLD + 10, good).weight == 50
    asks(world, "ThresholdAdjust", signal="errors", max="0.5", expiresAt=until).wait(1)
    assert as_flown(world.feature).spec == world.spec
    assert world.wait(3600, good).weight > 50


def test_a_pass_on_unchanged_facts_writes_nothing() -> None:
    for action, parts in ASKED.values():
        world = asks(halfway(), action, **parts).wait(1).settle().settle()
        plan = world.plan()
        assert not plan.urgent
        assert plan.status.history == world.status.history


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "a throttle to nothing": ("Throttle", {"percent": 0}),
    "a rollback": ("Rollback", {}),
    "the fallback": ("Fallback", {}),
    "a kill": ("KillSwitch", {}),
}


def test_whatever_is_in_the_way_what_people_ask_is_done_in_that_very_pass() -> None:
    for (stage, fly), (wish, (action, parts)) in product(STAGES.items(), ASKED.items()):
        flying = fly()
        for obstacle, (stand, seen) in OBSTACLES.items():
            world = flying.copied()
            stand(world)
            asks(world, action, **parts)
            plan = world.plan(seen)
            case = f"{wish} against {obstacle} when {stage}"
            assert plan.status.split.candidate == 0, case
            assert plan.first == () or flying.weight == 0, case


def test_a_throttle_never_stands_before_a_deeper_way_down() -> None:
    world = asks(halfway(), "Throttle", percent=5)
    assert world.plan(bad).status.split.candidate == 0
    world.aborted()
    assert not in_flight(world.plan().status)


def test_an_incident_tells_what_it_asked_and_when_that_was_seen() -> None:
    world = asks(halfway(), "Throttle", percent=10).wait(1)
    status = world.troubles["by-hand"].status
    assert (status.containment.asked, status.containment.percent) == ("Throttle", 10)
    assert status.milestones.contained_at is None
    contained = find(status.conditions, ConditionType.CONTAINED)
    assert contained is not None
    assert contained.message == "chat: 10 % of users are on the candidate, not streamed by all yet"
    status = delivered(world).troubles["by-hand"].status
    assert status.phase is Phase.CONTAINED
    assert status.milestones.contained_at is not None
    assert (status.containment.action, status.containment.seconds) == ("Throttle", 2)


def test_a_rollback_on_request_is_contained_when_no_request_reached_it_any_more() -> None:
    world = asks(halfway(), "Rollback").wait(1)
    assert world.troubles["by-hand"].status.milestones.contained_at is None
    latch = world.status.latches[0].but(contained_at=world.now)
    world.status = world.status.but(latches=[latch])
    status = world.wait(1).troubles["by-hand"].status
    assert (status.phase, status.containment.action) == (Phase.CONTAINED, "Rollback")
    assert (status.failed_release or "").endswith(f"({DIGEST_B[7:19]})")


def test_a_small_incident_that_holds_something_down_does_not_end_by_itself() -> None:
    world = delivered(asks(halfway(), "Throttle", percent=5).wait(1))
    world.wait(4000)
    assert world.troubles["by-hand"].status.phase is Phase.CONTAINED
    world.troubles["by-hand"] = withdraws(world).troubles["by-hand"]
    assert world.wait(4000).troubles["by-hand"].status.phase is Phase.RESOLVED


def test_in_live_a_rollback_says_what_would_help() -> None:
    told = asks(live(), "Rollback").wait(1).troubles["by-hand"].status.containment.message
    assert told is not None
    assert "no candidate is in flight; to leave what is live ask for Fallback" in told
