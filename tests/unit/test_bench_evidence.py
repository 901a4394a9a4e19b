"""The evidence bench flies the production engine; worlds, rivals and goals are as stated."""

import json
import math
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from goaround.evidence import kernel
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Counts,
    Max,
    TestSpec,
    TestState,
    Units,
    VsStable,
    Window,
    advance,
    combine,
    new_state,
)
from goaround.evidence.weighing import weigh
from hack.bench.evidence import cost
from hack.bench.evidence.__main__ import measure
from hack.bench.evidence.crowd import Rates, Users
from hack.bench.evidence.faults import Fault, faults, fleet
from hack.bench.evidence.flights import (
    DOUBLE,
    Flying,
    Rule,
    advanced,
    evidence,
    fly,
    goes_back,
    is_accepted,
    take_off,
)
from hack.bench.evidence.intervals import Standing, quantile, standing, standing_of_median, wilson
from hack.bench.evidence.rivals import RULES
from hack.bench.evidence.sizes import DAY, FULL, QUICK, Pace, Sizes
from hack.bench.evidence.traffic import Harm, Sample, Signals, Split
from hack.bench.evidence.worlds import TOLERANT, Batch, World, batches, mild, worlds

ROOT = Path(__file__).resolve().parents[2]
INTERVAL = 10
TINY = Sizes(null=2, delay=2, rivals=2, accept=2, pace=Pace(((10 * DAY, 7200.0),)))


def _window(sample: Sample, row: int, signal: int, end: int) -> Window:
    bad, total = sample.bad[row, signal], sample.total[row, signal]
    names = (CANDIDATE, STABLE)
    return Window(
        end,
        {name: Counts(total[i].sum(), bad[i].sum()) for i, name in enumerate(names)},
        {
            name: tuple(Counts(n, k) for n, k in zip(total[i], bad[i], strict=True))
            for i, name in enumerate(names)
        },
    )


def _fresh(spec: TestSpec, flying: Flying, row: int, signal: int) -> TestState:
    bad, total = flying.known[row, signal]
    history, phi_w = Counts(total, bad), float(flying.phi_w[row, signal])
    return new_state(spec, 0, 0.0, history, phi_w=phi_w)


@pytest.mark.parametrize("bound", [DOUBLE, TOLERANT, Max(0.05)])
def test_the_batched_run_is_the_run_of_the_engine_row_by_row(bound: VsStable | Max) -> None:
    """Three rollouts of two signals through a weight change, one of them with a bad candidate."""
    split = Split(((0.0, 0.1), (300.0, 0.5)))
    world = World("w", 100.0, mild(2_000, 0.05), split, signals=Signals(2))
    traffic, rule = Batch((world,), (3,)).traffic(7), Rule(bound)
    traffic.harm = Harm(120.0, np.array([0.0, 0.0, 0.2]))
    flying, rows, signals = take_off(traffic, rule), range(3), range(2)
    specs = [TestSpec(f"s{s}", bound, INTERVAL, share=0.5, units=Units.USERS) for s in signals]
    states = [[_fresh(specs[s], flying, r, s) for s in signals] for r in rows]
    for end in range(INTERVAL, 601, INTERVAL):
        began, step_began = float(end - INTERVAL), 300.0 if end > 300 else 0.0
        sample, moved = traffic.window(began, end), split.moves(began, end)
        flying = advanced(flying, sample, rule, began=began, ended=float(end), moved=moved)
        for r in rows:
            for s in signals:
                window = _window(sample, r, s, end)
                states[r][s] = advance(specs[s], states[r][s], window, step_began=step_began)
        told = [combine(specs, states[r], rule.alpha) for r in rows]
        assert goes_back(flying, rule).tolist() == [breach.breached for breach in told]
        assert evidence(flying, rule) == pytest.approx([breach.log_e for breach in told])
    assert goes_back(flying, rule).tolist() == [False, False, True]
    for r in rows:
        accepts = [weigh(specs[s], states[r][s]).log_accept for s in signals]
        assert is_accepted(flying, rule)[r] == all(a >= math.log(20) for a in accepts)
        for s in signals:
            state, stakes = states[r][s], flying.stakes
            assert stakes.log_m[r, s] == pytest.approx(state.log_m)
            assert stakes.log_mb[r, s] == pytest.approx(state.log_mb)
            assert stakes.log_left[r, s] == pytest.approx(state.log_left)
            assert stakes.log_mass[r, s] == pytest.approx(state.log_mass)
            assert stakes.log_a[r, s] == pytest.approx(state.log_a)
            assert flying.log_a_past[r, s] == pytest.approx(state.log_a_past)
            assert flying.whole[r, s] == pytest.approx(np.array(state.whole))
            assert flying.block[r, s] == pytest.approx(np.array(state.block))


