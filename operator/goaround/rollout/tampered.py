"""A status that no operator can have written: found by its own digests, its split, and the records.

Records are written before the status that relies on them, so where the two disagree, records know
better, once they have been read live (older news disagrees, too). Refuses to guess who it was: the
audit log of the API server tells. Conditions and columns need no repair: each pass makes them anew.
"""

from datetime import datetime

from goaround.api.digest import plan_digest, release_digest, short
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import ALL_FALLBACK, AIFeatureStatus, KnownRelease, Split
from goaround.rollout.flown import steps_of
from goaround.rollout.moves import ground, in_flight, move, split_at
from goaround.rollout.observed import Observed
from goaround.rollout.rebuild import good_releases


def needs_records(o: Observed) -> bool:
    """Whether records must be read live before the status can be believed, or repaired."""
    return not o.confirmed and _false_good(o, o.feature.status) is not None


def repaired(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status`, or what is left of it once every forgery is out; told once, because it is gone
    afterwards."""
    if (what := _false_good(o, status)) is not None and o.confirmed:
        status = _from_records(o, status, what, now)
    flown = status.candidate
    if flown is not None and _is_forged(flown):
        what = f"status.candidate is called {short(flown.digest)}, but its content is another"
        return _told(_grounded(status), f"{what}; it does not fly", now)
    if (split := _allowed(o, status)) != status.split:
        what = f"{status.split.candidate} % on the candidate at {status.stage}"
        return _told(status.but(split=split), f"{what}: back to {split.candidate} %", now)
    return status


def _false_good(o: Observed, status: AIFeatureStatus) -> str | None:
    """What is wrong with last-known-good. Without any record of a good release nothing is known."""
    good = status.last_known_good
    if good is None:
        return None
    name = short(good.digest)
    if _is_forged(good):
        return f"status.lastKnownGood is called {name}, but its content is another"
    record = o.record(good.digest)
    if record is None:
        told = f"status.lastKnownGood is {name}, of which there is no record"
        return told if good_releases(o) else None
    if record.good_since is None:
        return f"status.lastKnownGood is {name}, which never landed by its record"
    if record.quarantined_attempt is not None:
        return f"status.lastKnownGood is {name}, which is quarantined by its record"
    return None


def _from_records(
    o: Observed, status: AIFeatureStatus, what: str, now: datetime
) -> AIFeatureStatus:
    """Last-known-good as records have it; what flew beside a false one starts again."""
    known = [*good_releases(o), None, None]
    right = status.but(last_known_good=known[0], previous_good=known[1])
    serves = short(known[0].digest) if known[0] is not None else "the fallback"
    if right.stage is not Stage.KILLED:
        right = _grounded(right) if in_flight(right) else right.but(split=ground(right))
    return _told(right, f"{what}; by the records it is {serves}", now)


def _grounded(status: AIFeatureStatus) -> AIFeatureStatus:
    flying = in_flight(status)
    landed = Stage.LIVE if status.last_known_good is not None else None
    return status.but(
        candidate=None,
        stage=landed if flying else status.stage,
        split=ground(status) if flying else status.split,
        step=None if flying else status.step,
        hold=None,
        signals=[],
        evidence=[],
    )


def _allowed(o: Observed, status: AIFeatureStatus) -> Split:
    """The split, if its stage allows it; else the most that it does."""
    flown, step = status.candidate, status.step
    if status.stage is Stage.KILLED:
        return ALL_FALLBACK
    if not in_flight(status) or flown is None or status.stage is Stage.PREFLIGHT or step is None:
        return ground(status) if status.split.candidate else status.split
    if flown.adopted or flown.plan_digest != plan_digest(o.feature.spec):
        return status.split
    steps = steps_of(o.feature.spec, flown)
    most = steps[min(step.index, len(steps) - 1)].weight_percent
    return split_at(status, most) if status.split.candidate > most else status.split


def _is_forged(known: KnownRelease) -> bool:
    return release_digest(known.release) != known.digest


def _told(status: AIFeatureStatus, what: str, now: datetime) -> AIFeatureStatus:
    return move(
        status,
        now,
        EventReason.STATUS_TAMPERED,
        f"Status was written by somebody else than the operator: {what}. The audit log of the API "
        "server tells who it was; policy goaround-status refuses it.",
        warning=True,
    )
