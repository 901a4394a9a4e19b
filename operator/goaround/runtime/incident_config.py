"""Section `incidents` of the administrator's file: calendar, clocks, regimes.

Decides what is valid, and makes of it what the passes read. Time zones are looked up here, because
the rooms below read no files.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from goaround.api.clocks import YEAR, ClockName, Regime
from goaround.api.severity import Severity
from goaround.incident.calendar import BusinessDays, Calendar, Span
from goaround.incident.seen import Settings
from goaround.runtime.channels import LONGEST_TEMPLATE
from goaround.runtime.strict import Strict


def _unfolded(said: object) -> object:
    """YAML reads an unquoted 17:00 as the number of its minutes."""
    return f"{said // 60:02d}:{said % 60:02d}" if isinstance(said, int) else said


Clock = Annotated[
    str,
    BeforeValidator(_unfolded),
    Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
]
Seconds = Annotated[int, Field(ge=60, le=YEAR)]


def minutes(clock: str) -> int:
    """Minutes after midnight of `HH:MM`."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


class Weekday(StrEnum):
    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


WEEK = list(Weekday)


class CalendarConfig(Strict):
    """When people are at work. opens and closes are local times, `HH:MM`."""

    time_zone: str = Field(default="UTC", max_length=64)
    workdays: list[Weekday] = Field(default=WEEK[:5], min_length=1, max_length=7)
    opens: Clock = "09:00"
    closes: Clock = "17:00"
    holidays: list[date] = Field(default_factory=list, max_length=400)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as err:
            raise ValueError(
                f"no time zone is called {name!r}: use a name like Australia/Sydney"
            ) from err
        return name

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "CalendarConfig":
        if minutes(self.opens) >= minutes(self.closes):
            raise ValueError(f"opens ({self.opens}) must be before closes ({self.closes})")
        return self

    def calendar(self) -> Calendar:
        return Calendar(
            zone=UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone),
            workdays=frozenset(WEEK.index(day) for day in self.workdays),
            opens=minutes(self.opens),
            closes=minutes(self.closes),
            holidays=frozenset(self.holidays),
        )


class ClockConfig(Strict):
    """Other times for one clock at one severity: exactly one of dueSeconds,
    dueBusinessDays and disabled."""

    name: ClockName
    severity: Severity
    due_seconds: Seconds | None = None
    due_business_days: int | None = Field(default=None, ge=1, le=90)
    disabled: bool = False
    target_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "ClockConfig":
        said = [self.due_seconds is not None, self.due_business_days is not None, self.disabled]
        if sum(said) != 1:
            raise ValueError(
                f"clock {self.name} of {self.severity} needs exactly one of dueSeconds, "
                "dueBusinessDays and disabled: true"
            )
        return self

    @property
    def span(self) -> Span | None:
        if self.disabled:
            return None
        if self.due_business_days is not None:
            return BusinessDays(self.due_business_days)
        return timedelta(seconds=self.due_seconds or 0)


class RegimeConfig(Strict):
    """A regulatory clock: so long after people became aware."""

    name: Regime
    due_seconds: Seconds


class IncidentsConfig(Strict):
    """How incidents are timed in this house. templates: of messages, by kind, in place of the
    built-in ones."""

    reopen_seconds: int = Field(default=1800, ge=0, le=604_800)
    quiet_seconds: int = Field(default=1800, ge=60, le=604_800)
    escalate_after_seconds: int = Field(default=259_200, ge=3600, le=YEAR)
    calendar: CalendarConfig = CalendarConfig()
    clocks: list[ClockConfig] = Field(default_factory=list, max_length=100)
    regimes: list[RegimeConfig] = Field(default_factory=list, max_length=32)
    templates: dict[str, Annotated[str, Field(max_length=LONGEST_TEMPLATE)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _say_each_once(self) -> "IncidentsConfig":
        _once("clocks", Counter(f"{c.name} of {c.severity}" for c in self.clocks))
        _once("regimes", Counter(r.name for r in self.regimes))
        return self

    def settings(self) -> Settings:
        """What the passes read."""
        targets = {
            (c.name, c.severity): timedelta(seconds=c.target_seconds)
            for c in self.clocks
            if c.target_seconds is not None
        }
        return Settings(
            reopen=timedelta(seconds=self.reopen_seconds),
            quiet=timedelta(seconds=self.quiet_seconds),
            escalate=timedelta(seconds=self.escalate_after_seconds),
            calendar=self.calendar.calendar(),
            clocks={(c.name, c.severity): c.span for c in self.clocks},
            targets=targets,
            regimes={r.name: timedelta(seconds=r.due_seconds) for r in self.regimes},
        )


def _once(what: str, said: Mapping[str, int]) -> None:
    if twice := sorted(name for name, times in said.items() if times > 1):
        raise ValueError(f"{what}: said twice: {', '.join(twice)}; say each once")
