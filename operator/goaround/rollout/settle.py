"""The one place where a decided status gets its revision, conditions, columns and summary."""

from datetime import datetime

from goaround.api.approval import SignOffStatus
from goaround.api.base import rfc3339
from goaround.api.conditions import settled
from goaround.api.digest import release_digest, short
from goaround.api.feature import AIFeatureSpec
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import HARM, AIFeatureStatus, DeliveryStatus, LatchCause
from goaround.rollout.abort import aborted_at
from goaround.rollout.assumptions import is_reading
from goaround.rollout.baselines import with_baselines
from goaround.rollout.binder import with_evidence_log
from goaround.rollout.changes import with_changes
from goaround.rollout.containing import filters
from goaround.rollout.drifts import verdicts, with_drift
from goaround.rollout.effects import announced, takes_back
from goaround.rollout.flown import steps_of
from goaround.rollout.go_back import is_back
from goaround.rollout.moves import in_flight, is_watched, move
from goaround.rollout.observed import Judged, Observed
from goaround.rollout.preflight import is_awaited, planned
from goaround.rollout.proven import proven
from goaround.rollout.signoffs import answers
from goaround.rollout.stated import conditions, waits
from goaround.rollout.watched import told_of_shift
from goaround.rollout.wayback import undated, with_way_back, without_a_mere_date

ENDS = HARM | {LatchCause.NO_PROOF, LatchCause.REFUSED, LatchCause.ABORTED}
"""What ends one attempt of one release."""


def settle(
    o: Observed, before: AIFeatureStatus, decided: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`decided` with everything that follows from it."""
    spec, generation, after = o.feature.spec, o.feature.metadata.generation, decided
    for told in (
        _told_of_problems,
        told_of_shift,
        with_drift,
        with_baselines,
        with_way_back,
        with_evidence_log,
    ):
        after = told(o, before, after, now)
    after = with_changes(o, _with_readings(o, after)).but(
        observed_generation=generation,
        release_digest=release_digest(spec.release),
        plan_digest=planned(o, after),
        revision=_revision(before, after, now),
        weight=_weight(after),
        live=_live(after),
        delivery=_delivery(o, before),
        announced_at=announced(o, after, now),
        sign_off=_sign_off(o, after, now),
    )
    after = _latch_revision(before, after)
    after = after.but(summary=_summary(o, after)[:512])
    wanted = [*conditions(o, after, now), proven(o, after, now)]
    said = settled(before.conditions, wanted, generation=generation, now=now)
    return without_a_mere_date(before, after.but(conditions=said))


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
            way_back=undated(status.way_back),
        )
        return readings, said, verdicts(status.drift)

    return lasting(before) != lasting(after) or takes_back(before, after)


def _told_of_problems(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """Say once per spec what a person must change."""
    stalled = next((c for c in before.conditions if c.type == ConditionType.STALLED), None)
    told = stalled is not None and stalled.reason in {p.reason for p in o.problems}
    if not o.problems or (told and before.observed_generation == o.feature.metadata.generation):
        return after
    if o.problems[0].reason is Reason.CANDIDATE_CHANGED:
        return after  # the hold tells it
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
        filters(status.restraints),
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
    name = short(after.candidate.digest) if after.candidate is not None else ""
    if (drill := after.drill) is not None:
        return f"the fallback serves in drill {drill.switch}, at most until {rfc3339(drill.until)}"
    if waits(after):
        wanted = short(after.release_digest or "")
        return f"{after.live or 'fallback'} serves; {wanted} waits: {after.hold}"
    match after.stage:
        case Stage.LIVE:
            by = " by spec.rollbackTo" if is_back(o, after) else ""
            return f"{after.live} serves everybody{by}; last-known-good"
        case Stage.ROLLED_BACK | Stage.INCONCLUSIVE | Stage.REJECTED:
            return f"{after.live} serves; {_why_down(o, after)}"
        case Stage.KILLED:
            sources = after.kill.sources if after.kill is not None else []
            return "fallback serves; killed by " + ", ".join(f"{s.kind} {s.name}" for s in sources)
        case Stage.HOLDING:
            return f"{name} holds at {after.weight}: {after.hold}"
        case Stage.RAMPING | Stage.CRUISING:
            return f"{name} at {after.weight}; {_waiting_for(o.feature.spec, after)}"
        case Stage.PREFLIGHT if is_awaited(after):
            return f"{after.live or 'fallback'} serves; {name} is in pre-flight at 0 % of users"
        case _:
            return f"{name or 'nothing'} before its first step"


def _sign_off(o: Observed, after: AIFeatureStatus, now: datetime) -> SignOffStatus | None:
    """What people are asked now; after a rejection, who rejected."""
    said = after.sign_off
    rejected = said is not None and said.rejected_by is not None
    if rejected and after.stage is Stage.REJECTED:
        return said
    return answers(o, after, now)


def _why_down(o: Observed, after: AIFeatureStatus) -> str:
    """The latch of the release that is kept down; the newest one may speak of something else."""
    about = after.candidate.digest if after.candidate is not None else after.release_digest or ""
    for latch in after.latches:
        if latch.digest == about and latch.cause in ENDS:
            return latch.message
    if attempt := o.quarantined_at(about):
        return f"{short(about)} is quarantined since attempt {attempt}"
    if attempt := aborted_at(o, after, about):
        return f"{short(about)} was aborted in attempt {attempt}"
    return f"{short(about)} is not in the air"


def _waiting_for(spec: AIFeatureSpec, after: AIFeatureStatus) -> str:
    undecided = [s.name for s in after.signals if s.verdict != "Good"]
    step, steps = after.step.index if after.step is not None else 0, steps_of(spec, after.candidate)
    plan, last = steps[min(step, len(steps) - 1)], step >= len(steps) - 1
    seconds = spec.ramp.cruise_seconds if last else plan.hold_seconds
    waits = f"step {step + 1}/{len(steps)}, at least {seconds} s"
    if after.candidate is not None and after.candidate.re_enables is not None:
        waits = f"re-enable ramp after {after.candidate.re_enables}, {waits}"
    return waits + (f", waits for {', '.join(undecided)}" if undecided else "")
