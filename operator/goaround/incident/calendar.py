"""Business days: when something is due that people do at work only.

Counts in local time, so that a day stays a day when clocks change, and answers in UTC. Knows no
time zones by name and no holidays of its own: both are the administrator's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
MIDNIGHT = 24 * 60
MONDAY_TO_FRIDAY = frozenset(range(5))


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people are at work. workdays: 0 is Monday, at least one; opens, closes: minutes after
    local midnight, opens < closes <= 1440."""

    zone: tzinfo = UTC
    workdays: frozenset[int] = MONDAY_TO_FRIDAY
    opens: int = 9 * 60
    closes: int = 17 * 60
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, days: int) -> datetime:
        """`days` business days later at the same local time, in UTC.

        What begins out of hours begins when people are back. A local time that clocks jump over is
        that much later.
        """
        at = self._at_work(start.astimezone(self.zone).replace(tzinfo=None))
        day = at.date()
        for _ in range(days):
            day = self._next(day)
        local = datetime.combine(day, at.time(), tzinfo=self.zone)
        return local.astimezone(UTC)

    def is_workday(self, day: date) -> bool:
        return day.weekday() in self.workdays and day not in self.holidays

    def _at_work(self, local: datetime) -> datetime:
        """This time, or the next one at which people are at work."""
        minute = local.hour * 60 + local.minute
        day = local.date()
        if not self.is_workday(day) or minute >= self.closes:
            return datetime.combine(self._next(day), self._opening)
        return datetime.combine(day, self._opening) if minute < self.opens else local

    def _next(self, day: date) -> date:
        day += DAY
        while not self.is_workday(day):
            day += DAY
        return day

    @property
    def _opening(self) -> time:
        return time(self.opens // 60, self.opens % 60)


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """A span of so many business days."""

    days: int


Span = timedelta | BusinessDays


def later(start: datetime, span: Span, calendar: Calendar) -> datetime:
    """`span` after `start`, in UTC."""
    match span:
        case BusinessDays(days):
            return calendar.after(start, days)
        case timedelta():
            return start.astimezone(UTC) + span


UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def words(span: Span) -> str:
    """`2 h`, `14 d`, `1 business day`."""
    if isinstance(span, BusinessDays):
        return f"{span.days} business day" + ("s" if span.days != 1 else "")
    seconds = int(span.total_seconds())
    unit, size = next((u, n) for u, n in UNITS if seconds % n == 0 and (n < 86_400 or seconds > n))
    return f"{seconds // size} {unit}"


def earliest(times: Iterable[datetime | None]) -> datetime | None:
    """The first of those that are known."""
    return min((t for t in times if t is not None), default=None)
