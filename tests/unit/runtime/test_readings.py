"""Which shape reads a signal, and what an answer means to whom."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from goaround.api.base import Json
from goaround.api.kinds import AIFeature
from goaround.api.status import KnownRelease
from goaround.evidence.plan import EVALUATED
from goaround.runtime.readings import Purpose, is_known, shape_of, understood, wanted
from goaround.world.prometheus import (
    Counts,
    Kind,
    Read,
    Readings,
    Shape,
    Unreadable,
    UnreadableReason,
    WindowReading,
)
from tests.unit.runtime.flown import BEGAN, INTERVAL, START, a_feature, a_signal

OTHER = a_signal("other", max="0.1")
QUERY = {"name": "load", "query": {"promql": "max(g{$match})", "failures": 2, "of": 3}, "max": "9"}
LATE = a_signal("churn", max="0.1", labelDelaySeconds=600)
BOTH = {"candidate": Counts(10.0, 1.0), "stable": Counts(90.0, 9.0)}


def shape(signal: Json, reading: str = "") -> Shape:
    return shape_of(a_feature(signal, OTHER), reading or signal["name"], INTERVAL)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"ratio": {"bad": "b{$match}", "total": "t{$match}"}},
            Shape("b{$match}", "t{$match}", 10),
        ),
        (
            {"count": {"events": "b{$match}", "total": "t{$match}"}},
            Shape("b{$match}", "t{$match}", 10, kind=Kind.COUNT),
        ),
        (
            {"latency": {"histogram": "h{$match}", "slowerThanSeconds": "2.50"}},
            Shape("h{$match}", "h{$match}", 10, kind=Kind.LATENCY, slower_than="2.5"),
        ),
        (
            {
                "latency": {
                    "histogram": "h{$match}",
                    "slowerThanSeconds": "0.25",
                    "unit": "Milliseconds",
                }
            },
            Shape("h{$match}", "h{$match}", 10, kind=Kind.LATENCY, slower_than="250"),
        ),
        (
            {
                "mean": {
                    "sum": "s{$match}",
                    "count": "c{$match}",
                    "highest": "5",
                    "worse": "Lower",
                }
            },
            Shape("s{$match}", "c{$match}", 10, kind=Kind.MEAN, highest=5.0, lower_is_worse=True),
        ),
        ({"query": {"promql": "g{$match}"}}, Shape("g{$match}", "", 10, kind=Kind.QUERY)),
    ],
    ids=lambda p: next(iter(p)) if isinstance(p, dict) else "",
)
def test_each_kind_of_signal_has_its_shape(parts: Json, expected: Shape) -> None:
    bound = {"min": "0.5"} if "mean" in parts else {"max": "0.5"}
    assert shape({"name": "s", **parts, **bound}) == expected


def test_a_query_with_a_lowest_value_asks_for_the_lowest() -> None:
    assert shape({"name": "s", "query": {"promql": "g{$match}"}, "min": "1"}).lower_is_worse


def test_arms_slices_and_delay_are_part_of_the_shape() -> None:
    arms = {"candidate": 'pod="c"', "stable": 'pod="s"'}
    slices = {"label": "lang", "values": ["de"]}
    one = a_signal("churn", max="0.1", labelDelaySeconds=60, arms=arms, slices=slices)
    whole, german = shape(one), shape(one, "churn/de")
    assert (whole.arms, whole.offset, whole.only) == (
        (("candidate", 'pod="c"'), ("stable", 'pod="s"')),
        60,
        None,
    )
    assert german == replace(whole, only=("lang", "de"))


def test_what_spec_does_not_have_is_not_known() -> None:
    feature = a_feature(OTHER, {"name": "new", "preset": "from-a-newer-operator"})
    assert is_known(feature, "other")
    assert not is_known(feature, "new")
    assert not is_known(feature, "gone")
    with pytest.raises(KeyError):
        shape_of(feature, "gone", INTERVAL)


def ends(first: int, count: int = 3) -> range:
    """Ends of windows; the first one is `first` windows after the step began."""
    start = START + first * INTERVAL
    return range(start, start + count * INTERVAL, INTERVAL)


def answer(of: range, **parts: Any) -> Readings:
    return Readings(tuple(WindowReading(end, **{"arms": {}, **parts}) for end in of))


def meant(feature: AIFeature, name: str, read: Read, of: range, why: Purpose) -> list[Any]:
    found = understood(feature, name, read, of, purpose=why)
    assert isinstance(found, Readings)
    assert [w.end for w in found.windows] == list(of)
    return [dict(w.arms) for w in found.windows]


def test_counters_mean_what_they_say() -> None:
    feature, read = a_feature(OTHER, LATE), answer(ends(1), arms=BOTH)
    assert understood(feature, "other", read, ends(1), purpose=Purpose.FLIGHT) is read
    assert wanted(feature, "other", ends(1)) == ends(1)


def test_no_reading_stays_none() -> None:
    fault = Unreadable(UnreadableReason.TIMEOUT, "too late")
    for name in ("load", "churn"):
        feature = a_feature(QUERY, LATE)
        assert understood(feature, name, fault, ends(1), purpose=Purpose.FLIGHT) is fault


def test_a_query_looks_back_but_never_to_before_its_release() -> None:
    feature = a_feature(QUERY, OTHER)
    of = wanted(feature, "load", ends(1))
    assert of == ends(-1, 5)
    found = meant(feature, "load", answer(of, values={"candidate": 10.0}), ends(1), Purpose.FLIGHT)
    assert found == [{EVALUATED: Counts(1.0, bad)} for bad in (0.0, 1.0, 1.0)]


def test_evaluations_are_taken_for_nobodys_requests() -> None:
    feature = a_feature(QUERY, OTHER)
    read = answer(ends(1), values={"candidate": 1.0, "stable": 1.0})
    (first, *_) = meant(feature, "load", read, ends(1), Purpose.FLIGHT)
    assert first.keys() == {EVALUATED}
    assert meant(feature, "load", read, ends(1), Purpose.AFTERMATH) == [{}, {}, {}]


def test_a_query_without_a_value_says_nothing() -> None:
    read = answer(ends(1), values={"stable": 10.0})
    found = meant(a_feature(QUERY, OTHER), "load", read, ends(1), Purpose.FLIGHT)
    assert found == [{}, {}, {}]


def test_late_truth_about_what_was_before_the_flight_is_booked_to_nobody() -> None:
    feature, of = a_feature(LATE, OTHER), ends(60)
    found = meant(feature, "churn", answer(of, arms=BOTH), of, Purpose.FLIGHT)
    # the window that is final at 60 began 61 windows earlier, before the flight did
    assert found == [{}, BOTH, BOTH]


def test_late_truth_is_no_traffic_after_a_way_down() -> None:
    feature, of = a_feature(LATE, OTHER), ends(600)
    found = meant(feature, "churn", answer(of, arms=BOTH), of, Purpose.AFTERMATH)
    assert found == [{}, {}, {}]


def test_late_truth_about_a_candidate_reaches_it_when_it_is_live() -> None:
    landed = BEGAN + timedelta(hours=1)
    feature = a_feature(LATE, OTHER)
    candidate = feature.status.candidate
    assert candidate is not None
    good = KnownRelease(digest=candidate.digest, release=candidate.release, since=landed)
    live = feature.model_copy(
        update={"status": feature.status.but(last_known_good=good, stage=None)}
    )
    of = ends(359 + 60)
    found = meant(live, "churn", answer(of, arms=BOTH), of, Purpose.LIVE)
    flown = {"stable": BOTH["candidate"]}
    assert found == [flown, flown, BOTH]


def test_late_truth_about_another_release_is_not_held_against_the_live_one() -> None:
    feature, of = a_feature(LATE, OTHER), ends(30)
    assert meant(feature, "churn", answer(of, arms=BOTH), of, Purpose.LIVE) == [{}, {}, {}]
