"""The way up: take off, climb, cruise, land. Slow, gated, and on evidence only.

Every move up needs positive evidence for the whole hold time, read through a window end
(`through`), not by the wall clock: the last seconds before a climb are then covered too.
"""

from datetime import datetime, timedelta

from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.feature import FirstRelease
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import ALL_CANDIDATE, AIFeatureStatus, Candidate, KnownRelease, Split, Step
from goaround.rollout.baselines import stops_take_off
from goaround.rollout.blocked import blocked
from goaround.rollout.doubts import cannot_judge
from goaround.rollout.down import outage
from goaround.rollout.drifts import stops_climb
from goaround.rollout.moves import ground, move, split_at
from goaround.rollout.observed import FLYING, Judged, Observed


def take_off(
    o: Observed, status: AIFeatureStatus, now: datetime, *, serves_already: bool = False
) -> AIFeatureStatus:
    """The release of spec becomes the candidate: adopted where it already serves, else at 0 %."""
    spec, status = o.feature.spec, status.but(would_have=None)
    digest = release_digest(spec.release)
    adopted = serves_already or _adoptable(o, status, digest)
    candidate = Candidate(
        digest=digest,
        release=spec.release,
        since=now,
        plan_digest=plan_digest(spec),
        attempt=next_attempt(o, status, digest),
        adopted=adopted,
        deadline_at=now + timedelta(seconds=spec.ramp.deadline_seconds),
    )
    if adopted:
        return move(
            status,
            now,
            EventReason.ADOPTED,
            f"Release {short(digest)} already serves and is taken over at 100 %; it becomes "
            f"last-known-good after {spec.ramp.cruise_seconds} s within its bounds.",
            candidate=candidate,
            clock_stopped_at=None,
            stage=Stage.CRUISING,
            split=ALL_CANDIDATE,
            step=_step(o, len(spec.ramp.steps) - 1, now),
            hold=None,
            signals=[],
            evidence=[],
        )
    return move(
        status,
        now,
        EventReason.ROLLOUT_STARTED,
        f"Release {short(digest)} (attempt {candidate.attempt}) starts its flight.",
        candidate=candidate,
        clock_stopped_at=None,
        stage=Stage.PREFLIGHT,
        split=ground(status),
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _adoptable(o: Observed, status: AIFeatureStatus, digest: str) -> bool:
    """Adoption is for a feature that never flew; an interrupted adoption goes on.

    A record of this very release that still flies was written by a pass that died before its
    status was. What was proven harmful does not come back at once to everybody.
    """
    if status.last_known_good is not None:
        return False
    if o.feature.spec.first_release is not FirstRelease.ADOPT:
        return False
    if o.quarantined_at(digest):
        return False
    resumed = status.candidate is not None and status.candidate.adopted
    return all(r.digest == digest and (resumed or r.outcome == FLYING) for r in o.records)


def next_attempt(o: Observed, status: AIFeatureStatus, digest: str) -> int:
    """One more than every attempt on this digest that is known to have flown.

    A record that still says `Flying` speaks of the attempt in status, or of one that died between
    the record and the status: that one is taken up again, not counted.
    """
    record = o.record(digest)
    flown = status.candidate
    own = flown.attempt if flown is not None and flown.digest == digest else 0
    ended = max((x.attempt for x in status.latches if x.digest == digest), default=0)
    recorded = record.attempts if record is not None else 0
    if record is not None and record.outcome == FLYING:
        recorded -= 1
    return max(recorded, own, ended, o.quarantined_at(digest)) + 1


def fly(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """One look at a flight without a breach: hold, climb, land, or go on."""
    judged = o.judged
    if judged is not None and judged.outage is not None:
        status = outage(o, status, judged.outage, now)
    if (stopped := blocked(o, status, now)) is not None:
        return _hold(status.but(clock_stopped_at=status.clock_stopped_at or now), stopped, now)
    status = _clock_goes_on(status, now)
    if status.stage is Stage.PREFLIGHT:
        if o.problems:
            return _hold(status, o.problems[0].message, now)
        if (why := stops_climb(o, status) or stops_take_off(o, status)) is not None:
            return _hold(status, why, now)
        return _enter(o, status, 0, now)
    if judged is not None and judged.outage is not None:
        return _hold(status, judged.outage.line, now)
    if (why := cannot_judge(o, status) or stops_climb(o, status)) is not None:
        return _hold(status, why, now)
    if status.stage is Stage.HOLDING:
        status = _resume(o, status, now)
    if judged is None or not _step_done(o, status, judged):
        return status
    if not _at_last(o, status) and status.step is not None:
        return _enter(o, status, status.step.index + 1, now)
    return land(o, status, now)


def _at_last(o: Observed, status: AIFeatureStatus) -> bool:
    """Whether nothing is left to climb: an adopted release has it all, whatever the plan says now,
    because a later release in spec may have brought other steps."""
    if status.candidate is not None and status.candidate.adopted:
        return True
    last = len(o.feature.spec.ramp.steps) - 1
    return status.step is not None and status.step.index >= last


def _clock_goes_on(status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Deadlines move by the time for which they were stopped."""
    if status.clock_stopped_at is None:
        return status
    late = now - status.clock_stopped_at
    flown, step = status.candidate, status.step
    return status.but(
        clock_stopped_at=None,
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
        f"Can be judged again at {status.split.candidate} %.",
        stage=Stage.CRUISING if _at_last(o, status) else Stage.RAMPING,
        hold=None,
    )


def _step_done(o: Observed, status: AIFeatureStatus, judged: Judged) -> bool:
    """Whether the evidence covers the whole step and says good."""
    step, candidate = status.step, status.candidate
    if step is None or candidate is None or judged.through is None:
        return False
    steps, last = o.feature.spec.ramp.steps, _at_last(o, status)
    plan = steps[min(step.index, len(steps) - 1)]
    seconds = o.feature.spec.ramp.cruise_seconds if last else plan.hold_seconds
    if judged.through < step.since + timedelta(seconds=seconds):
        return False
    if candidate.adopted:
        return True  # it served before we came: time and no breach are its gate
    if last and len(steps) > 1:
        return judged.samples > 0
    return judged.samples >= plan.min_samples and judged.accepted


def _enter(o: Observed, status: AIFeatureStatus, index: int, now: datetime) -> AIFeatureStatus:
    """The candidate at the weight of step `index`; at the last one it cruises."""
    steps = o.feature.spec.ramp.steps
    last = index == len(steps) - 1
    weight, below = steps[index].weight_percent, steps[index - 1].weight_percent if index else 0
    if last:  # a climb never takes users away, however many are to be held back
        weight = max(weight - _holdback(o, status), below)
    assert status.candidate is not None
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
        step=_step(o, index, now),
        hold=None,
    )


def _holdback(o: Observed, status: AIFeatureStatus) -> int:
    """Users kept on stable while cruising, where a signal needs them to compare with."""
    compares = any(s.vs_stable is not None for s in o.feature.spec.acceptance.signals)
    if status.last_known_good is None or not compares:
        return 0
    return o.feature.spec.ramp.holdback_percent


def _step(o: Observed, index: int, now: datetime) -> Step:
    ramp = o.feature.spec.ramp
    last = index == len(ramp.steps) - 1
    least = ramp.cruise_seconds if last else ramp.steps[index].hold_seconds
    return Step(
        index=index,
        since=now,
        deadline_at=now + timedelta(seconds=least + ramp.step_deadline_seconds),
    )


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