def test_signals_share_the_budget_equally() -> None:
    """A fault in both of two signals is proven as fast as in one that flies alone."""
    world = World("w", 100.0, signals=Signals(2, together=1.0))
    flying = take_off(Batch((world,), (2,)).traffic(1), Rule())
    assert np.exp(flying.log_shares).sum(axis=1) == pytest.approx([1, 1])
    log_x = np.array([[5.0, 5.0]])
    assert kernel.combined(log_x, flying.log_shares[:1]) == pytest.approx([5.0])


def test_rollouts_that_ended_are_dropped_without_touching_the_others() -> None:
    """A fleet of one gross and one small fault: the gross one ends first, both have their times."""
    some = (Fault(100.0, 0.01, 1.0), Fault(100.0, 0.01, 0.05))
    log = fly(fleet(some, 20, 3), Rule(), QUICK.pace.windows(DAY))
    gross, small = np.split(log.ended, 2)
    assert (gross == 10).all()
    assert 10 < np.median(small) <= 100
    assert np.isfinite(small).all()


def test_bad_responses_are_counted_until_the_rollback_and_from_the_onset() -> None:
    some = (Fault(100.0, 0.01, 1.0, 7200.0),)
    log = fly(fleet(some, 20, 3), Rule(), QUICK.pace.windows(DAY, onset=7200.0), since=7200.0)
    polls = (log.ended - 7200) / 10
    assert np.median(log.ended) == 7210
    assert log.bad / polls == pytest.approx(np.full(20, 100), abs=40)
    assert log.requests == pytest.approx(log.bad)


def test_shares_of_all_bands_and_buckets_add_up_to_one() -> None:
    widths = Split(((0.0, 0.1), (10.0, 0.5))).widths
    assert widths == pytest.approx([0.1, 0.4, 0.5])
    for users in (mild(500), Users(500, 5, 1, active=0.1), Users(500, 5, 1, swing=0.8)):
        rates = users.settle(np.random.default_rng(1), 3, widths).rates(0.0)
        assert rates.bad.shape == (3, 3, 20)
        assert (rates.bad + rates.good).sum(axis=(1, 2)) == pytest.approx(1, rel=0.2)


def test_users_who_joined_the_candidate_stay_when_its_share_grows() -> None:
    split = Split(((0.0, 0.1), (100.0, 0.5)))
    before, after = split.arms(0.0), split.arms(100.0)
    assert before.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert after.tolist() == [[1, 1, 0], [0, 0, 1]]
    assert not split.moves(0.0, 100.0)
    assert split.moves(100.0, 110.0)


def test_users_are_dealt_out_anew_only_where_the_world_says_so() -> None:
    def shares(users: Users, at: float) -> Rates:
        crowd = users.settle(np.random.default_rng(1), 2, np.array([0.1, 0.9]))
        first = crowd.rates(0.0)
        later = crowd.rates(at)
        return Rates(first.bad - later.bad, first.good - later.good)

    resalted = Users(500, 5, 1, resalted=True)
    assert not shares(mild(500), DAY / 2).bad.any()
    assert not shares(resalted, 1799.0).bad.any()
    assert shares(resalted, 1800.0).bad.any()


