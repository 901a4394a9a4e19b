"""Does the release before show it, too? The golden set on both answers, where it can be run.

Decides whether it can, and what the runs mean. Says so once: what was found is never run again, and
a reason why it cannot be found stands in its place.
"""

from datetime import datetime

from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import OVER, Reproduction, ReproductionState
from goaround.api.kinds import AIFeature
from goaround.api.latches import Latch
from goaround.api.reasons import Stage
from goaround.api.trigger import TriggerSource
from goaround.incident.seen import Seen

PENDING = Reproduction(
    state=ReproductionState.PENDING, message="the golden set runs on both releases, at 0 % of users"
)


def with_reproduction(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that asks for a run, and notes what it found."""
    known, drill = after.reproduction, seen.spec.trigger.source is TriggerSource.DRILL
    if seen.feature is None or drill or (known is not None and known.state != PENDING.state):
        return after
    if seen.reproduced is not None:
        return after.but(reproduction=seen.reproduced.but(at=now))
    if after.phase in OVER and known is None:
        return after
    why = _why_not(seen, seen.feature, after)
    if why is not None:
        return after.but(reproduction=impossible(why).but(at=now))
    return after.but(reproduction=known or PENDING)


def impossible(why: str) -> Reproduction:
    return Reproduction(state=ReproductionState.NOT_POSSIBLE, message=why[:512])


def found(failed: tuple[int, int], good: tuple[int, int], regressed: bool) -> Reproduction:
    """What passed runs, of how many, say of both. regressed: by the rule of pre-flight."""
    shows, shows_too = failed[0] < failed[1], good[0] < good[1]
    match shows, shows_too:
        case (False, _):
            state, told = ReproductionState.NEITHER, "the golden set does not show it: add a case"
        case (True, True) if not regressed:
            state, told = ReproductionState.BOTH, "look at what both share: data, index, provider"
        case _:
            state, told = ReproductionState.ONLY_FAILED, "the release is the cause"
    return Reproduction(
        state=state, failed=f"{failed[0]}/{failed[1]}", good=f"{good[0]}/{good[1]}", message=told
    )


def _why_not(seen: Seen, feature: AIFeature, after: AIIncidentStatus) -> str | None:
    """Why it cannot be run; None where it can, or may still."""
    if seen.spec.trigger.source is not TriggerSource.ROLLBACK:
        return "no release in flight was proven harmful: there is nothing to compare"
    wanted = feature.spec.preflight
    if wanted is None or wanted.golden_set is None or wanted.endpoint is None:
        return "there is no golden set: set spec.preflight.goldenSet and endpoint of the feature"
    latch = _latch(seen, feature)
    if latch is not None and latch.stage == Stage.LIVE:
        return "it was last-known-good, and no variant serves it any more"
    status = feature.status
    if status.last_known_good is None:
        return "there is no last-known-good to compare with"
    if status.stage is Stage.KILLED:
        return None  # nobody may be served it now, not even a golden run
    flown = status.candidate
    down = status.stage is Stage.ROLLED_BACK and flown is not None
    if not down or (flown is not None and flown.digest != seen.spec.trigger.digest):
        return "the feature went on before the golden set had run"
    return "it was over before the golden set had run" if after.phase in OVER else None


def _latch(seen: Seen, feature: AIFeature) -> Latch | None:
    name = seen.incident.metadata.name
    return next((x for x in feature.status.latches if x.incident == name), None)
