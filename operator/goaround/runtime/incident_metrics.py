"""Figures of incidents: what happened is counted once, at the write that recorded it; what is open
is told when somebody asks, from the times that status has.

Decides nothing. A series of one incident goes when that has ended, and all of them are bounded. A
crash between a write and its count loses that count; none is ever counted twice.
"""

import heapq
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from goaround.api.clocks import ClockName
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import ENDED, OVER, WAITING, Deadline, MessageState, Phase
from goaround.api.kinds import AIIncident
from goaround.api.trigger import TriggerSource
from goaround.incident.regimes import PREFIX
from goaround.runtime.incident_counts import IncidentCounts

MOST_DEADLINES: Final = 1000
"""Series of deadlines: the first due ones. More than that nobody reads."""

AFTERWARDS: Final = frozenset(
    {
        ClockName.ROOT_CAUSE_BIN,
        ClockName.FIX,
        ClockName.NOTE,
        ClockName.REVIEW,
        ClockName.REVIEW_LIMIT,
        ClockName.CLIENT_FINDINGS,
    }
)
"""Clocks that still matter when nothing burns any more; those of supervisors do, too."""

OF_ONE = ("namespace", "feature", "incident")


@dataclass(frozen=True, slots=True)
class Open:
    """What is told of one incident until it has ended. duties: due time and since when, by regime.
    waiting: since when, by channel; failed: channels that a message was given up for. actions: how
    many are done, and when the others are due."""

    at: tuple[str, str, str]
    severity: str
    phase: Phase
    drill: str
    deadlines: tuple[tuple[str, datetime], ...]
    duties: tuple[tuple[str, datetime, datetime], ...]
    updates: tuple[tuple[str, datetime], ...]
    waiting: tuple[tuple[str, datetime], ...]
    failed: tuple[str, ...]
    actions: tuple[int, tuple[datetime, ...]]
    exposed: int | None
    delivered_at: datetime | None


def opened(incident: AIIncident, after: AIIncidentStatus) -> Open | None:
    """None once it has ended, or before its first pass."""
    if after.phase is None or after.phase in ENDED:
        return None
    spec, at = incident.spec, after.milestones
    todo = tuple(item.due for item in spec.action_items if not item.done)
    burns = at.contained_at is None and after.phase is Phase.DETECTED
    return Open(
        at=(incident.metadata.namespace, spec.affects[0].name, incident.metadata.name),
        severity=after.severity or spec.severity,
        phase=after.phase,
        drill=is_drill(incident),
        deadlines=tuple((name, d.due) for name, d in _shown(after)),
        duties=tuple(_duties(incident, after)),
        updates=tuple(_updates(after)),
        waiting=tuple(_missing(after, MessageState.SENDING)),
        failed=tuple(channel for channel, _ in _missing(after, MessageState.FAILED)),
        actions=(len(spec.action_items) - len(todo), todo),
        exposed=after.exposed_requests,
        delivered_at=at.delivered_at if burns else None,
    )


def is_drill(incident: AIIncident) -> str:
    """`true` or `false`, for a label."""
    spec = incident.spec
    practised = spec.drill is not None or spec.trigger.source is TriggerSource.DRILL
    return "true" if practised else "false"


def _shown(after: AIIncidentStatus) -> Iterator[tuple[str, Deadline]]:
    for name, known in after.deadlines.items():
        late = name in AFTERWARDS or name.startswith(PREFIX)
        if known.state in WAITING and (late or after.phase not in OVER):
            yield name, known


def _duties(
    incident: AIIncident, after: AIIncidentStatus
) -> Iterator[tuple[str, datetime, datetime]]:
    since = incident.spec.regulatory.aware_at or after.milestones.detected_at
    for name, known in after.deadlines.items():
        if name.startswith(PREFIX) and known.state in WAITING and since is not None:
            yield name.removeprefix(PREFIX), known.due, since


def _updates(after: AIIncidentStatus) -> Iterator[tuple[str, datetime]]:
    told = {"internal": after.comms.next_internal_due, "external": after.comms.next_external_due}
    for audience, due in told.items():
        if due is not None:
            yield audience, due


def _missing(after: AIIncidentStatus, state: MessageState) -> Iterator[tuple[str, datetime]]:
    """Channels that did not take a message in this state, and since when it is in it."""
    for message in after.comms.messages.values():
        if message.state is state:
            for channel in message.to:
                if channel not in message.took:
                    yield channel, message.since


def _gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"goaround_incident_{name}", told, labels=labels)


