"""Whether there is a way back, found out before it is needed: `FallbackReady`.

Decides by what is known already: records, the chain in spec, and what an index desk was told. It
only warns. Going back never asks for it, and looks at nothing.
"""

from datetime import datetime, timedelta

from goaround.api.conditions import Wanted, condition
from goaround.api.digest import short
from goaround.api.reasons import ConditionType, Reason
from goaround.api.release import Index
from goaround.api.status import AIFeatureStatus, KnownRelease, WayBack
from goaround.rollout.contents import is_whole
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import IndexFound, IndexState, Observed

CHECKPOINT = timedelta(minutes=30)
"""So long a check that says nothing new is not dated anew."""

LONGEST = timedelta(days=1)
"""So long it waits for something else to be written."""


def with_way_back(
    o: Observed, before: AIFeatureStatus, after: AIFeatureStatus, now: datetime
) -> AIFeatureStatus:
    """`after` with whether each good release can be gone back to, and when that was found out."""
    good, earlier = after.last_known_good, after.previous_good
    if good is None:
        return after.but(way_back=None)
    if _state(o, good) is IndexState.UNKNOWN and _is_of(before.way_back, good):
        return after.but(way_back=before.way_back)
    asked = o.indexes.at if o.indexes is not None and _index(o, good) is not None else now
    found = WayBack(
        digest=good.digest,
        available=_is_there(o, good),
        previous_available=_is_there(o, earlier) if earlier is not None else None,
        verified_at=asked,
    )
    known = before.way_back
    if known is not None and undated(known) == undated(found):
        found = known if asked - known.verified_at < CHECKPOINT else found
    return after.but(way_back=found)


def fallback_ready(o: Observed, after: AIFeatureStatus) -> Wanted:
    """`FallbackReady`: True where last-known-good can serve at once, and the chain ends in no
    model; else what to do about it."""
    kind, good, landing = ConditionType.FALLBACK_READY, after.last_known_good, _landing(o)
    if good is None:
        told = (
            f"no release is known to be good yet, so that only {landing} stands behind this one: "
            "let a release land"
        )
        return condition(kind, "False", Reason.NO_LAST_KNOWN_GOOD, told)
    if (gap := _gap(o, good)) is not None:
        return condition(kind, "False", Reason.RECORD_INCOMPLETE, gap)
    found = _index(o, good)
    if found is not None and found.state is IndexState.DELETED:
        return condition(kind, "False", Reason.INDEX_DELETED, found.message)
    if (clash := _embeds_otherwise(after, good, found)) is not None:
        return condition(kind, "False", Reason.EMBEDDING_MISMATCH, clash)
    if found is not None and found.state is IndexState.UNKNOWN:
        return condition(kind, "Unknown", Reason.INDEX_NOT_CHECKED, found.message)
    told = f"release {short(good.digest)} can be gone back to, behind it {landing}, not probed"
    return condition(kind, "True", Reason.AVAILABLE, told + _second(o, after))


def undated(known: WayBack | None) -> WayBack | None:
    """Without when it was last checked, which is no news."""
    return known.but(verified_at=None) if known is not None else None


def without_a_mere_date(before: AIFeatureStatus, after: AIFeatureStatus) -> AIFeatureStatus:
    """`after`, or `before` where nothing differs but when the way back was checked."""
    known, found = before.way_back, after.way_back
    if known is None or found is None or undated(known) != undated(found):
        return after
    waits = found.verified_at - known.verified_at < LONGEST
    return before if waits and after.but(way_back=known) == before else after


def _landing(o: Observed) -> str:
    landing = o.feature.spec.fallback.landing
    return f"the fallback {landing.name} ({landing.type})"


def _is_of(known: WayBack | None, good: KnownRelease) -> bool:
    return known is not None and known.digest == good.digest


def _is_there(o: Observed, known: KnownRelease) -> bool:
    return _gap(o, known) is None and _state(o, known) is not IndexState.DELETED


def _state(o: Observed, known: KnownRelease) -> IndexState | None:
    found = _index(o, known)
    return found.state if found is not None else None


def _gap(o: Observed, known: KnownRelease) -> str | None:
    """What the record lacks, and what to do; None where it is whole."""
    record, name = o.record(known.digest), short(known.digest)
    if record is None:
        return f"release {name} has no record: ask for it in spec once more, so that it is written"
    if is_whole(record):
        return None
    return (
        f"release record {record.name} lacks a text: put it under a key of its own, name that in "
        "spec and let it land. Keep the record: without it the release is not known to be good"
    )


def _index(o: Observed, known: KnownRelease) -> IndexFound | None:
    """What is known of its index; None where nothing asks for that."""
    index = known.release.index
    if index is None or o.feature.spec.fallback.index_check is None:
        return None
    found = o.indexes.found.get((index.name, index.version)) if o.indexes is not None else None
    told = f"index {index.name}@{index.version} has not been asked for yet"
    return found or IndexFound(IndexState.UNKNOWN, told)


def _embeds_otherwise(
    after: AIFeatureStatus, good: KnownRelease, found: IndexFound | None
) -> str | None:
    """Why going back may find an index of another embedding; None where it cannot, or where the
    index of last-known-good was seen beside that of the candidate."""
    flown = after.candidate if in_flight(after) else None
    ours, theirs = good.release.index, flown.release.index if flown is not None else None
    if flown is None or ours is None or theirs is None or not _clash(ours, theirs):
        return None
    apart = (ours.name, ours.version) != (theirs.name, theirs.version)
    if apart and found is not None and found.state is IndexState.THERE:
        return None
    return (
        f"index {theirs.title} of the candidate is embedded with {theirs.embedding}, {ours.title} "
        f"of last-known-good with {ours.embedding}: keep both until the candidate has landed, and "
        "state fallback.indexCheck so that it is checked"
    )


def _clash(ours: Index, theirs: Index) -> bool:
    stated = ours.embedding is not None and theirs.embedding is not None
    return stated and ours.embedding != theirs.embedding


def _second(o: Observed, after: AIFeatureStatus) -> str:
    """What is wrong with the good release before last-known-good; it is no reason to warn."""
    known = after.previous_good
    if known is None or _is_there(o, known):
        return ""
    return f"; the good one before it, {short(known.digest)}, cannot"
