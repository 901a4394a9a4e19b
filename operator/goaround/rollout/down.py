"""The way down: kill, roll back, go around without proof. Needs nothing but the decision.

Each move latches its cause first: going down changes the very metrics that justified it, and
without the latch a crash in between would promote again.
"""

from datetime import datetime

from goaround.api import names
from goaround.api.approval import RiskTier, SignOffStatus
from goaround.api.digest import short
from goaround.api.kinds import AISignOff
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import (
    ALL_FALLBACK,
    MOST_SOURCES,
    AIFeatureStatus,
    KillSource,
    KillState,
    Latch,
    LatchCause,
)
from goaround.rollout.moves import gravest, ground, in_flight, latched, move, never_back_to_it
from goaround.rollout.observed import Breach, Observed, Outage

SPARES_THE_NEWER = {Stage.INCONCLUSIVE, Stage.REJECTED}
"""Stages that speak of a newer release, whatever becomes of the one that serves."""

PROHIBITED = "riskTier is Prohibited: no release may serve"


def kill_sources(o: Observed) -> list[KillSource]:
    """Everything that says killed: matching switches, then spec. A prohibited use is never served:
    whether it is one, people judged."""
    found = [
        KillSource(kind="AIKillSwitch", name=s.metadata.name, reason=s.spec.reason)
        for s in o.switches
        if s.matches(o.feature.metadata) and not s.spec.drill
    ]
    switch = o.feature.spec.kill_switch
    if switch is not None and switch.engaged:
        found.append(
            KillSource(kind="Spec", name=o.feature.metadata.name, reason=switch.reason or "")
        )
    if o.feature.spec.risk_tier is RiskTier.PROHIBITED:
        found.append(KillSource(kind="Spec", name=o.feature.metadata.name, reason=PROHIBITED))
    return found[:MOST_SOURCES]


def kill(
    o: Observed, status: AIFeatureStatus, sources: list[KillSource], now: datetime
) -> AIFeatureStatus:
    """Fallback for everybody; a kill already in force only takes note of further sources."""
    if status.stage is Stage.KILLED and status.kill is not None:
        return status.but(kill=status.kill.but(sources=sources))
    told = "; ".join(f"{s.kind} {s.name}: {s.reason or 'no reason given'}" for s in sources)
    latch = _latch(o, status, now, cause=LatchCause.KILL, message=f"killed by {told}"[:512])
    return move(
        status,
        now,
        EventReason.KILL_ENGAGED,
        f"Killed by {told}. The fallback ({o.feature.spec.fallback.landing.type}) serves "
        "everybody; delete every source to go back up.",
        warning=True,
        stage=Stage.KILLED,
        split=ALL_FALLBACK,
        kill=KillState(since=now, sources=sources),
        latches=latched(status, latch),
        step=None,
        hold=None,
    )


def roll_back(
    o: Observed, status: AIFeatureStatus, breach: Breach, now: datetime
) -> AIFeatureStatus:
    """Candidate to 0, digest quarantined, cause latched. If it was good before, it is not kept as
    such: flag replicas may go back to what status calls good, and know of no quarantine."""
    status = never_back_to_it(status)
    latch = _latch(o, status, now, cause=LatchCause.SIGNAL, message=breach.line, breach=breach)
    return _ended(
        status,
        now,
        EventReason.ROLLED_BACK,
        f"{_what(status)} went around at {latch.weight} %: {breach.line}. Incident "
        f"{latch.incident}. "
        f"{_serving(status)} serves. To fly it again create an AISignOff Retry for this digest, "
        f"attempt {latch.attempt}; a new release flies at once.",
        stage=Stage.ROLLED_BACK,
        latch=latch,
    )


def leave_good(
    o: Observed, status: AIFeatureStatus, breach: Breach, now: datetime
) -> AIFeatureStatus:
    """Last-known-good turned bad: the good release before it serves, else the fallback. What is
    quarantined is never gone back to."""
    failed, back_to = status.last_known_good, status.previous_good
    assert failed is not None
    if back_to is not None and (
        back_to.digest == failed.digest or o.quarantined_at(back_to.digest)
    ):
        back_to = None
    if in_flight(status):  # it waits at 0 %, is not to blame, and takes off again
        status = status.but(candidate=None, clock_stopped_at=None)
    latch = _latch(o, status, now, cause=LatchCause.SIGNAL, message=breach.line, breach=breach)
    record = o.record(failed.digest)
    latch = latch.but(
        digest=failed.digest,
        release=failed.release,
        attempt=max(record.attempts if record is not None else 0, 1),
        back_to=back_to,
        weight=status.split.stable,
        # what was down already fell from Live, too: it had landed, and served everybody
        stage=Stage.LIVE,
        exposed_requests=o.judged.exposed if o.judged is not None else None,
    )
    after = status.but(last_known_good=back_to, previous_good=None)
    return _ended(
        after,
        now,
        EventReason.ROLLED_BACK,
        f"Release {short(failed.digest)} turned bad while it served everybody: {breach.line}. "
        f"Incident {latch.incident}. {_serving(after)} serves. Put the release that serves back "
        f"into Git, or another one; to fly this one again create an AISignOff Retry, attempt "
        f"{latch.attempt}.",
        stage=status.stage if status.stage in SPARES_THE_NEWER else Stage.ROLLED_BACK,
        latch=latch,
        signals=gravest(o.judged.signals) if o.judged is not None else [],
    )


