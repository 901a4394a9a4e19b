"""Times as people say them at a keyboard, in UTC.

Decides on which side of now a short form lies: `30m` is ago for what happened, ahead for what is
due; a date that is due ends with its day.
"""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from goaround.cli.command import duration

CLOCK = re.compile(r"(\d{1,2}):(\d{2})Z?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FORMS = "write now, 30m, 13:52Z, 2026-12-01 or 2026-12-01T13:52:00Z"


def past(now: datetime) -> Callable[[str], str]:
    """Reads when something happened, as RFC 3339."""
    return lambda text: _wire(_moment(text, now, ahead=False))


def future(now: datetime) -> Callable[[str], str]:
    """Reads until when, as RFC 3339."""
    return lambda text: _wire(_moment(text, now, ahead=True))


def _moment(text: str, now: datetime, *, ahead: bool) -> datetime:
    try:
        return _read(text, now, ahead=ahead).astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: {FORMS}") from err


def _read(text: str, now: datetime, *, ahead: bool) -> datetime:
    if text == "now":
        return now
    if DAY.fullmatch(text):
        end = time(23, 59, 59) if ahead else time()
        return datetime.combine(datetime.fromisoformat(text), end, UTC)
    if clock := CLOCK.fullmatch(text):
        at = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        if ahead:
            return at if at > now else at + timedelta(days=1)
        return at if at <= now else at - timedelta(days=1)
    if "T" in text:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    span = timedelta(seconds=_seconds(text))
    return now + span if ahead else now - span


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except argparse.ArgumentTypeError as err:
        raise ValueError(text) from err


def _wire(at: datetime) -> str:
    """Whole seconds are what people mean."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
