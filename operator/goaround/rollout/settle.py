"""The one place where a decided status gets its revision, conditions, columns and summary."""

from datetime import datetime

from goaround.api.conditions import Wanted, condition, settled
from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.feature import AIFeatureSpec
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import AIFeatureStatus, DeliveryStatus, LatchCause, SignalStatus
from goaround.rollout.assumptions import is_reading, rests_on
from goaround.rollout.baselines import with_baselines
from goaround.rollout.drifts import drifted, verdicts, with_drift
from goaround.rollout.moves import in_flight, is_watched, move
from goaround.rollout.observed import Judged, Observed
from goaround.rollout.watched import shifted, told_of_shift, watched

UP = {
    Stage.PREFLIGHT: Reason.PREFLIGHT,
    Stage.RAMPING: Reason.RAMPING,
    Stage.HOLDING: Reason.HOLDING,
    Stage.CRUISING: Reason.CRUISING,
}
DOWN = {
    Stage.ROLLED_BACK: Reason.ROLLED_BACK,
    Stage.INCONCLUSIVE: Reason.INCONCLUSIVE,
    Stage.KILLED: Reason.KILLED,
}


def settle(
    o: Observed, before: AIFeatureStatus, decided: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`decided` with everything that follows from it."""
    spec, generation, after = o.feature.spec, o.feature.metadata.generation, decided
    for told in (_told_of_problems, told_of_shift, with_drift, with_baselines):
        after = told(o, before, after, now)
    after = _with_readings(o, after).but(
        observed_generation=generation,
        release_digest=release_digest(spec.release),
        plan_digest=plan_digest(spec),
        revision=_revision(before, after, now),
        weight=_weight(after),
        live=_live(after),
        delivery=_delivery(o, before),
        announced_at=max(filter(None, (o.announced_at, before.announced_at)), default=None),
    )
    after = _latch_revision(before, after)
    after = after.but(summary=_summary(o, after)[:512])
    wanted = _conditions(o, after)
    return after.but(conditions=settled(before.conditions, wanted, generation=generation, now=now))


def worth_a_write(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether more changed than readings, which can wait for the next checkpoint."""

    def lasting(status: AIFeatureStatus) -> tuple[object, ...]:
        said = [
            (c.type, c.status, c.reason)
            for c in status.conditions
            if c.type != ConditionType.SIGNALS_HEALTHY and not is_reading(c)
        ]
        readings = status.but(
            signals=[],
            evidence=[],
            summary=None,
            delivery=None,
            drift=None,
            announced_at=None,
            conditions=[],
        )
        return readings, said, verdicts(status.drift)

    return lasting(before) != lasting(after)


def _told_of_problems(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """Say once per spec what a person must change."""
    stalled = next((c for c in before.conditions if c.type == ConditionType.STALLED), None)
    told = stalled is not None and stalled.reason in {p.reason for p in o.problems}
    if not o.problems or (told and before.observed_generation == o.feature.metadata.generation):
        return after
    return move(after, now, EventReason.INVALID_SPEC, o.problems[0].message, warning=True)


def _with_readings(o: Observed, after: AIFeatureStatus) -> AIFeatureStatus:
    """The newest signals, if they are of the release that the status speaks of."""
    judged, flown = o.judged, after.candidate
    if judged is None:
        return after
    if is_watched(o.feature.status):
        return _with_watch(o, judged, after)
    same = flown is not None and (judged.digest, judged.attempt) == (flown.digest, flown.attempt)
    if not same or not in_flight(o.feature.status):
        return after
    kept = list(judged.evidence) if in_flight(after) else []
    return after.but(signals=list(judged.signals), evidence=kept)


def _with_watch(o: Observed, judged: Judged, after: AIFeatureStatus) -> AIFeatureStatus:
    """Beside a release that came back, `signals` go on to tell why it did."""
    good, before = after.last_known_good, o.feature.status.last_known_good
    same = good is not None and before is not None and good.digest == before.digest
    if not same or not is_watched(after) or judged.digest != (good.digest if good else None):
        return after
    kept = after.but(evidence=list(judged.evidence))
    return kept.but(signals=list(judged.signals)) if after.stage is Stage.LIVE else kept


def _revision(before: AIFeatureStatus, after: AIFeatureStatus, now: datetime) -> int:
    if _serving(before) == _serving(after):
        return before.revision
    return max(before.revision + 1, int(now.timestamp()))


def _serving(status: AIFeatureStatus) -> tuple[object, ...]:
    """All that a flag is made of."""
    flown, good = status.candidate, status.last_known_good
    return (
        status.stage is None,
        status.stage is Stage.KILLED,
        status.split,
        (flown.digest, flown.attempt) if flown is not None else None,
        good.digest if good is not None else None,
    )


def _latch_revision(before: AIFeatureStatus, after: AIFeatureStatus) -> AIFeatureStatus:
    """A latch taken in this pass carries the revision of its own decision."""
    if not after.latches or (before.latches and before.latches[0].at == after.latches[0].at):
        return after
    return after.but(latches=[after.latches[0].but(revision=after.revision), *after.latches[1:]])


def _weight(status: AIFeatureStatus) -> str:
    """For columns; a holdback is told, so that 98 % is not read as a step."""
    split = status.split
    if status.stage is Stage.CRUISING and split.candidate < 100:
        return f"{split.candidate}% ({split.stable} held back)"
    return f"{split.candidate}%"


def _live(status: AIFeatureStatus) -> str | None:
    if status.stage is None:
        return None
    if status.split.fallback == 100:
        return "fallback"
    flown, good = status.candidate, status.last_known_good
    if good is not None:
        return short(good.digest)
    return short(flown.digest) if flown is not None and flown.adopted else "fallback"


def _delivery(o: Observed, before: AIFeatureStatus) -> DeliveryStatus | None:
    seen = o.delivered
    if seen is None or seen.expected == 0:
        return before.delivery
    missing = seen.expected - seen.replicas
    message = f"{seen.replicas} of {seen.expected} flag replicas answer, {seen.streams} streams"
    if missing and seen.problem:
        message += f"; {seen.problem}"
    return DeliveryStatus(
        revision=seen.revision or 0,
        replicas=seen.replicas,
        streams=seen.streams,
        message=message[:512],
    )


def _summary(o: Observed, after: AIFeatureStatus) -> str:
    if o.problems and after.stage is not Stage.KILLED:
        return o.problems[0].message
    flown = after.candidate
    name = short(flown.digest) if flown is not None else ""
    if _waits(after):
        wanted = short(after.release_digest or "")
        return f"{after.live or 'fallback'} serves; {wanted} waits: {after.hold}"
    match after.stage:
        case Stage.LIVE:
            return f"{after.live} serves everybody; last-known-good"
        case Stage.ROLLED_BACK | Stage.INCONCLUSIVE:
            return f"{after.live} serves; {_why_down(o, after)}"
        case Stage.KILLED:
            sources = after.kill.sources if after.kill is not None else []
            return "fallback serves; killed by " + ", ".join(f"{s.kind} {s.name}" for s in sources)
        case Stage.HOLDING:
            return f"{name} holds at {after.weight}: {after.hold}"
        case Stage.RAMPING | Stage.CRUISING:
            return f"{name} at {after.weight}; {_waiting_for(o.feature.spec, after)}"
        case _:
            return f"{name or 'nothing'} before its first step"


def _why_down(o: Observed, after: AIFeatureStatus) -> str:
    """The latch of the release that is kept down; the newest one may speak of something else."""
    about = after.candidate.digest if after.candidate is not None else after.release_digest or ""
    for latch in after.latches:
        if latch.digest == about and latch.cause in {LatchCause.SIGNAL, LatchCause.NO_PROOF}:
            return latch.message
    attempt = o.quarantined_at(about)
    return f"{short(about)} is " + (
        f"quarantined since attempt {attempt}" if attempt else "not in the air"
    )


def _waiting_for(spec: AIFeatureSpec, after: AIFeatureStatus) -> str:
    undecided = [s.name for s in after.signals if s.verdict != "Good"]
    step = after.step.index if after.step is not None else 0
    plan = spec.ramp.steps[min(step, len(spec.ramp.steps) - 1)]
    last = step >= len(spec.ramp.steps) - 1
    seconds = spec.ramp.cruise_seconds if last else plan.hold_seconds
    waits = f"step {step + 1}/{len(spec.ramp.steps)}, at least {seconds} s"
    return waits + (f", waits for {', '.join(undecided)}" if undecided else "")


def _conditions(o: Observed, after: AIFeatureStatus) -> list[Wanted]:
    found = [*_kstatus(o, after), shifted(o, after) or _healthy(after)]
    if after.stage is Stage.KILLED and after.kill is not None:
        by_switch = any(s.kind == "AIKillSwitch" for s in after.kill.sources)
        reason = Reason.KILL_SWITCH_ENGAGED if by_switch else Reason.SPEC_KILL_SWITCH
        found.append(condition(ConditionType.KILLED, "True", reason, after.summary or ""))
    if in_flight(after) and (rests := rests_on(o, after)) is not None:
        found.append(rests)
    if after.delivery is not None:
        found.append(_delivered(o, after, after.delivery))
    if is_watched(after):
        found.append(watched(o, after))
    if (drift := drifted(o, after)) is not None:
        found.append(drift)
    return found


def _kstatus(o: Observed, after: AIFeatureStatus) -> list[Wanted]:
    """`Ready`, and one of the abnormal-true ones, never both."""
    told = after.summary or ""
    if o.problems:
        reason, told = o.problems[0].reason, o.problems[0].message
        return [
            condition(ConditionType.READY, "False", reason, told),
            condition(ConditionType.STALLED, "True", reason, told),
        ]
    if after.stage in DOWN and not _waits(after):
        return [
            condition(ConditionType.READY, "False", DOWN[after.stage], told),
            condition(ConditionType.STALLED, "True", DOWN[after.stage], told),
        ]
    if after.stage is Stage.LIVE and _serves_spec(after):
        return [condition(ConditionType.READY, "True", Reason.ROLLOUT_COMPLETE, told)]
    reason = UP.get(after.stage or Stage.PREFLIGHT, Reason.PREFLIGHT)
    if _waits(after):
        reason = Reason.HOLDING
    if (after.hold or "").startswith(Reason.SAMPLE_RATIO_MISMATCH):
        reason = Reason.SAMPLE_RATIO_MISMATCH
    return [
        condition(ConditionType.READY, "Unknown", reason, told),
        condition(ConditionType.RECONCILING, "True", reason, told),
    ]


def _waits(after: AIFeatureStatus) -> bool:
    """Whether a release would take off now, if nothing stopped everything that goes up."""
    return after.hold is not None and after.step is None and after.stage is not Stage.KILLED


def _serves_spec(after: AIFeatureStatus) -> bool:
    """Live may still serve the release before the one in spec, for the pass in between."""
    good = after.last_known_good
    return good is not None and good.digest == after.release_digest


def _healthy(after: AIFeatureStatus) -> Wanted:
    kind = ConditionType.SIGNALS_HEALTHY
    verdicts = {s.verdict for s in after.signals}
    if "Bad" in verdicts:
        told = _named(after.signals, "Bad")
        return condition(kind, "False", Reason.LIMIT_EXCEEDED, told)
    if not verdicts:
        return condition(kind, "Unknown", Reason.NO_DATA, "no evidence yet")
    if "Unknown" in verdicts:
        return condition(kind, "Unknown", Reason.NO_DATA, _named(after.signals, "Unknown"))
    if "Undecided" in verdicts:
        return condition(kind, "Unknown", Reason.UNDECIDED, _named(after.signals, "Undecided"))
    return condition(kind, "True", Reason.WITHIN_LIMITS, "every signal is accepted")


def _named(signals: list[SignalStatus], verdict: str) -> str:
    return "; ".join(s.message for s in signals if s.verdict == verdict)


def _delivered(o: Observed, after: AIFeatureStatus, seen: DeliveryStatus) -> Wanted:
    kind, answers = ConditionType.DELIVERED, o.delivered
    if seen.replicas == 0 or (answers is not None and answers.replicas < answers.expected):
        return condition(kind, "Unknown", Reason.REPLICAS_UNREACHABLE, seen.message)
    if seen.revision < after.revision:
        told = f"revision {after.revision} is not streamed by every replica yet; {seen.message}"
        return condition(kind, "False", Reason.PENDING, told)
    if seen.streams == 0:
        return condition(kind, "True", Reason.DELIVERED_TO_NOBODY, f"to nobody: {seen.message}")
    return condition(kind, "True", Reason.DELIVERED, seen.message)
