"""From kinds of signals to tests: bounds in one unit, slices, late truth, queries."""

from typing import Any

import pytest

from goaround.api.acceptance import Signal
from goaround.evidence import plan as planning
from goaround.evidence.judge import Max, Min, TestSpec, VsStable
from goaround.evidence.plan import (
    EVALUATED,
    absolute,
    counts_requests,
    in_step,
    least_samples,
    outage_tests,
    owner_of,
    readings,
    signal_of,
    slice_of,
)
from goaround.evidence.thresholds import evaluated
from tests.unit.runtime.flown import a_feature, a_signal

DIGEST = "sha256:" + "1" * 64
MEAN = {"sum": "s_sum{$match}", "count": "s_count{$match}", "worse": "Lower"}
LATENCY = {"histogram": "h_bucket{$match}", "slowerThanSeconds": "2.5"}
QUERY = {"promql": "max(g{$match})", "failures": 2, "of": 4}
LANGUAGES = {"label": "lang", "values": ["de", "en"]}


def plan(*signals: Any, beside: bool = True) -> tuple[TestSpec, ...]:
    spec = a_feature(*signals).spec
    return planning.tests_of(spec, digest=DIGEST, attempt=1, with_stable=beside)


def bound(**parts: Any) -> Any:
    return absolute(Signal.model_validate({"name": "s", **parts}))


@pytest.mark.parametrize(
    ("parts", "limit"),
    [
        ({"mean": MEAN, "min": "0.7"}, 0.3),
        ({"mean": MEAN | {"lowest": "1", "highest": "5"}, "min": "4"}, 0.25),
        ({"mean": MEAN | {"worse": "Higher", "highest": "4"}, "max": "1"}, 0.25),
        ({"mean": MEAN | {"lowest": "-1"}, "min": "0"}, 0.5),
        ({"latency": LATENCY, "max": "0.10"}, 0.10),
    ],
)
def test_bounds_of_all_kinds_become_shares_of_bad(parts: dict[str, Any], limit: float) -> None:
    found = bound(**parts)
    assert isinstance(found, Max)
    assert found.limit == pytest.approx(limit)


def test_a_bound_at_the_end_of_a_scale_is_no_hard_guard() -> None:
    assert 0 < bound(mean=MEAN, min="1").limit < 1e-6
    assert 1 - 1e-6 < bound(mean=MEAN, min="0").limit < 1


def test_a_preset_brings_its_bound() -> None:
    assert bound(preset="safety-filter-silent") == Min(0.0001)
    assert bound(preset="pii-in-output") == Max(0.0)


def test_a_query_is_a_hard_guard_on_evaluations_outside_alpha() -> None:
    load, errors = plan({"name": "load", "query": QUERY, "max": "9"}, a_signal("e", max="0.1"))
    assert (load.hard, load.share, load.arm) == (True, 0.0, EVALUATED)
    assert (errors.share, counts_requests(errors), counts_requests(load)) == (1.0, True, False)


def test_a_query_needs_as_many_evaluations_as_it_looks_at() -> None:
    spec = a_feature({"name": "load", "query": QUERY, "max": "9"}, a_signal("e", max="0.1")).spec
    load, errors = plan({"name": "load", "query": QUERY, "max": "9"}, a_signal("e", max="0.1"))
    assert least_samples(load, spec, 100) == 4
    assert least_samples(errors, spec, 100) == 100


def test_slices_are_tests_of_their_own_inside_the_signals_weight() -> None:
    sliced = a_signal("errors", max="0.05", vsStable={"worseBy": "0.02"}, slices=LANGUAGES)
    tests = plan(sliced, a_signal("slow", max="0.1", budgetWeight=2))
    assert {t.signal: (type(t.bound), t.gate) for t in tests} == {
        "errors": (Max, True),
        "errors.vs-stable": (VsStable, True),
        "errors/de": (Max, False),
        "errors/de.vs-stable": (VsStable, False),
        "errors/en": (Max, False),
        "errors/en.vs-stable": (VsStable, False),
        "slow": (Max, True),
    }
    assert sum(t.share for t in tests) == pytest.approx(1)
    assert {t.signal: t.share for t in tests}["slow"] == pytest.approx(0.5)
    assert sum(t.share for t in tests if owner_of(t.signal) == "errors") == pytest.approx(0.5)


