"""How a flight begins: which attempt it is, and whether it starts at 0 % or serves already.

Decides neither whether anything may go up (`blocked.py`) nor when it goes further (`up.py`).
"""

from datetime import datetime, timedelta

from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.feature import FirstRelease
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import ALL_CANDIDATE, AIFeatureStatus, Candidate, LatchCause, Step
from goaround.rollout.flown import least_seconds, steps_of
from goaround.rollout.moves import ground, in_flight, move
from goaround.rollout.observed import FLYING, Observed
from goaround.rollout.preflight import begun
from goaround.rollout.profile import re_enables


def take_off(
    o: Observed, status: AIFeatureStatus, now: datetime, *, serves_already: bool = False
) -> AIFeatureStatus:
    """The release of spec becomes the candidate: adopted where it already serves, else at 0 %."""
    spec, status = o.feature.spec, status.but(would_have=None)
    digest = release_digest(spec.release)
    adopted = serves_already or _adoptable(o, status, digest)
    attempt = last_attempt(o, status, digest) + 1
    candidate = Candidate(
        digest=digest,
        release=spec.release,
        since=now,
        plan_digest=plan_digest(spec),
        attempt=attempt,
        adopted=adopted,
        deadline_at=now + timedelta(seconds=spec.ramp.deadline_seconds),
        re_enables=None if adopted else re_enables(o, status, digest, attempt),
    )
    if candidate.re_enables is not None:  # a deadline for the normal ramp may be shorter than this
        least = now + timedelta(seconds=least_seconds(spec, candidate))
        candidate = candidate.but(deadline_at=max(candidate.deadline_at, least))
    status = status.but(preflight=begun(o, status, candidate, now))
    return _adopted(o, status, candidate, now) if adopted else _started(status, candidate, now)


def _adopted(
    o: Observed, status: AIFeatureStatus, candidate: Candidate, now: datetime
) -> AIFeatureStatus:
    ramp = o.feature.spec.ramp
    return move(
        status,
        now,
        EventReason.ADOPTED,
        f"Release {short(candidate.digest)} already serves and is taken over at 100 %; it becomes "
        f"last-known-good after {ramp.cruise_seconds} s within its bounds.",
        candidate=candidate,
        clock_stopped_at=None,
        stage=Stage.CRUISING,
        split=ALL_CANDIDATE,
        step=step_at(o, candidate, len(ramp.steps) - 1, now),
        hold=None,
        signals=[],
        evidence=[],
    )


def _started(status: AIFeatureStatus, candidate: Candidate, now: datetime) -> AIFeatureStatus:
    return move(
        status,
        now,
        EventReason.ROLLOUT_STARTED,
        f"Release {short(candidate.digest)} (attempt {candidate.attempt}) starts its flight"
        + (f" on the re-enable ramp after {slow}." if (slow := candidate.re_enables) else "."),
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
    """Adoption is for a feature that never flew; one that begins anew for another plan goes on.

    A record of this very release that still flies was written by a pass that died before its
    status was. After a way down, a rejection or a kill the fallback serves, and nothing serves
    already: what comes then comes back through the ramp.
    """
    if status.last_known_good is not None:
        return False
    if any(x.cause is LatchCause.KILL for x in status.latches):
        return False
    if status.candidate is not None and not in_flight(status):
        return False
    if o.feature.spec.first_release is not FirstRelease.ADOPT:
        return False
    people = (LatchCause.REFUSED, LatchCause.ABORTED)
    refused = any(x.digest == digest and x.cause in people for x in status.latches)
    if refused or o.quarantined_at(digest):
        return False
    resumed = status.candidate is not None and status.candidate.adopted
    return all(r.digest == digest and (resumed or r.outcome == FLYING) for r in o.records)


def last_attempt(o: Observed, status: AIFeatureStatus, digest: str) -> int:
    """The newest attempt on this digest that is known to have flown; 0 if none is.

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
    return max(recorded, own, ended, o.quarantined_at(digest))


def step_at(o: Observed, flown: Candidate, index: int, now: datetime) -> Step:
    """Step `index`, begun now. Its deadline counts from the end of its least time."""
    ramp, steps = o.feature.spec.ramp, steps_of(o.feature.spec, flown)
    least = ramp.cruise_seconds if index == len(steps) - 1 else steps[index].hold_seconds
    return Step(
        index=index,
        since=now,
        deadline_at=now + timedelta(seconds=least + ramp.step_deadline_seconds),
    )
