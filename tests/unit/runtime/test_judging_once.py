"""What the evidence says is worked out once per window, and never a window too late."""

from collections.abc import Callable

import numpy as np
import pytest

from goaround.runtime.flight import Fault
from goaround.runtime.judging import judged
from tests.unit.runtime.flown import BEGAN, LAG, Flown, a_signal

BOUNDS = {"max": "0.02", "vsStable": {"worseBy": "0.02", "rejectAt": "0.04"}}
SIGNALS = a_signal("errors", **BOUNDS), a_signal("slow", max="0.05")


def test_a_look_without_news_says_the_very_same() -> None:
    flown = Flown(*SIGNALS).fly(3, 0.01, 0.01)
    one, other = flown.judged(), flown.judged()
    assert one == other
    assert one.evidence is other.evidence


def test_a_status_that_was_read_again_is_no_news() -> None:
    flown = Flown(*SIGNALS).fly(3, 0.01, 0.01)
    one = flown.judged()
    flown.feature = type(flown.feature).model_validate(flown.feature.wire())
    assert flown.judged().evidence is one.evidence


def test_when_to_look_again_is_of_each_look() -> None:
    flown = Flown(*SIGNALS).fly(3, 0.01, 0.01)
    flown.judged()
    again = judged(flown.feature, flown.flight, now=flown.now, lag=LAG, next_at=BEGAN)
    assert again.next_at == BEGAN


def test_a_fault_becomes_one_that_lasts_without_any_window() -> None:
    flown = Flown(*SIGNALS).fly(3, 0.01, 0.01)
    flown.flight.faults["errors"] = Fault("no answer", flown.now)
    assert flown.judged().unreadable is None
    late = judged(flown.feature, flown.flight, now=flown.now + 60, lag=LAG, next_at=None)
    assert late.unreadable == "signal errors: no answer"


def _another_step(flown: Flown) -> None:
    step = flown.feature.status.step
    assert step is not None
    status = flown.feature.status.but(step=step.but(index=1))
    flown.feature = flown.feature.but(status=status)


def _another_bound(flown: Flown) -> None:
    spec = flown.feature.spec
    flown.feature = flown.feature.but(spec=spec.but(acceptance=spec.acceptance.but(beta="0.001")))


NEWS: dict[str, Callable[[Flown], object]] = {
    "a window": lambda flown: flown.fly(1, 0.01, 0.01),
    "a bad window": lambda flown: flown.fly(1, 0.5, 0.01),
    "a silent candidate": lambda flown: flown.fly(1, None, 0.01),
    "an outage": lambda flown: flown.fly(5, 0.5, 0.5),
    "a fault": lambda flown: flown.flight.faults.update(errors=Fault("no answer", 0.0)),
    "another step": _another_step,
    "another bound": _another_bound,
}


@pytest.mark.parametrize("news", NEWS)
def test_news_are_said_at_the_next_look(news: str) -> None:
    flown = Flown(*SIGNALS).fly(3, 0.01, 0.01)
    flown.judged()
    NEWS[news](flown)
    known = flown.judged()
    flown.flight.said = None
    assert known == flown.judged()


def test_through_a_whole_flight_every_look_says_what_a_fresh_one_says() -> None:
    dice = np.random.default_rng(20261121)
    flown = Flown(*SIGNALS)
    for _ in range(60):
        stable = float(dice.choice([0.005, 0.01, 0.3]))
        candidate = float(dice.choice([0.005, 0.02, 0.3]))
        flown.fly(1, candidate, None if dice.random() < 0.1 else stable)
        known = flown.judged()
        flown.flight.said = None
        assert known == flown.judged()