def reject(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Pre-flight proved it worse before anybody got it: digest quarantined, nobody moved."""
    found = status.preflight
    why = found.message if found is not None and found.message else "pre-flight failed"
    latch = _latch(o, status, now, cause=LatchCause.REJECTED, message=why)
    latch = latch.but(contained_at=now, exposed_requests=0)  # it never had anybody
    return _ended(
        status,
        now,
        EventReason.REJECTED,
        f"{_what(status)} is rejected before any user got it: {why}. Incident {latch.incident}. "
        f"{_serving(status)} serves. Ask for a fixed release, or create an AISignOff Retry for "
        f"this digest, attempt {latch.attempt}.",
        stage=Stage.REJECTED,
        latch=latch,
    )


def give_up(o: Observed, status: AIFeatureStatus, why: str, now: datetime) -> AIFeatureStatus:
    """Weight 0 without proof of harm: not quarantined, no blame."""
    latch = _latch(o, status, now, cause=LatchCause.NO_PROOF, message=why)
    return _ended(
        status,
        now,
        EventReason.INCONCLUSIVE,
        f"{_what(status)} came back without proof either way: {why}. {_serving(status)} serves. "
        f"Change the release or the plan, or create an AISignOff Retry for attempt "
        f"{latch.attempt}.",
        stage=Stage.INCONCLUSIVE,
        latch=latch,
    )


def refuse(
    o: Observed, status: AIFeatureStatus, person: AISignOff, now: datetime
) -> AIFeatureStatus:
    """A person ends this attempt by a sign-off."""
    who, why = person.spec.approver or "a person", person.spec.comment
    told = f"rejected by {who} (AISignOff {person.metadata.name})" + (f": {why}" if why else "")
    flown = status.candidate
    assert flown is not None
    rejected = SignOffStatus(
        plan_digest=flown.plan_digest,
        attempt=flown.attempt,
        needed=o.feature.spec.sign_off.min_approvers,
        rejected_by=who,
    )
    then = f"Change the release or the plan, or create an AISignOff Retry, attempt {flown.attempt}."
    ended = by_people(o, status, now, LatchCause.REFUSED, why=told, then=then)
    return ended.but(sign_off=rejected)


def by_people(
    o: Observed,
    status: AIFeatureStatus,
    now: datetime,
    cause: LatchCause,
    *,
    why: str,
    then: str,
) -> AIFeatureStatus:
    """People end this attempt: weight 0, nothing proven, hence no quarantine."""
    latch = _latch(o, status, now, cause=cause, message=why[:512])
    if latch.weight == 0:
        latch = latch.but(contained_at=now, exposed_requests=0)  # it has nobody
    return _ended(
        status,
        now,
        EventReason.ABORTED if cause is LatchCause.ABORTED else EventReason.SIGN_OFF_REJECTED,
        f"{_what(status)} came back at {latch.weight} %: {why}. {_serving(status)} serves. {then}",
        stage=Stage.REJECTED,
        latch=latch,
    )


def _ended(
    status: AIFeatureStatus,
    now: datetime,
    event: EventReason,
    told: str,
    *,
    stage: Stage,
    latch: Latch,
    **changes: object,
) -> AIFeatureStatus:
    """What was sent back has no users any more: what is proven serves, and evidence begins anew."""
    return move(
        status,
        now,
        event,
        told,
        warning=True,
        stage=stage,
        split=ground(status),
        latches=latched(status, latch),
        step=None,
        hold=None,
        evidence=[],
        **changes,
    )


def outage(o: Observed, status: AIFeatureStatus, found: Outage, now: datetime) -> AIFeatureStatus:
    """An outage is told and latched once; it blames no release and moves nobody."""
    if any(x.cause is LatchCause.OUTAGE and x.started_at == found.since for x in status.latches):
        return status
    latch = _latch(o, status, now, cause=LatchCause.OUTAGE, message=found.line)
    return status.but(
        latches=latched(status, latch.but(digest=None, release=None, started_at=found.since))
    )


def _latch(
    o: Observed,
    status: AIFeatureStatus,
    now: datetime,
    *,
    cause: LatchCause,
    message: str,
    breach: Breach | None = None,
) -> Latch:
    flying = status.candidate if in_flight(status) else None
    subject = flying or status.last_known_good
    weight = status.split.candidate if flying is not None else status.split.stable
    attempt = flying.attempt if flying is not None else 0
    mine = o.judged is not None and subject is not None and o.judged.digest == subject.digest
    judged = o.judged if mine else None
    signal = o.feature.spec.signal(breach.signal) if breach is not None else None
    key = f"{cause}/{breach.signal if breach is not None else ''}/{status.revision}"
    return Latch(
        cause=cause,
        at=now,
        digest=subject.digest if subject is not None else None,
        release=subject.release if subject is not None else None,
        attempt=attempt,
        plan_digest=flying.plan_digest if flying is not None else None,
        back_to=None if cause is LatchCause.KILL else status.last_known_good,
        signal=breach.signal if breach is not None else None,
        layer=signal.watches if signal is not None else None,
        message=message[:512],
        weight=weight,
        stage=status.stage or Stage.PREFLIGHT,
        proven_at=breach.proven_at if breach is not None else None,
        started_at=breach.started_at if breach is not None else None,
        exposed_requests=judged.exposed if judged is not None and flying is not None else None,
        signals=gravest(judged.signals) if judged is not None else [],
        revision=status.revision,
        incident=names.incident_name(
            o.feature.metadata.name,
            now,
            uid=o.feature.metadata.uid,
            attempt=str(attempt),
            cause=key,
        ),
    )


def _what(status: AIFeatureStatus) -> str:
    flown = status.candidate
    return f"Release {short(flown.digest)} (attempt {flown.attempt})" if flown else "The release"


def _serving(status: AIFeatureStatus) -> str:
    good = status.last_known_good
    return f"Release {short(good.digest)}" if good is not None else "The fallback"
