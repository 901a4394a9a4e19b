"""The way up: climb, cruise, land. Slow, gated, and on evidence only.

Every move up needs positive evidence for the whole hold time, read through a window end
(`through`), not by the wall clock: the last seconds before a climb are then covered too.
"""

from datetime import datetime, timedelta

from goaround.api.approval import Approval
from goaround.api.digest import short
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, KnownRelease, Split
from goaround.rollout import breakers, gate, upstream
from goaround.rollout.baselines import stops_take_off
from goaround.rollout.blocked import blocked
from goaround.rollout.containing import is_throttled
from goaround.rollout.doubts import cannot_judge
from goaround.rollout.down import outage
from goaround.rollout.drifts import stops_climb
from goaround.rollout.flown import steps_of
from goaround.rollout.moves import move, split_at
from goaround.rollout.observed import Judged, Observed
from goaround.rollout.people import granted, skipping, wait
from goaround.rollout.preflight import is_awaited, later, waits
from goaround.rollout.signoffs import asks, is_waiting, lacking, promoters
from goaround.rollout.suspend import is_suspended
from goaround.rollout.takeoff import step_at


def fly(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """One look at a flight without a breach: hold, climb, land, or go on."""
    judged = o.judged
    if judged is not None and judged.outage is not None:
        status = outage(o, status, judged.outage, now)
    if (stopped := blocked(o, status, now)) is not None:
        return _hold(status.but(clock_stopped_at=status.clock_stopped_at or now), stopped, now)
    if is_suspended(status):
        status = status.but(hold=None)  # whoever held it let go: nobody has to see that first
    waiting, status = status, _clock_goes_on(status, now)
    awaits_verdict = is_awaited(status) and status.drill is None
    if not awaits_verdict and (why := gate.waits_for(o, status, now)) is not None:
        return _hold(waiting.but(clock_stopped_at=waiting.clock_stopped_at or now), why, now)
    if status.stage is Stage.PREFLIGHT:
        if o.problems:
            return _hold(status, o.problems[0].message, now)
        if is_awaited(status):
            return waits(o, status)
        if (why := _waits_for(o, status) or stops_take_off(o, status)) is not None:
            return _hold(status, why, now)
        if (why := lacking(o, waiting, now)) is not None:
            return wait(waiting, why, now)
        return _enter(o, granted(o, status, status.stage, now), 0, now)
    if judged is not None and judged.outage is not None:
        return _hold(status, judged.outage.line, now)
    why = cannot_judge(o, status) or _waits_for(o, status)
    if by := _promoters(o, status, now):
        lacks = why or "hold time, samples or acceptance of this step"
        return _enter(o, skipping(status, by, lacks, now), _last(o, status), now)
    if why is not None:
        # a wait for people that merely cannot be looked at again goes on as it was
        same = why == waiting.hold and is_waiting(why) and lacking(o, waiting, now) is not None
        return waiting if same else _hold(status, why, now)
    return _climb(o, waiting, status, now)


def _waits_for(o: Observed, status: AIFeatureStatus) -> str | None:
    """What around the flight keeps it from climbing: inputs that drift or
    come from what fails, and apps that took to the fallback."""
    return stops_climb(o, status) or upstream.stops_climb(o) or breakers.stops_climb(o)


def _promoters(o: Observed, status: AIFeatureStatus, now: datetime) -> list[Approval]:
    """Whose word stands in for what is missing. Nobody's does for a plan that is wrong, nor against
    a doubt about harm, nor before anything of this flight was looked at."""
    judged = o.judged
    if judged is None or judged.paused is not None or o.problems or _at_last(o, status):
        return []
    return promoters(o, status, now)


def _climb(
    o: Observed, waiting: AIFeatureStatus, status: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """A step further once evidence and people agree. waiting: `status` with its clock stopped."""
    judged, holding = o.judged, status.stage is Stage.HOLDING
    if judged is None or not _step_done(o, status, judged):
        return _resume(o, status, now) if holding else status
    if (why := lacking(o, waiting, now)) is not None:
        return wait(waiting, why, now)
    if asks(o.feature.spec, status):
        status = granted(o, status, _flies(o, status), now)
    elif holding:
        status = _resume(o, status, now)
    if status.step is not None and is_throttled(o, status):
        return _enter(o, status, status.step.index, now)
    if not _at_last(o, status) and status.step is not None:
        return _enter(o, status, status.step.index + 1, now)
    return land(o, status, now)


def _flies(o: Observed, status: AIFeatureStatus) -> Stage:
    return Stage.CRUISING if _at_last(o, status) else Stage.RAMPING


def _at_last(o: Observed, status: AIFeatureStatus) -> bool:
    """Whether nothing is left to climb: an adopted release has it all, whatever the plan says now,
    because a later release in spec may have brought other steps."""
    if status.candidate is not None and status.candidate.adopted:
        return True
    return status.step is not None and status.step.index >= _last(o, status)


def _last(o: Observed, status: AIFeatureStatus) -> int:
    return len(steps_of(o.feature.spec, status.candidate)) - 1


def _clock_goes_on(status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Deadlines move by the time for which they were stopped."""
    if status.clock_stopped_at is None:
        return status
    late = now - status.clock_stopped_at
    flown, step = status.candidate, status.step
    return status.but(
        clock_stopped_at=None,
        preflight=later(status.preflight, late),
        candidate=flown.but(deadline_at=flown.deadline_at + late) if flown else None,
        step=step.but(deadline_at=step.deadline_at + late) if step else None,
    )


def _hold(status: AIFeatureStatus, why: str, now: datetime) -> AIFeatureStatus:
    """Stay at this weight; unless people stopped it, the deadline runs on: no hold is for ever."""
    if status.stage in {Stage.HOLDING, Stage.PREFLIGHT}:
        return status.but(hold=why[:512])
    return move(
        status,
        now,
        EventReason.HOLDING,
        f"Holds at {status.split.candidate} %: {why}",
        warning=True,
        stage=Stage.HOLDING,
        hold=why[:512],
    )


def _resume(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    return move(
        status,
        now,
        EventReason.RESUMED,
        f"Nothing holds it at {status.split.candidate} % any more.",
        stage=_flies(o, status),
        hold=None,
    )


def _step_done(o: Observed, status: AIFeatureStatus, judged: Judged) -> bool:
    """Whether the evidence covers the whole step and says good."""
    step, candidate = status.step, status.candidate
    if step is None or candidate is None or judged.through is None:
        return False
    steps, last = steps_of(o.feature.spec, candidate), _at_last(o, status)
    plan = steps[min(step.index, len(steps) - 1)]
    seconds = o.feature.spec.ramp.cruise_seconds if last else plan.hold_seconds
    if judged.through < step.since + timedelta(seconds=seconds + step.drilled_seconds):
        return False
    if candidate.adopted:
        return True  # it served before we came: time and no breach are its gate
    if last and len(steps) > 1:
        return judged.samples > 0
    return judged.samples >= plan.min_samples and judged.accepted


def _enter(o: Observed, status: AIFeatureStatus, index: int, now: datetime) -> AIFeatureStatus:
    """The candidate at the weight of step `index`; at the last one it cruises."""
    assert status.candidate is not None
    steps = steps_of(o.feature.spec, status.candidate)
    last = index == len(steps) - 1
    weight, below = steps[index].weight_percent, steps[index - 1].weight_percent if index else 0
    if last:  # a climb never takes users away, however many are to be held back
        weight = max(weight - _holdback(o, status), below)
    name = short(status.candidate.digest)
    told = (
        f"Release {name} at {weight} %: cruises for {o.feature.spec.ramp.cruise_seconds} s."
        if last
        else f"Release {name} at {weight} % (step {index + 1} of {len(steps)}), "
        f"at least {steps[index].hold_seconds} s and {steps[index].min_samples} samples."
    )
    return move(
        status,
        now,
        EventReason.CRUISING if last else EventReason.STEP_STARTED,
        told,
        stage=Stage.CRUISING if last else Stage.RAMPING,
        split=split_at(status, weight),
        step=step_at(o, status.candidate, index, now),
        hold=None,
        # what is known before the first step is of the release that serves
        signals=[] if status.step is None else status.signals,
        evidence=[] if status.step is None else status.evidence,
    )


def _holdback(o: Observed, status: AIFeatureStatus) -> int:
    """Users kept on stable while cruising, where a signal needs them to compare with."""
    compares = any(s.vs_stable is not None for s in o.feature.spec.acceptance.signals)
    if status.last_known_good is None or not compares:
        return 0
    return o.feature.spec.ramp.holdback_percent


def land(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """The candidate becomes last-known-good and serves everybody."""
    flown = status.candidate
    assert flown is not None
    good = KnownRelease(digest=flown.digest, release=flown.release, since=now)
    return move(
        status,
        now,
        EventReason.PROMOTED,
        f"Release {short(flown.digest)} is last-known-good and serves everybody.",
        stage=Stage.LIVE,
        split=Split(stable=100),
        last_known_good=good,
        previous_good=status.last_known_good,
        candidate=None,
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def back_to_good(
    status: AIFeatureStatus, event: EventReason, told: str, now: datetime
) -> AIFeatureStatus:
    """Last-known-good serves everybody at once: no ramp, no gate."""
    return move(
        status,
        now,
        event,
        told,
        stage=Stage.LIVE,
        split=Split(stable=100),
        candidate=None,
        step=None,
        kill=None,
        hold=None,
        signals=[],
        evidence=[],
    )
