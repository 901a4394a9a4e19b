"""`spec.rollbackTo`: a release that was good here serves everybody at once, whatever spec asks for.

Decides which release is meant, and goes back to it without ramp or gate. Refuses one that never was
last-known-good, that was proven harmful or aborted, or whose texts are lost, so that the fallback
would serve for it: then nothing moves, and the object says why.
Nobody is blamed: what it leaves is not quarantined.
"""

from dataclasses import replace
from datetime import datetime

from goaround.api.digest import is_named, short
from goaround.api.reasons import EventReason, Reason, Stage
from goaround.api.status import AIFeatureStatus, KnownRelease, Split
from goaround.rollout.abort import aborted_at
from goaround.rollout.blocked import blocked
from goaround.rollout.contents import is_whole
from goaround.rollout.moves import ground, in_flight, move, raises
from goaround.rollout.observed import Observed, Problem
from goaround.rollout.rebuild import good_releases


def with_doubt(o: Observed) -> Observed:
    """`o`, whose problems name a rollback that cannot be: nothing goes up until it is put right."""
    why = _why_not(o)
    return o if why is None else replace(o, problems=(*o.problems, why))


def wanted(o: Observed, status: AIFeatureStatus) -> KnownRelease | None:
    """The release that spec.rollbackTo means; None where it is not set, or means none."""
    asked = o.feature.spec.rollback_to
    if asked is None:
        return None
    known = (status.last_known_good, status.previous_good, *good_releases(o))
    good = (r for r in known if r is not None and is_named(r.digest, asked))
    return next((r for r in good if _can_serve(o, status, r)), None)


def go_back(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus | None:
    """That release serves everybody; None where spec asks for no rollback that can be.

    Users of the candidate, or of another good release, leave it whatever holds; users of the
    fallback come back only where something may go up.
    """
    to = wanted(o, status)
    if to is None:
        return None
    serves = status.last_known_good is not None and status.last_known_good.digest == to.digest
    if serves and status.stage is Stage.LIVE and status.candidate is None:
        return status.but(hold=None)
    after = _gone_back(o, status, to, now)
    if raises(status, after) and (why := blocked(o, status, now)) is not None:
        return _grounded(status, now).but(hold=why[:512])
    return after


def is_back(o: Observed, after: AIFeatureStatus) -> bool:
    """Whether the release of spec.rollbackTo serves everybody."""
    to, good = wanted(o, after), after.last_known_good
    return to is not None and good is not None and to.digest == good.digest


def _gone_back(
    o: Observed, status: AIFeatureStatus, to: KnownRelease, now: datetime
) -> AIFeatureStatus:
    good, earlier = status.last_known_good, status.previous_good
    if good is None or good.digest != to.digest:
        # people turned away from what served: nothing goes back to it by itself
        kept = earlier if earlier is not None and earlier.digest != to.digest else None
        status = status.but(last_known_good=to.but(since=now), previous_good=kept)
    return move(
        status,
        now,
        EventReason.ROLLED_BACK_TO,
        f"spec.rollbackTo: release {short(to.digest)} serves everybody at once. Nothing else flies "
        "until it is taken out; then the release of spec takes the ramp. What it leaves is not "
        "quarantined.",
        stage=Stage.LIVE,
        split=Split(stable=100),
        candidate=None,
        clock_stopped_at=None,
        step=None,
        kill=None,
        hold=None,
        signals=[],
        evidence=[],
    )


def _grounded(status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """What flies makes way; what is down stays as it is, because that tells why."""
    flown = status.candidate
    if flown is None or not in_flight(status):
        return status
    return move(
        status,
        now,
        EventReason.SUPERSEDED,
        f"Release {short(flown.digest)} makes way at {status.split.candidate} % for "
        "spec.rollbackTo.",
        candidate=None,
        clock_stopped_at=None,
        stage=Stage.LIVE if status.last_known_good is not None else None,
        split=ground(status),
        step=None,
        signals=[],
        evidence=[],
    )


def _is_bad(o: Observed, status: AIFeatureStatus, digest: str) -> bool:
    return o.quarantined_at(digest) > 0 or aborted_at(o, status, digest) > 0


def _can_serve(o: Observed, status: AIFeatureStatus, known: KnownRelease) -> bool:
    return not _is_bad(o, status, known.digest) and not _is_hollow(o, status, known)


def _is_hollow(o: Observed, status: AIFeatureStatus, known: KnownRelease) -> bool:
    """Whether its record lacks a text. What is last-known-good already loses nothing by that."""
    good, record = status.last_known_good, o.record(known.digest)
    if not any(known.release.refs) or (good is not None and good.digest == known.digest):
        return False
    return record is None or not is_whole(record)


def _why_not(o: Observed) -> Problem | None:
    """What is wrong with spec.rollbackTo, and what to do."""
    asked, status = o.feature.spec.rollback_to, o.feature.status
    if asked is None or wanted(o, status) is not None:
        return None
    known = (status.last_known_good, status.previous_good, *good_releases(o))
    good = {r.digest: r for r in known if r is not None}
    there = {*good, *(r.digest for r in o.records)}
    named = next((d for d in sorted(there) if is_named(d, asked)), None)
    serve = [short(r.digest) for r in good.values() if _can_serve(o, status, r)]
    choice = ", ".join(serve[:5]) or "none yet"
    return Problem(
        Reason.ROLLBACK_REFUSED,
        f"spec.rollbackTo {asked[:19]} {_fault(o, status, named, set(good))}: nothing moves. Good "
        f"releases of this feature: {choice}. Name one of these, or take spec.rollbackTo out.",
    )


def _fault(o: Observed, status: AIFeatureStatus, named: str | None, known: set[str]) -> str:
    """known: releases that were good."""
    if named is None:
        return "names no release of this feature"
    if (attempt := o.quarantined_at(named)) > 0:
        return f"was proven harmful in attempt {attempt}"
    if (attempt := aborted_at(o, status, named)) > 0:
        return f"was aborted in attempt {attempt}"
    if named in known:
        return "cannot serve, for its record lacks a text"
    return "never was last-known-good"