class IncidentMetrics(Collector):
    """Of all incidents that this process looks at. wall: the clock of what is due."""

    def __init__(self, registry: CollectorRegistry, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._open: dict[tuple[str, str], Open] = {}
        self._counts = IncidentCounts(registry)
        registry.register(self)

    def seen(self, incident: AIIncident, after: AIIncidentStatus) -> None:
        """The incident as it was read, and the status that is stored now: what is new in it is
        counted, the rest is told from here on."""
        self._counts.written(incident, after, is_drill(incident))
        found = opened(incident, after)
        if found is None:
            self.forget(*incident.key)
        else:
            self._open[incident.key] = found

    def forget(self, namespace: str, incident: str) -> None:
        """It does not exist any more."""
        self._open.pop((namespace, incident), None)

    def clear(self) -> None:
        """Another process looks at them now, or this one anew."""
        self._open.clear()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Every family, also where it has no series; times are counted from now."""
        found, now = list(self._open.values()), self._wall()
        yield _opens(found)
        yield from _deadlines(found, now)
        yield _duty(found, now)
        yield _overdue(found, now)
        yield _actions(found, now)
        yield _exposed(found)
        yield _uncontained(found, now)
        yield _undelivered(found, now)
        yield _failed(found)


def _opens(found: list[Open]) -> GaugeMetricFamily:
    told = "Incidents that have not ended."
    family = _gauge("open", told, "namespace", "feature", "severity", "phase", "drill")
    for labels, count in Tally(
        (*i.at[:2], i.severity, str(i.phase), i.drill) for i in found
    ).items():
        family.add_metric(labels, count)
    return family


def _deadlines(found: list[Open], now: datetime) -> Iterator[GaugeMetricFamily]:
    told = "Seconds until a clock of an open incident is due; below 0: it was missed."
    family = _gauge("deadline_remaining_seconds", told, *OF_ONE, "deadline", "severity", "drill")
    every = [(due, name, i) for i in found for name, due in i.deadlines]
    for due, name, i in heapq.nsmallest(MOST_DEADLINES, every, key=lambda row: row[:2]):
        family.add_metric((*i.at, name, i.severity, i.drill), (due - now).total_seconds())
    yield family
    hidden = _gauge("deadlines_hidden", f"Clocks beyond the {MOST_DEADLINES} that are shown.")
    hidden.add_metric((), max(0, len(every) - MOST_DEADLINES))
    yield hidden


def _duty(found: list[Open], now: datetime) -> GaugeMetricFamily:
    told = "Share of the time of a regulatory clock that is left; below 0: it was missed."
    family = _gauge("regulatory_left_ratio", told, *OF_ONE, "regime")
    for i in found:
        for regime, due, since in i.duties:
            whole = max((due - since).total_seconds(), 1)
            family.add_metric((*i.at, regime), (due - now).total_seconds() / whole)
    return family


def _overdue(found: list[Open], now: datetime) -> GaugeMetricFamily:
    told = "Open incidents whose next update to this audience is overdue."
    family = _gauge("comms_overdue", told, "namespace", "feature", "audience")
    late = ((*i.at[:2], audience) for i in found for audience, due in i.updates if due < now)
    for labels, count in Tally(late).items():
        family.add_metric(labels, count)
    return family


def _actions(found: list[Open], now: datetime) -> GaugeMetricFamily:
    told = "Action items of open incidents: done, open (in time), overdue."
    family = _gauge("action_items", told, "namespace", "feature", "state")
    tally: Tally[tuple[str, ...]] = Tally()
    for i in found:
        done, todo = i.actions
        overdue = sum(due < now for due in todo)
        states = {"done": done, "open": len(todo) - overdue, "overdue": overdue}
        tally.update({(*i.at[:2], state): count for state, count in states.items() if count})
    for labels, count in tally.items():
        family.add_metric(labels, count)
    return family


def _exposed(found: list[Open]) -> GaugeMetricFamily:
    family = _gauge("exposed_requests", "Requests that the bad release served.", *OF_ONE)
    for i in found:
        if i.exposed is not None:
            family.add_metric(i.at, i.exposed)
    return family


def _uncontained(found: list[Open], now: datetime) -> GaugeMetricFamily:
    told = "Seconds since every flag replica had the decision, while its effect was not seen."
    family = _gauge("uncontained_seconds", told, *OF_ONE, "severity", "drill")
    for i in found:
        if i.delivered_at is not None:
            labels = (*i.at, i.severity, i.drill)
            family.add_metric(labels, max(0.0, (now - i.delivered_at).total_seconds()))
    return family


def _undelivered(found: list[Open], now: datetime) -> GaugeMetricFamily:
    told = "Seconds that the oldest message waits for a channel to take it."
    family = _gauge("message_waiting_seconds", told, "channel")
    oldest: dict[str, datetime] = {}
    for channel, since in ((c, at) for i in found for c, at in i.waiting):
        oldest[channel] = min(since, oldest.get(channel, since))
    for channel, since in oldest.items():
        family.add_metric((channel,), max(0.0, (now - since).total_seconds()))
    return family


def _failed(found: list[Open]) -> GaugeMetricFamily:
    told = "Messages of open incidents that were given up, and that nobody sent by hand."
    family = _gauge("messages_failed", told, "channel")
    for channel, count in Tally(c for i in found for c in i.failed).items():
        family.add_metric((channel,), count)
    return family
