"""From spec to tests: one per bound, their shares of the budget, their defaults, their levels."""

from typing import Any

import pytest

from goaround.api.feature import AIFeatureSpec
from goaround.evidence import plan as planning
from goaround.evidence.judge import STABLE, Max, Min, TestSpec, Units, VsStable
from goaround.evidence.plan import level, outage_tests, signal_of
from tests.unit.runtime.flown import a_feature, a_signal

DIGEST = "sha256:" + "1" * 64


def plan(*signals: Any, beside: bool = True, attempt: int = 1) -> tuple[TestSpec, ...]:
    spec = a_feature(*signals).spec
    return planning.tests_of(spec, digest=DIGEST, attempt=attempt, with_stable=beside)


def versus(**bounds: str) -> VsStable:
    test = plan(a_signal("errors", vsStable=bounds), a_signal("other", max="0.1"))[0]
    assert isinstance(test.bound, VsStable)
    return test.bound


def test_each_bound_is_one_test() -> None:
    tests = plan(
        a_signal("errors", max="0.05", vsStable={"worseBy": "0.02"}),
        a_signal("answered", min="0.9"),
        a_signal("toxic", max="0"),
    )
    assert [(t.signal, type(t.bound)) for t in tests] == [
        ("errors", Max),
        ("errors.vs-stable", VsStable),
        ("answered", Min),
        ("toxic", Max),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"worseBy": "0.02"}, (0.02, 0.04, 1.0, 1.0)),
        ({"worseBy": "0.02", "rejectAt": "0.10"}, (0.02, 0.10, 1.0, 1.0)),
        ({"worseBy": "0", "rejectAt": "0.01"}, (0.0, 0.01, 1.0, 1.0)),
        ({"worseByFactor": "1.5"}, (0.0, 0.0, 1.5, 2.25)),
        ({"worseByFactor": "1.5", "rejectAtFactor": "3"}, (0.0, 0.0, 1.5, 3.0)),
        ({"worseByFactor": "1.0", "rejectAtFactor": "2"}, (0.0, 0.0, 1.0, 2.0)),
        ({"worseByFactor": "2", "rejectAt": "0.05"}, (0.0, 0.05, 2.0, 4.0)),
        ({"worseBy": "0.02", "worseByFactor": "1.2"}, (0.02, 0.04, 1.2, 1.44)),
    ],
    ids=str,
)
def test_what_must_be_ruled_out_defaults_to_twice_the_points_and_the_factor_squared(
    given: dict[str, str], expected: tuple[float, ...]
) -> None:
    bound = versus(**given)
    found = (bound.worse_by, bound.reject_at, bound.factor, bound.reject_factor)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("share", ["0.5", "0.7", "0.99", "0.999999999", "1"])
def test_however_much_is_allowed_there_is_something_to_rule_out(share: str) -> None:
    bound = versus(worseBy=share)
    assert bound.worse_by < bound.reject_at < 1


def test_shares_follow_the_weights_and_add_up_to_one_without_hard_guards() -> None:
    tests = plan(
        a_signal("errors", max="0.05", budgetWeight=3),
        a_signal("slow", max="0.1"),
        a_signal("toxic", max="0", budgetWeight=50),
        a_signal("whole", min="1"),
    )
    assert {t.signal: t.share for t in tests} == pytest.approx(
        {"errors": 0.75, "slow": 0.25, "toxic": 0.0, "whole": 0.0}
    )


def test_stable_is_held_against_every_absolute_bound_but_hard_guards() -> None:
    spec = a_feature(
        a_signal("errors", max="0.05", budgetWeight=3),
        a_signal("answered", min="0.9"),
        a_signal("slow", vsStable={"worseBy": "0.02"}),
        a_signal("toxic", max="0"),
    ).spec
    tests = outage_tests(spec, digest=DIGEST, attempt=1)
    assert {t.signal: (t.bound, t.share) for t in tests} == {
        "errors.outage": (Max(0.05), 0.75),
        "answered.outage": (Min(0.9), 0.25),
    }
    assert {(t.arm, t.gate) for t in tests} == {(STABLE, False)}


def test_only_comparisons_and_hard_guards_leave_nothing_to_ask_of_stable() -> None:
    slow = a_signal("slow", vsStable={"worseBy": "0.02"})
    spec = a_feature(slow, a_signal("toxic", max="0")).spec
    assert outage_tests(spec, digest=DIGEST, attempt=1) == ()


@pytest.mark.parametrize(
    ("sticks", "units"),
    [("Request", Units.REQUESTS), ("Session", Units.USERS), ("User", Units.USERS)],
)
def test_what_sticks_to_an_arm_is_what_users_are_divided_by(sticks: str, units: Units) -> None:
    signals = [a_signal(name, max="0.05") for name in ("errors", "rude")]
    spec = a_feature(*signals, bucket_by=sticks).spec
    tests = planning.tests_of(spec, digest=DIGEST, attempt=1, with_stable=True)
    stable = outage_tests(spec, digest=DIGEST, attempt=1)
    assert {t.units for t in tests} == {units}
    assert {t.units for t in (*stable, *planning.undivided(tests))} == {Units.REQUESTS}


def test_every_test_knows_its_signal() -> None:
    spec = a_feature(
        a_signal("errors", max="0.05", vsStable={"worseBy": "0.02"}), a_signal("slow", max="0.1")
    ).spec
    tests = planning.tests_of(spec, digest=DIGEST, attempt=1, with_stable=True)
    watched = outage_tests(spec, digest=DIGEST, attempt=1)
    assert {signal_of(t.signal) for t in (*tests, *watched)} == {"errors", "slow"}


def changed(**parts: Any) -> set[str]:
    """Fingerprints of the first signal's tests under a spec with other parts."""
    wire = a_feature(a_signal("errors", max="0.05"), a_signal("slow", max="0.1")).spec.wire()
    wire["acceptance"] |= parts.pop("acceptance", {})
    wire["acceptance"]["signals"][0] |= parts.pop("signal", {})
    spec = AIFeatureSpec.model_validate(wire)
    digest, attempt = parts.get("digest", DIGEST), parts.get("attempt", 1)
    (first, *_) = planning.tests_of(spec, digest=digest, attempt=attempt, with_stable=True)
    return {first.fingerprint}


@pytest.mark.parametrize(
    "parts",
    [
        {"digest": "sha256:" + "2" * 64},
        {"attempt": 2},
        {"acceptance": {"provider": "other"}},
        {"signal": {"ratio": {"bad": "x_total{$match}", "total": "errors_total{$match}"}}},
        {"signal": {"max": "0.06"}},
        {"signal": {"clusterSize": 5}},
        {"signal": {"budgetWeight": 2}},
    ],
    ids=str,
)
def test_whatever_shapes_the_evidence_starts_new_evidence(parts: dict[str, Any]) -> None:
    assert changed(**parts) != changed()


@pytest.mark.parametrize(
    ("step", "attempt", "expected"), [(0, 1, 5), (1, 1, 20), (2, 1, 20), (0, 2, 10), (1, 3, 80)]
)
def test_each_attempt_needs_twice_the_proof_and_the_first_step_a_quarter(
    step: int, attempt: int, expected: float
) -> None:
    spec = a_feature(a_signal("errors", max="0.05"), a_signal("slow", max="0.1")).spec
    assert level(spec, step=step, attempt=attempt) == pytest.approx(expected)
