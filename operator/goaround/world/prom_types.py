"""What is asked of a metrics provider and what comes back, as plain values.

Decides the bounds of a provider and which refusals there are. Reads nothing: `prometheus.py` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import httpx

from goaround.world.prom_matchers import Labels

DEFAULT_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Provider:
    """A metrics provider that an administrator configured; tenants name it, never its URL.

    `url` is the base of the HTTP API (what stands before `/api/v1/…`) and may carry a user and
    password for it; it is never printed. Times in seconds, `max_bytes` bounds one answer.
    """

    name: str
    url: str = field(repr=False)
    labels: Labels = field(default_factory=Labels)
    scrape_seconds: float = 15.0
    lag_seconds: float = 10.0
    timeout_seconds: float = 5.0
    max_bytes: int = DEFAULT_MAX_BYTES

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ValueError(f"provider {self.name!r}: {problem}")

    def _problem(self) -> str | None:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL:
            return "url cannot be parsed: write http(s)://host[:port][/path]"
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            return "url is not usable: write http(s)://host[:port][/path], no query, no fragment"
        if not (0 < self.scrape_seconds <= 300 and 0 <= self.lag_seconds <= 300):
            return "scrapeSeconds must be above 0, lagSeconds at least 0, both at most 300"
        if not 0 < self.timeout_seconds <= 60:
            return "timeoutSeconds must be above 0 and at most 60"
        if not 1024 <= self.max_bytes <= 64 << 20:
            return "maxBytes must be between 1 KiB and 64 MiB"
        return None


class Kind(StrEnum):
    """How the series of a shape are understood."""

    RATIO = "Ratio"
    COUNT = "Count"
    LATENCY = "Latency"
    MEAN = "Mean"
    QUERY = "Query"


@dataclass(frozen=True, slots=True)
class Shape:
    """What features share when one query can read them all; hashable.

    `bad` and `total` are tenants' selectors with `$match`, by kind: bad and all events (Ratio,
    Count), twice the buckets (Latency), sum and count of scores (Mean), PromQL and nothing (Query).
    `buckets`: of a mean's scores, where it has a histogram, else nothing.
    `interval` and `offset` in seconds: a window that is named T ended at T - offset, because its
    counts are final only then. `slower_than`: `le` of a bucket, in the histogram's unit. `lowest`,
    `highest`: ends of the scale of a score. `lower_is_worse`: of scores, and of what a query gives.
    `arms`: matchers by variant, for metrics that do not carry feature and variant. `only`: a label
    and the value to which all is narrowed.
    """

    bad: str
    total: str
    interval: int
    kind: Kind = Kind.RATIO
    buckets: str = ""
    slower_than: str = ""
    lowest: float = 0.0
    highest: float = 1.0
    lower_is_worse: bool = False
    arms: tuple[tuple[str, str], ...] = ()
    only: tuple[str, str] | None = None
    offset: int = 0

    @property
    def is_shared(self) -> bool:
        """One expression reads many features; else each needs one of its own."""
        return not self.arms and self.kind is not Kind.QUERY


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of one arm in one window, 0 <= bad <= total; floats, because counters are.

    squares: of scores whose histogram is known, an upper bound of the sum of squared badness.
    """

    total: float
    bad: float
    squares: float | None = None

    def __add__(self, other: "Counts") -> "Counts":
        """Of two amounts of the same kind."""
        squares = None
        if self.squares is not None or other.squares is not None:
            squares = sum(c.bad if c.squares is None else c.squares for c in (self, other))
        return Counts(self.total + other.total, self.bad + other.bad, squares)


NOTHING: Final = Counts(0.0, 0.0)
BUCKETS: Final = 20


@dataclass(frozen=True, slots=True)
class WindowReading:
    """The window (end - interval, end]; an arm without a row is missing, not zero.

    buckets: by arm, 20 counts by number of bucket; without a numbered row the arm is missing. They
    are part of `arms`, and less than it where some rows carry no number. values: what a query gave
    at `end`, by arm; then there are no counts.
    """

    end: int
    arms: Mapping[str, Counts]
    buckets: Mapping[str, tuple[Counts, ...]] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)


class UnreadableReason(StrEnum):
    """Why there is no reading."""

    TIMEOUT = "Timeout"
    REFUSED = "Refused"
    HTTP_STATUS = "HttpStatus"
    REDIRECT = "Redirect"
    TOO_LARGE = "TooLarge"
    BAD_ANSWER = "BadAnswer"
    PARTIAL = "Partial"
    DUPLICATE = "Duplicate"
    NOT_A_NUMBER = "NotANumber"
    FUTURE = "Future"
    BAD_QUERY = "BadQuery"
    NO_BUCKET = "NoBucket"


@dataclass(frozen=True, slots=True)
class Readings:
    """One window per asked end, in order."""

    windows: tuple[WindowReading, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No reading; `message` says what, the limit and what to do. Never a body, never a credential.

    `status` is the provider's HTTP status where that is the reason.
    """

    reason: UnreadableReason
    message: str
    status: int | None = None

    def of(self, provider: str) -> "Unreadable":
        """The same, naming the provider that answered so: there may be several."""
        return replace(self, message=f"provider {provider}: {self.message}")


Read = Readings | Unreadable
