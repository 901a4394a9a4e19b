"""One window at a time: replays, gaps, steps, the prior, and numbers of any size."""

import math
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
    VsStable,
    Window,
    advance,
    advance_all,
    combine,
    new_state,
)
from goaround.evidence.state import pack, unpack

BOUNDS: list[Bound] = [Max(0.02), Min(0.9), VsStable(worse_by=0.02, reject_at=0.04), Max(0)]


def spec_of(bound: Bound) -> TestSpec:
    return TestSpec("s", bound, 10, share=0 if bound == Max(0) else 1)


def flight(seed: int, windows: int = 40) -> list[Window]:
    """Windows with gaps, empty ones and missing arms."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(1, windows + 1):
        n, m = (int(x) for x in rng.integers(0, 60, size=2))
        arms = {
            CANDIDATE: Counts(n, int(rng.binomial(n, 0.04))),
            STABLE: Counts(m, int(rng.binomial(m, 0.02))),
        }
        missing = rng.integers(6)
        if missing < 2:
            del arms[(CANDIDATE, STABLE)[missing]]
        if missing != 5:
            found.append(Window(10 * i, arms))
    return found


def fly(spec: TestSpec, state: TestState, windows: list[Window], began: float = 0.0) -> TestState:
    for window in windows:
        state = advance(spec, state, window, step_began=began)
    return state


@settings(max_examples=20)
@given(
    seed=st.integers(min_value=0, max_value=10**6),
    bound=st.sampled_from(BOUNDS),
    crashes=st.lists(st.integers(min_value=0, max_value=40), max_size=5),
)
def test_a_crash_anywhere_leads_to_the_same_state(
    seed: int, bound: Bound, crashes: list[int]
) -> None:
    """After each crash the last checkpoint is unpacked and all windows are read again."""
    spec, windows = spec_of(bound), flight(seed)
    undisturbed = fly(spec, new_state(spec, 0, 0.0), windows)
    state = new_state(spec, 0, 0.0)
    for crash in crashes:
        state = unpack(spec, pack(fly(spec, state, windows[:crash])))
    assert pack(fly(spec, state, windows)) == pack(undisturbed)


def test_a_window_that_was_consumed_is_ignored() -> None:
    spec = spec_of(Max(0.02))
    state = fly(spec, new_state(spec, 0, 0.0), flight(1))
    for old in (state.last_t, state.last_t - 10, 10):
        again = Window(old, {CANDIDATE: Counts(1000, 1000)})
        assert advance(spec, state, again, step_began=0.0) is state


def test_a_window_off_the_grid_is_refused() -> None:
    spec = spec_of(Max(0.02))
    with pytest.raises(ValueError, match="no instant of the 10 s grid"):
        advance(spec, new_state(spec, 0, 0.0), Window(15, {}), step_began=0.0)


def test_a_flight_cannot_begin_off_the_grid() -> None:
    with pytest.raises(ValueError, match="no instant of the 10 s grid"):
        new_state(spec_of(Max(0.02)), 5, 5.0)


@pytest.mark.parametrize("bound", [Max(0.02), Min(0.98), VsStable(worse_by=0.02, reject_at=0.04)])
def test_a_million_bad_requests_in_one_window_are_only_a_number(bound: Bound) -> None:
    spec, many = spec_of(bound), Counts(1e6, 1e6)
    worst = many if not isinstance(bound, Min) else Counts(1e6, 0)
    arms = {CANDIDATE: worst, STABLE: Counts(1e6, 1e4)}
    state = fly(spec, new_state(spec, 0, 0.0), [Window(10, arms), Window(20, arms)])
    assert math.log(100) < combine([spec], [state], 0.01).log_e < math.inf
    assert unpack(spec, pack(state)) == state


def test_a_million_good_requests_do_not_underflow_the_detector() -> None:
    spec, arms = spec_of(Max(0.5)), {CANDIDATE: Counts(1e9, 0)}
    state = fly(spec, new_state(spec, 0, 0.0), [Window(10 * i, arms) for i in range(1, 5)])
    assert combine([spec], [state], 0.01).log_e == pytest.approx(math.log(0.3), abs=0.01)
    bad = Window(50, {CANDIDATE: Counts(100, 100)})
    assert combine([spec], [fly(spec, state, [bad])], 0.01).breached


@pytest.mark.parametrize(
    ("total", "bad"), [(3, 4), (-1, 0), (5, -1), (math.nan, 0), (5, math.nan), (math.inf, 0)]
)
def test_impossible_counts_cannot_be_made(total: float, bad: float) -> None:
    with pytest.raises(ImpossibleCounts):
        Counts(total, bad)


def test_the_last_digit_of_a_float_is_no_impossible_count() -> None:
    assert Counts(0.3, 0.1 + 0.2).good == 0


def released(fraction: float, before: float) -> float:
    return before + math.log1p(-fraction)


def test_the_first_window_bets_seven_tenths_of_the_prior() -> None:
    spec = spec_of(Max(0.02))
    state = fly(spec, new_state(spec, 0, 0.0), [Window(10, {})])
    assert math.exp(state.log_left) == pytest.approx(0.3)
    assert np.exp(state.log_m) == pytest.approx([0.7] * 6)


def test_later_windows_bet_their_share_of_a_day() -> None:
    spec = spec_of(Max(0.02))
    first = fly(spec, new_state(spec, 0, 0.0), [Window(10, {})])
    second = fly(spec, first, [Window(20, {})])
    assert second.log_left == pytest.approx(released(10 / 86400, first.log_left))


def test_a_gap_counts_for_the_time_it_took_but_not_for_ever() -> None:
    spec = spec_of(Max(0.02))
    first = fly(spec, new_state(spec, 0, 0.0), [Window(10, {})])
    hour, year = fly(spec, first, [Window(3610, {})]), fly(spec, first, [Window(31536000, {})])
    assert hour.log_left == pytest.approx(released(3600 / 86400, first.log_left))
    assert year.log_left == pytest.approx(released(detector.MAX_RELEASE, first.log_left))


@pytest.mark.parametrize("by_step", [True, False])
def test_a_weight_change_releases_a_tenth_of_the_prior(*, by_step: bool) -> None:
    spec = spec_of(Max(0.02))
    first = fly(spec, new_state(spec, 0, 0.0), [Window(10, {})])
    step = {"step_began": 10.0} if by_step else {"step_began": 0.0, "weight_changed": True}
    second = advance(spec, first, Window(20, {}), **step)  # type: ignore[arg-type]
    assert second.log_left == pytest.approx(released(0.1 + 10 / 86400, first.log_left))


def test_a_new_step_counts_its_own_requests_from_its_first_whole_window() -> None:
    spec, arms = spec_of(Max(0.02)), {CANDIDATE: Counts(7, 0)}
    before = fly(spec, new_state(spec, 0, 0.0), [Window(10, arms), Window(20, arms)])
    old = advance(spec, before, Window(30, arms), step_began=33.0)
    cut = advance(spec, old, Window(40, arms), step_began=33.0)
    whole = advance(spec, cut, Window(50, arms), step_began=33.0)
    assert [s.step_total for s in (before, old, cut, whole)] == [14, 21, 0, 7]
    assert [s.step_began for s in (before, old, cut, whole)] == [0, 0, 33, 33]
    assert whole.arm.total == 35


def test_evidence_is_divided_by_the_cluster_size() -> None:
    arms = {CANDIDATE: Counts(100, 9), STABLE: Counts(900, 9)}
    for bound in (Max(0.02), Min(0.9), VsStable(worse_by=0.0, reject_at=0.04)):
        one, five = (replace(spec_of(bound), cluster_size=float(d)) for d in (1, 5))
        known = Counts(1000, 10)
        plain, tempered = (
            fly(spec, new_state(spec, 0, 0.0, known), [Window(10, arms)]) for spec in (one, five)
        )
        assert np.array(plain.log_a) == pytest.approx(5 * np.array(tempered.log_a))
        harm = np.array(plain.log_m) - math.log(0.7), np.array(tempered.log_m) - math.log(0.7)
        assert harm[0] == pytest.approx(5 * harm[1])


def test_a_missing_stable_arm_leaves_a_comparison_where_it_was() -> None:
    spec = spec_of(VsStable(worse_by=0.02, reject_at=0.04))
    known = new_state(spec, 0, 0.0, Counts(1000, 10))
    state = fly(spec, known, [Window(10, {CANDIDATE: Counts(500, 500)})])
    assert np.exp(state.log_m) == pytest.approx([0.7] * 6)
    assert state.log_a == (0.0, 0.0)


def test_min_mirrors_max() -> None:
    low, high = TestSpec("s", Min(0.9), 10), TestSpec("s", Max(0.1), 10)
    right = {CANDIDATE: Counts(100, 80)}
    wrong = {CANDIDATE: Counts(100, 20)}
    a = fly(low, new_state(low, 0, 0.0), [Window(10, right)])
    b = fly(high, new_state(high, 0, 0.0), [Window(10, wrong)])
    assert a.log_m == pytest.approx(b.log_m)
    assert a.log_a == pytest.approx(b.log_a)


def test_the_present_trouble_begins_where_it_last_began() -> None:
    spec, good, bad = spec_of(Max(0.02)), Counts(100, 0), Counts(100, 20)
    blip = [Window(10, {CANDIDATE: Counts(100, 4)})]
    quiet = [Window(10 * i, {CANDIDATE: good}) for i in range(2, 50)]
    fault = [Window(10 * i, {CANDIDATE: bad}) for i in range(50, 53)]
    start = new_state(spec, 0, 0.0)
    assert fly(spec, start, blip).run.first_end == 10
    assert fly(spec, start, blip + quiet).run.first_end is None
    run = fly(spec, start, blip + quiet + fault).run
    assert (run.first_end, run.arm) == (500, Counts(300, 60))


def test_a_catch_up_stops_at_the_window_that_proves_harm() -> None:
    spec = spec_of(Max(0.02))
    fault = [Window(10 * i, {CANDIDATE: Counts(20, 10)}) for i in range(1, 4)]
    health = [Window(10 * i, {CANDIDATE: Counts(1000, 0)}) for i in range(4, 400)]
    start = new_state(spec, 0, 0.0)
    assert not combine([spec], [fly(spec, start, fault + health)], 0.01).breached
    found = advance_all([spec], [start], {"s": health + fault}, step_began=0.0, alpha=0.01)
    assert found.breach.breached
    assert found.proven_end == found.states[0].last_t == 10


def test_a_catch_up_equals_its_windows_one_by_one() -> None:
    spec, windows = spec_of(Max(0.2)), flight(3)
    start = new_state(spec, 0, 0.0)
    found = advance_all([spec], [start], {"s": windows}, step_began=0.0, alpha=0.01)
    assert found.states == (fly(spec, start, windows),)
    assert found.proven_end is None
