"""What a latch learns after the decision: delivered, contained, told; nothing else changes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from goaround.api.reasons import EventReason, Stage
from goaround.api.status import Latch
from goaround.rollout.observed import Judged
from tests.unit.rollout.build import CRUISE, DIGEST_B, A, B, C, a_delivery, a_release, a_window
from tests.unit.rollout.flights import fly_to_live, killed, live, ramping, rolled_back
from tests.unit.rollout.world import World, bad, good, live_bad, live_good, nothing, quiet

LEARNT = {"delivered_at", "contained_at", "exposed_requests", "incident_opened_at"}


def latch(world: World) -> Latch:
    return world.status.latches[0]


def delivered(world: World) -> World:
    """Every replica streams the decision."""
    world.delivered = a_delivery(world.status.revision)
    return world.wait(1)


def test_delivered_is_said_when_every_replica_streams_the_decision() -> None:
    world = rolled_back()
    for answer in (
        a_delivery(world.status.revision - 1),
        a_delivery(world.status.revision, replicas=1),
        a_delivery(None, replicas=0),
    ):
        world.delivered = answer
        assert latch(world.wait(1)).delivered_at is None
    assert latch(delivered(world)).delivered_at == world.now


def test_delivered_to_no_replica_is_not_delivered() -> None:
    world = rolled_back()
    world.delivered = a_delivery(None, replicas=0, expected=0)
    assert latch(world.wait(1)).delivered_at is None


def test_replicas_are_asked_again_ever_more_rarely() -> None:
    world = rolled_back()
    world.delivered = a_delivery(world.status.revision - 1)
    waits = []
    for seconds in (1, 10, 100, 10_000):
        world.now = latch(world).at + timedelta(seconds=seconds)
        wake_at = world.plan(nothing).wake_at
        assert wake_at is not None
        waits.append((wake_at - world.now).total_seconds())
    assert waits == [0.25, 2.5, 25, 30]


def test_contained_needs_a_whole_window_without_a_request_after_delivery() -> None:
    world = delivered(rolled_back())
    early = a_window(world.now - timedelta(seconds=5), candidate=0, stable=9)
    world.wait(10, lambda w: Judged("", 0, traffic=early))
    assert latch(world).contained_at is None
    world.wait(10, lambda w: Judged("", 0, exposed=400, traffic=a_window(w.now, candidate=0)))
    assert latch(world).contained_at == world.now


def test_one_request_of_the_candidate_is_not_contained() -> None:
    world = delivered(rolled_back())
    world.wait(10, lambda w: Judged("", 0, traffic=a_window(w.now, candidate=1)))
    assert latch(world).contained_at is None


def test_a_kill_is_contained_when_no_model_answers_anybody() -> None:
    world = delivered(killed())
    world.wait(10, lambda w: Judged("", 0, traffic=a_window(w.now, stable=3, candidate=0)))
    assert latch(world).contained_at is None
    world.wait(10, quiet)
    assert latch(world).contained_at == world.now


def test_stable_may_go_on_serving_after_a_rollback() -> None:
    world = delivered(rolled_back())
    world.wait(10, lambda w: Judged("", 0, traffic=a_window(w.now, stable=900, candidate=0)))
    assert latch(world).contained_at is not None


def test_where_no_replica_can_be_asked_a_later_window_must_do() -> None:
    world = rolled_back()
    at = latch(world).at
    soon = a_window(at + timedelta(seconds=5), candidate=0)
    later = a_window(at + timedelta(seconds=10), candidate=0)
    assert latch(world.wait(20, lambda w: Judged("", 0, traffic=soon))).contained_at is None
    assert latch(world.wait(1, lambda w: Judged("", 0, traffic=later))).contained_at is not None
    assert latch(world).delivered_at is None


def test_replicas_that_do_not_answer_are_waited_for() -> None:
    world = rolled_back()
    world.delivered = a_delivery(None, replicas=0)
    assert latch(world.wait(600, quiet)).contained_at is None


def test_while_metrics_are_down_nothing_is_called_contained() -> None:
    world = delivered(rolled_back())
    for evidence in (nothing, lambda w: Judged("", 0)):
        assert latch(world.wait(600, evidence)).contained_at is None


def test_contained_is_told_once() -> None:
    world = delivered(rolled_back()).wait(10, quiet).wait(10, quiet)
    told = [t for t in world.status.history if t.reason == EventReason.CONTAINED]
    assert len(told) == 1
    assert told[0].message.startswith("Contained: no request reached it")


def test_exposure_is_what_was_counted_until_containment() -> None:
    world = rolled_back()
    assert latch(world).exposed_requests == 321
    assert latch(delivered(world).wait(10, quiet)).exposed_requests == 400


@pytest.mark.parametrize("start", [rolled_back, killed])
def test_a_latch_is_frozen_but_for_what_is_learnt_of_its_effect(
    start: Callable[[], World],
) -> None:
    world = start()
    before = latch(world)
    delivered(world).wait(10, quiet).wants(C).wait(60, good)
    after = latch(world)
    changed = {n for n in type(before).model_fields if getattr(before, n) != getattr(after, n)}
    assert changed <= LEARNT


def test_a_latch_holds_the_proof_and_the_signals_as_they_stood() -> None:
    world = ramping()
    world.now += timedelta(seconds=60)
    world.look(bad)
    found = latch(world)
    assert (found.digest, found.attempt, found.weight, found.stage) == (DIGEST_B, 1, 10, "Ramping")
    assert (found.signal, found.layer) == ("errors", "OutputQuality")
    assert found.proven_at == world.now - timedelta(seconds=1)
    assert found.started_at == world.now - timedelta(seconds=31)
    assert [s.verdict for s in found.signals] == ["Bad", "Bad"]
    assert found.back_to is not None
    assert found.back_to.release == A


def heard(world: World, *, stable: float, candidate: float) -> Judged | None:
    """A window of the flight, or of what is live, after all that was decided."""
    window = a_window(world.now, stable=stable, candidate=candidate)
    return good(world, traffic=window) or live_good(world, traffic=window)


def test_a_rollback_before_the_next_flight_is_contained_when_that_has_landed() -> None:
    world = rolled_back().wants(C).wait(1)
    assert world.stage is Stage.RAMPING
    world = delivered(world)
    assert latch(world).delivered_at is not None
    while world.stage is not Stage.LIVE:
        world.wait(CRUISE, lambda w: heard(w, stable=90, candidate=10))
        assert latch(world).contained_at is None
    world.wait(60, lambda w: heard(w, stable=100, candidate=0))
    assert (latch(world).digest, latch(world).contained_at) == (DIGEST_B, world.now)
    assert latch(world).exposed_requests == 321
    told = [t for t in world.status.history if t.reason == EventReason.CONTAINED]
    assert len(told) == 1


def test_both_rollbacks_are_contained_when_nobody_is_on_either_release() -> None:
    world = rolled_back().wants(C).wait(1).wait(60, bad)
    delivered(world).wait(10, quiet)
    assert [x.contained_at for x in world.status.latches] == [world.now, world.now]
    told = [t for t in world.status.history if t.reason == EventReason.CONTAINED]
    assert len(told) == 2
    assert len({t.at for t in told}) == 2


def test_silence_of_one_arm_says_nothing_while_the_other_is_not_heard_either() -> None:
    world = delivered(rolled_back().wants(C).wait(1))
    world.wait(60, lambda w: heard(w, stable=0, candidate=0))
    assert latch(world).contained_at is None
    world.wait(60, lambda w: heard(w, stable=90, candidate=0))
    assert latch(world).contained_at == world.now


def test_a_rollback_is_contained_under_a_kill() -> None:
    world = delivered(rolled_back().kill().wait(1)).wait(10, quiet)
    assert [x.contained_at for x in world.status.latches] == [world.now, world.now]


def test_a_kill_that_is_over_is_never_said_to_be_contained() -> None:
    world = killed()
    world.switches.clear()
    delivered(world.wait(60)).wait(60, lambda w: heard(w, stable=90, candidate=0))
    assert latch(world).contained_at is None


def test_a_fall_from_live_is_contained_by_whatever_lands_after_it() -> None:
    world = fly_to_live(live().wants(B))
    world = world.wait(60, lambda w: live_bad(w, digest=DIGEST_B)).wants(C).wait(1)
    assert (world.stage, latch(world).contained_at) == (Stage.RAMPING, None)
    world = fly_to_live(world).wait(60, live_good)
    assert latch(world).contained_at == world.now


def test_a_fall_to_the_fallback_is_contained_when_stable_is_silent_beside_the_next_flight() -> None:
    world = delivered(live().wait(60, live_bad).wants(C).wait(1))
    assert (world.stage, world.status.split.fallback) == (Stage.RAMPING, 90)
    world.wait(60, lambda w: heard(w, stable=1, candidate=10))
    assert latch(world).contained_at is None
    world.wait(60, lambda w: heard(w, stable=0, candidate=10))
    assert latch(world).contained_at == world.now


def test_only_the_newest_latches_are_kept() -> None:
    world = live()
    for n in range(6):
        world.wants(a_release(f"n{n}")).wait(60).wait(60, bad)
    titles = [x.release.title for x in world.status.latches if x.release is not None]
    assert titles == [a_release(f"n{n}").title for n in (5, 4, 3, 2)]
