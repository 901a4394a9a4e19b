"""Verdicts, combined breaches, levels, and the lines that explain them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from goaround.evidence import lines
from goaround.evidence.judge import (
    CANDIDATE,
    STABLE,
    Bound,
    Counts,
    Judgement,
    Max,
    Min,
    TestSpec,
    TestState,
    Verdict,
    VsStable,
    Window,
    acceptance_level,
    advance,
    budget_shares,
    combine,
    new_state,
    report,
)

T0 = 1_795_255_200  # 2026-11-21T10:00:00Z


def after(spec: TestSpec, *windows: Counts, stable: Counts | None = None) -> TestState:
    state = new_state(spec, T0, float(T0))
    for i, counts in enumerate(windows, start=1):
        arms = {spec.arm: counts} | ({STABLE: stable} if stable else {})
        state = advance(spec, state, Window(T0 + 10 * i, arms), step_began=float(T0))
    return state


def judged(
    bound: Bound,
    *windows: Counts,
    stable: Counts | None = None,
    level: float = 20,
    min_samples: float = 100,
) -> Judgement:
    hard = bound in (Max(0), Min(1))
    spec = TestSpec("schema-errors", bound, 10, share=0 if hard else 1)
    state = after(spec, *windows, stable=stable)
    breach = combine([spec], [state], 0.01)
    return report(spec, state, breach, level=level, min_samples=min_samples)


VS = VsStable(worse_by=0.02, reject_at=0.04)
TWICE = VsStable(factor=1.2, reject_factor=2.0)


C = Counts
CLEAN = C(100, 0)

GOLDEN = [
    (
        judged(Max(0.05), C(113, 18)),
        "schema-errors 15.9% > max 5% (n=113): e-value 1,115 >= 100 -> breach",
    ),
    (
        judged(Max(0.05), C(10, 10)),
        "schema-errors 100% > max 5% (n=10): e-value 5.0e11 >= 100 -> breach",
    ),
    (
        judged(Max(0.02), *[CLEAN] * 30, C(100, 30)),
        "schema-errors 30% > max 2% (n=100 since 2026-11-21T10:05:00Z): "
        "e-value 2.3e18 >= 100 -> breach",
    ),
    (
        judged(Max(0.05), *[C(203, 1)] * 2),
        "schema-errors 0.5% within max 5% (n=406): accepted, e-value 465,366 >= 20",
    ),
    (
        judged(Max(0.02), C(60, 0)),
        "schema-errors 0% within max 2% (n=60): undecided, e-value 3 < 20, "
        "needs about 94 more candidate requests",
    ),
    (
        judged(Max(0.0002), C(9000, 0)),
        "schema-errors 0% within max 0.02% (n=9,000): undecided, e-value 5.1 < 20, "
        "needs about 6,800 more candidate requests",
    ),
    (
        judged(Max(0.02), C(100, 2)),
        "schema-errors 2% within max 2% (n=100): undecided, e-value under 0.1 < 20, "
        "cannot be accepted at this rate",
    ),
    (
        judged(Max(0.05), C(10000, 501)),
        "schema-errors 5.01% > max 5% (n=10,000): undecided, e-value of harm 0.3 < 100",
    ),
    (
        judged(Min(0.9), C(200, 150)),
        "schema-errors 75% < min 90% (n=200): e-value 5.8e6 >= 100 -> breach",
    ),
    (
        judged(Min(0.9), C(200, 196)),
        "schema-errors 98% within min 90% (n=200): accepted, e-value 6,465 >= 20",
    ),
    (
        judged(TWICE, C(200, 20), C(10, 1), stable=C(900, 9)),
        "schema-errors 10% vs 1% x 1.2 (n=210/1,800): e-value 1.1e6 >= 100 -> breach",
    ),
    (
        judged(VS, C(521, 31), stable=C(4680, 47)),
        "schema-errors 6% vs 1% + 2 points (n=521/4,680): undecided, e-value of harm 36.8 < 100",
    ),
    (
        judged(VS, *[C(300, 3)] * 4, stable=C(2700, 27)),
        "schema-errors 1% vs 1% + 2 points (n=1,200/10,800): accepted, e-value 1.9e12 >= 20",
    ),
    (
        judged(VS, CLEAN),
        "schema-errors 0% vs ? + 2 points (n=100/0): undecided, e-value 1 < 20, "
        "needs stable requests to compare with",
    ),
    (
        judged(Max(0), C(1204, 1)),
        "schema-errors 1 bad event >= 1 (n=1,204) -> breach (hard guard)",
    ),
    (
        judged(Min(1), C(1204, 1202)),
        "schema-errors 2 bad events >= 1 (n=1,204) -> breach (hard guard)",
    ),
    (judged(Max(0), C(120, 0)), "schema-errors no bad event (n=120): accepted (hard guard)"),
    (
        judged(Max(0), C(12, 0)),
        "schema-errors no bad event (n=12): undecided, needs 88 more candidate requests "
        "(hard guard)",
    ),
    (judged(Max(0.05), C(0, 0)), "schema-errors unknown: no candidate requests yet"),
]


@pytest.mark.parametrize(("judgement", "line"), GOLDEN)
def test_a_line_says_what_was_seen_and_what_it_is_held_against(
    judgement: Judgement, line: str
) -> None:
    assert judgement.line == line


def test_what_cannot_be_read_is_unknown_and_says_why() -> None:
    spec = TestSpec("slow", Max(0.05), 10)
    state = after(spec, *[C(203, 1)] * 4)
    breach = combine([spec], [state], 0.01)
    found = report(spec, state, breach, level=20, readable=False, reason="provider timed out")
    assert found.verdict is Verdict.UNKNOWN
    assert found.line == (
        "slow unknown: provider timed out; last seen: slow 0.5% within max 5% (n=812)"
    )


def test_a_reason_of_any_length_leaves_the_line_short() -> None:
    spec = TestSpec("s" * 63, VS, 10)
    state = after(spec, C(10**9, 1), stable=C(10**9, 1))
    breach = combine([spec], [state], 0.01)
    found = report(spec, state, breach, level=20, readable=False, reason="x" * 9999)
    assert len(found.line) <= 512


def test_proof_of_harm_stands_when_nothing_can_be_read_any_more() -> None:
    spec = TestSpec("slow", Max(0.05), 10)
    state = after(spec, C(100, 100))
    breach = combine([spec], [state], 0.01)
    assert report(spec, state, breach, level=20, readable=False).verdict is Verdict.BAD


def test_a_good_survives_silence_but_not_bad_data() -> None:
    bound = Max(0.02)
    assert judged(bound, C(300, 0)).verdict is Verdict.GOOD
    assert judged(bound, C(300, 0), *[C(0, 0)] * 100).verdict is Verdict.GOOD
    assert judged(bound, C(300, 0), C(100, 4)).verdict is Verdict.UNDECIDED


def test_a_higher_level_needs_more_good_data() -> None:
    assert judged(Max(0.02), C(200, 0), level=20).verdict is Verdict.GOOD
    assert judged(Max(0.02), C(200, 0), level=40).verdict is Verdict.UNDECIDED


def test_a_clean_release_is_accepted_near_the_smallest_number_possible() -> None:
    """149, 59 and 29 requests are the least that any bet needs for level 20."""
    for limit, at_most in ((0.02, 160), (0.05, 63), (0.10, 31)):
        assert judged(Max(limit), *[C(1, 0)] * at_most).verdict is Verdict.GOOD
        assert judged(Max(limit), *[C(1, 0)] * (at_most - 1)).verdict is Verdict.UNDECIDED


def test_the_numbers_behind_the_line_are_given() -> None:
    found = judged(Max(0.02), C(100, 0), C(100, 1))
    assert (found.total, found.bad, found.share, found.step_total) == (200, 1, 0.005, 200)
    assert found.level == 20
    assert found.accept_e == pytest.approx(2.56, abs=0.01)
    assert found.e_value == pytest.approx(0.365, abs=0.001)
    assert found.needed == 252  # ln(20 / 2.56) / KL(0.5 % || 2 %)


def test_a_hard_guard_has_no_e_values() -> None:
    found = judged(Max(0), C(120, 0))
    assert (found.e_value, found.accept_e, found.level, found.needed) == (None, None, None, None)


def test_the_start_of_the_trouble_is_the_start_of_its_first_window() -> None:
    assert judged(Max(0.02), CLEAN, CLEAN, C(100, 50), C(100, 50)).started == T0 + 20
    assert judged(Max(0.02), CLEAN, CLEAN).started is None
    assert judged(Max(0), CLEAN, C(100, 1), CLEAN).started == T0 + 10


def pair(*shares: float) -> list[TestSpec]:
    return [TestSpec(f"s{i}", Max(0.02), 10, share=v) for i, v in enumerate(shares)]


def test_only_the_signals_that_prove_harm_are_to_blame() -> None:
    specs = pair(0.5, 0.5)
    states = [after(specs[0], C(100, 40)), after(specs[1], CLEAN)]
    breach = combine(specs, states, 0.01)
    assert (breach.breached, breach.top, breach.culprits) == (True, "s0", ("s0",))
    verdicts = [report(s, t, breach, level=20).verdict for s, t in zip(specs, states, strict=True)]
    assert verdicts == [Verdict.BAD, Verdict.UNDECIDED]


def test_every_signal_that_would_have_breached_alone_is_to_blame() -> None:
    specs = pair(0.5, 0.5)
    states = [after(specs[0], C(100, 30)), after(specs[1], C(100, 40))]
    assert combine(specs, states, 0.01).culprits == ("s1", "s0")


def test_signals_may_prove_harm_only_together() -> None:
    specs = pair(0.5, 0.5)
    states = [after(spec, C(100, 9)) for spec in specs]
    assert not combine(specs[:1], states[:1], 0.01).breached
    breach = combine(specs, states, 0.01)
    assert (breach.breached, breach.culprits) == (True, ("s0",))


def test_a_share_of_the_budget_is_paid_for() -> None:
    state = after(pair(1.0)[0], C(100, 8))
    whole, half = (combine(pair(v), [state], 0.01).log_e for v in (1.0, 0.5))
    assert whole - half == pytest.approx(0.693, abs=0.001)


def test_a_hard_guard_breaches_outside_alpha() -> None:
    guard = TestSpec("safety", Max(0), 10, share=0)
    specs = [*pair(1.0), guard]
    states = [after(specs[0], CLEAN), after(guard, CLEAN, C(1, 1), CLEAN)]
    breach = combine(specs, states, 0.01)
    assert (breach.breached, breach.top, breach.culprits) == (True, "safety", ("safety",))
    assert breach.log_e < 0


def test_without_a_breach_nobody_is_to_blame() -> None:
    specs = pair(0.5, 0.5)
    breach = combine(specs, [after(spec, CLEAN) for spec in specs], 0.01)
    assert (breach.breached, breach.culprits) == (False, ())


def test_a_budget_cannot_be_spent_twice() -> None:
    specs = pair(0.6, 0.6)
    with pytest.raises(ValueError, match="add up to more than 1"):
        combine(specs, [after(spec) for spec in specs], 0.01)


def test_budget_shares_follow_the_weights() -> None:
    assert budget_shares({"a": 1, "b": 3}) == {"a": 0.25, "b": 0.75}
    assert budget_shares({}) == {}


def test_the_default_ramp_needs_5_and_then_20() -> None:
    assert [acceptance_level(i, 2, 0.05, 1) for i in (0, 1)] == [5, 20]
    assert [acceptance_level(i, 2, 0.05, 3) for i in (0, 1)] == [20, 80]
    assert acceptance_level(0, 1, 0.05, 1) == 20


@pytest.mark.parametrize("beta", [0.1, 0.3, 0.9])
def test_no_gate_opens_without_data(beta: float) -> None:
    assert 1 < acceptance_level(0, 2, beta, 1) <= acceptance_level(1, 2, beta, 1)


def test_a_level_that_needs_no_data_is_refused() -> None:
    with pytest.raises(ValueError, match="above 1"):
        judged(Max(0.02), CLEAN, level=1.0)


def test_two_tests_of_one_name_are_refused() -> None:
    spec = TestSpec("s", Max(0.02), 10, share=0.5)
    with pytest.raises(ValueError, match="unique"):
        combine([spec, spec], [after(spec), after(spec)], 0.01)


@pytest.mark.parametrize(("gate", "gates", "beta", "attempt"), [(2, 2, 0.05, 1), (-1, 2, 0.05, 1)])
def test_a_gate_that_is_not_there_has_no_level(
    gate: int, gates: int, beta: float, attempt: int
) -> None:
    with pytest.raises(ValueError, match="none of 2"):
        acceptance_level(gate, gates, beta, attempt)


@pytest.mark.parametrize(("beta", "attempt"), [(0.0, 1), (1.0, 1), (0.05, 0)])
def test_a_level_needs_a_real_beta_and_attempt(beta: float, attempt: int) -> None:
    with pytest.raises(ValueError, match="must hold"):
        acceptance_level(0, 1, beta, attempt)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.04, "under 0.1"),
        (0.3, "0.3"),
        (19.99, "19.9"),
        (20, "20"),
        (99.99, "99.9"),
        (100.9, "100"),
        (9120.7, "9,120"),
        (1234567, "1.2e6"),
        (1e300, "1.0e300"),
    ],
)
def test_an_e_value_is_never_rounded_up_to_a_level_it_misses(value: float, shown: str) -> None:
    assert lines.number(value) == shown


@pytest.mark.parametrize(
    ("share", "other", "shown"),
    [
        (0.124, 0.05, ("12.4%", "5%")),
        (0.05004, 0.05, ("5.004%", "5%")),
        (0.0500, 0.05, ("5%", "5%")),
        (0.00012, 0.02, ("0.01%", "2%")),
        (1.0, 0.999, ("100%", "99.9%")),
        (0.99999, 1.0, ("99.999%", "100%")),
    ],
)
def test_shares_that_differ_look_different(
    share: float, other: float, shown: tuple[str, str]
) -> None:
    assert lines.percents(share, other) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (7, 7), (99, 99), (137, 140), (1201, 1300), (6740, 6800)]
)
def test_a_guess_is_rounded_up_to_two_digits(count: int, shown: int) -> None:
    assert lines.rounded_up(count) == shown


@pytest.mark.parametrize(
    "make",
    [
        lambda: Max(1.0),
        lambda: Max(-0.1),
        lambda: Min(0.0),
        lambda: Min(1.1),
        lambda: VsStable(),
        lambda: VsStable(worse_by=0.04, reject_at=0.02),
        lambda: VsStable(factor=2.0, reject_factor=1.0),
        lambda: TestSpec("s", Max(0.02), 10, cluster_size=0.5),
        lambda: TestSpec("s", Max(0.02), 10, share=0.0),
        lambda: TestSpec("s", Max(0), 10, share=0.5),
        lambda: TestSpec("s", Max(0.02), 7),
    ],
)
def test_a_bound_that_cannot_be_tested_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|takes no share|does not divide 300"):
        make()


def test_the_arm_under_judgement_is_named_by_the_spec() -> None:
    spec = replace(TestSpec("s", Max(0.02), 10), arm="stable")
    state = after(spec, C(10, 1))
    breach = combine([spec], [state], 0.01)
    assert "more stable requests" in report(spec, after(spec, C(10, 0)), breach, level=20).line
    assert state.arm == C(10, 1)


def test_a_signal_hears_only_its_own_arm() -> None:
    spec = TestSpec("s", Max(0.02), 10)
    window = Window(T0 + 10, {CANDIDATE: C(10, 0), "golden": C(50, 50), STABLE: C(90, 3)})
    state = advance(spec, new_state(spec, T0, float(T0)), window, step_began=float(T0))
    assert (state.arm, state.reference) == (C(10, 0), C(90, 3))
