"""Flights judged by other kinds than ratios, and by counts that no test should ever see."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.rollout.observed import Judged
from goaround.runtime.desk import Desk
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from goaround.world.prometheus import (
    Counts,
    FeatureKey,
    Kind,
    Provider,
    Read,
    Readings,
    Shape,
    WindowReading,
)
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import in_virtual_time
from tests.unit.runtime.flown import BEGAN, LAG, a_feature, a_signal

ERRORS = a_signal("errors", max="0.05")
LOAD: Json = {
    "name": "load",
    "query": {"promql": "max(g{$match})", "failures": 2, "of": 3},
    "max": "0.9",
}
ROUND = {"candidate": Counts(100.0, 0.0), "stable": Counts(900.0, 0.0)}


class World:
    """Counts and values by shape, the same in every window; `asked` has every shape and range."""

    def __init__(self, **values: float) -> None:
        self.values = values
        self.slices: dict[str, dict[str, Counts]] = {}
        self.arms: dict[str, Counts] = dict(ROUND)
        self.asked: list[tuple[Shape, range]] = []

    async def read(self, feature: FeatureKey, shape: Shape, ends: range) -> Read:
        self.asked.append((shape, ends))
        await asyncio.sleep(0.01)
        if shape.kind is Kind.QUERY:
            return Readings(tuple(WindowReading(e, {}, values=self.values) for e in ends))
        arms = self.slices.get(shape.only[1], ROUND) if shape.only else self.arms
        return Readings(tuple(WindowReading(e, arms) for e in ends))


def flown(world: World, feature: AIFeature, seconds: int, *times: int) -> list[Judged]:
    """What is judged at each of `times`, else at the end."""
    found: list[Judged] = []

    async def fly(loop: VirtualTimeLoop) -> None:
        provider = Provider(name="default", url="http://nobody.test", lag_seconds=LAG)
        news: list[Key] = []
        desk = Desk(
            {"default": world},
            {"default": provider},
            news=news.append,
            metrics=Metrics(),
            wall=loop.wall,
        )
        for second in range(seconds + 1):
            await asyncio.sleep((BEGAN + timedelta(seconds=second) - loop.wall()).total_seconds())
            judged = desk.judged(feature, loop.wall())
            if judged is not None and second in (times or (seconds,)):
                found.append(judged)
        await desk.close()

    in_virtual_time(fly)
    return found


def verdicts(judged: Judged) -> dict[str, str]:
    return {s.name: s.verdict for s in judged.signals}


def test_a_query_within_its_threshold_lets_the_ramp_climb() -> None:
    (judged,) = flown(World(candidate=0.5), a_feature(ERRORS, LOAD), 300)
    assert verdicts(judged) == {"errors": "Good", "load": "Good"}
    assert judged.accepted


def test_a_query_does_not_count_as_requests() -> None:
    (judged,) = flown(World(candidate=0.5), a_feature(ERRORS, LOAD), 300)
    assert (judged.samples, judged.total) == (2900, 2900)


def test_a_query_beyond_its_threshold_goes_around_after_n_of_m() -> None:
    early, late = flown(World(candidate=0.95), a_feature(ERRORS, LOAD), 40, 18, 40)
    assert early.breach is None
    assert late.breach is not None
    assert late.breach.signal == "load"


def test_a_query_without_a_value_is_unknown_and_climbs_nowhere() -> None:
    (judged,) = flown(World(stable=0.1), a_feature(ERRORS, LOAD), 300)
    assert verdicts(judged) == {"errors": "Good", "load": "Unknown"}
    assert not judged.accepted


def test_a_harmed_slice_sends_the_release_back_in_the_name_of_its_signal() -> None:
    world = World()
    world.slices = {"de": {"candidate": Counts(20.0, 10.0), "stable": Counts(180.0, 0.0)}}
    sliced = ERRORS | {"slices": {"label": "lang", "values": ["de", "en"]}}
    (judged,) = flown(world, a_feature(sliced, a_signal("slow", max="0.05")), 60)
    assert judged.breach is not None
    assert judged.breach.signal == "errors"
    assert judged.breach.line.startswith("errors/de ")
    assert {s.only for s, _ in world.asked} == {None, ("lang", "de"), ("lang", "en")}


def test_a_slice_without_traffic_is_not_waited_for() -> None:
    world = World()
    world.slices = {"de": {}}
    sliced = ERRORS | {"slices": {"label": "lang", "values": ["de"]}}
    (judged,) = flown(world, a_feature(sliced, a_signal("slow", max="0.05")), 300)
    assert judged.accepted
    assert verdicts(judged) == {"errors": "Good", "slow": "Good"}


def test_late_truth_is_not_waited_for_where_the_step_holds_shorter() -> None:
    late = a_signal("churn", max="0.05", labelDelaySeconds=700)
    (judged,) = flown(World(), a_feature(ERRORS, late), 300)
    assert verdicts(judged) == {"errors": "Good", "churn": "Unknown"}
    assert judged.accepted


def test_late_truth_sends_a_release_back_when_it_comes() -> None:
    late = a_signal("churn", max="0.05", labelDelaySeconds=700)
    world = World()
    world.arms = {"candidate": Counts(100.0, 50.0), "stable": Counts(900.0, 0.0)}
    lenient = a_signal("errors", max="0.9")
    before, after = flown(world, a_feature(lenient, late), 760, 690, 760)
    assert before.breach is None
    assert after.breach is not None
    assert after.breach.signal == "churn"


@pytest.mark.parametrize(
    "arms",
    [
        {},
        {"stable": Counts(900.0, 0.0)},
        {"candidate": Counts(0.0, 0.0), "stable": Counts(900.0, 0.0)},
    ],
    ids=["nobody", "stable alone", "a candidate at zero"],
)
def test_without_traffic_nothing_is_proven_and_nothing_climbs(arms: dict[str, Counts]) -> None:
    world = World()
    world.arms = arms
    (judged,) = flown(world, a_feature(ERRORS, a_signal("slow", max="0.05")), 300)
    assert set(verdicts(judged).values()) == {"Unknown"}
    assert (judged.accepted, judged.breach) == (False, None)


def test_without_a_stable_arm_to_compare_with_nothing_climbs() -> None:
    world = World()
    world.arms = {"candidate": Counts(100.0, 0.0)}
    versus = a_signal("errors", vsStable={"worseBy": "0.02"})
    (judged,) = flown(world, a_feature(versus, a_signal("slow", max="0.05")), 300)
    assert verdicts(judged)["errors"] == "Undecided"
    assert not judged.accepted


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(10.0, 11.0), "impossible"),
        (Counts(-1.0, 0.0), "no counts"),
        (Counts(10.0, -1.0), "no counts"),
        (Counts(float("nan"), 0.0), "no counts"),
        (Counts(float("inf"), 0.0), "no counts"),
        (Counts(10.0, float("nan")), "no counts"),
    ],
)
def test_counts_that_cannot_be_are_unknown_and_hold(counts: Counts, words: str) -> None:
    world = World()
    world.arms = {"candidate": counts, "stable": Counts(900.0, 0.0)}
    (judged,) = flown(world, a_feature(ERRORS, a_signal("slow", max="0.05")), 120)
    assert set(verdicts(judged).values()) == {"Unknown"}
    assert judged.unreadable is not None
    assert words in judged.unreadable


@pytest.mark.parametrize(("share", "verdict"), [(0.001, "Good"), (0.5, "Bad")])
def test_a_million_million_requests_are_judged_like_any_others(share: float, verdict: str) -> None:
    world = World()
    world.arms = {"candidate": Counts(1e12, share * 1e12), "stable": Counts(9e12, 9e9)}
    (judged,) = flown(world, a_feature(ERRORS, a_signal("slow", max="0.9")), 60)
    assert verdicts(judged)["errors"] == verdict


def test_a_signal_edited_in_mid_ramp_is_judged_by_new_evidence() -> None:
    def of(**more: Any) -> AIFeature:
        return a_feature(ERRORS | more, a_signal("slow", max="0.05"))

    world = World()
    (before,) = flown(world, of(), 300)
    changed = of(labelDelaySeconds=1)
    status = changed.status.but(evidence=list(before.evidence))
    carried = changed.model_copy(update={"status": status})
    (after,) = flown(world, carried, 1)
    assert verdicts(before)["errors"] == "Good"
    assert verdicts(after)["errors"] == "Unknown"
