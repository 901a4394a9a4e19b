"""Which way spec points: back to what is good, on with what flies, or off with something new."""

from datetime import datetime

from goaround.api.digest import release_digest, short
from goaround.api.reasons import EventReason, Stage
from goaround.api.signoff import Decision
from goaround.api.status import AIFeatureStatus
from goaround.rollout.blocked import blocked
from goaround.rollout.moves import ground, in_flight, move
from goaround.rollout.observed import Observed
from goaround.rollout.preflight import planned
from goaround.rollout.takeoff import take_off
from goaround.rollout.up import back_to_good, fly

UNPROVEN = {Stage.INCONCLUSIVE, Stage.REJECTED}
"""Ended without proof of harm, or by a proof that quarantines: another plan may try again."""


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


def _unless_quarantined(
    o: Observed, status: AIFeatureStatus, wanted: str, now: datetime
) -> AIFeatureStatus:
    attempt = o.quarantined_at(wanted)
    if attempt and not _retry(o, wanted, attempt):
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
            return _off(o, status, now)
        return fly(o, status, now)
    if o.problems:
        return status
    if _retry(o, flown.digest, flown.attempt):
        return _off(o, status, now)
    same = flown.plan_digest == planned(o, status)
    if status.stage is Stage.ROLLED_BACK or (status.stage in UNPROVEN and same):
        return status
    return _unless_quarantined(o, status, flown.digest, now)


def _stay_away(o: Observed, status: AIFeatureStatus, wanted: str, now: datetime) -> AIFeatureStatus:
    """Spec asks for a release that was proven harmful: said once, never flown."""
    said = status.candidate is None and status.release_digest == wanted
    if status.stage is Stage.ROLLED_BACK and said:
        return status
    attempt = o.quarantined_at(wanted)
    return move(
        status,
        now,
        EventReason.ROLLED_BACK,
        f"Release {short(wanted)} is quarantined since attempt {attempt} and does not fly; "
        f"create an AISignOff Retry for attempt {attempt}, or ask for another release.",
        warning=True,
        stage=Stage.ROLLED_BACK,
        split=ground(status),
        candidate=None,
        step=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _retry(o: Observed, digest: str, attempt: int) -> bool:
    """Whether a person asked for this digest again, after this very attempt ended."""
    ended = [
        x.at.replace(microsecond=0)
        for x in o.feature.status.latches
        if x.digest == digest and x.attempt == attempt
    ]
    return any(
        s.spec.decision is Decision.RETRY
        and s.spec.feature_ref.name == o.feature.metadata.name
        and s.spec.digest == digest
        and s.spec.attempt == attempt
        and all((s.metadata.creation_timestamp or at) >= at for at in ended)
        for s in o.sign_offs
    )


def _off(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """Take off, unless nothing may go up."""
    if (why := blocked(o, status, now)) is not None:
        return status.but(hold=why[:512])
    return take_off(o, status, now)