def test_a_world_sends_the_requests_and_failures_it_promises() -> None:
    world = World("w", 100.0, split=Split(((0.0, 0.1),)))
    sample = Batch((world,), (50,)).traffic(2).window(0.0, 600.0)
    total, bad = sample.total.sum(axis=(0, 1, 3)), sample.bad.sum(axis=(0, 1, 3))
    assert total == pytest.approx([300_000, 2_700_000], rel=0.01)
    assert bad / total == pytest.approx([0.01, 0.01], rel=0.05)


def test_a_candidate_at_the_edge_fails_as_often_as_its_tolerance_allows() -> None:
    world = World("w", 1000.0, mild(500), bound=TOLERANT, at_edge=True)
    sample = Batch((world,), (2000,)).traffic(2).window(0.0, 100.0)
    candidate, stable = sample.bad.sum(axis=(0, 1, 3)) / sample.total.sum(axis=(0, 1, 3))
    assert candidate / stable == pytest.approx(1.2, rel=0.05)


def test_an_exact_city_fails_with_its_base_rate() -> None:
    exact = Users(500, 1, 1.5, exact=True)
    rates = exact.settle(np.random.default_rng(1), 5, np.array([0.1, 0.9])).rates(0.0)
    assert rates.bad.sum(axis=(1, 2)) == pytest.approx(0.01)
    assert (rates.bad + rates.good).sum(axis=(1, 2)) == pytest.approx(1)


def test_several_signals_share_their_requests_and_part_of_their_failures() -> None:
    world = World("w", 1000.0, signals=Signals(5, together=0.5))
    sample = Batch((world,), (400,)).traffic(2).window(0.0, 10.0)
    assert (sample.total == sample.total[:, :1]).all()
    bad = sample.bad.sum(axis=(2, 3))
    correlation = np.corrcoef(bad.T)[np.triu_indices(5, 1)].mean()
    assert bad.mean() == pytest.approx(100, rel=0.05)
    assert correlation == pytest.approx(0.5, abs=0.1)


def test_every_world_flies_in_exactly_one_batch() -> None:
    found = [world for batch in batches(worlds(), lambda _: 40) for world in batch.worlds]
    assert sorted(map(repr, found)) == sorted(map(repr, worlds()))
    assert sum(world.pooled for world in worlds()) == 23


def test_windows_follow_one_another_and_are_polls_after_an_event() -> None:
    for pace in (FULL.pace, QUICK.pace):
        windows = list(pace.windows(DAY, onset=6 * 3600.0))
        assert windows[0] == (0, 10)
        assert (6 * 3600.0, 6 * 3600.0 + 10) in windows
        assert windows[-1][1] == DAY + 6 * 3600
        assert all(a[1] == b[0] for a, b in pairwise(windows))


def test_the_information_bound_is_that_of_the_notes() -> None:
    """1 % to 2, 5 and 100 %, candidate 10 %: 3.3 h, 19 min and one poll at 1 request a second."""
    bounds = [Fault(1.0, 0.01, p1).bound for p1 in (0.02, 0.05, 1.0)]
    assert bounds == pytest.approx([3.27 * 3600, 1120, 10], rel=0.01)
    assert Fault(100.0, 0.01, 0.05).bound == 20
    assert Fault(100.0, 0.01, 0.012).is_aim
    assert not Fault(10.0, 0.01, 0.015).is_aim


def _minutes(bad: list[list[int]], total: list[list[int]]) -> Sample:
    """One rollout, one signal; per minute (candidate, stable)."""
    arrays = (np.array(some, dtype=float)[:, None, None] for some in (bad, total))
    return Sample(*arrays)


