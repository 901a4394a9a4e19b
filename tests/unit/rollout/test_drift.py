"""What drift does to a release: it holds a climb or tells people, and sends nobody back."""

from datetime import timedelta

import pytest

from goaround.api import names
from goaround.api.base import Json
from goaround.api.drift import DriftInputStatus, DriftStatus
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.rollout.decide import decide
from goaround.rollout.drifts import READS_BEFORE
from goaround.rollout.observed import Drifted
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, HOLD, A, B, a_spec, writes
from tests.unit.rollout.flights import halfway, live, preflight, ramping
from tests.unit.rollout.world import World, bad, good, live_good, undecided

GONE = "provider default: no connection"


def watching(world: World, action: str = "Hold", for_seconds: int = 0) -> World:
    """The same flight, with its prompts' language under watch."""
    counter = {"counter": "language_total{$match}", "label": "language"}
    drift: Json = {
        "inputs": [
            {"name": "language", "category": counter, "action": action, "forSeconds": for_seconds}
        ]
    }
    flown = world.status.candidate
    world.spec = a_spec(flown.release if flown is not None else A, drift=drift)
    return world


def sees(
    world: World,
    verdict: str,
    *,
    digest: str = DIGEST_B,
    out_since: bool | None = None,
    value: str | None = "0.8",
) -> World:
    """A look that just ended."""
    out = verdict in ("Alert", "Hold") if out_since is None else out_since
    row = DriftInputStatus(
        name="language",
        verdict=verdict,
        message=f"language: PSI {value} -> {verdict.lower()}",
        value=value,
        moved="4" if out else None,
        out_since=world.now if out else None,
    )
    status = DriftStatus(digest=digest, verdict=verdict, observed_at=world.now, inputs=[row])
    world.drift = Drifted(digest, status)
    return world


def blind(world: World, *, pinning: bool = False) -> World:
    world.drift = Drifted(DIGEST_B, blind={"language": GONE}, pinning=pinning)
    return world


def told(world: World, event: EventReason = EventReason.DRIFT_DETECTED) -> int:
    return sum(t.reason == event for t in world.status.history)


def test_drift_out_of_its_band_holds_a_release_that_would_climb() -> None:
    world = sees(watching(ramping()), "Hold").wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert world.status.hold == "inputs drift: language: PSI 0.8 -> hold"


def test_drift_with_action_alert_lets_it_climb() -> None:
    world = sees(watching(ramping(), "Alert"), "Alert").wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)
    assert told(world) == 1


def test_drift_is_told_once_however_often_it_is_seen() -> None:
    world = watching(ramping(), "Alert")
    for _ in range(5):
        sees(world, "Alert").wait(150, undecided)
    assert told(world) == 1
    event = next(t for t in world.events.values() if t.reason == EventReason.DRIFT_DETECTED)
    assert (event.type, event.message) == (
        "Warning",
        "Inputs drift: language: PSI 0.8 -> alert",
    )
    found = world.condition(ConditionType.DRIFT_DETECTED)
    assert found is not None
    assert (found.status, found.reason) == ("True", Reason.DRIFT_EXCEEDED)


def test_back_in_band_it_goes_on_and_a_second_drift_is_told_again() -> None:
    world = sees(watching(ramping()), "Hold").wait(60, undecided)
    sees(world, "Quiet").wait(60, undecided)
    assert (world.stage, world.status.hold) == (Stage.RAMPING, None)
    assert world.condition(ConditionType.DRIFT_DETECTED) is None
    sees(world, "Hold").wait(60, undecided)
    assert (world.stage, told(world)) == (Stage.HOLDING, 2)


def test_drift_alone_rolls_nobody_back() -> None:
    world = watching(halfway())
    for _ in range(20):
        sees(world, "Hold").wait(600, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 50)
    assert world.status.latches == []
    assert world.incidents == set()


def test_drift_stands_before_no_rollback() -> None:
    world = sees(watching(halfway()), "Hold").wait(60, undecided)
    assert world.stage is Stage.HOLDING
    assert world.wait(60, bad).stage is Stage.ROLLED_BACK


def test_an_input_that_was_never_read_holds_where_its_action_is_hold() -> None:
    world = blind(watching(ramping())).wait(60, good)
    assert world.stage is Stage.HOLDING
    assert world.status.hold == f"input language was never read: {GONE}"
    found = world.condition(ConditionType.DRIFT_DETECTED)
    assert found is not None
    assert (found.status, found.reason) == ("Unknown", Reason.PROVIDER_UNAVAILABLE)


