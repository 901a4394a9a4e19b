"""What evidence rests on, case by case: buckets missing, too few, following the arm, changing."""

import math
from dataclasses import replace

import pytest

from goaround.evidence import buckets
from goaround.evidence.assumptions import Assumptions, Kind, Rule, assumptions, weakest
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Counts,
    Judgement,
    Max,
    TestSpec,
    TestState,
    Units,
    Verdict,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
    report,
)

USERS = TestSpec("errors", VsStable(reject_at=0.04, worse_by=0.02), 10, units=Units.USERS)
REQUESTS = replace(USERS, units=Units.REQUESTS)
KNOWN = Counts(10_000, 100)


def spread(total: int, bad: int, buckets: int) -> tuple[Counts, ...]:
    """The counts, evenly over some of 20 buckets."""
    even = [(total * (i + 1) // buckets) - (total * i // buckets) for i in range(buckets)]
    faults = [(bad * (i + 1) // buckets) - (bad * i // buckets) for i in range(buckets)]
    used = [Counts(n, k) for n, k in zip(even, faults, strict=True)]
    return (*used, *(Counts(),) * (20 - buckets))


def window(
    end: int,
    candidate: tuple[int, int] = (100, 1),
    stable: tuple[int, int] = (900, 9),
    *,
    used: int = 20,
    of: int = 20,
) -> Window:
    """(all, bad) of both arms; used: buckets that the candidate has; of: 0 = no label."""
    arms = {CANDIDATE: Counts(*candidate), STABLE: Counts(*stable)}
    if not of:
        return Window(end, arms)
    own = {CANDIDATE: spread(*candidate, used)[:of], STABLE: spread(*stable, of)[:of]}
    return Window(end, arms, own)


def flown(spec: TestSpec, *windows: Window) -> TestState:
    state = new_state(spec, 0, 0.0, KNOWN)
    for one in windows:
        state = advance(spec, state, one, step_began=0.0)
    return state


def found(spec: TestSpec, *windows: Window) -> Assumptions:
    return assumptions(spec, flown(spec, *windows))


def judged(spec: TestSpec, state: TestState) -> Judgement:
    return report(spec, state, combine([spec], [state], 0.01), level=20)


def test_counts_in_buckets_are_measured() -> None:
    for spec in (USERS, REQUESTS):
        told = found(spec, window(10))
        assert (told.kind, told.rule) == (Kind.MEASURED, Rule.DIVIDED)
        assert "20 buckets" in told.message


def test_without_buckets_requests_declared_independent_are_taken_at_their_word() -> None:
    told = found(REQUESTS, window(10, of=0))
    assert (told.kind, told.rule) == (Kind.DECLARED_INDEPENDENT, Rule.PLAIN)
    assert "assumes independent requests" in told.message


def test_without_buckets_users_who_may_stick_leave_gross_harm_only() -> None:
    told = found(USERS, window(10, of=0))
    assert (told.kind, told.rule) == (Kind.NO_BUCKETS, Rule.GROSS)
    assert "only gross harm" in told.message
    assert "no bucket label" in told.message


def test_before_the_first_request_nothing_is_missing() -> None:
    assert found(USERS, Window(10, {})).kind is Kind.MEASURED


def test_a_twentieth_of_the_requests_may_lack_a_bucket() -> None:
    def partly(missing: int) -> Window:
        full = window(10)
        return replace(full, arms={**full.arms, CANDIDATE: Counts(100 + missing, 1)})

    assert found(USERS, partly(50)).kind is Kind.MEASURED
    assert found(USERS, partly(60)).kind is Kind.BUCKETS_CHANGED


@pytest.mark.parametrize(("requests", "kind"), [(190, "Measured"), (210, "TooFewBuckets")])
def test_fewer_than_fifteen_buckets_after_200_requests_are_too_few(
    requests: int, kind: str
) -> None:
    assert found(USERS, window(10, (requests, 2), (300, 3), used=14)).kind == kind


def test_fewer_than_fifteen_buckets_at_all_are_too_few() -> None:
    windows = [window(10 * i, used=10, of=10) for i in (1, 2, 3)]
    assert found(USERS, *windows).kind is Kind.TOO_FEW_BUCKETS


def test_a_bucket_that_only_one_arm_has_follows_the_arm() -> None:
    told = found(USERS, window(10, (2000, 20), used=19))
    assert (told.kind, told.rule) == (Kind.BUCKETS_FOLLOW_ARM, Rule.GROSS)
    assert "salt of its own" in told.message


def test_an_empty_bucket_of_which_little_is_expected_is_nothing() -> None:
    assert found(USERS, window(10, (190, 2), used=19)).kind is Kind.MEASURED


def test_gross_harm_rolls_back_without_buckets_and_lesser_harm_pauses() -> None:
    lesser = flown(USERS, *(window(10 * i, (400, 20), of=0) for i in range(1, 6)))
    breach = combine([USERS], [lesser], 0.01)
    assert (breach.breached, breach.held, breach.pausing) == (False, ("errors",), ("errors",))
    gross = flown(USERS, *(window(10 * i, (100, 30), of=0) for i in range(1, 6)))
    assert combine([USERS], [gross], 0.01).culprits == ("errors",)


def test_the_same_lesser_harm_rolls_back_with_buckets() -> None:
    state = flown(USERS, *(window(10 * i, (400, 20)) for i in range(1, 6)))
    breach = combine([USERS], [state], 0.01)
    assert (breach.culprits, breach.held, breach.pausing) == (("errors",), (), ())


def test_data_never_promotes_users_without_buckets() -> None:
    healthy = [window(10 * i, (1000, 10), of=0) for i in range(1, 10)]
    told = judged(USERS, flown(USERS, *healthy))
    assert (told.verdict, told.accept_e, told.needed) == (Verdict.UNDECIDED, 0, None)
    assert judged(REQUESTS, flown(REQUESTS, *healthy)).verdict is Verdict.GOOD


def test_with_buckets_the_same_data_promotes() -> None:
    healthy = [window(10 * i, (1000, 10)) for i in range(1, 10)]
    assert judged(USERS, flown(USERS, *healthy)).verdict is Verdict.GOOD


def test_gross_harm_of_a_limit_is_three_times_the_limit_and_five_points() -> None:
    spec = TestSpec("errors", Max(0.02), 10, units=Units.USERS)
    within = flown(spec, *(window(10 * i, (100, 11), of=0) for i in range(1, 20)))
    assert combine([spec], [within], 0.01).pausing == ("errors",)
    beyond = flown(spec, *(window(10 * i, (100, 20), of=0) for i in range(1, 20)))
    assert combine([spec], [beyond], 0.01).breached


def test_a_label_that_vanishes_blinds_for_an_hour_and_then_begins_anew() -> None:
    labelled = [window(10 * i) for i in range(1, 10)]
    vanished = [window(10 * i, of=0) for i in range(10, 13)]
    state = flown(USERS, *labelled, *vanished)
    assert assumptions(USERS, state).kind is Kind.BUCKETS_CHANGED
    assert state.blind_until == 120 + 3600
    soon = advance(USERS, state, window(3720), step_began=0.0)
    assert assumptions(USERS, soon).kind is Kind.BUCKETS_CHANGED
    later = advance(USERS, soon, window(3730), step_began=0.0)
    assert assumptions(USERS, later).kind is Kind.MEASURED
    assert sum(later.whole[0]) == 100
    assert max(later.log_m) < max(soon.log_m)
    assert max(later.log_a) < max(soon.log_a)


def test_a_label_that_stays_away_is_never_taken_for_independence() -> None:
    windows = [window(10)] + [window(600 * i, of=0) for i in range(1, 30)]
    told = found(REQUESTS, *windows)
    assert (told.kind, told.rule) == (Kind.BUCKETS_CHANGED, Rule.PLAIN)
    assert "changed or vanished" in told.message
    assert found(USERS, *windows).rule is Rule.GROSS


def test_another_number_of_buckets_is_a_change() -> None:
    state = flown(USERS, window(10), window(20, of=16, used=16))
    assert assumptions(USERS, state).kind is Kind.BUCKETS_CHANGED


def test_a_label_that_appears_in_flight_is_a_change() -> None:
    state = flown(USERS, window(10, of=0), window(20))
    assert assumptions(USERS, state).kind is Kind.BUCKETS_CHANGED


def test_an_empty_window_is_no_change() -> None:
    state = flown(USERS, window(10), Window(20, {}), Window(30, {CANDIDATE: Counts()}))
    assert assumptions(USERS, state).kind is Kind.MEASURED


def test_beginning_anew_forgives_no_lost_bet() -> None:
    bad = [window(10 * i, (100, 30)) for i in range(1, 6)]
    kept = flown(USERS, *bad, window(60), window(60 + 3610))
    anew = flown(USERS, *bad, window(60, of=0), window(60 + 3610))
    assert max(kept.log_a) < 0
    assert all(now <= was + 1e-9 for now, was in zip(anew.log_a, kept.log_a, strict=True))


def test_a_fixed_clustering_of_the_polls_divides_what_follows() -> None:
    plain, five = (new_state(USERS, 0, 0.0, KNOWN, phi_w=w) for w in (1.0, 5.0))
    moved = [advance(USERS, s, window(10, (100, 20)), step_began=0.0) for s in (plain, five)]
    gains = [max(s.log_m) - math.log(0.7) for s in moved]
    assert gains[0] == pytest.approx(5 * gains[1])
    declared = new_state(replace(USERS, cluster_size=7.0), 0, 0.0, phi_w=5.0)
    assert declared.phi_w == 7


def test_of_several_signals_the_weakest_assumption_is_told() -> None:
    measured, gross = found(USERS, window(10)), found(USERS, window(10, of=0))
    plain = found(REQUESTS, window(10, of=0))
    assert weakest([measured, plain, gross]) is gross
    assert weakest([measured, plain]) is plain
    assert weakest([measured]) is measured
    assert weakest([]) is None


def test_polls_before_the_rollout_become_its_clustering() -> None:
    single = [window(10 * i, stable=(900, 20)) for i in range(1, 100)]
    burst = [window(10 * i, stable=(900, 0)) for i in range(1, 100)]
    all_in_one = (Counts(45, 45), *(Counts(45) for _ in range(19)))
    burst[50] = Window(510, {STABLE: Counts(900, 45)}, {STABLE: all_in_one})
    unlabelled = Window(1000, {STABLE: Counts(900, 9)})
    assert buckets.phi_w(single) == 1
    assert buckets.phi_w(burst) > 20
    assert buckets.phi_w([*burst, unlabelled]) == buckets.phi_w(burst)
    assert buckets.phi_w([unlabelled]) == 1