def test_flagger_counts_failed_checks_for_ever_and_moves_a_tick_later() -> None:
    rule = next(r for r in RULES if r.name == "Flagger, max 2x base, threshold 5")
    minutes = [[3 if i % 2 == 0 else 0, 0] for i in range(20)]
    found = rule.goes_back(_minutes(minutes, [[100, 900]] * 20), np.array([0.01]))
    assert found.tolist() == [10 * 60]


def test_flagger_takes_silence_for_failure_and_argo_does_not() -> None:
    silent = _minutes([[0, 0]] * 30, [[0, 100]] * 30)
    flagger, argo = RULES[1], RULES[-1]
    assert flagger.goes_back(silent, np.array([0.01])).tolist() == [6 * 60]
    assert argo.goes_back(silent, np.array([0.01])).tolist() == [math.inf]


def test_argo_looks_back_five_minutes_and_fails_above_its_limit_of_failures() -> None:
    """One bad minute is in five windows: failed measurements 1 to 5, the fourth is one too many."""
    bad = [[0, 0]] * 5 + [[50, 0]] + [[0, 0]] * 10
    found = RULES[-1].goes_back(_minutes(bad, [[100, 900]] * 16), np.array([0.01]))
    assert found.tolist() == [9 * 60]


def test_an_interval_is_wilsons_and_certain_at_its_ends() -> None:
    assert wilson(0, 1000) == pytest.approx((0, 0.00383), abs=1e-5)
    assert wilson(10, 1000) == pytest.approx((0.00544, 0.01831), abs=1e-5)
    assert wilson(5, 5)[1] == 1
    assert wilson(0, 0) == (0, 1)


def test_a_goal_is_missed_only_where_chance_alone_cannot_explain_it() -> None:
    assert standing(0.01, 0.002, 0.01) is Standing.MET
    assert standing(0.02, 0.004, 0.01) is Standing.OPEN
    assert standing(0.05, 0.03, 0.01) is Standing.MISSED
    assert standing_of_median([1.0] * 40 + [9.0] * 60, 5.0) is Standing.MISSED
    assert standing_of_median([1.0] * 49 + [9.0] * 51, 5.0) is Standing.OPEN


def test_what_was_never_found_stands_last_in_a_quantile() -> None:
    assert quantile([math.inf, 2.0, 1.0], 0.5) == 2
    assert quantile([math.inf, 2.0, 1.0], 0.95) == math.inf


def test_the_report_has_every_row_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(TINY, ("null", "delay", "rivals", "accept"))
    json.dumps(found, allow_nan=False)
    assert [(row["world"], row["rps"]) for row in found["null"]] == [
        (world.name, world.rps) for world in worlds()
    ]
    assert {"falseRollback24h", "low", "high"} <= found["null"][0].keys()
    keys = {"rps", "p0", "p1", "onsetHours", "medianSeconds", "p95Seconds", "boundSeconds"}
    assert keys | {"ratio", "badResponses"} <= found["delay"][0].keys()
    assert len(found["delay"]) == len(faults())
    assert [told["rule"] for told in found["rivals"]] == [rule.name for rule in RULES]
    assert all(len(told["null"]) == len(worlds()) for told in found["rivals"])
    assert {row["margin"] for row in found["accept"]} == {1.5, 2.0, 3.0}
    assert "persistent users pooled" in capsys.readouterr().out


def test_a_signal_with_buckets_is_remembered_in_a_kibibyte() -> None:
    told = cost.measure(signals=10)
    assert told["signals"] == 10
    assert 0 < told["stateBytes"] <= 1024
    assert told["stateStanding"] == "met"


def test_make_passes_quick_on_and_both_runs_have_the_same_rows() -> None:
    def planned(*more: str) -> str:
        make = ["make", "-n", "bench-evidence", *more]
        return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "hack.bench.evidence --quick" in planned("QUICK=1")
    assert "--quick" not in planned("QUICK=0")
    assert "--quick" not in planned()
    assert FULL.null > QUICK.null
