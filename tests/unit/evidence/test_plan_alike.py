"""Whether both arms suffer from one fault: decided from the counts since trouble began."""

from dataclasses import replace

import pytest

from goaround.evidence.alike import looks_alike
from goaround.evidence.judge import Bound, Counts, Max, Min, TestSpec, TestState, VsStable
from goaround.evidence.model import Run

LIMIT = Max(0.05)


def alike(
    arm: tuple[float, float], stable: tuple[float, float], bound: Bound = LIMIT, size: float = 1
) -> bool:
    """(bad, all) of both arms since trouble began."""
    hard = bound in (Max(0), Min(1))
    spec = TestSpec("errors", bound, 10, share=0 if hard else 1, cluster_size=size)
    run = Run(1.0, 10, Counts(arm[1], arm[0]), Counts(stable[1], stable[0]))
    return looks_alike(spec, TestState(spec.fingerprint, 20, 0.0, windows=2, run=run))


def test_the_same_share_in_both_arms_is_alike() -> None:
    assert alike((20, 100), (18, 90))


def test_a_stable_arm_within_the_limit_is_not() -> None:
    assert not alike((20, 100), (1, 90))


def test_a_stable_arm_without_a_bad_event_never_stands_in_the_way() -> None:
    for seen in (0, 1, 5, 1000):
        assert not alike((20, 100), (0, seen))


def test_a_stable_arm_above_the_limit_is_no_excuse_for_something_far_worse() -> None:
    assert not alike((60, 100), (70, 1000))


def test_one_bad_event_of_few_is_a_doubt() -> None:
    assert alike((20, 100), (1, 3))


def test_a_lowest_share_is_mirrored() -> None:
    assert alike((50, 100), (45, 90), Min(0.9))
    assert not alike((50, 100), (88, 90), Min(0.9))


@pytest.mark.parametrize("bound", [Max(0), Min(1), VsStable(worse_by=0.02, reject_at=0.04)])
def test_what_no_outage_can_explain_is_never_doubted(bound: Bound) -> None:
    assert not alike((20, 100), (20, 100), bound)


def test_requests_that_fail_together_tell_arms_apart_more_slowly() -> None:
    assert not alike((20, 100), (6, 90))
    assert alike((20, 100), (6, 90), size=10)


def test_without_an_excursion_the_whole_flight_is_compared() -> None:
    spec = TestSpec("errors", LIMIT, 10)
    state = TestState(spec.fingerprint, 20, 0.0, 2, arm=Counts(100, 20), reference=Counts(90, 18))
    assert looks_alike(spec, state)
    assert not looks_alike(spec, replace(state, reference=Counts(90, 1)))


def test_every_request_bad_is_no_division_by_zero() -> None:
    assert alike((100, 100), (90, 90))
    assert not alike((100, 100), (1, 90))
