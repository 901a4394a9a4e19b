"""Which sign-offs count: on what, by whom, given when, and whether the API server vouches for them.

People gate the way up only. A Reject therefore counts whoever vouches for it, and no sign-off of
any kind stands before proof of harm, a kill or the brake: those are decided without asking here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from goaround.api import names
from goaround.api.approval import Approval, SignOffMode, SignOffStatus
from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import AISignOff
from goaround.api.reasons import Reason
from goaround.api.signoff import Decision
from goaround.api.status import AIFeatureStatus, Candidate
from goaround.rollout.flown import steps_of
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed

AGREES = frozenset({Decision.APPROVE, Decision.PROMOTE})
MOST_SHOWN = 16


def asks(spec: AIFeatureSpec, status: AIFeatureStatus) -> bool:
    """Whether people must agree before the flight leaves the step it is at.

    A plan of one step asks before that one: nobody leaves it upwards. An adopted release serves
    everybody already, so there is nothing to agree to.
    """
    flown, mode = status.candidate, spec.sign_off_mode
    if flown is None or flown.adopted or not in_flight(status):
        return False
    steps = steps_of(spec, flown)
    last = len(steps) - 1
    if status.step is None:
        return last == 0 and mode is not SignOffMode.NEVER
    at = min(status.step.index, last)
    if steps[at].require_sign_off:
        return True
    if at == last or mode is SignOffMode.NEVER:
        return False
    return mode is SignOffMode.EVERY_STEP or at == last - 1


def answers(o: Observed, status: AIFeatureStatus, now: datetime) -> SignOffStatus | None:
    """What people are asked at this step, and who has agreed; None where nobody is asked."""
    flown = status.candidate
    if flown is None or not asks(o.feature.spec, status):
        return None
    since = status.step.since if status.step is not None else flown.since
    return SignOffStatus(
        plan_digest=flown.plan_digest,
        attempt=flown.attempt,
        needed=o.feature.spec.sign_off.min_approvers,
        approvals=_people(o, flown, AGREES, since, now=now)[:MOST_SHOWN],
    )


def lacking(o: Observed, status: AIFeatureStatus, now: datetime) -> str | None:
    """What people must still do before the flight leaves this step; None where nothing."""
    asked = answers(o, status, now)
    if asked is None or len(asked.approvals) >= asked.needed:
        return None
    if o.guarded.missing is not None:
        return f"{Reason.SIGN_OFF_POLICY_MISSING}: {o.guarded.missing}"
    said = ", ".join(a.approver for a in asked.approvals)
    return (
        f"{Reason.AWAITING_SIGN_OFF}: {len(asked.approvals)} of {asked.needed} approvals to go on "
        f"from {status.split.candidate} %. Create an AISignOff Approve (or Reject) with digest "
        f"{asked.plan_digest}, attempt {asked.attempt}"
    ) + (f"; approved so far by {said}" if said else "")


def is_waiting(hold: str | None) -> bool:
    """Whether it is people that this hold waits for."""
    return hold_reason(hold) in {Reason.AWAITING_SIGN_OFF, Reason.SIGN_OFF_POLICY_MISSING}


def hold_reason(hold: str | None) -> Reason | None:
    """The reason that a hold begins with, if it is one of ours."""
    found = (hold or "").partition(":")[0]
    known = (
        Reason.AWAITING_SIGN_OFF,
        Reason.SIGN_OFF_POLICY_MISSING,
        Reason.SUSPENDED,
        Reason.CHANGE_FREEZE,
        Reason.CONTAINMENT,
        Reason.DRILL,
    )
    return next((r for r in known if r == found), None)


def promoters(o: Observed, status: AIFeatureStatus, now: datetime) -> list[Approval]:
    """Whoever promotes this attempt, if they are enough for every gate that it skips."""
    flown, spec = status.candidate, o.feature.spec
    if flown is None or flown.adopted:
        return []
    gated = spec.sign_off_mode is not SignOffMode.NEVER or any(
        s.require_sign_off for s in steps_of(spec, flown)[:-1]
    )
    needed = spec.sign_off.min_approvers if gated else 1
    found = _people(o, flown, frozenset({Decision.PROMOTE}), flown.since, now=now)
    return found if len(found) >= needed else []


def rejection(o: Observed, status: AIFeatureStatus) -> AISignOff | None:
    """The first Reject of this very plan and attempt."""
    flown = status.candidate
    if flown is None:
        return None
    said = [s for s in o.sign_offs if s.spec.decision is Decision.REJECT and _speaks_of(s, flown)]
    return min(said, key=lambda s: s.metadata.name, default=None)


def retried(o: Observed, digest: str, attempt: int) -> bool:
    """Whether a person asked for this digest again after this very attempt; no word given before
    its last proof of harm counts."""
    ended = [
        x.at.replace(microsecond=0)
        for x in o.feature.status.latches
        if x.digest == digest and x.attempt <= attempt
    ]
    return any(
        s.spec.decision is Decision.RETRY
        and s.spec.feature_ref.name == o.feature.metadata.name
        and s.spec.digest == digest
        and s.spec.attempt == attempt
        and all((s.metadata.creation_timestamp or at) >= at for at in ended)
        for s in o.sign_offs
    )


def author(o: Observed) -> str | None:
    """Who wrote the spec last, as the API server stamped it."""
    return o.feature.metadata.annotations.get(names.AUTHOR)


def _people(
    o: Observed,
    flown: Candidate,
    decisions: frozenset[Decision],
    since: datetime,
    *,
    now: datetime,
) -> list[Approval]:
    """Different people whose decision counts, oldest first; of each the one that lasts longest."""
    counted = [
        s
        for s in o.sign_offs
        if s.spec.decision in decisions
        and _speaks_of(s, flown)
        and _is_in_time(o, s, since, now)
        and _may_decide(o, s)
    ]
    return _different(counted)


def _speaks_of(s: AISignOff, flown: Candidate) -> bool:
    return (s.spec.digest, s.spec.attempt) == (flown.plan_digest, flown.attempt)


def _is_in_time(o: Observed, s: AISignOff, since: datetime, now: datetime) -> bool:
    """Given at this step, while the policies stood, and not too long ago. The API server stamps
    whole seconds."""
    at, vouched = s.metadata.creation_timestamp, o.guarded.since
    if at is None or vouched is None or o.guarded.missing is not None:
        return False
    expires = at + timedelta(seconds=o.feature.spec.sign_off.valid_for_seconds)
    return at >= since.replace(microsecond=0) and at > vouched and now < expires


def _may_decide(o: Observed, s: AISignOff) -> bool:
    approver, groups = s.spec.approver, o.feature.spec.sign_off.groups
    if approver is None or approver == author(o):
        return False
    return not groups or not set(groups).isdisjoint(s.spec.approver_groups)


def _different(counted: Iterable[AISignOff]) -> list[Approval]:
    """One approval per person: a second one of the same person adds nobody."""
    found: dict[str, Approval] = {}
    for s in sorted(counted, key=lambda s: (str(s.metadata.creation_timestamp), s.metadata.name)):
        at, approver = s.metadata.creation_timestamp, s.spec.approver
        if at is not None and approver is not None:
            found[approver] = Approval(approver=approver, at=at, name=s.metadata.name)
    return sorted(found.values(), key=lambda a: (a.at, a.name))