def test_an_input_that_was_never_read_holds_nobody_where_its_action_is_alert() -> None:
    world = blind(watching(ramping(), "Alert")).wait(HOLD + 10, good)
    assert (world.stage, world.weight, told(world)) == (Stage.RAMPING, 50, 0)


def test_an_input_that_was_in_band_and_says_nothing_now_holds_nobody() -> None:
    world = sees(watching(ramping()), "Quiet").wait(60, undecided)
    sees(world, "Unknown").wait(HOLD, good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)
    found = world.condition(ConditionType.DRIFT_DETECTED)
    assert found is not None
    assert found.status == "Unknown"


def test_an_input_out_of_band_holds_on_while_it_cannot_be_read() -> None:
    world = sees(watching(ramping()), "Hold").wait(60, undecided)
    sees(world, "Unknown", out_since=True).wait(HOLD, good)
    assert world.stage is Stage.HOLDING
    sees(world, "Hold").wait(60, good)
    assert told(world) == 1


def test_an_input_out_of_band_for_a_moment_holds_nobody_while_it_cannot_be_read() -> None:
    world = watching(ramping(), for_seconds=3600)
    sees(world, "Unknown", out_since=True).wait(HOLD, good)
    assert (world.stage, world.weight) == (Stage.RAMPING, 50)


def test_the_first_step_waits_for_what_inputs_looked_like_before() -> None:
    world = watching(preflight())
    world.drift = Drifted(DIGEST_B, pinning=True)
    world.settle()
    assert (world.stage, world.status.hold) == (Stage.PREFLIGHT, READS_BEFORE)
    world.drift = Drifted(DIGEST_B)
    assert world.wait(5).stage is Stage.RAMPING


@pytest.mark.parametrize(("action", "stage"), [("Hold", "Preflight"), ("Alert", "Ramping")])
def test_a_dead_provider_keeps_a_release_on_the_ground_only_where_drift_holds(
    action: str, stage: str
) -> None:
    world = blind(watching(preflight(), action), pinning=True)
    assert world.settle().stage == stage


def test_a_baseline_is_on_the_record_before_anybody_gets_the_release() -> None:
    world = watching(preflight())
    world.drift = Drifted(DIGEST_B, baseline='{"v":1}')
    plan = world.plan()
    assert plan.status.stage is Stage.RAMPING
    (write,) = writes(plan.first)
    assert (write.digest, write.marks) == (DIGEST_B, {names.BASELINE: '{"v":1}'})


def test_what_is_said_of_another_release_is_not_kept() -> None:
    world = sees(watching(live()), "Quiet", digest=DIGEST_A).wait(60, live_good)
    assert world.status.drift is not None
    world.spec = a_spec(B, drift=world.spec.drift.wire() if world.spec.drift else {})
    world.generation += 1
    assert world.wait(60).status.drift is None


def test_a_feature_that_is_not_watched_any_more_says_nothing_of_drift() -> None:
    world = sees(watching(ramping(), "Alert"), "Alert").wait(60, undecided)
    world.spec = a_spec(B)
    assert world.wait(60, undecided).status.drift is None
    assert world.condition(ConditionType.DRIFT_DETECTED) is None


def test_a_verdict_is_written_at_once_and_numbers_wait_for_the_checkpoint() -> None:
    world = sees(watching(ramping(), "Alert"), "Quiet").wait(60, undecided)
    world.now += timedelta(seconds=150)
    assert not sees(world, "Quiet", value="0.9").plan(undecided).urgent
    assert sees(world, "Alert").plan(undecided).urgent


def test_beside_what_is_live_numbers_are_shown_once_an_hour() -> None:
    world = sees(watching(live()), "Quiet", digest=DIGEST_A).wait(60, live_good)
    shown = world.status.drift
    world.now += timedelta(minutes=50)
    sees(world, "Quiet", digest=DIGEST_A, value="0.9")
    assert world.plan(live_good).status.drift == shown
    world.now += timedelta(minutes=11)
    sees(world, "Quiet", digest=DIGEST_A, value="0.9")
    after = world.plan(live_good).status.drift
    assert after is not None
    assert after.inputs[0].value == "0.9"


def test_drift_in_live_is_told_and_moves_nobody() -> None:
    world = sees(watching(live()), "Hold", digest=DIGEST_A).wait(60, live_good)
    assert (world.stage, world.status.split.stable, told(world)) == (Stage.LIVE, 100, 1)


def test_the_next_look_wakes_the_feature() -> None:
    world = watching(ramping())
    soon = world.now + timedelta(seconds=3)
    world.drift = Drifted(DIGEST_B, next_at=soon)
    assert decide(world.observed(undecided), world.now).wake_at == soon
