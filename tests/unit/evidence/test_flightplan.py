"""A flight plan says what a ramp can find and how long it takes, and refuses nonsense."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from goaround.api.base import Json
from goaround.api.feature import AIFeatureSpec, BucketBy, FlagDelivery
from goaround.evidence.durations import about, time_needed
from goaround.evidence.flightplan import Traffic, flight_plan
from goaround.evidence.planned import FlightPlan, TestPlan

SEED = 20


def a_signal(name: str, **bounds: Any) -> Json:
    ratio = {"bad": f'{name}_total{{$match,result="bad"}}', "total": f"{name}_total{{$match}}"}
    return {"name": name, "ratio": ratio, **bounds}


def a_spec(*signals: Json, **ramp: Any) -> AIFeatureSpec:
    return AIFeatureSpec.model_validate(
        {
            "release": {"model": {"name": "chat-7b", "version": "2"}},
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
            "acceptance": {"scope": "support questions", "signals": list(signals)},
            "ramp": ramp,
        }
    )


ERRORS = a_signal("errors", max="0.02")
SLOW = a_signal("slow", max="0.10", vsStable={"worseBy": "0.02", "rejectAt": "0.04"})
TIGHT = a_signal("slow", vsStable={"worseBy": "0", "rejectAt": "0.003"})


def planned(spec: AIFeatureSpec, rps: float, **healthy: float) -> FlightPlan:
    """Several tests look at one plan; it is made once, since the same dice give the same plan."""
    return _planned(spec.model_dump_json(), rps, tuple(healthy.items()))


@cache
def _planned(spec: str, rps: float, healthy: tuple[tuple[str, float], ...]) -> FlightPlan:
    return thrown(AIFeatureSpec.model_validate_json(spec), rps, **dict(healthy))


def thrown(spec: AIFeatureSpec, rps: float, **healthy: float) -> FlightPlan:
    return flight_plan(spec, Traffic(rps, healthy), np.random.default_rng(SEED))


def the_test(plan: FlightPlan, name: str, step: int = 0) -> TestPlan:
    return next(test for test in plan.steps[step].tests if test.name == name)


def sound() -> FlightPlan:
    return planned(a_spec(ERRORS, SLOW), 100, errors=0.005, slow=0.05)


def test_a_sound_plan_flies() -> None:
    plan = sound()
    assert plan.flies
    assert plan.warnings == ()
    assert [step.weight for step in plan.steps] == [10, 50, 98]


def test_the_same_dice_give_the_same_plan() -> None:
    assert thrown(a_spec(ERRORS, SLOW), 100, errors=0.005, slow=0.05) == sound()


def test_no_climb_comes_before_the_hold_and_the_whole_takes_the_holds_and_the_cruise() -> None:
    plan = planned(a_spec(ERRORS, SLOW), 1000, errors=0.001, slow=0.01)
    assert plan.steps[0].earliest == 600
    assert plan.earliest == plan.likely == 600 + 600 + 3600


def scarce() -> FlightPlan:
    return planned(a_spec(ERRORS, SLOW), 1, errors=0.005, slow=0.05)


def test_little_traffic_takes_longer_than_the_hold() -> None:
    busy, quiet = sound().steps[0], scarce().steps[0]
    assert busy.likely == 600
    assert quiet.likely is not None
    assert quiet.likely > 1.5 * busy.likely


def test_a_plan_that_needs_days_is_refused_with_figures_and_a_way_out() -> None:
    plan = planned(a_spec(ERRORS, TIGHT), 0.5, slow=0.05)
    assert not plan.flies
    first = next(r for r in plan.refusals if r.startswith("slow.vs-stable: at 0.5 req/s"))
    assert "days at 10 %" in first
    assert "step 1 ends after 6.2 h" in first
    assert "widen rejectAt or hold longer" in first


def test_a_deadline_shorter_than_the_need_is_refused() -> None:
    plan = planned(a_spec(ERRORS, SLOW, deadlineSeconds=3700), 100)
    assert any("the whole ramp ends after 62 min" in r for r in plan.refusals)


def test_samples_out_of_reach_are_refused_before_anything_is_rehearsed() -> None:
    steps = [{"weightPercent": 10, "minSamples": 100_000}, {"weightPercent": 100}]
    plan = planned(a_spec(ERRORS, SLOW, steps=steps), 1)
    assert plan.steps == ()
    assert "step 1 asks for 100,000 samples" in plan.refusals[0]
    assert "lower minSamples" in plan.refusals[0]


def test_without_requests_nothing_flies() -> None:
    assert "without requests" in planned(a_spec(ERRORS, SLOW), 0).refusals[0]


def test_a_bound_that_stable_itself_breaks_is_refused() -> None:
    plan = planned(a_spec(ERRORS, SLOW), 10, errors=0.03)
    assert "healthy release is at 3% bad, the bound is 2%" in plan.refusals[0]


def test_a_hard_guard_on_what_happens_anyway_is_refused() -> None:
    plan = planned(a_spec(ERRORS, a_signal("leaks", max="0")), 10, leaks=0.001)
    assert "leaks: a healthy release already has a bad event every" in plan.refusals[0]


def test_a_hard_guard_that_expects_nothing_finds_the_first_bad_event() -> None:
    test = the_test(planned(a_spec(ERRORS, a_signal("leaks", max="0")), 100), "leaks")
    assert test.hard
    assert test.faults[-1].median == 20  # one window and the lag
    assert test.requests is None


def test_what_the_bound_permits_is_called_allowed_and_has_no_time() -> None:
    test = the_test(sound(), "errors")
    double = next(fault for fault in test.faults if fault.name == "2x")
    assert double.allowed
    assert double.median is None


def test_worse_faults_are_found_sooner_and_cost_is_what_users_see_until_then() -> None:
    test = the_test(sound(), "slow.vs-stable")
    five, total = test.faults[2], test.faults[3]
    assert five.median is not None
    assert total.median is not None
    assert five.median >= total.median
    assert total.bad == pytest.approx(10 * 20, rel=0.5)  # 10 req/s, one window and the lag


def test_the_smallest_fault_found_shrinks_with_traffic() -> None:
    few, many = (the_test(plan, "errors") for plan in (scarce(), sound()))
    assert few.smallest is not None
    assert many.smallest is not None
    assert 0.02 < many.smallest < few.smallest


def test_a_first_release_has_nothing_to_compare_with() -> None:
    spec, dice = a_spec(ERRORS, SLOW), np.random.default_rng(SEED)
    plan = flight_plan(spec, Traffic(50, {}), dice, with_stable=False)
    assert {test.name for test in plan.steps[0].tests} == {"errors", "slow"}
    assert plan.steps[-1].weight == 100


def test_no_climb_waits_for_late_truth_that_cannot_come_in_time() -> None:
    late = a_signal("resolved", max="0.02") | {"labelDelaySeconds": 86400}
    plan = planned(a_spec(ERRORS, late), 20, resolved=0.0199)
    assert plan.flies
    assert the_test(plan, "resolved").requests is None


def test_a_ramp_of_one_step_is_gated_too() -> None:
    plan = planned(a_spec(ERRORS, a_signal("b", max="0.1"), steps=[{"weightPercent": 100}]), 10)
    assert plan.steps[0].level == 20


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (50, "50 s"),
        (720, "12 min"),
        (7560, "2.1 h"),
        (7200, "2 h"),
        (111_600, "31 h"),
        (4e5, "5 days"),
    ],
)
def test_durations_are_told_in_one_unit(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_the_time_that_requests_need_is_about_so_long() -> None:
    assert time_needed(900 - 140, 0.1) == "about 2.1 h"
    assert time_needed(10, 0.0) is None


@pytest.mark.parametrize("rps", [-1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rps: float) -> None:
    with pytest.raises(ValueError, match="requests per second"):
        Traffic(rps, {})


def test_where_nothing_counts_requests_nothing_is_forecast() -> None:
    query = {"query": {"promql": "max(queue{$match})"}, "max": "0.9"}
    plan = planned(a_spec({"name": "a", **query}, {"name": "b", **query}), 10)
    assert plan.flies
    assert "nothing is forecast" in plan.warnings[0]


def test_users_who_stick_to_an_arm_are_warned_of() -> None:
    spec = a_spec(ERRORS, SLOW, steps=[{"weightPercent": 100, "holdSeconds": 60}])
    sticky = spec.but(delivery=[spec.delivery[0].but(flag=FlagDelivery(bucket_by=BucketBy.USER))])
    assert "bucketBy User" in planned(sticky, 100).warnings[-1]


def test_slices_are_taken_to_be_of_one_size_and_gate_nothing() -> None:
    sliced = ERRORS | {"slices": {"label": "language", "values": ["de", "en"]}}
    plan = planned(a_spec(sliced, SLOW), 40)
    whole, part = the_test(plan, "errors"), the_test(plan, "errors/de")
    assert part.per_second == whole.per_second / 2
    assert part.requests is None


def a_mean(*, buckets: bool, **bounds: Any) -> Json:
    held = {"buckets": "s_bucket{$match}"} if buckets else {}
    mean = {"sum": "s_sum{$match}", "count": "s_count{$match}", "worse": "Lower", **held}
    return {"name": "judge", "mean": mean, **bounds}


def test_buckets_make_a_mean_quicker_in_the_plan_as_in_flight() -> None:
    """Healthy at 0.8; twice as far from 1 is 0.6; sd 0.1."""
    traffic = Traffic(10, {"judge": 0.2}, {"judge": 0.1})
    with_buckets, without = (
        the_test(
            flight_plan(
                a_spec(a_mean(buckets=known, min="0.7"), ERRORS),
                traffic,
                np.random.default_rng(SEED),
            ),
            "judge",
        )
        for known in (True, False)
    )
    assert with_buckets.requests is not None
    assert without.requests is not None
    assert with_buckets.requests < 0.7 * without.requests
    found, blind = (next(f for f in t.faults if f.name == "2x") for t in (with_buckets, without))
    assert found.median is not None
    assert blind.median is not None
    assert found.median < 0.7 * blind.median
    assert with_buckets.smallest is not None
    assert without.smallest is not None
    assert with_buckets.smallest < without.smallest


def test_a_mean_of_which_nothing_is_known_is_assumed_within_its_bounds() -> None:
    bounds = {"min": "0.9", "vsStable": {"worseBy": "0.02", "rejectAt": "0.04"}}
    plan = planned(a_spec(a_mean(buckets=True, **bounds), ERRORS), 100)
    judged = [test for test in plan.steps[0].tests if test.name.startswith("judge")]
    assert [test.healthy for test in judged] == [pytest.approx(0.05)] * 2
    assert plan.flies
