"""`KillSwitchProven`: whether the kill switch was seen to work lately.

Counts a kill or a drill once its effect was seen: streamed by every replica that was asked, and no
request on any release. Refuses to take a write for an effect.
"""

from datetime import datetime, timedelta

from goaround.api.base import rfc3339
from goaround.api.conditions import Wanted, condition
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus, KillSwitchStatus, LatchCause
from goaround.api.trigger import TriggerSource
from goaround.rollout.observed import Observed

PROVEN_FOR = timedelta(days=31)
EXAMPLE = "examples/drill.yaml"


def exercised(o: Observed, status: AIFeatureStatus) -> AIFeatureStatus:
    """`status` with the newest kill or drill that was seen to take effect. Incidents of kills tell
    what a restore without status has lost."""
    known = status.kill_switch or KillSwitchStatus()
    last = known.last_drill
    seen = [
        known.last_exercised,
        last.contained_at if last is not None else None,
        status.drill.contained_at if status.drill is not None else None,
        *(x.contained_at for x in status.latches if x.cause is LatchCause.KILL),
        *(
            i.status.milestones.contained_at
            for i in o.troubles
            if i.spec.trigger.source is TriggerSource.KILL
        ),
    ]
    newest = max((at for at in seen if at is not None), default=None)
    if newest == known.last_exercised:
        return status
    return status.but(kill_switch=known.but(last_exercised=newest))


def proven(o: Observed, after: AIFeatureStatus, now: datetime) -> Wanted:
    """True for 31 days after it was seen to work."""
    kind, name = ConditionType.KILL_SWITCH_PROVEN, o.feature.metadata.name
    known = after.kill_switch
    at = known.last_exercised if known is not None else None
    drill = f"run a drill: kubectl create -f {EXAMPLE}, with featureRef {name}"
    if at is None:
        told = f"no kill or drill was ever seen to take effect here; {drill}"
        return condition(kind, "False", Reason.NEVER_EXERCISED, told)
    if now - at > PROVEN_FOR:
        told = f"last seen to take effect {rfc3339(at)}, over {PROVEN_FOR.days} days ago; {drill}"
        return condition(kind, "False", Reason.NOT_EXERCISED_LATELY, told)
    told = f"seen to take effect {rfc3339(at)}; the next drill is due within {PROVEN_FOR.days} days"
    return condition(kind, "True", Reason.EXERCISED, told + " of it")
