"""Early signs that open an incident of their own: inputs that drift, a breaker that stays open.

Decides whether one is to be opened now: where spec asks for it, and not while one of that kind is
open or within a day of it. Refuses to move anybody: nothing was proven, so nothing is latched.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from goaround.api.conditions import find
from goaround.api.drift import DriftIncident
from goaround.api.incident_status import OVER
from goaround.api.kinds import AIIncident
from goaround.api.names import incident_name
from goaround.api.reasons import ConditionType, Stage
from goaround.api.status import AIFeatureStatus
from goaround.api.trigger import TriggerSource
from goaround.rollout.drifts import OUT, is_about
from goaround.rollout.observed import Observed
from goaround.rollout.planned import OpenSign

QUIET_FOR: Final = timedelta(days=1)


def signs(o: Observed, after: AIFeatureStatus, now: datetime) -> Iterator[OpenSign]:
    """The incidents to open in this pass; asked for until they are seen."""
    for found in (_drift(o, after, now), _breaker(o, after, now)):
        if found is not None and not _was_told(o, found.source, now):
            yield found


def _drift(o: Observed, after: AIFeatureStatus, now: datetime) -> OpenSign | None:
    """Inputs out of band for their `forSeconds`, of the release that is looked at now."""
    spec, drift = o.feature.spec.drift, after.drift
    if spec is None or spec.incident is not DriftIncident.ON_DRIFT:
        return None
    if drift is None or not is_about(drift, after):
        return None
    out = [row for row in drift.inputs if row.verdict in OUT]
    if not out:
        return None
    return _sign(
        o,
        TriggerSource.DRIFT,
        "inputs " + ", ".join(sorted(row.name for row in out)),
        "; ".join(row.message for row in out),
        since=min(row.out_since or drift.observed_at for row in out),
        digest=drift.digest,
        now=now,
    )


def _breaker(o: Observed, after: AIFeatureStatus, now: datetime) -> OpenSign | None:
    """A breaker that has been open for so long as spec says, while the release is live."""
    seconds, good = o.feature.spec.incident.breaker_open_seconds, after.last_known_good
    told = find(after.conditions, ConditionType.BREAKER_OPEN)
    if seconds is None or told is None or told.status != "True" or after.stage is not Stage.LIVE:
        return None
    if now - told.last_transition_time < timedelta(seconds=seconds):
        return None
    return _sign(
        o,
        TriggerSource.BREAKER,
        "the breaker of the app",
        told.message,
        since=told.last_transition_time,
        digest=good.digest if good is not None else None,
        now=now,
    )


def _sign(
    o: Observed,
    source: TriggerSource,
    cause: str,
    line: str,
    *,
    since: datetime,
    digest: str | None,
    now: datetime,
) -> OpenSign:
    """Named by feature, day and cause, so that a retry after a crash doubles nothing."""
    meta = o.feature.metadata
    earlier = max(_of(o, source), key=_opened, default=None)
    return OpenSign(
        name=incident_name(meta.name, now, uid=meta.uid, attempt=source.value, cause=cause),
        source=source,
        cause=cause,
        line=line,
        since=min(since, now),
        digest=digest,
        earlier=earlier.metadata.name if earlier is not None else None,
    )


def _was_told(o: Observed, source: TriggerSource, now: datetime) -> bool:
    """Whether one is open, or was less than a day ago."""
    return any(
        i.status.phase not in OVER or ((at := _ended(i)) is not None and now - at < QUIET_FOR)
        for i in _of(o, source)
    )


def _of(o: Observed, source: TriggerSource) -> Iterator[AIIncident]:
    """Those that are about this feature first of all."""
    name = o.feature.metadata.name
    for one in o.troubles:
        if one.spec.trigger.source is source and one.spec.affects[0].name == name:
            yield one


def _opened(incident: AIIncident) -> str:
    return str(incident.metadata.creation_timestamp)


def _ended(incident: AIIncident) -> datetime | None:
    """When it was over; of one that was cancelled or merged, when it changed last."""
    known, made = incident.status, incident.metadata.creation_timestamp
    return known.milestones.resolved_at or known.updated_at or made
