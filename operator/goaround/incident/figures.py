"""What a row of incidents adds up to: how many, how fast, how much harm, and whether it gets less.

Decides what counts: no drill, nothing cancelled or merged. Time to detect is from the first bad
window to the decision, to contain from there to the last request, to resolve from the decision to
its end; minutes of harm are from the first bad window until it was contained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from goaround.api.incident_status import Phase
from goaround.api.kinds import AIIncident
from goaround.api.trigger import TriggerSource

NOT_COUNTED = frozenset({Phase.CANCELLED, Phase.MERGED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One incident. Times in seconds, None where not known; repeats: an earlier one of this
    feature had the same bin and detail."""

    name: str
    namespace: str
    feature: str
    severity: str
    phase: str
    source: str
    opened: datetime
    detect: float | None
    contain: float | None
    resolve: float | None
    exposed: int | None
    harm_minutes: float | None
    cause: str
    repeats: bool
    business: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Of several incidents; medians over those where the time is known."""

    count: int
    detect: float | None
    contain: float | None
    resolve: float | None
    exposed: int
    harm_minutes: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Trend:
    """One feature: the earlier half of the time against the later one."""

    feature: str
    whole: Sum
    earlier: Sum
    later: Sum

    @property
    def word(self) -> str:
        """Fewer and less harm is better; one of each is mixed."""
        number = self.later.count - self.earlier.count
        harm = self.later.harm_minutes - self.earlier.harm_minutes
        if number == 0 and harm == 0:
            return "same"
        if number <= 0 and harm <= 0:
            return "better"
        return "worse" if number >= 0 and harm >= 0 else "mixed"


def entries(
    incidents: Sequence[AIIncident], since: datetime, now: datetime, feature: str | None = None
) -> list[Entry]:
    """Those that count and were detected since then, oldest first."""
    about = sorted((i for i in incidents if _counts(i, feature)), key=opened)
    found: list[Entry] = []
    seen: set[tuple[str, str, str]] = set()
    for incident in about:
        key = (incident.metadata.namespace, incident.spec.affects[0].name, _cause(incident))
        entry = _entry(incident, now, repeats=bool(key[2]) and key in seen)
        seen.add(key)
        if since <= entry.opened <= now:
            found.append(entry)
    return found


def opened(incident: AIIncident) -> datetime:
    """When it was detected; before anybody looked at it, when it was made."""
    at = incident.status.milestones.detected_at or incident.metadata.creation_timestamp
    assert at is not None, "what the API server stored has a time"
    return at


def _counts(incident: AIIncident, feature: str | None) -> bool:
    spec = incident.spec
    drill = spec.drill is not None or spec.trigger.source is TriggerSource.DRILL
    about = feature is None or feature in [ref.name for ref in spec.affects]
    return about and not drill and incident.status.phase not in NOT_COUNTED


def _entry(incident: AIIncident, now: datetime, *, repeats: bool) -> Entry:
    spec, at, meta = incident.spec, incident.status.milestones, incident.metadata
    found = opened(incident)
    ended = at.contained_at or at.resolved_at or now
    return Entry(
        name=meta.name,
        namespace=meta.namespace,
        feature=spec.affects[0].name,
        severity=str(spec.severity),
        phase=str(incident.status.phase or ""),
        source=str(spec.trigger.source),
        opened=found,
        detect=_seconds(at.started_at, found),
        contain=_seconds(found, at.contained_at),
        resolve=_seconds(found, at.resolved_at),
        exposed=_exposed(incident),
        harm_minutes=(_seconds(at.started_at or found, ended) or 0.0) / 60,
        cause=_cause(incident),
        repeats=repeats,
        business=spec.impact.business or "",
    )


def _exposed(incident: AIIncident) -> int | None:
    whole = incident.status.exposure.requests
    return incident.status.exposed_requests if whole is None else whole


def _cause(incident: AIIncident) -> str:
    """`Config/TokenLimits`; empty until it is known."""
    cause = incident.spec.root_cause
    if cause is None:
        return ""
    return f"{cause.bin}/{cause.detail}" if cause.detail is not None else str(cause.bin)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def summed(some: Sequence[Entry]) -> Sum:
    """Together."""
    return Sum(
        count=len(some),
        detect=_median([e.detect for e in some]),
        contain=_median([e.contain for e in some]),
        resolve=_median([e.resolve for e in some]),
        exposed=sum(e.exposed or 0 for e in some),
        harm_minutes=sum(e.harm_minutes or 0.0 for e in some),
        repeats=sum(e.repeats for e in some),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def trends(some: Sequence[Entry], since: datetime, now: datetime) -> list[Trend]:
    """By feature; with the one that hurt most first."""
    middle = since + (now - since) / 2
    by_feature: dict[str, list[Entry]] = {}
    for entry in some:
        by_feature.setdefault(f"{entry.namespace}/{entry.feature}", []).append(entry)
    found = [
        Trend(
            feature=feature,
            whole=summed(mine),
            earlier=summed([e for e in mine if e.opened < middle]),
            later=summed([e for e in mine if e.opened >= middle]),
        )
        for feature, mine in by_feature.items()
    ]
    return sorted(found, key=lambda t: (-t.whole.harm_minutes, t.feature))


def shortly(seconds: float | None) -> str:
    """`12s`, `38m`, `2.5h`, `3.1d`; `-` where it is not known."""
    if seconds is None:
        return "-"
    span = timedelta(seconds=seconds)
    if span < timedelta(minutes=2):
        return f"{seconds:.0f}s"
    if span < timedelta(hours=2):
        return f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.1f}h" if span < timedelta(days=2) else f"{seconds / 86400:.1f}d"
