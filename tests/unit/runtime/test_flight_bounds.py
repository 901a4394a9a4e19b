"""One flight and its bounds: against stable, absolute, both, or none that applies."""

import pytest

from goaround.api.base import Json
from goaround.evidence.judge import Verdict
from tests.unit.runtime.flown import BEGAN, INTERVAL, LAG, TWO_POINTS, Flown, a_signal

OTHER = a_signal("refusals", max="0.5")


def compared(**versus: str) -> Json:
    """A signal that is only compared with stable."""
    return a_signal("errors", vsStable=versus)


def both(limit: str = "0.10", **versus: str) -> Json:
    return a_signal("errors", max=limit, vsStable=versus or TWO_POINTS)


def test_worse_than_stable_goes_around_although_the_absolute_bound_holds() -> None:
    flown = Flown(both("0.20"), OTHER).fly(60, 0.08, 0.01)
    breach = flown.judged().breach
    assert breach is not None
    assert breach.signal == "errors"
    assert "errors.vs-stable 8% vs 1% + 2 points" in breach.line
    assert breach.line.endswith("-> breach")


def test_worse_within_the_tolerance_climbs() -> None:
    flown = Flown(both(worseBy="0.02", rejectAt="0.04"), OTHER).fly(60, 0.02, 0.01)
    judged = flown.judged()
    assert judged.breach is None
    assert judged.accepted
    assert set(flown.verdicts().values()) == {Verdict.GOOD}


def test_between_what_is_allowed_and_what_must_be_ruled_out_neither_happens() -> None:
    flown = Flown(compared(worseBy="0.01", rejectAt="0.05"), OTHER, requests=300)
    judged = flown.fly(30, 0.035, 0.01).judged()
    assert judged.breach is None
    assert not judged.accepted
    assert flown.verdicts()["errors"] == Verdict.UNDECIDED


@pytest.mark.parametrize(("share", "harm"), [(0.012, False), (0.04, True)])
def test_a_factor_bounds_the_candidate_by_a_multiple_of_stable(share: float, harm: bool) -> None:
    flown = Flown(compared(worseByFactor="1.5"), OTHER, requests=2000).fly(60, share, 0.01)
    assert (flown.judged().breach is not None) is harm
    assert "x 1.5" in flown.line("errors")


def test_a_share_of_stable_that_moves_takes_the_bound_along() -> None:
    flown = Flown(compared(worseBy="0.02"), OTHER)
    for share in (0.01, 0.20, 0.05, 0.30, 0.02):
        flown.fly(12, share, share)
    assert flown.judged().breach is None


def test_a_signal_with_two_bounds_gets_the_worse_verdict_and_both_lines() -> None:
    flown = Flown(both("0.20", worseBy="0.02"), OTHER).fly(60, 0.08, 0.01)
    assert flown.verdicts()["errors"] == Verdict.BAD
    absolute, _, against = flown.line("errors").partition("; ")
    assert absolute.startswith("errors 8% within max 20%")
    assert against.startswith("errors.vs-stable 8% vs 1%")


def test_good_in_one_bound_and_undecided_in_the_other_is_undecided() -> None:
    flown = Flown(both("0.50", worseBy="0.01", rejectAt="0.05"), OTHER, requests=300)
    flown.fly(30, 0.035, 0.01)
    assert flown.verdicts()["errors"] == Verdict.UNDECIDED
    assert "accepted" in flown.line("errors")
    assert not flown.judged().accepted


def test_both_bounds_of_one_signal_share_its_e_value_and_the_weaker_proof_counts() -> None:
    flown = Flown(both(), OTHER).fly(3, 0.01, 0.01)
    (errors, _) = flown.judged().signals
    tests = dict(flown.flight.main.pairs[:2])
    assert [t.signal for t in tests] == ["errors", "errors.vs-stable"]
    assert errors.e_value is not None
    assert 0 < float(errors.e_value) < 1


def test_without_last_known_good_the_comparison_does_not_apply() -> None:
    flown = Flown(compared(worseBy="0.02"), OTHER, beside=False).fly(20, 0.01, None)
    (errors, _) = flown.judged().signals
    assert (errors.verdict, errors.e_value) == ("NotApplicable", None)
    assert "there is none" in errors.message
    assert flown.judged().accepted


def test_what_does_not_apply_takes_no_share_of_the_budget() -> None:
    alone = Flown(compared(worseBy="0.02"), OTHER, beside=False)
    beside = Flown(compared(worseBy="0.02"), OTHER)
    assert [t.share for t in alone.flight.main.specs] == [1.0]
    assert [t.share for t in beside.flight.main.specs] == [0.5, 0.5]


def test_a_first_release_that_is_only_compared_has_no_test_and_is_read_all_the_same() -> None:
    flown = Flown(compared(worseBy="0.02"), a_signal("slow", vsStable=TWO_POINTS), beside=False)
    judged = flown.fly(3, 0.5, None).judged()
    assert judged.breach is None
    assert not judged.accepted
    assert judged.through is not None
    assert (judged.through - BEGAN).total_seconds() == 3 * INTERVAL
    assert {s.verdict for s in judged.signals} == {"NotApplicable"}


def test_harm_is_dated_by_the_first_bad_window_and_proven_at_the_end_of_the_last() -> None:
    flown = Flown(both(), OTHER).fly(20, 0.01, 0.01)
    good = flown.i
    while flown.judged().breach is None:
        flown.fly(1, 0.4, 0.01)
    breach = flown.judged().breach
    assert breach is not None
    assert breach.started_at is not None
    assert (breach.started_at - BEGAN).total_seconds() == good * INTERVAL
    assert (breach.proven_at - BEGAN).total_seconds() == flown.i * INTERVAL + LAG


def test_a_breach_stays_whatever_comes_later() -> None:
    flown = Flown(both(), OTHER).fly(5, 0.5, 0.01)
    breach = flown.judged().breach
    assert breach is not None
    assert flown.fly(200, 0.0, 0.01).judged().breach == breach
