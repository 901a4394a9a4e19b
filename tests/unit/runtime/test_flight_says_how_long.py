"""A signal that waits for requests says how long they take at the present rate."""

from goaround.evidence.judge import Counts, Window
from goaround.runtime.flight import begin
from goaround.runtime.judging import judged
from tests.unit.runtime.flown import BEGAN, INTERVAL, LAG, START, a_feature, a_signal


def line_after(seconds: int, per_window: float) -> str:
    feature = a_feature(a_signal("errors", max="0.02"), a_signal("refusals", max="0.10"))
    flight = begin(feature, BEGAN.timestamp())
    assert flight is not None
    ends = range(START + INTERVAL, START + seconds + 1, INTERVAL)
    some = [Window(end, {"candidate": Counts(per_window, 0.0)}) for end in ends]
    flight.feed({"errors": some, "refusals": some}, step_began=BEGAN.timestamp())
    said = judged(feature, flight, now=START + seconds, lag=LAG, next_at=None)
    return said.signals[0].message


def test_missing_requests_are_told_as_time() -> None:
    line = line_after(600, 20 / 60)
    assert line.endswith("needs about 62 more candidate requests, about 31 min")


def test_more_traffic_makes_it_shorter() -> None:
    assert line_after(20, 10.0).endswith("needs about 62 more candidate requests, about 62 s")


def test_what_is_accepted_waits_for_nothing() -> None:
    assert "about" not in line_after(600, 100.0)


def test_without_requests_there_is_no_rate() -> None:
    assert line_after(600, 0.0) == "errors unknown: no candidate requests yet"
