"""What is counted of incidents: read from one write of status, as the difference that it made.

Status says what is known already, so that a second pass, another process and a restart count
nothing again. Refuses to count what was there before the write.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import (
    Deadline,
    Message,
    MessageState,
    Milestones,
    Phase,
)
from goaround.api.kinds import AIIncident
from goaround.incident.deadlines import ROLLING, late
from goaround.incident.ledger import MISSES

MINUTE, HOUR, DAY = 60, 3600, 86400
BUCKETS: Final = (
    *(1, 5, 15, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 12 * HOUR, DAY, 3 * DAY),
)
"""Seconds; the due times of the clocks are among them."""

TIMES: Final = {
    "detect": ("started_at", "detected_at", "From the first bad window until it was detected."),
    "assign": ("detected_at", "assigned_at", "From detection until a commander was named."),
    "classify": ("detected_at", "classified_at", "From detection until people classified it."),
    "contain": ("detected_at", "contained_at", "From detection until the effect was seen."),
    "resolve": ("detected_at", "resolved_at", "From detection until it was first resolved."),
}
"""By name: from which milestone to which."""


class IncidentCounts:
    """Histograms and counters of incidents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._times = {name: self._histogram(name, told) for name, (_, _, told) in TIMES.items()}
        self._opened = self._counter("opened", "Incidents first seen.", "severity", "drill")
        self._missed = self._counter(
            "deadline_missed", "Clocks that were missed.", "severity", "deadline"
        )
        self._cancelled = self._counter("cancelled", "Incidents that were none.", "severity")
        self._reopened = self._counter("reopened", "Incidents opened again.", "severity")
        self._letters = self._counter(
            "notifications",
            "Messages by channel: delivered, or failed (given up).",
            *("channel", "result"),
        )
        self._begin()

    def _histogram(self, name: str, told: str) -> Histogram:
        return Histogram(
            f"goaround_incident_time_to_{name}_seconds",
            told,
            ("severity", "drill"),
            buckets=BUCKETS,
            registry=self._registry,
        )

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"goaround_incident_{name}", told, labels, registry=self._registry)

    def _begin(self) -> None:
        """Series that begin with 1 have no increase: those that are few begin with 0."""
        for severity in Severity:
            self._cancelled.labels(severity)
            self._reopened.labels(severity)
            for drill in ("true", "false"):
                self._opened.labels(severity, drill)

    def written(self, incident: AIIncident, after: AIIncidentStatus, drill: str) -> None:
        """What is in `after`, and was not in the incident as it was read."""
        before = incident.status
        severity = after.severity or incident.spec.severity
        if before.phase is None and after.phase is not None:
            self._opened.labels(severity, drill).inc()
        for name, seconds in elapsed(before.milestones, after.milestones):
            self._times[name].labels(severity, drill).observe(seconds)
        for deadline in missed(before.deadlines, after.deadlines):
            self._missed.labels(severity, deadline).inc()
        if after.phase is Phase.CANCELLED and before.phase is not Phase.CANCELLED:
            self._cancelled.labels(severity).inc()
        again = after.milestones.reopened_at
        if again is not None and again != before.milestones.reopened_at:
            self._reopened.labels(severity).inc()
        for channel, result in letters(before.comms.messages, after.comms.messages):
            self._letters.labels(channel, result).inc()


def elapsed(before: Milestones, after: Milestones) -> Iterator[tuple[str, float]]:
    """Seconds of each time that this write completed. A reopened incident is resolved once more;
    the first time counts."""
    for name, (start, end, _) in TIMES.items():
        if name == "resolve" and after.reopened_at is not None:
            continue
        found = _between(after, start, end)
        if found is not None and _between(before, start, end) is None:
            yield name, found


def _between(at: Milestones, start: str, end: str) -> float | None:
    begun: datetime | None = getattr(at, start)
    ended: datetime | None = getattr(at, end)
    if begun is None or ended is None:
        return None
    return max(0.0, (ended - begun).total_seconds())


def missed(before: dict[str, Deadline], after: dict[str, Deadline]) -> Iterator[str]:
    """Clocks that this write says were missed. A missed update is kept under another name when the
    next one was sent; it is the same miss."""
    aliases = {late(name): str(name) for name in ROLLING}
    for name, known in after.items():
        first = before.get(name)
        is_new = known.state in MISSES and (first is None or first.state not in MISSES)
        same = before.get(aliases.get(name, ""))
        if is_new and not (same is not None and same.state in MISSES):
            yield aliases.get(name, name)


def letters(before: dict[str, Message], after: dict[str, Message]) -> Iterator[tuple[str, str]]:
    """Channel and result, for each that took a message with this write, or was given up."""
    for name, message in after.items():
        known = before.get(name)
        had = set(known.took) if known is not None else set()
        for channel in sorted(set(message.took) - had):
            yield channel, "delivered"
        failed = message.state is MessageState.FAILED
        if failed and (known is None or known.state is not MessageState.FAILED):
            for channel in sorted(set(message.to) - set(message.took)):
                yield channel, "failed"
