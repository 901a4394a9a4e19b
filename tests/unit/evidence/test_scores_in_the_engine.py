"""A test of a mean: what it remembers, how it bets, and how users who stick divide it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.evidence import detector
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    ImpossibleCounts,
    Max,
    Min,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.rehearsal import fresh, move
from goaround.evidence.scale import Scale
from goaround.evidence.state import StateUnreadable, pack, unpack
from goaround.evidence.weighing import spread, weigh

JUDGE = Scale(0.0, 1.0, lower_is_worse=True, bucketed=True)
COST = Scale(0.0, 40.0, lower_is_worse=False, bucketed=True)
LIMIT = TestSpec("judge", Max(0.3), 10, scale=JUDGE)
STABLE_BOUND = VsStable(reject_at=0.08, worse_by=0.04)
VERSUS = TestSpec("judge.vs-stable", STABLE_BOUND, 10, scale=JUDGE)
BUCKETS = 20


def scores(n: int, mean: float, sd: float = 0.1) -> Counts:
    """So many scores, exactly as they should be."""
    return Counts(n, n * mean, n * (mean**2 + sd**2))


def window(end: int, arm: Counts, stable: Counts | None = None) -> Window:
    return Window(end, {CANDIDATE: arm} | ({STABLE: stable} if stable is not None else {}))


def flown(spec: TestSpec, windows: Sequence[Window], state: TestState | None = None) -> TestState:
    state = state or new_state(spec, 0, 0.0)
    for one in windows:
        state = advance(spec, state, one, step_began=0.0)
    return state


def drawn(seed: int, count: int, *, mean: float = 0.2, labelled: bool = False) -> list[Window]:
    """Windows of 20 and 180 scores with sd 0.1, in buckets of users if labelled."""
    rng, found = np.random.default_rng(seed), []
    for i in range(1, count + 1):
        arms, buckets = {}, {}
        for name, n, at in ((CANDIDATE, 20, mean), (STABLE, 180, 0.2)):
            some = np.clip(rng.normal(at, 0.1, n), 0, 1)
            arms[name] = Counts(n, float(some.sum()), float((some**2).sum()))
            each = [some[b::BUCKETS] for b in range(BUCKETS)]
            buckets[name] = tuple(Counts(len(one), float(one.sum())) for one in each)
        found.append(Window(10 * i, arms, buckets if labelled else {}))
    return found


@pytest.mark.parametrize("spec", [LIMIT, VERSUS, replace(LIMIT, bound=Min(0.7))], ids=str)
@pytest.mark.parametrize("units", list(Units))
@settings(max_examples=6)
@given(seed=st.integers(0, 999), cuts=st.sets(st.integers(1, 39), max_size=6))
def test_a_flight_that_is_packed_at_any_instant_goes_on_bit_for_bit(
    spec: TestSpec, units: Units, seed: int, cuts: set[int]
) -> None:
    spec = replace(spec, units=units)
    windows = drawn(seed, 40, labelled=seed % 2 == 0)
    whole, state = flown(spec, windows), new_state(spec, 0, 0.0)
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 40], strict=True):
        again = windows[max(0, first - 3) : last]  # a replay begins earlier, and changes nothing
        state = unpack(spec, pack(flown(spec, again, state)))
    assert pack(state) == pack(whole)
    assert state == whole


def test_a_state_with_squares_is_at_most_a_kibibyte() -> None:
    spec = replace(VERSUS, units=Units.USERS)
    assert len(pack(flown(spec, drawn(1, 360)))) <= 640
    assert len(pack(flown(spec, drawn(1, 360, labelled=True)))) <= 1024


@pytest.mark.parametrize(
    "forged",
    [
        {"arm": (9.0, 4.0)},
        {"whole_squares": (1.0, 1.0)},
        {"block_squares": (math.nan, 0.0)},
        {"block_squares": (-1.0, 0.0)},
    ],
)
def test_squares_that_no_scores_have_are_unreadable(forged: dict[str, tuple[float, float]]) -> None:
    state = flown(LIMIT, drawn(1, 3))
    if "arm" in forged:
        arm = Counts(state.arm.total, state.arm.bad)
        object.__setattr__(arm, "squares", forged["arm"][0] * state.arm.bad)
        state = replace(state, arm=arm)
    else:
        state = replace(state, **forged)  # type: ignore[arg-type]
    with pytest.raises(StateUnreadable):
        unpack(LIMIT, pack(state))


@pytest.mark.parametrize("squares", [5.1, 2.4, math.nan, -1.0])
def test_counts_with_impossible_squares_do_not_exist(squares: float) -> None:
    with pytest.raises(ImpossibleCounts):
        Counts(10.0, 5.0, squares)


def test_counts_add_up_and_mirror_with_their_squares() -> None:
    some = np.array([0.1, 0.4, 0.9])
    counts = Counts(3, float(some.sum()), float((some**2).sum()))
    assert counts.mirrored.second == pytest.approx(float(((1 - some) ** 2).sum()))
    assert (counts + Counts(2, 1)).squares == pytest.approx(counts.second + 1)
    assert (Counts(2, 1) + Counts(2, 1)).squares is None


def test_another_scale_starts_new_evidence() -> None:
    plain = replace(LIMIT, scale=replace(JUDGE, bucketed=False))
    assert len({s.fingerprint for s in (LIMIT, plain, replace(LIMIT, scale=COST))}) == 3


def test_a_score_that_falls_by_a_tenth_is_proven_within_a_few_windows() -> None:
    """Level 100; the same sums without squares take seven times as long."""

    def windows_to_breach(spec: TestSpec, *, squares: bool) -> int:
        state = new_state(spec, 0, 0.0)
        for i in range(1, 500):
            arm, stable = scores(10, 0.3), scores(90, 0.2)
            if not squares:
                arm, stable = Counts(arm.total, arm.bad), Counts(stable.total, stable.bad)
            state = advance(spec, state, window(10 * i, arm, stable), step_began=0.0)
            if combine([spec], [state], 0.01).breached:
                return i
        return 500

    with_squares, without = (windows_to_breach(VERSUS, squares=known) for known in (True, False))
    print(f"0.8 -> 0.7, sd 0.1: {with_squares} windows of 10 + 90, without squares {without}")
    assert 4 * with_squares <= without


@pytest.mark.parametrize("spec", [LIMIT, VERSUS], ids=["limit", "stable"])
def test_a_huge_first_window_decides_nothing_it_should_not(spec: TestSpec) -> None:
    healthy = window(10, scores(100_000, 0.2), scores(900_000, 0.2))
    state = flown(spec, [healthy, replace(healthy, end=20)])
    assert not combine([spec], [state], 0.01).breached
    assert weigh(spec, state).log_accept >= math.log(20)
    harmed = window(10, scores(100_000, 0.4), scores(900_000, 0.2))
    assert combine([spec], [flown(spec, [harmed])], 0.01).breached


@pytest.mark.parametrize("bound", [Max(0.3), Min(0.7), STABLE_BOUND], ids=str)
def test_a_rehearsal_of_scores_moves_as_the_engine_does(bound: Bound) -> None:
    test = replace(LIMIT, bound=bound)
    state, rows = new_state(test, 0, 0.0), fresh(1)
    for one in drawn(7, 40, mean=0.25):
        arm, stable = one.arms[CANDIDATE], one.arms[STABLE]
        state = advance(test, state, one, step_began=0.0)
        fraction = detector.release(first=one.end == 10, elapsed=10, weight_changed=False)
        row, other = (
            (np.array([c.bad]), np.array([c.total]), np.array([c.second]))
            for c in (test.harm(arm), stable)
        )
        rows = move(test, rows, row, other, fraction=fraction)
    assert rows.stakes.log_m[0] == pytest.approx(np.array(state.log_m), abs=1e-9)
    assert rows.stakes.log_a[0] == pytest.approx(np.array(state.log_a), abs=1e-9)


STICKY = replace(VERSUS, units=Units.USERS)


def by_users(seed: int, user_sd: float, spec: TestSpec = STICKY) -> TestState:
    """Thirty windows of scores from users who stick to an arm, each with a taste of its own."""
    rng = np.random.default_rng(seed)
    tastes = {name: rng.normal(0.2, user_sd, n) for name, n in ((CANDIDATE, 80), (STABLE, 720))}
    state = new_state(spec, 0, 0.0)
    for i in range(1, 31):
        arms, buckets = {}, {}
        for name, taste in tastes.items():
            who = rng.integers(0, len(taste), len(taste))
            some = np.clip(taste[who] + rng.normal(0, 0.1, len(who)), 0, 1)
            arms[name] = Counts(len(who), float(some.sum()), float((some**2).sum()))
            each = [some[who % BUCKETS == b] for b in range(BUCKETS)]
            buckets[name] = tuple(Counts(len(one), float(one.sum())) for one in each)
        state = advance(spec, state, Window(10 * i, arms, buckets), step_began=0.0)
    return state


def test_independent_scores_have_no_design_effect_whatever_their_spread() -> None:
    phis = [
        float(spread(VERSUS, state.whole, state.whole_squares).phi)
        for state in (by_users(seed, 0.0) for seed in range(20))
    ]
    print(f"phi of independent scores: {np.mean(phis):.2f}")
    assert np.mean(phis) == pytest.approx(1.0, abs=0.25)


def test_users_with_tastes_of_their_own_show_in_scores_with_squares() -> None:
    """Sums alone cannot tell them from chance: their variance is that of the whole scale."""
    states = [by_users(seed, 0.1) for seed in range(8)]
    phis = [float(spread(VERSUS, s.whole, s.whole_squares).phi) for s in states]
    blind = [float(spread(VERSUS, s.whole).phi) for s in states]
    print(f"phi of scores by taste: {np.mean(phis):.1f}, by sums alone {np.mean(blind):.2f}")
    assert np.mean(phis) > 3 * np.mean(blind)
    assert np.mean(phis) > 5


def test_users_with_tastes_are_not_taken_for_a_fall_of_the_score() -> None:
    """Tolerance 0: plain evidence grows with every score, divided evidence with every user."""
    spec = replace(STICKY, bound=VsStable(reject_at=0.05, worse_by=0.0))
    weighed = [weigh(spec, by_users(seed, 0.2, spec)) for seed in range(30)]
    divided, plain = (
        sum(e >= math.log(100) for e in told)
        for told in ([w.log_x for w in weighed], [w.log_e for w in weighed])
    )
    print(f"healthy, users with tastes: {divided} of 30 breach, without the divisor {plain}")
    assert plain >= 5
    assert divided <= 1


def test_counts_by_bucket_begin_anew_with_their_squares_where_the_weight_changes() -> None:
    state = flown(VERSUS, drawn(1, 5, labelled=True))
    assert state.whole_squares is not None
    moved = advance(VERSUS, state, drawn(1, 6, labelled=True)[-1], step_began=50.0)
    assert moved.whole_squares == moved.block_squares
    assert moved.whole_squares is not None
    assert moved.whole_squares[0] < state.whole_squares[0]
