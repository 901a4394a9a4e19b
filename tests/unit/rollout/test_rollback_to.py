"""spec.rollbackTo: a release that was good serves everybody at once, and nobody is blamed."""

import pytest

from goaround.api.digest import short
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import ALL_FALLBACK, Split
from tests.unit.rollout.build import (
    CRUISE,
    DIGEST_A,
    DIGEST_B,
    DIGEST_C,
    HOLD,
    A,
    B,
    C,
    a_problem,
)
from tests.unit.rollout.flights import fly_to_live, halfway, live, live_twice, ramping, rolled_back
from tests.unit.rollout.world import World, bad, good, live_bad, undecided

EVERYBODY = Split(stable=100)


def goes_back(world: World, to: str, **parts: object) -> World:
    return world.wants(world.spec.release, rollbackTo=to, **parts)


def live_thrice() -> World:
    """A, B and C were good, one after the other; C serves."""
    return fly_to_live(live_twice().wants(C))


def serves(world: World) -> str | None:
    good = world.status.last_known_good
    return good.digest if good is not None else None


@pytest.mark.parametrize("to", [DIGEST_A, DIGEST_A[7:], short(DIGEST_A), DIGEST_A[:39]])
def test_the_good_release_before_serves_everybody_in_that_very_pass(to: str) -> None:
    world = goes_back(live_twice(), to)
    world.look(good)
    assert (world.stage, world.status.split, serves(world)) == (Stage.LIVE, EVERYBODY, DIGEST_A)


def test_it_is_ready_and_says_why_the_release_of_spec_does_not_serve() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(10)
    ready = world.condition(ConditionType.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == ("True", Reason.ROLLED_BACK_TO)
    assert f"{short(DIGEST_A)} serves everybody by spec.rollbackTo" in ready.message
    assert world.condition(ConditionType.STALLED) is None


def test_nobody_is_blamed_and_no_incident_is_opened() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(10)
    assert (world.status.latches, world.incidents) == ([], set())
    assert world.records[DIGEST_B].quarantined_attempt is None
    assert world.records[DIGEST_A].good_since == world.status.last_known_good.since  # type: ignore[union-attr]


def test_a_release_of_long_ago_is_found_by_its_record() -> None:
    world = goes_back(live_thrice(), short(DIGEST_A)).wait(10)
    assert serves(world) == DIGEST_A
    assert world.status.previous_good is not None
    assert world.status.previous_good.digest == DIGEST_B


def test_what_people_turned_away_from_is_not_gone_back_to() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(10).wait(60, live_bad)
    assert world.status.split == ALL_FALLBACK


def test_what_flies_loses_its_users_and_flies_no_more_meanwhile() -> None:
    world = goes_back(halfway(), DIGEST_A)
    world.look(good)
    assert (world.stage, world.status.split) == (Stage.LIVE, EVERYBODY)
    for _ in range(3):
        assert world.wait(CRUISE, good).status.split == EVERYBODY
    assert world.records[DIGEST_B].outcome == "Superseded"


def test_taken_out_the_release_of_spec_takes_the_ramp_as_a_new_attempt() -> None:
    world = goes_back(halfway(), DIGEST_A).wait(60).wants(B).wait(60)
    flown = world.status.candidate
    assert flown is not None
    assert (world.stage, world.weight, flown.attempt) == (Stage.RAMPING, 10, 2)


def test_taken_out_where_it_equals_what_serves_nothing_moves() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(60).wants(A).wait(60)
    assert (world.stage, world.status.split, serves(world)) == (Stage.LIVE, EVERYBODY, DIGEST_A)


def test_told_once() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(60).wait(60).wait(60)
    reasons = [t.reason for t in world.status.history]
    assert reasons.count(EventReason.ROLLED_BACK_TO) == 1


@pytest.mark.parametrize("stop", ["brake", "suspend", "hold", "problem", "clock"])
def test_what_stops_the_way_up_does_not_stop_it(stop: str) -> None:
    world = halfway()
    world.braked = "the brake is on" if stop == "brake" else None
    world.problems = (a_problem(),) if stop == "problem" else ()
    if stop == "hold":
        world.held()
    if stop == "clock":
        world.now -= world.now - world.status.history[0].at
    goes_back(world, DIGEST_A, **({"suspend": True} if stop == "suspend" else {}))
    world.look(good)
    assert (world.stage, world.status.split) == (Stage.LIVE, EVERYBODY)


def test_a_kill_comes_before_it_and_after_the_kill_it_is_what_serves() -> None:
    world = goes_back(live_twice().kill(), DIGEST_A).wait(10)
    assert (world.stage, world.status.split) == (Stage.KILLED, ALL_FALLBACK)
    world.switches.clear()
    seen = []
    for _ in range(3):
        world.look()
        seen.append(serves(world))
    assert (world.status.split, set(seen)) == (EVERYBODY, {DIGEST_A})


def test_harm_in_the_same_pass_is_remembered_first() -> None:
    world = goes_back(halfway(), DIGEST_A).wait(1, bad)
    assert (world.stage, world.status.split) == (Stage.LIVE, EVERYBODY)
    assert world.records[DIGEST_B].quarantined_attempt == 1


def test_users_of_the_fallback_wait_while_nothing_may_go_up() -> None:
    world = goes_back(live_twice(), DIGEST_A).wait(10).wait(60, live_bad)
    assert world.status.split == ALL_FALLBACK
    goes_back(world.held(), DIGEST_B).wait(60)
    assert (world.stage, world.status.split) == (Stage.ROLLED_BACK, ALL_FALLBACK)
    world.annotations.clear()
    world.wait(10)
    assert (world.stage, world.status.split, serves(world)) == (Stage.LIVE, EVERYBODY, DIGEST_B)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (DIGEST_B, "was proven harmful in attempt 1"),
        (DIGEST_C, "names no release of this feature"),
        ("0" * 64, "names no release of this feature"),
    ],
)
def test_what_is_not_good_moves_nothing_and_says_what_to_do(to: str, why: str) -> None:
    world = goes_back(rolled_back(), to)
    before = world.status.split
    world.wait(60)
    stalled = world.condition(ConditionType.STALLED)
    assert stalled is not None
    assert (stalled.reason, world.status.split) == (Reason.ROLLBACK_REFUSED, before)
    assert why in stalled.message
    assert f"Good releases of this feature: {short(DIGEST_A)}" in stalled.message


