"""Golden scoring: the table of the notes, exact rules, and what is refused."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from goaround.evidence.golden import Case, GoldenScore, GoldenVerdict, Runs, score
from goaround.evidence.quantiles import largest_share
from goaround.evidence.stratified import log_smallest_p, one_sided_p

REGRESSION, NO_REGRESSION, TOO_FEW = GoldenVerdict

FLAKY = 0.9


def _cases(
    rng: np.random.Generator, pass_rates: Sequence[float], runs: int, tags: int = 0
) -> list[Case]:
    return [
        Case(
            name=f"case-{i}",
            candidate=Runs(int(rng.binomial(runs, rate)), runs),
            stable=Runs(int(rng.binomial(runs, FLAKY)), runs),
            tags=(f"ability-{i % tags}",) if tags else (),
        )
        for i, rate in enumerate(pass_rates)
    ]


def _worlds(n: int) -> dict[str, list[float]]:
    return {
        "no change": [FLAKY] * n,
        "3 inputs broken": [0.1] * 3 + [FLAKY] * (n - 3),
        "1 input broken": [0.1] + [FLAKY] * (n - 1),
        "all inputs .9 -> .7": [0.7] * n,
    }


@pytest.mark.parametrize(
    ("n", "runs", "published"),
    [
        (10, 1, (0.001, 0.04, 0.00, 0.06)),
        (10, 5, (0.021, 0.94, 0.22, 0.75)),
        (20, 3, (0.023, 0.52, 0.10, 0.82)),
        (20, 5, (0.029, 0.77, 0.16, 0.97)),
        (20, 10, (0.033, 0.97, 0.29, 1.00)),
    ],
)
def test_all_cases_together_make_the_table_of_the_notes(
    n: int, runs: int, published: tuple[float, ...]
) -> None:
    """Statistics 7, column CMH: 200 sets per cell, so three standard errors are up to 10.6 points.
    The whole score, with the other rules on top, stays below 5 % false alarms too."""
    rng = np.random.default_rng(20)
    for (world, rates), expected in zip(_worlds(n).items(), published, strict=True):
        scores = [score(_cases(rng, rates, runs)) for _ in range(200)]
        together = np.mean([s.p_value is not None and s.p_value <= 0.05 for s in scores])
        whole = np.mean([s.verdict is REGRESSION for s in scores])
        print(f"n={n} k={runs} {world}: together {together:.1%}, any rule {whole:.1%}")
        error = 3 * np.sqrt(expected * (1 - expected) / 200)
        assert together == pytest.approx(expected, abs=max(0.02, error))
        if world == "no change":
            assert whole <= 0.05


def test_four_abilities_asked_at_once_stay_below_five_percent_false_alarms() -> None:
    rng = np.random.default_rng(21)
    found = [score(_cases(rng, [FLAKY] * 20, 5, tags=4)).verdict for _ in range(600)]
    share = np.mean([verdict is REGRESSION for verdict in found])
    print(f"any rule with 4 abilities: {share:.1%}")
    assert share <= 0.05


def test_the_exact_test_never_rejects_more_often_than_it_promises() -> None:
    """By enumeration of two strata at every common pass rate."""
    chances = np.array([1, 3, 3, 1], dtype=np.float64)
    for share in (0.1, 0.5, 0.9):
        weights = chances * share ** np.arange(4) * (1 - share) ** (3 - np.arange(4))
        total = 0.0
        for index in np.ndindex(4, 4, 4, 4):
            a, b, c, d = index
            if one_sided_p([(a, 3, b, 3), (c, 3, d, 3)]) <= 0.05:
                total += float(np.prod(weights[list(index)]))
        assert total <= 0.05


def test_six_of_six_against_none_of_six_is_one_in_924() -> None:
    assert one_sided_p([(6, 6, 0, 6)]) == pytest.approx(1 / 924)


def test_one_run_per_arm_is_mcnemars_sign_test() -> None:
    five_against_none = [(1, 1, 0, 1)] * 5 + [(0, 1, 0, 1)] * 5 + [(1, 1, 1, 1)]
    assert one_sided_p(five_against_none) == pytest.approx(1 / 32)


def test_nothing_compared_proves_nothing() -> None:
    assert one_sided_p([]) == pytest.approx(1)
    assert log_smallest_p([]) == 0


def _set(*special: Case, n: int = 10, runs: int = 5, first_release: bool = False) -> Sequence[Case]:
    stable = Runs() if first_release else Runs(runs, runs)
    rest = [Case(f"ok-{i}", Runs(runs, runs), stable) for i in range(n - len(special))]
    return [*special, *rest]


def test_one_flipped_run_is_no_regression() -> None:
    found = score(_set(Case("flip", Runs(4, 5), Runs(5, 5))))
    assert found.verdict is NO_REGRESSION
    assert found.reasons == (
        "no regression in 10 cases (p 0.5); a smoke gate: up to 26% of such inputs may still fail",
    )


def test_one_broken_case_is_found_alone() -> None:
    found = score(_set(Case("broken", Runs(0, 6), Runs(6, 6)), n=20, runs=6))
    assert found.verdict is REGRESSION
    assert (
        "case broken passed 0/6, stable 6/6: p 0.0011 x 20 cases = 0.022 <= 0.05" in found.reasons
    )


def test_a_must_pass_case_blocks_at_two_failures_that_stable_never_has() -> None:
    twice = Case("schema", Runs(3, 5), Runs(5, 5), must_pass=True)
    found = score(_set(twice))
    assert found.verdict is REGRESSION
    assert found.reasons == ("must-pass case schema passed 3/5, stable 5/5",)
    once = Case("schema", Runs(4, 5), Runs(5, 5), must_pass=True)
    assert score(_set(once)).verdict is NO_REGRESSION


def test_a_must_pass_case_that_stable_fails_too_does_not_block_and_says_so() -> None:
    found = score(_set(Case("schema", Runs(3, 5), Runs(4, 5), must_pass=True)))
    assert found.verdict is NO_REGRESSION
    assert "must-pass has no force for schema: stable fails it too" in found.reasons


def test_a_must_pass_case_run_once_blocks_at_that_one_failure() -> None:
    case = Case("schema", Runs(0, 1), Runs(1, 1), must_pass=True)
    assert score(_set(case, runs=1)).verdict is REGRESSION


def test_a_first_release_is_judged_by_its_must_pass_cases_alone() -> None:
    good = Case("schema", Runs(5, 5), must_pass=True)
    found = score(_set(good, first_release=True))
    assert found.verdict is NO_REGRESSION
    assert "no stable release, must-pass cases only" in found.reasons[0]
    bad = Case("schema", Runs(3, 5), must_pass=True)
    found = score(_set(bad, first_release=True))
    assert found.verdict is REGRESSION
    assert found.reasons == ("must-pass case schema passed 3/5, no stable release",)


def test_a_first_release_without_must_pass_cases_is_not_judged() -> None:
    found = score(_set(first_release=True))
    assert found.verdict is TOO_FEW
    assert "mark cases as must-pass" in found.reasons[0]


def test_a_lost_ability_is_named_though_the_total_is_equal() -> None:
    lost = [Case(f"sum-{i}", Runs(1, 5), Runs(5, 5), tags=("arithmetic",)) for i in range(3)]
    won = [Case(f"poem-{i}", Runs(5, 5), Runs(1, 5), tags=("verse",)) for i in range(7)]
    found = score([*lost, *won])
    assert found.verdict is REGRESSION
    assert found.p_value is not None
    assert found.p_value > 0.05
    assert any(reason.startswith("ability arithmetic lost") for reason in found.reasons)
    rows = {row.tag: row for row in found.tags}
    assert (rows["arithmetic"].candidate, rows["arithmetic"].stable) == (Runs(3, 15), Runs(15, 15))
    assert rows["arithmetic"].lost
    assert not rows["verse"].lost


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        (_set(n=4), "4 cases, 10 are needed"),
        (_set(Case("gone", Runs(), Runs(5, 5))), "no result of the candidate for gone"),
        ([], "0 cases, 10 are needed"),
    ],
)
def test_too_few_results_are_not_a_pass(cases: Sequence[Case], why: str) -> None:
    found = score(cases)
    assert found.verdict is TOO_FEW
    assert why in found.reasons


def test_repeats_that_could_not_show_total_failure_are_too_few() -> None:
    new = [Case(f"new-{i}", Runs(1, 1)) for i in range(8)]
    found = score([*new, *_set(n=2, runs=1)])
    assert found.verdict is TOO_FEW
    assert "could not show even total failure" in found.reasons[0]


def test_a_regression_stands_however_few_cases_there_are() -> None:
    found: GoldenScore = score([Case("x", Runs(0, 10), Runs(10, 10), must_pass=True)])
    assert found.verdict is REGRESSION


def test_cases_that_stable_never_ran_are_told_apart() -> None:
    found = score(_set(Case("new", Runs(5, 5))))
    assert found.verdict is NO_REGRESSION
    assert found.reasons[1:] == ("not compared, stable has not run new",)


def test_names_are_cut_and_stay_on_their_line() -> None:
    hostile = Case("x\n" * 100, Runs(0, 5), Runs(5, 5), must_pass=True)
    for reason in score(_set(hostile)).reasons:
        assert "\n" not in reason
        assert len(reason) < 200


@pytest.mark.parametrize(
    ("seen", "n", "bound"), [(0, 10, 0.2589), (0, 20, 0.1391), (0, 60, 0.0487), (2, 10, 0.5069)]
)
def test_all_pass_leaves_open_what_the_notes_say(seen: int, n: int, bound: float) -> None:
    assert largest_share(seen, n, 0.95) == pytest.approx(bound, abs=1e-4)


def test_all_failing_leaves_everything_open() -> None:
    assert largest_share(3, 3, 0.95) == 1.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Runs(3, 2),
        lambda: Runs(-1, 2),
        lambda: Case("x", Runs(21, 21)),
        lambda: Case("x", Runs(1, 1), tags=tuple("abcdefghi")),
        lambda: score([Case("x", Runs(1, 1))] * 2),
        lambda: score([Case(f"{i}", Runs(1, 1)) for i in range(201)]),
        lambda: largest_share(3, 2, 0.95),
    ],
)
def test_impossible_sets_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"impossible|more than|at most|same name|must"):
        make()


def test_the_largest_set_is_scored_from_few_distributions() -> None:
    """50 cases x 20 runs x 8 abilities: cost bounded by the number of convolutions."""
    rng = np.random.default_rng(22)
    tags = tuple("abcdefgh")
    cases = [
        Case(f"c{i}", Runs(int(rng.binomial(20, 0.9)), 20), Runs(18, 20), tags=tags)
        for i in range(50)
    ]
    assert len(score(cases).tags) == 8
