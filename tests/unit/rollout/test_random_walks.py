"""Whatever happens, in whatever order: the laws hold, every state has an exit, and people can
always bring a feature back to Live."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.reasons import Stage
from tests.unit.rollout.build import CRUISE, RAMP_DEADLINE, a_release
from tests.unit.rollout.walks import WALKS, Move, walked
from tests.unit.rollout.world import QUIET_PASSES, good

walks = settings(max_examples=20, print_blob=True)


@walks
@given(WALKS)
def test_no_walk_breaks_a_law(walk: tuple[str, list[Move]]) -> None:
    walked(*walk)


@settings(walks, max_examples=6)
@given(WALKS)
def test_without_news_every_state_is_quiet_within_a_few_passes(
    walk: tuple[str, list[Move]],
) -> None:
    end = walked(*walk)
    for _ in range(2 * QUIET_PASSES):
        end.look()
        end.world.now += timedelta(milliseconds=1)
    one = end.look()
    assert not one.plan.urgent
    assert one.after.history == one.before.history
    assert (one.plan.first, one.plan.then) == ((), ())
    assert one.plan.wake_at is None or one.plan.wake_at > one.now


@settings(walks, max_examples=6)
@given(WALKS)
def test_every_transition_is_told_once_the_world_is_quiet(walk: tuple[str, list[Move]]) -> None:
    world = walked(*walk).world
    world.settle()
    told = {(t.at, t.reason) for t in world.events.values()}
    assert {(t.at, t.reason) for t in world.status.history} <= told


@settings(walks, max_examples=6)
@given(WALKS, st.sampled_from(["unreadable", "nothing", "undecided"]))
def test_without_proof_no_candidate_keeps_users_for_ever(
    walk: tuple[str, list[Move]], evidence: str
) -> None:
    end = walked(*walk)
    end.evidence, end.world.braked = evidence, None
    end.take(("git suspends", False))
    end.take(("on call holds", False))
    end.take(("people must agree", None))  # whoever is asked may take their time
    for _ in range(8):
        end.take(("time passes", RAMP_DEADLINE))
    flown = end.world.status.candidate
    assert end.world.weight == 0 or (flown is not None and flown.adopted)


@settings(walks, max_examples=6)
@given(WALKS)
def test_from_every_state_a_fresh_good_release_reaches_live(walk: tuple[str, list[Move]]) -> None:
    world = walked(*walk).calmed().world
    fresh = a_release("v9")
    world.wants(fresh)
    for _ in range(12):
        world.wait(CRUISE, good)
    assert world.stage is Stage.LIVE
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.release == fresh


@settings(walks, max_examples=6)
@given(WALKS)
def test_from_every_state_a_revert_to_last_known_good_reaches_live_at_once(
    walk: tuple[str, list[Move]],
) -> None:
    world = walked(*walk).calmed().world
    known = world.status.last_known_good
    if known is None:
        return
    world.wants(known.release).settle()
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
