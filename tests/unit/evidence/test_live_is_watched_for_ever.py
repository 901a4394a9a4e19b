"""Live: two detectors in turns, a yearly budget, and late harm found as fast as early harm."""

from dataclasses import replace

import numpy as np
import pytest

from goaround.evidence import live
from goaround.evidence.bets import Floats
from goaround.evidence.judge import Counts, Max, TestSpec, Window
from goaround.evidence.live import ERA_SECONDS
from goaround.evidence.model import STABLE
from tests.unit.evidence.live_sim import ERA_WINDOWS, INTERVAL, Era, Watch

DAY = 86400
NOW = 1_795_255_200 // ERA_SECONDS * ERA_SECONDS
LIMIT = 0.02


def a_test(name: str = "errors", limit: float = LIMIT, share: float = 1.0) -> TestSpec:
    (spec,) = live.live_tests([TestSpec(name, Max(limit), 10, share=share)], INTERVAL)
    return spec


def a_window(end: int, bad: float, total: float) -> dict[str, Window]:
    return {"errors": Window(end, {STABLE: Counts(total, bad)})}


# -- eras and the budget -------------------------------------------------------------------------


def test_the_two_detectors_begin_a_day_apart_and_end_after_two_days() -> None:
    ends = [live.era_end(NOW + DAY / 2, which) for which in (0, 1)]
    assert ends == [NOW + 2 * DAY, NOW + DAY]
    assert live.era_end(NOW + 2 * DAY, 0) == NOW + 4 * DAY


def test_whoever_takes_over_finds_the_same_eras() -> None:
    for which in (0, 1):
        end = live.era_end(NOW + 1234, which)
        assert live.era_end(end - 1, which) == end
        assert live.era_end(end, which) == end + ERA_SECONDS


def test_the_eras_of_a_year_spend_the_budget_of_a_year() -> None:
    eras = live.DETECTORS * live.YEAR_SECONDS / ERA_SECONDS
    assert eras * live.alpha(1, ERA_SECONDS) == pytest.approx(1)
    assert live.alpha(1, ERA_SECONDS / 4) == pytest.approx(live.alpha(1, ERA_SECONDS) / 4)
    assert live.alpha(365, ERA_SECONDS) < 1


def test_a_window_of_the_next_era_forgets_the_era_before() -> None:
    spec = a_test()
    old = live.begun([spec], 0, NOW)
    for i in range(1, 50):
        old = live.advanced([spec], old, a_window(NOW + i * INTERVAL, 3, 100))
    end = NOW + ERA_SECONDS + INTERVAL
    young = live.begun([spec], 0, NOW + ERA_SECONDS)
    assert live.advanced([spec], old, a_window(end, 1, 100)) == live.advanced(
        [spec], young, a_window(end, 1, 100)
    )


def test_the_first_bad_event_trips_a_hard_guard_in_live() -> None:
    spec = replace(a_test(), bound=Max(0.0), share=0.0)
    detector = live.begun([spec], 1, NOW)
    calm = live.advanced([spec], detector, a_window(NOW + INTERVAL, 0, 10_000))
    assert not live.judged([spec], calm, 1).breached
    hit = live.advanced([spec], calm, a_window(NOW + 2 * INTERVAL, 1, 10_000))
    assert live.judged([spec], hit, 1).culprits == ("errors",)


def test_the_simulation_gives_the_numbers_of_the_engine() -> None:
    dice, spec, era = np.random.default_rng(5), a_test(), Era(LIMIT, 1)
    engine = live.begun([spec], 0, NOW)
    for i in range(1, 200):
        total = dice.poisson(120.0)
        bad = dice.binomial(total, 0.03)
        era.step(np.array([float(bad)]), np.array([float(total)]))
        engine = live.advanced([spec], engine, a_window(NOW + i * INTERVAL, bad, total))
        judged = live.judged([spec], engine, 1)
        assert judged.log_e == pytest.approx(float(era.log_e[0]), abs=1e-9)
        assert judged.breached == bool(era.breached[0])


# -- simulated years -----------------------------------------------------------------------------

YEARS = 1
ERAS_OF_A_YEAR = 366


def false_alarms(rate: float, share: float) -> int:
    """In so many years of both detectors. Eras are independent, so that all of them run side by
    side; what both prove counts twice, as it does in the budget."""
    runs = YEARS * ERAS_OF_A_YEAR
    dice, era = np.random.default_rng(20), Era(LIMIT, runs)
    crossed = np.zeros(runs, dtype=bool)
    for _ in range(ERA_WINDOWS):
        total = dice.poisson(rate * INTERVAL, runs).astype(float)
        era.step(dice.binomial(total.astype(int), share).astype(float), total)
        crossed |= era.breached
    return int(crossed.sum())


@pytest.mark.parametrize("rate", [0.2, 20.0])
def test_a_release_at_its_very_limit_is_sent_back_by_chance_about_once_a_year_at_most(
    rate: float,
) -> None:
    found = false_alarms(rate, LIMIT)
    print(f"{found} false alarms in {YEARS} years")
    assert found <= YEARS + 1.65 * YEARS**0.5


def test_a_release_at_half_its_limit_is_not_sent_back_in_a_year() -> None:
    assert false_alarms(2.0, LIMIT / 2) == 0


@pytest.mark.parametrize(
    ("rate", "worse", "most_median", "most_p95"), [(1.0, 0.05, 17, 30), (10.0, 0.03, 13, 21)]
)
def test_late_harm_is_found_as_fast_as_early_harm(
    rate: float, worse: float, most_median: float, most_p95: float
) -> None:
    found = {day: delays(day, rate, worse) for day in (0, 7, 90)}
    median = {day: float(np.median(d)) for day, d in found.items()}
    p95 = {day: float(np.quantile(d, 0.95)) for day, d in found.items()}
    assert max(median.values()) <= most_median, median
    assert max(p95.values()) <= most_p95, p95
    for day in (7, 90):
        assert median[day] <= 1.15 * median[0] + 1, median
        assert p95[day] <= 1.2 * p95[0] + 1, p95


def delays(day: int, rate: float, worse: float, runs: int = 120) -> Floats:
    """Windows from the onset of harm to its proof; landed six hours before, plus `day` days.

    Of all the days before only the eras that still run are simulated: an era knows of nothing
    before it, as a test above shows.
    """
    dice = np.random.default_rng(1000 * day + int(rate) + int(1000 * worse))
    landed = (NOW + 5 * 3600) // INTERVAL
    onset = landed + (day * DAY + 6 * 3600) // INTERVAL
    watch = Watch(LIMIT, runs, max(landed, first_that_matters(onset)))
    found = np.full(runs, np.nan)
    while np.isnan(found).any():
        share = worse if watch.at >= onset else LIMIT / 4
        total = dice.poisson(rate * INTERVAL, runs).astype(float)
        bad = dice.binomial(total.astype(int), share).astype(float)
        breached = watch.step(bad, total)
        late = watch.at - onset
        found[breached & np.isnan(found) & (late > 0)] = late
    return found


def first_that_matters(onset: int) -> int:
    """Where the older of the two eras began that run at the onset."""
    instant = onset * INTERVAL
    return min(live.era_end(instant, which) - ERA_SECONDS for which in (0, 1)) // INTERVAL
