"""What is frozen of a failure when its incident is opened: releases, split, an hour of figures.

Decides the content, its bounds, and when harm began where nothing else says so. Figures only: no
text of users, no prompt, no output ever comes in. Once written it is never written again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from goaround.api.base import Json, rfc3339
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import LONGEST_TAIL, EvidenceRef
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.latches import Latch
from goaround.api.trigger import TriggerSource
from goaround.incident.seen import Seen

KEY = "evidence.json"
STEP_SECONDS, POINTS = 100, 36
"""An hour, in windows that features share."""

MOST_BYTES = 262_144
MOST_LINES, LONGEST_LINE, MOST_SHOWN = 100, 320, 20
"""Lines of what changed before: as they are kept, and how many status shows. All of them fit, also
where each character takes six bytes."""

Point = tuple[int, float, float]
"""End of the window in unix seconds, requests, bad ones among them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One signal: points by variant, oldest first; message says why there are none."""

    points: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was written: where, when harm began by its figures, and what changed before, newest
    first."""

    ref: EvidenceRef
    began: datetime | None = None
    changes: tuple[str, ...] = ()


def ends(detected: datetime, lag: float) -> range:
    """Ends of the windows of the hour before, as far as they can be read at once."""
    last = int((detected.timestamp() - lag) // STEP_SECONDS) * STEP_SECONDS
    return range(last - (POINTS - 1) * STEP_SECONDS, last + 1, STEP_SECONDS)


def content(
    incident: AIIncident,
    feature: AIFeature,
    figures: Mapping[str, Figures],
    now: datetime,
    *,
    changed: Sequence[str] = (),
) -> str:
    """The text that is kept: JSON with sorted keys, at most `MOST_BYTES`. changed: lines of what
    changed before, newest first."""
    lines = [line[:LONGEST_LINE] for line in changed[:MOST_LINES]]
    found = _facts(incident, feature, now) | {"recentChanges": lines}
    signals = {name: _told(f) for name, f in figures.items()}
    text = _dumped(found | {"signals": signals})
    if len(text.encode()) <= MOST_BYTES:
        return text
    cut = {name: {"message": "left out: too many figures to be kept"} for name in figures}
    return _dumped(found | {"signals": cut})


def frozen(name: str, text: str) -> Frozen:
    """What a text that was written says of itself. Raises ValueError where it is none of ours."""
    found = json.loads(text)
    if not isinstance(found, dict) or "takenAt" not in found:
        raise ValueError("not written by GoAround")
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    at = datetime.fromisoformat(str(found["takenAt"]))
    began, lines = found.get("beganAt"), found.get("recentChanges")
    return Frozen(
        ref=EvidenceRef(config_map=name, hash=digest, taken_at=at),
        began=datetime.fromisoformat(str(began)) if began else None,
        changes=_lines(lines) if isinstance(lines, list) else (),
    )


def _lines(found: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(line)[:LONGEST_TAIL] for line in found)[:MOST_SHOWN]


def is_wanted(incident: AIIncident) -> bool:
    """Whether something is still to be frozen, once it is known when it was detected. A drill has
    nothing to prove."""
    at, drill = incident.status.milestones, incident.spec.trigger.source is TriggerSource.DRILL
    is_open = at.detected_at is not None and at.resolved_at is None
    return is_open and incident.status.evidence is None and not drill


def detected(incident: AIIncident) -> datetime | None:
    return incident.status.milestones.detected_at or incident.metadata.creation_timestamp


def with_evidence(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that notes what was frozen, and since when it is bad."""
    if seen.frozen is None or after.evidence is not None:
        return after
    at, began = after.milestones, seen.frozen.began
    if at.started_at is None and began is not None:
        at = at.but(started_at=min(began, at.detected_at or began))
    changes = list(seen.frozen.changes) or after.recent_changes
    return after.but(evidence=seen.frozen.ref, milestones=at, recent_changes=changes)


def began(feature: AIFeature, figures: Mapping[str, Figures]) -> datetime | None:
    """Start of the last run of windows beyond the bound of their signal, the earliest of all."""
    found = [
        at
        for name, figure in figures.items()
        if (limit := _limit(feature, name)) is not None
        for points in figure.points.values()
        if (at := _run(points, limit)) is not None
    ]
    return datetime.fromtimestamp(min(found), UTC) if found else None


def _run(points: Sequence[Point], limit: float) -> int | None:
    """Start of the run that lasts until the newest point with requests; None where that is good."""
    start: int | None = None
    for end, total, bad in reversed([p for p in points if p[1] > 0]):
        if bad / total <= limit:
            break
        start = end - STEP_SECONDS
    return start


def _limit(feature: AIFeature, name: str) -> float | None:
    signal = feature.spec.signal(name)
    highest = signal.bounds[0] if signal is not None else None
    counted = signal is not None and (
        signal.ratio or signal.latency or signal.count or signal.preset
    )
    return float(highest) if highest is not None and counted else None


def _facts(incident: AIIncident, feature: AIFeature, now: datetime) -> Json:
    status, meta = feature.status, incident.metadata
    latches = [x for x in status.latches if x.incident == meta.name]
    latch = latches[-1] if latches else None
    at = detected(incident)
    good = status.last_known_good
    return {
        "incident": meta.name,
        "feature": feature.metadata.name,
        "takenAt": rfc3339(now),
        "detectedAt": rfc3339(at) if at is not None else None,
        "failed": _failed(latch),
        "lastKnownGood": {"digest": good.digest, "title": good.release.title} if good else None,
        "split": status.split.wire(),
        "candidateBefore": latch.weight if latch is not None else None,
        "proof": latch.message if latch is not None else None,
    }


def _failed(latch: Latch | None) -> Json | None:
    if latch is None or latch.release is None:
        return None
    return {"digest": latch.digest, "title": latch.release.title, "attempt": latch.attempt}


def _told(figures: Figures) -> Json:
    points = {arm: [_short(p) for p in some] for arm, some in figures.points.items()}
    return {"everySeconds": STEP_SECONDS, "points": points} | (
        {"message": figures.message[:512]} if figures.message else {}
    )


def _short(point: Point) -> list[float]:
    end, total, bad = point
    return [end, float(f"{total:.6g}"), float(f"{bad:.6g}")]


def _dumped(found: Json) -> str:
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def with_began(text: str, at: datetime | None) -> str:
    """The text with when it began."""
    return text if at is None else _dumped(json.loads(text) | {"beganAt": rfc3339(at)})


def names_of(feature: AIFeature) -> Iterable[str]:
    """Signals that can be read."""
    return (s.name for s in feature.spec.acceptance.signals if s.kind is not None)
