"""What stops everything that goes up, whatever the evidence says. It never stops the way down."""

from datetime import datetime, timedelta

from goaround.api.feature import Mode
from goaround.api.status import AIFeatureStatus
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed
from goaround.rollout.suspend import suspended

SKEW = timedelta(minutes=5)


def blocked(o: Observed, status: AIFeatureStatus, now: datetime) -> str | None:
    """Why nothing may go up now; None where nothing stops it."""
    if o.braked is not None:
        return o.braked
    if (why := suspended(o)) is not None:
        return why
    flown = status.candidate if in_flight(status) else None
    if o.feature.spec.mode is Mode.OBSERVE and flown is not None and not flown.adopted:
        return "mode Observe moves nothing: what was on its way up stays where it is"
    newest = max(_times(status), default=now)
    if newest > now + SKEW:
        return (
            f"ClockSkew: status speaks of {newest:%Y-%m-%dT%H:%M:%SZ}, this clock says "
            f"{now:%Y-%m-%dT%H:%M:%SZ}; limit {SKEW.seconds} s. Set the clocks right; nothing goes "
            "up until then"
        )
    return None


def _times(status: AIFeatureStatus) -> list[datetime]:
    found = [t.at for t in status.history] + [x.at for x in status.latches]
    if status.step is not None:
        found.append(status.step.since)
    if status.candidate is not None:
        found.append(status.candidate.since)
    return found
