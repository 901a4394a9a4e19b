"""Which way spec points: back to what is good, on with what flies, or off with something new."""

from datetime import datetime

from goaround.api.digest import release_digest, short
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import HARM, AIFeatureStatus, LatchCause
from goaround.rollout.abort import aborted_at
from goaround.rollout.blocked import blocked
from goaround.rollout.contents import lacking
from goaround.rollout.gate import waits_for
from goaround.rollout.moves import ground, in_flight, move
from goaround.rollout.observed import Observed
from goaround.rollout.preflight import planned
from goaround.rollout.signoffs import retried
from goaround.rollout.takeoff import last_attempt, take_off
from goaround.rollout.up import back_to_good, fly

UNPROVEN = {Stage.INCONCLUSIVE, Stage.REJECTED}
"""Ended without proof of harm, or by a proof that quarantines: another plan may try again."""
BY_PEOPLE = {
    LatchCause.REFUSED: "was rejected by a person",
    LatchCause.ABORTED: "was aborted by a person",
}
ENDED_SOFTLY = (LatchCause.NO_PROOF, LatchCause.REFUSED, LatchCause.ABORTED)


def towards_spec(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    spec = o.feature.spec
    wanted = release_digest(spec.release)
    good, flown = status.last_known_good, status.candidate
    if good is not None and good.digest == wanted:
        return _serve_good(status, now)
    if flown is not None and flown.digest == wanted:
        return _towards_candidate(o, status, now)
    if flown is not None and in_flight(status):
        if flown.adopted:
            return fly(o, status, now)  # nothing is proven to go back to: it lands first
        return move(
            status,
            now,
            EventReason.SUPERSEDED,
            f"Release {short(flown.digest)} makes way at {status.split.candidate} % for "
            f"{short(wanted)}.",
            candidate=None,
            stage=Stage.LIVE if good is not None else None,
            split=ground(status),
            step=None,
            hold=None,
            signals=[],
            evidence=[],
        )
    if o.problems:
        return status
    return _unless_quarantined(o, status, wanted, now)


def why_it_ended(o: Observed, status: AIFeatureStatus) -> LatchCause | None:
    """What ended the last flight before it could be killed, where that was no proof of harm: no
    kill is the retry, or the other plan, that lets it fly again."""
    flown = status.candidate
    if flown is None:
        return None
    record, attempt = o.record(flown.digest), flown.attempt
    outcome = record.outcome if record is not None and record.attempts == attempt else None
    said = {x.cause for x in status.latches if (x.digest, x.attempt) == (flown.digest, attempt)}
    return next((c for c in ENDED_SOFTLY if c in said or c.value == outcome), None)


def still_down(status: AIFeatureStatus, cause: LatchCause, now: datetime) -> AIFeatureStatus:
    """A kill is over: what served before it serves again, and what was down stays so."""
    flown, good = status.candidate, status.last_known_good
    assert flown is not None
    serves = f"release {short(good.digest)}" if good is not None else "the fallback"
    refused = cause in BY_PEOPLE
    ended = BY_PEOPLE.get(cause, "came back without proof")
    return move(
        status,
        now,
        EventReason.KILL_RELEASED,
        f"No source says killed any more: {serves} serves everybody. Release "
        f"{short(flown.digest)} stays down, as before the kill: attempt {flown.attempt} {ended}.",
        stage=Stage.REJECTED if refused else Stage.INCONCLUSIVE,
        split=ground(status),
        kill=None,
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _unless_quarantined(
    o: Observed, status: AIFeatureStatus, wanted: str, now: datetime
) -> AIFeatureStatus:
    """Off, or nothing: a sign-off is for the attempt after the one that it names, and no other."""
    kept = o.quarantined_at(wanted) or aborted_at(o, status, wanted)
    if kept and not retried(o, wanted, last_attempt(o, status, wanted)):
        return _stay_away(o, status, wanted, now)
    return _off(o, status, now)


def _serve_good(status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """A Git revert: the release of spec is last-known-good already."""
    if status.stage is Stage.LIVE and status.split == ground(status) and status.candidate is None:
        return status
    assert status.last_known_good is not None
    return back_to_good(
        status,
        EventReason.RESTORED,
        f"Release {short(status.last_known_good.digest)} of spec is last-known-good: it serves "
        "everybody at once.",
        now,
    )


def _towards_candidate(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    flown = status.candidate
    assert flown is not None
    if in_flight(status):
        if flown.plan_digest != planned(o, status) and not o.problems:
            return _unless_quarantined(o, status, flown.digest, now)
        return fly(o, status, now)
    if o.problems:
        return status
    if retried(o, flown.digest, last_attempt(o, status, flown.digest)):
        return _off(o, status, now)
    same = flown.plan_digest == planned(o, status)
    if status.stage is Stage.ROLLED_BACK or (status.stage in UNPROVEN and same):
        return status
    if aborted_at(o, status, flown.digest):
        return status
    return _unless_quarantined(o, status, flown.digest, now)


def _stay_away(o: Observed, status: AIFeatureStatus, wanted: str, now: datetime) -> AIFeatureStatus:
    """Spec asks for a release that was proven harmful, or aborted: said once, never flown."""
    harmful, aborted = o.quarantined_at(wanted), aborted_at(o, status, wanted)
    flown = status.candidate
    about = flown.digest if flown is not None else wanted
    said = about == status.release_digest == wanted
    rejected = not harmful or _was_rejected(o, status, wanted)
    stage = Stage.REJECTED if rejected else Stage.ROLLED_BACK
    if status.stage is stage and said:
        return status
    kept = "quarantined" if harmful else "aborted"
    return move(
        status,
        now,
        _tells(harmful=bool(harmful), rejected=rejected),
        f"Release {short(wanted)} is {kept} since attempt {harmful or aborted} and does not "
        f"fly; create an AISignOff Retry for attempt {last_attempt(o, status, wanted)}, or ask for "
        "another release.",
        warning=True,
        stage=stage,
        split=ground(status),
        # a retry that ends here has been flown, which no record may say yet
        candidate=flown if flown is not None and flown.digest == wanted else None,
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _tells(*, harmful: bool, rejected: bool) -> EventReason:
    if not harmful:
        return EventReason.ABORTED
    return EventReason.REJECTED if rejected else EventReason.ROLLED_BACK


def _was_rejected(o: Observed, status: AIFeatureStatus, digest: str) -> bool:
    """Whether what keeps it away was found before any user saw it."""
    causes = [x.cause for x in status.latches if x.digest == digest and x.cause in HARM]
    record = o.record(digest)
    outcome = record.outcome if record is not None else None
    return (causes[0] if causes else outcome) == LatchCause.REJECTED.value


def _off(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Take off, unless nothing may go up; a flight of another plan then waits where it is. Under a
    freeze it does where the gate waits for a pre-flight at 0 % of users; else last-known-good stays
    watched meanwhile. Nothing flies a text that is not there.
    """
    why = blocked(o, status, now)
    if why is None and (status.drill is not None or o.feature.spec.preflight is None):
        why = waits_for(o, status, now)
    if why is not None:
        return fly(o, status, now) if in_flight(status) else status.but(hold=why[:512])
    if (why := lacking(o)) is not None:
        return status.but(hold=why[:512])
    return take_off(o, status, now)
