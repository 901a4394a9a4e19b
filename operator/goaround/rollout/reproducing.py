"""Reproduction: whether flags let a golden run reach the release that failed.

Decides that from what incidents ask, and only while that release is down and nothing else flies: a
pin serves it to the run and to nobody else. It moves no user and holds nothing up.
"""

from goaround.api import names
from goaround.api.feature import Mode
from goaround.api.incident_status import ReproductionState
from goaround.api.reasons import Stage
from goaround.api.restraints import Reproducing
from goaround.api.status import AIFeatureStatus
from goaround.rollout.freeze import is_over
from goaround.rollout.observed import Observed


def with_reproduction(o: Observed, status: AIFeatureStatus) -> AIFeatureStatus:
    """`status` with the run that an open incident waits for; without it once none does."""
    found = _wanted(o, status)
    return status if found == status.reproducing else status.but(reproducing=found)


def _wanted(o: Observed, status: AIFeatureStatus) -> Reproducing | None:
    flown, name = status.candidate, o.feature.metadata.name
    if flown is None or status.stage is not Stage.ROLLED_BACK or status.last_known_good is None:
        return None
    if status.drill is not None or o.feature.spec.mode is Mode.OBSERVE:
        return None
    asking = sorted(
        i.metadata.name
        for i in o.troubles
        if i.status.reproduction is not None
        and i.status.reproduction.state is ReproductionState.PENDING
        and i.spec.trigger.digest == flown.digest
        and not is_over(i)
    )
    if not asking:
        return None
    return Reproducing(incident=asking[0], digest=flown.digest, pin=names.pin_name(name))
