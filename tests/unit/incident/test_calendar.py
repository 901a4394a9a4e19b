"""A business day later is the same local time on the next day of work, whatever clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.incident.calendar import BusinessDays, Calendar, later, words

SYDNEY, BERLIN = ZoneInfo("Australia/Sydney"), ZoneInfo("Europe/Berlin")
OFFICE = Calendar(zone=BERLIN)
HOUR = timedelta(hours=1)  # what clocks change by


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-18T10:30", "2026-11-19T10:30"),  # a Wednesday
        ("2026-11-20T10:30", "2026-11-23T10:30"),  # over a weekend
        ("2026-11-21T10:30", "2026-11-24T09:00"),  # Saturday: from Monday's opening
        ("2026-11-18T03:00", "2026-11-19T09:00"),  # at night: from that day's opening
        ("2026-11-18T17:00", "2026-11-20T09:00"),  # closed: from the next opening
        ("2026-11-18T16:59", "2026-11-19T16:59"),
    ],
)
def test_one_business_day_is_the_same_time_of_the_next_one(start: str, due: str) -> None:
    assert OFFICE.after(berlin(start), 1) == berlin(due)


@pytest.mark.parametrize(
    ("start", "due", "hours"),
    [("2026-03-27T10:00", "2026-03-30T10:00", 71), ("2026-10-23T10:00", "2026-10-26T10:00", 73)],
)
def test_a_day_is_a_day_when_clocks_change(start: str, due: str, hours: int) -> None:
    found = OFFICE.after(berlin(start), 1)
    assert found == berlin(due)
    assert found - berlin(start).astimezone(UTC) == timedelta(hours=hours)


def test_a_time_that_clocks_jump_over_is_later_by_the_jump() -> None:
    always = Calendar(zone=BERLIN, workdays=frozenset(range(7)), opens=0, closes=1440)
    found = always.after(berlin("2026-03-28T02:30"), 1)
    assert found == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert found.astimezone(BERLIN).time() == time(3, 30)


def test_holidays_are_no_days_of_work() -> None:
    off = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
    found = Calendar(zone=BERLIN, holidays=off).after(berlin("2026-12-24T12:00"), 1)
    assert found == berlin("2026-12-29T12:00")


def test_other_weeks_have_other_days() -> None:
    gulf = Calendar(workdays=frozenset({6, 0, 1, 2, 3}))
    thursday = datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert gulf.after(thursday, 1) == thursday + timedelta(days=3)


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(minutes=15), "15 min"),
        (timedelta(hours=24), "24 h"),
        (timedelta(days=14), "14 d"),
        (timedelta(seconds=90), "90 s"),
        (BusinessDays(1), "1 business day"),
        (BusinessDays(5), "5 business days"),
    ],
)
def test_spans_are_told_in_their_own_unit(span: timedelta | BusinessDays, told: str) -> None:
    assert words(span) == told


starts = st.integers(0, 6 * 366 * 1440).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
calendars = st.builds(
    Calendar,
    zone=st.sampled_from([UTC, BERLIN, SYDNEY, ZoneInfo("America/St_Johns")]),
    workdays=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.integers(0, 700),
    closes=st.integers(701, 1440),
    holidays=st.frozensets(st.dates(date(2024, 1, 1), date(2030, 1, 1)), max_size=10),
)


@settings(max_examples=50)
@given(starts, st.integers(1, 12), calendars)
def test_it_is_due_while_people_work_and_never_before_it_began(
    start: datetime, days: int, calendar: Calendar
) -> None:
    due = calendar.after(start, days)
    local = due.astimezone(calendar.zone)
    assert due.tzinfo is UTC
    assert due > start
    assert calendar.is_workday(local.date())
    assert local.hour * 60 + local.minute >= calendar.opens


@settings(max_examples=50)
@given(starts, st.timedeltas(HOUR, timedelta(days=9)), st.integers(1, 5), calendars)
def test_what_began_an_hour_later_is_never_due_before(
    start: datetime, gap: timedelta, days: int, calendar: Calendar
) -> None:
    assert calendar.after(start, days) <= calendar.after(start + gap, days)


def test_a_span_of_hours_knows_no_weekends() -> None:
    friday = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert later(friday, timedelta(hours=24), Calendar()) == friday + timedelta(days=1)
    assert later(friday, BusinessDays(1), Calendar()) == friday + timedelta(days=3)
