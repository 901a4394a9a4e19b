"""What the baselines of signals do: a first step waits for them, people are told in Live."""

from datetime import timedelta

import pytest

from goaround.api.base import Json
from goaround.api.conditions import Condition
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.watch import SignalBaseline
from goaround.rollout.baselines import READS_BEFORE
from goaround.rollout.observed import Baselined, Beyond, Judged
from tests.unit.rollout.build import DIGEST_A, DIGEST_B, A, B, a_signal
from tests.unit.rollout.flights import live, live_twice
from tests.unit.rollout.world import World, bad, live_bad, live_good, undecided

LINE = "errors.vs-baseline 3.1% > baseline 0.9% x 2, at most 2.2% (n=900/86,400) -> breach"
NO_BASELINE = "it has no baseline yet; it is counted until 2026-11-22T09:00Z"


def acceptance(on_breach: str = "Alert", **changes: object) -> Json:
    bound = {"worseByFactor": "2", "onBreach": on_breach}
    first = {**a_signal("errors"), "vsBaseline": bound, **changes}
    return {"scope": "all", "signals": [first, a_signal("toxic", "Safety")]}


def a_row(world: World, digest: str = DIGEST_A) -> SignalBaseline:
    began = world.now.replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=3)
    return SignalBaseline(
        name="errors",
        digest=digest,
        began_at=began,
        established_at=began + timedelta(days=1),
        total="86400",
        bad="777",
    )


def held_against(on_breach: str = "Alert") -> World:
    """B is live, and is held against what A counted."""
    world = live_twice().wants(B, acceptance=acceptance(on_breach))
    world.baselined = Baselined(DIGEST_B, known=(a_row(world),))
    return world.settle(live_good)


def beyond(world: World, **changes: object) -> Judged | None:
    since = world.now.replace(minute=0, second=0, microsecond=0)
    return live_good(world, beyond={"errors": Beyond(since, LINE)}, **changes)


def watched(world: World) -> Condition:
    found = world.condition(ConditionType.WATCHED)
    assert found is not None
    return found


def events(world: World) -> list[str]:
    return [t.reason for t in world.status.history]


# -- before the first step -----------------------------------------------------------------------


def test_the_first_step_waits_until_what_signals_counted_before_it_is_read() -> None:
    world = live().wants(B, acceptance=acceptance())
    world.baselined = Baselined(DIGEST_B, pinning=True)
    world.wait(60)
    assert (world.stage, world.status.hold) == (Stage.PREFLIGHT, READS_BEFORE)
    world.baselined = Baselined(DIGEST_B, known=(a_row(world),), text="packed")
    world.wait(6)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert world.records[DIGEST_B].signal_baseline == "packed"
    assert world.status.baselines == [a_row(world)]


def test_later_steps_wait_for_nothing_that_is_past() -> None:
    world = live().wants(B, acceptance=acceptance()).wait(60)
    world.baselined = Baselined(DIGEST_B, pinning=True)
    assert world.wait(60).stage is Stage.RAMPING


def test_no_baseline_stands_in_the_way_down() -> None:
    world = live().wants(B, acceptance=acceptance()).wait(60)
    world.baselined = Baselined(DIGEST_B, pinning=True)
    assert world.wait(60, bad).stage is Stage.ROLLED_BACK
    assert live().wants(B).kill().wait(1).stage is Stage.KILLED


# -- in Live -------------------------------------------------------------------------------------


def test_an_episode_is_told_once_however_long_it_lasts_and_moves_nobody() -> None:
    world = held_against().wait(60, beyond)
    for _ in range(5):
        world.wait(600, beyond)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
    assert (world.status.latches, world.incidents) == ([], set())
    assert events(world).count(EventReason.WORSE_THAN_BASELINE) == 1
    (row,) = world.status.baselines
    assert row.worse_since is not None
    seen = watched(world)
    assert (seen.status, seen.reason) == ("True", "WorseThanBaseline")
    assert LINE in seen.message


def test_a_pass_without_evidence_ends_no_episode() -> None:
    world = held_against().wait(60, beyond)
    world.wait(60, lambda _: None).wait(60, beyond)
    world.baselined = None
    world.wait(60, lambda _: None)
    assert world.status.baselines[0].worse_since is not None
    assert events(world).count(EventReason.WORSE_THAN_BASELINE) == 1


def test_after_health_the_next_episode_is_told_again() -> None:
    world = held_against().wait(60, beyond).wait(60, live_good)
    assert world.status.baselines[0].worse_since is None
    assert watched(world).reason == "Watched"
    world.wait(3600, beyond)
    assert events(world).count(EventReason.WORSE_THAN_BASELINE) == 2


def test_an_episode_is_written_at_once() -> None:
    world = held_against()
    world.now += timedelta(seconds=60)
    assert world.plan(beyond).urgent


def test_with_fall_back_the_good_release_before_it_serves() -> None:
    world = held_against("FallBack").wait(60, lambda w: live_bad(w, digest=DIGEST_B))
    assert (world.stage, world.status.split.stable) == (Stage.ROLLED_BACK, 100)
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.digest == DIGEST_A
    assert EventReason.WORSE_THAN_BASELINE not in events(world)


def test_what_serves_instead_is_not_said_to_be_worse() -> None:
    world = held_against("FallBack")
    world.wait(60, lambda w: live_bad(w, digest=DIGEST_B, beyond={"errors": Beyond(w.now, LINE)}))
    world.wait(60, live_good)
    assert all(row.worse_since is None for row in world.status.baselines)


# -- what is missing -----------------------------------------------------------------------------


def test_a_missing_baseline_is_said_and_nothing_else() -> None:
    world = held_against("FallBack")
    world.baselined = Baselined(DIGEST_B, gaps={"errors": NO_BASELINE})
    world.wait(60, live_good)
    assert world.stage is Stage.LIVE
    assert watched(world).status == "True", "the absolute bounds are watched"
    assert f"vsBaseline of errors is not watched: {NO_BASELINE}" in watched(world).message


@pytest.mark.parametrize(("on_breach", "status"), [("Alert", "False"), ("FallBack", "True")])
def test_without_an_absolute_bound_only_a_baseline_that_acts_counts_as_watched(
    on_breach: str, status: str
) -> None:
    compared = acceptance(on_breach, max=None, vsStable={"worseBy": "0.02"})
    compared["signals"] = compared["signals"][:1]
    compared["signals"] += [{**compared["signals"][0], "name": "toxic", "vsBaseline": None}]
    world = held_against().wants(B, acceptance=compared).settle(live_good)
    assert watched(world).status == status
    world.baselined = Baselined(DIGEST_B, known=(a_row(world),), gaps={"errors": "it is stale"})
    world.wait(60, live_good)
    assert (watched(world).status, watched(world).reason) == ("False", "NoAbsoluteBound")


def test_a_bound_that_is_taken_out_takes_its_baseline_with_it() -> None:
    world = held_against().wait(60, beyond).wants(B)
    world.baselined = None
    assert world.settle(live_good).status.baselines == []


def test_a_baseline_of_another_release_is_not_shown() -> None:
    world = held_against()
    world.baselined = Baselined(DIGEST_A, known=(a_row(world),))
    assert world.wait(60, live_good).status.baselines == []


def test_without_it_a_flight_is_as_before() -> None:
    world = live().wants(A, acceptance=acceptance()).wants(B, acceptance=acceptance())
    assert world.wait(60, undecided).stage is Stage.RAMPING
