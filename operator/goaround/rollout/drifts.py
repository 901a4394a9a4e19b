"""What drift does to a release: it is told, and it may stop a climb. It never sends anybody back.

Decides by the rows of the drift watch. Refuses to compare anything, which `evidence/` does, and to
blame a release: inputs are shared by both arms.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from goaround.api.conditions import Wanted, condition, find
from goaround.api.drift import DriftAction, DriftInputStatus, DriftStatus
from goaround.api.reasons import ConditionType, EventReason, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.moves import in_flight, is_watched, told_once
from goaround.rollout.observed import Observed

CHECKPOINT = timedelta(hours=1)
"""So long numbers that say nothing new stay as they are beside what is live."""

OUT = frozenset({"Alert", "Hold"})
UNKNOWN = "Unknown"
READS_BEFORE = "reads what its inputs look like before the first step"


def stops_climb(o: Observed, status: AIFeatureStatus) -> str | None:
    """Why drift keeps a flight where it is; None where it does not.

    An input out of band holds where its action is Hold, also while it cannot be read any more. One
    that was never read holds likewise; one that was, and says nothing now, does not.
    """
    drift, spec = o.drift, o.feature.spec.drift
    if spec is None or drift is None:
        return None
    holding = {i.name: i.for_seconds for i in spec.inputs if i.action is DriftAction.HOLD}
    if status.step is None and drift.pinning and not drift.blind:
        return READS_BEFORE
    if (known := _newest(o, status)) is not None:
        for row in known.inputs:
            if row.name in holding and _is_out(row, holding[row.name], known.observed_at):
                return f"inputs drift: {row.message}"[:512]
    never = [f"input {name} was never read: {drift.blind[name]}" for name in holding
             if name in drift.blind]  # fmt: skip
    return never[0][:512] if never else None


def with_drift(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`after` with what the watch says of the release it speaks of; one event for as long as
    `DriftDetected` stands."""
    after = after.but(drift=_shown(o, after))
    wanted = drifted(o, after)
    if wanted is None or wanted[1] != "True":
        return after
    return told_once(
        before, after, wanted, EventReason.DRIFT_DETECTED, now=now, lead="Inputs drift: "
    )


def drifted(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`DriftDetected`: True out of band, Unknown where nothing can be compared, else absent."""
    kind, drift = ConditionType.DRIFT_DETECTED, after.drift
    blind: Mapping[str, str] = o.drift.blind if o.drift is not None else {}
    if drift is None:
        if not blind or not (in_flight(after) or is_watched(after)):
            return None
        told = "; ".join(f"{name}: {why}" for name, why in blind.items())
        return condition(kind, "Unknown", Reason.PROVIDER_UNAVAILABLE, told)
    rows = sorted(drift.inputs, key=lambda row: -float(row.moved or 0))
    if out := [row for row in rows if row.verdict in OUT]:
        return condition(kind, "True", Reason.DRIFT_EXCEEDED, _lines(out))
    unknown = [row for row in rows if row.verdict == UNKNOWN]
    if not unknown:
        return None
    said = find(o.feature.status.conditions, kind)
    if said is not None and said.status == "True" and any(row.out_since for row in unknown):
        # what was out of band is over only when it was seen to be over
        return condition(kind, "True", Reason.DRIFT_EXCEEDED, _lines(unknown))
    return condition(kind, "Unknown", Reason.NO_DATA, _lines(unknown))


def is_about(drift: DriftStatus, status: AIFeatureStatus) -> bool:
    """Whether it speaks of the release that is looked at now, in this attempt."""
    flown, good = status.candidate, status.last_known_good
    if flown is not None and in_flight(status):
        return drift.digest == flown.digest and drift.observed_at > flown.since
    return is_watched(status) and good is not None and drift.digest == good.digest


def verdicts(drift: DriftStatus | None) -> tuple[object, ...]:
    """What of it is worth a write of its own: everything but numbers."""
    if drift is None:
        return ()
    rows = ((row.name, row.verdict, row.out_since is not None) for row in drift.inputs)
    return (drift.digest, drift.verdict, drift.baseline is not None, *rows)


def _newest(o: Observed, status: AIFeatureStatus) -> DriftStatus | None:
    known = o.drift.status if o.drift is not None else None
    found = [d for d in (known, status.drift) if d is not None and is_about(d, status)]
    return max(found, key=lambda d: d.observed_at, default=None)


def _shown(o: Observed, after: AIFeatureStatus) -> DriftStatus | None:
    if o.feature.spec.drift is None:
        return None
    found, kept = _newest(o, after), after.drift
    if found is None or kept is None or not is_watched(after):
        return found
    early = found.observed_at - kept.observed_at < CHECKPOINT
    same = verdicts(found) == verdicts(kept)
    return kept if same and (early or found.verdict == UNKNOWN) else found


def _is_out(row: DriftInputStatus, for_seconds: int, at: datetime) -> bool:
    if row.verdict == UNKNOWN and row.out_since is not None:
        return at - row.out_since >= timedelta(seconds=for_seconds)
    return row.verdict == "Hold"


def _lines(rows: list[DriftInputStatus]) -> str:
    return "; ".join(row.message for row in rows)
