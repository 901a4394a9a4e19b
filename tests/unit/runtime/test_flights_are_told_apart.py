"""Two candidates that fly one after the other carry the same variant: whose errors are whose."""

from datetime import timedelta

from goaround.api.reasons import EventReason
from goaround.api.status import Transition
from goaround.runtime.flight import begin
from tests.unit.runtime.flown import BEGAN, INTERVAL, a_feature, a_signal

SCRAPE = 15.0


def first_window_after(left: timedelta | None, event: EventReason = EventReason.SUPERSEDED) -> int:
    """Seconds from the start of the step to that of the first window, with another candidate gone
    so long before the step began."""
    told = Transition(at=BEGAN - (left or timedelta()), reason=event, type="Normal", message="gone")
    signals = [a_signal(name, max="0.10") for name in ("errors", "refusals")]
    feature = a_feature(*signals, history=[told] if left is not None else [])
    flight = begin(feature, BEGAN.timestamp() + 60, scrape=SCRAPE)
    assert flight is not None
    return flight.last_t - int(BEGAN.timestamp())


def test_a_first_candidate_is_read_from_the_start_of_its_step() -> None:
    assert first_window_after(None) < INTERVAL


def test_what_the_candidate_before_it_may_still_be_counted_for_is_not_booked_to_the_next() -> None:
    for event in (EventReason.SUPERSEDED, EventReason.ROLLED_BACK, EventReason.INCONCLUSIVE):
        assert first_window_after(timedelta(seconds=1), event) >= SCRAPE - 1


def test_a_candidate_that_left_long_ago_delays_nothing() -> None:
    assert first_window_after(timedelta(seconds=SCRAPE)) == first_window_after(None)


def test_landing_delays_no_flight() -> None:
    gone = first_window_after(timedelta(seconds=1), EventReason.PROMOTED)
    assert gone == first_window_after(None)
