"""What incidents add up to: nothing counted twice, nothing that was none."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from goaround.api.aftermath import Bin, Detail, RootCause
from goaround.api.base import ObjectMeta
from goaround.api.incident_status import Milestones, Phase
from goaround.api.kinds import AIIncident
from goaround.api.trigger import DrillKind, TriggerSource
from goaround.incident.figures import Entry, entries, shortly, summed, trends
from tests.unit.incident.build import AT, an_incident

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SINCE = AT - 90 * DAY
LIMIT = RootCause(bin=Bin.CONFIG, detail=Detail.TOKEN_LIMITS, line="too low")


def one(ago: timedelta, *, minutes: float = 10.0, name: str = "", **spec: Any) -> AIIncident:
    """Bad for a minute before it was detected, contained after `minutes`, over an hour later."""
    found = AT - ago
    times = Milestones(
        started_at=found - MINUTE,
        detected_at=found,
        contained_at=found + minutes * MINUTE,
        resolved_at=found + timedelta(hours=1),
    )
    incident = an_incident()
    meta = ObjectMeta(name=name or f"chat-{ago.days}", namespace="shop")
    status = incident.status.but(milestones=times, exposed_requests=100, phase=Phase.RESOLVED)
    return incident.but(metadata=meta, spec=incident.spec.but(**spec), status=status)


def counted(*some: AIIncident, since: datetime = SINCE) -> list[Entry]:
    return entries(some, since, AT)


def test_times_are_from_the_first_bad_window_on() -> None:
    (entry,) = counted(one(3 * DAY))
    assert (entry.detect, entry.contain, entry.resolve) == (60.0, 600.0, 3600.0)
    assert entry.harm_minutes == 11.0


def test_medians_sums_and_repeats_are_added_up() -> None:
    some = [one(n * DAY, minutes=n, root_cause=LIMIT) for n in (1, 3, 8)]
    whole = summed(counted(*some))
    assert (whole.count, whole.contain, whole.exposed, whole.repeats) == (3, 180.0, 300, 2)
    assert whole.harm_minutes == 15.0


def test_drills_and_what_was_none_are_left_out() -> None:
    drill = one(DAY, drill=DrillKind.PRACTICE)
    trigger = drill.spec.trigger.but(source=TriggerSource.DRILL)
    none = [one(DAY).but(status=one(DAY).status.but(phase=p)) for p in ("Cancelled", "Merged")]
    assert counted(drill, one(DAY, trigger=trigger), *none) == []


def test_a_repeat_of_a_cause_from_before_the_time_is_a_repeat() -> None:
    some = [one(100 * DAY, root_cause=LIMIT), one(DAY, root_cause=LIMIT)]
    (entry,) = counted(*some)
    assert entry.repeats


def test_a_cause_that_nobody_knows_repeats_nothing() -> None:
    assert not any(e.repeats for e in counted(one(DAY), one(2 * DAY)))


def test_what_is_not_contained_yet_does_harm_until_now() -> None:
    incident = one(timedelta(hours=2))
    going_on = incident.status.milestones.but(contained_at=None, resolved_at=None)
    (entry,) = counted(incident.but(status=incident.status.but(milestones=going_on)))
    assert entry.harm_minutes == 121.0
    assert entry.contain is None


@pytest.mark.parametrize(
    ("days", "word"),
    [((80, 70, 60, 2), "better"), ((80, 10, 5, 2), "worse"), ((80, 2), "same")],
)
def test_the_later_half_is_held_against_the_earlier_one(days: tuple[int, ...], word: str) -> None:
    (trend,) = trends(counted(*(one(n * DAY) for n in days)), SINCE, AT)
    assert trend.word == word


def test_fewer_but_longer_is_mixed() -> None:
    some = [one(80 * DAY, minutes=1), one(70 * DAY, minutes=1), one(DAY, minutes=500)]
    (trend,) = trends(counted(*some), SINCE, AT)
    assert trend.word == "mixed"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (12, "12s"), (2280, "38m"), (9000, "2.5h"), (268000, "3.1d")]
)
def test_spans_are_short(seconds: float | None, text: str) -> None:
    assert shortly(seconds) == text