def test_one_that_still_flies_never_was_good_and_waits_where_it_is() -> None:
    world = goes_back(ramping(), DIGEST_B).wait(HOLD + 10, good)
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert "never was last-known-good" in (world.status.summary or "")
    assert world.wait(10, bad).weight == 0


def test_one_that_was_aborted_is_refused() -> None:
    world = live_thrice().wants(B).wait(60).aborted().wait(1)
    stalled = goes_back(world, DIGEST_B).wait(10).condition(ConditionType.STALLED)
    assert stalled is not None
    assert "was aborted in attempt 2" in stalled.message


def test_nothing_takes_off_while_it_cannot_be_followed() -> None:
    world = live().wants(B, rollbackTo=DIGEST_C).wait(60)
    assert (world.status.split, world.status.candidate) == (EVERYBODY, None)
    assert world.wants(B).wait(60).weight == 10


def test_a_good_release_that_flies_again_serves_at_once() -> None:
    world = live_thrice().wants(B).wait(60)
    assert world.weight == 10
    world = goes_back(world, DIGEST_B).wait(1)
    assert (world.stage, world.status.split, serves(world)) == (Stage.LIVE, EVERYBODY, DIGEST_B)


def test_in_mode_observe_it_is_what_spec_asks_for() -> None:
    world = goes_back(live_twice(), DIGEST_A, mode="Observe").wait(10, undecided)
    assert serves(world) == DIGEST_A
    world.wants(C, mode="Observe", rollbackTo="0" * 12).wait(10)
    assert serves(world) == DIGEST_A
    assert world.condition(ConditionType.STALLED) is not None