def test_a_slice_that_stable_breaks_as_well_is_an_outage() -> None:
    spec = a_feature(
        a_signal("errors", max="0.05", slices=LANGUAGES), a_signal("x", max="0.1")
    ).spec
    names = {t.signal for t in outage_tests(spec, digest=DIGEST, attempt=1)}
    assert names == {"errors.outage", "errors/de.outage", "errors/en.outage", "x.outage"}


def test_a_test_knows_what_it_reads_and_whose_it_is() -> None:
    spec = a_feature(
        a_signal("errors", max="0.05", slices=LANGUAGES), a_signal("x", max="0.1")
    ).spec
    assert readings(spec) == ("errors", "errors/de", "errors/en", "x")
    assert signal_of("errors/de.vs-stable") == "errors/de"
    assert owner_of("errors/de.vs-stable") == "errors"
    assert (slice_of("errors/de"), slice_of("errors")) == ("de", None)


def test_late_truth_gates_no_step_that_holds_shorter() -> None:
    late = a_signal("churn", max="0.05", labelDelaySeconds=601)
    spec = a_feature(late, a_signal("x", max="0.1")).spec
    churn, prompt = plan(late, a_signal("x", max="0.1"))
    assert (in_step(churn, spec, 0).gate, in_step(prompt, spec, 0).gate) == (False, True)
    in_time = a_signal("churn", max="0.05", labelDelaySeconds=600)
    spec = a_feature(in_time, a_signal("x", max="0.1")).spec
    assert in_step(churn, spec, 0).gate


@pytest.mark.parametrize(
    "change",
    [
        {"ratio": {"bad": "x_total{$match}", "total": "errors_total{$match}"}},
        {"labelDelaySeconds": 60},
        {"arms": {"candidate": 'pod="c"'}},
    ],
    ids=str,
)
def test_a_signal_edited_in_mid_ramp_begins_new_evidence(change: dict[str, Any]) -> None:
    before = plan(a_signal("errors", max="0.05"), a_signal("x", max="0.1"))[0]
    after = plan(a_signal("errors", max="0.05") | change, a_signal("x", max="0.1"))[0]
    assert before.fingerprint != after.fingerprint


def test_a_threshold_edited_in_mid_ramp_begins_new_evidence() -> None:
    old, new = (
        plan({"name": "load", "query": QUERY, "max": limit}, a_signal("x", max="0.1"))[0]
        for limit in ("9", "8")
    )
    assert old.fingerprint != new.fingerprint


def bad(*values: float | None, failures: int, of: int) -> list[float | None]:
    found = evaluated(values, highest=9.0, lowest=None, failures=failures, of=of)
    return [c.bad if c is not None else None for c in found]


def test_n_of_the_last_m_values_beyond_the_threshold_call_for_a_rollback() -> None:
    assert bad(10, 1, 10, 10, 1, failures=2, of=3) == [0, 0, 1, 1, 0]
    assert bad(10, 1, 1, 10, failures=2, of=3) == [0, 0, 0, 0]


def test_a_value_at_the_threshold_is_within_it() -> None:
    assert bad(9, 9, failures=1, of=1) == [0, 0]
    assert bad(float("inf"), failures=1, of=1) == [1]


def test_a_missing_value_fails_nothing_and_takes_a_place() -> None:
    assert bad(10, None, None, 10, failures=2, of=3) == [0, None, None, 0]
    assert bad(10, None, 10, failures=2, of=3) == [0, None, 1]


def test_values_below_a_lowest_one_fail() -> None:
    found = evaluated([0.2, 0.6], highest=None, lowest=0.5, failures=1, of=1)
    assert [c.bad for c in found if c is not None] == [1, 0]
