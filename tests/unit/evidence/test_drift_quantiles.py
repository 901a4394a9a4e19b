"""Tails of chi-square, F and beta against published tables, and where they are not defined."""

import pytest

from goaround.evidence.quantiles import beta_share, chi_square_quantile, chi_square_tail, f_quantile


@pytest.mark.parametrize(
    ("degrees", "p", "published"),
    [
        (1, 0.5, 0.4549364),
        (1, 0.999, 10.8275662),
        (2, 0.95, 5.9914645),
        (4, 0.99, 13.2767041),
        (9, 0.999, 27.8771649),
        (10, 0.001, 1.4787435),
        (19, 0.999, 43.8201960),
        (99, 0.999, 148.2303592),
    ],
)
def test_chi_square_quantiles_agree_with_published_tables(
    degrees: int, p: float, published: float
) -> None:
    assert chi_square_quantile(degrees, p) == pytest.approx(published, rel=1e-7)


@pytest.mark.parametrize(
    ("degrees", "below", "p", "published"),
    [(1, 10, 0.95, 4.964603), (5, 20, 0.999, 6.460562), (2, 8, 0.999, 18.493653)],
)
def test_f_quantiles_agree_with_published_tables(
    degrees: float, below: float, p: float, published: float
) -> None:
    assert f_quantile(degrees, below, p) == pytest.approx(published, rel=1e-4)


def test_quantile_and_tail_undo_each_other_far_out() -> None:
    for degrees in (1, 2, 3, 50, 51, 500, 2000):
        assert chi_square_tail(chi_square_quantile(degrees, 0.999), degrees) == pytest.approx(0.001)


def test_f_with_endless_degrees_below_is_chi_square() -> None:
    assert f_quantile(9, 1e7, 0.999) * 9 == pytest.approx(chi_square_quantile(9, 0.999), rel=1e-4)
    assert beta_share(0.0, 2, 3) == 0.0
    assert beta_share(1.0, 2, 3) == 1.0


@pytest.mark.parametrize(
    "ask",
    [
        lambda: chi_square_quantile(0, 0.5),
        lambda: chi_square_quantile(3, 1.0),
        lambda: f_quantile(0, 3, 0.5),
        lambda: beta_share(2, 1, 1),
    ],
)
def test_quantiles_refuse_what_lies_outside_their_domain(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match="must"):
        ask()
