"""Which texts a release means that has them by reference, and what an edit of them does.

Spec names places; a release is its texts. What flies or is live means what its record holds,
whatever the ConfigMap says by now. Refuses to fly a text under the digest of another, and to take
off without all of them; it never stands in the way down.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from goaround.api.conditions import Wanted, condition
from goaround.api.content import ContentRef
from goaround.api.digest import release_digest, short
from goaround.api.feature import Release
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Contents, Observed, Problem, Record
from goaround.rollout.planned import WriteRecord

UNREAD = "the ConfigMaps that the release names have not been read yet"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def resolved(o: Observed) -> Observed:
    """`o` with the release of spec as it is meant: every reference with the hash of its text, as
    far as that is known; and with what a person must change about its ConfigMaps."""
    spec, wanted = o.feature.spec, o.feature.spec.content
    if not any(wanted.refs):
        return o
    kept = _kept(o, wanted)
    release = kept or _read(o, wanted) or _recorded(o, wanted)
    if kept is not None:
        found = _edited_in_flight(o, kept)
    else:
        found = _faults(o, wanted) if release is None else []
    feature = o.feature.but(spec=spec.but(release=release or wanted))
    return replace(o, feature=feature, problems=(*o.problems, *found))


def lacking(o: Observed) -> str | None:
    """Why the release of spec cannot take off for want of a text; None where all are there."""
    release = o.feature.spec.release
    hashes = {ref.hash for ref in release.refs}
    if None in hashes:
        return next((p.message for p in _faults(o, release)), UNREAD)
    if hashes and o.contents is None:
        return UNREAD  # a record knows what once flew under these names, not what they mean now
    record = o.record(release_digest(release))
    if record is not None and not hashes <= record.holds:
        return (
            f"release record {record.name} lacks a text: put it under a key of its own and name "
            "that in spec, which makes it another release. Keep the record: it holds what this one "
            "has shown"
        )
    return UNREAD if record is None and not hashes <= _seen(o).texts.keys() else None


def sooner(o: Observed, wake_at: datetime | None) -> datetime | None:
    """When to look again: ConfigMaps are read again also where nothing else is due."""
    due = (wake_at, _seen(o).next_at)
    return min((at for at in due if at is not None), default=None)


def texts_of(o: Observed, release: Release) -> dict[str, str]:
    """The texts of the release by hash, as far as ConfigMaps have them now."""
    known = _seen(o).texts
    return {h: known[h] for ref in release.refs if (h := ref.hash) is not None and h in known}


def _seen(o: Observed) -> Contents:
    """What ConfigMaps have; nothing before they were read."""
    return o.contents if o.contents is not None else Contents()


def is_hollow(o: Observed, effect: WriteRecord) -> bool:
    """Whether it would make a record that lacks a text for ever, only because no ConfigMap has been
    read yet: it is asked for again when they have been."""
    unread = o.contents is None and o.record(effect.digest) is None
    return unread and any(ref.hash not in effect.texts for ref in effect.release.refs)


def changed(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`CandidateChanged` while a text of what flies, or is live, was edited in place."""
    flown, good = after.candidate, after.last_known_good
    about = flown if in_flight(after) else good if is_watched(after) else None
    if about is None or about.digest != after.release_digest:
        return None
    edits = _edits(o, about.release)
    if not edits:
        return None
    told = _told(edits, about.digest)
    return condition(ConditionType.CANDIDATE_CHANGED, "True", Reason.EDITED_IN_PLACE, told)


def _kept(o: Observed, wanted: Release) -> Release | None:
    """What flies or is good, where spec names just that."""
    status = o.feature.status
    flown = status.candidate if in_flight(status) else None
    places = (known for known in (flown, status.last_known_good) if known is not None)
    return next((k.release for k in places if _is(k.release, wanted)), None)


def _read(o: Observed, wanted: Release) -> Release | None:
    """With the texts that are in the ConfigMaps now; None where one is not, or not as pinned."""
    known = _seen(o).hashes
    found = _with_hashes(wanted, lambda ref: known.get(ref.place))
    whole = all(ref.hash is not None for ref in found.refs)
    return found if whole and _is(found, wanted) else None


def _recorded(o: Observed, wanted: Release) -> Release | None:
    """What once flew under these names, and whose texts are kept: the one that flew last in
    status, then the newest good one, then the newest."""
    flown = o.feature.status.candidate
    last = flown.digest if flown is not None else None

    def rank(record: Record) -> tuple[bool, datetime, datetime]:
        return record.digest == last, record.good_since or EPOCH, record.created or EPOCH

    found = [r for r in o.records if _is(r.release, wanted) and is_whole(r)]
    return max(found, key=rank).release if found else None


def is_whole(record: Record) -> bool:
    """Whether the record holds every text of its release."""
    return {ref.hash for ref in record.release.refs} <= record.holds


def _is(known: Release, wanted: Release) -> bool:
    """Whether `known` is what `wanted` names: the same but for hashes that `wanted` leaves open."""
    if _with_hashes(known, _none) != _with_hashes(wanted, _none):
        return False
    pairs = zip(known.refs, wanted.refs, strict=True)
    return all(w.hash is None or w.hash == k.hash for k, w in pairs)


def _none(_: ContentRef) -> str | None:
    return None


def _with_hashes(release: Release, hash_for: Callable[[ContentRef], str | None]) -> Release:
    def named(ref: ContentRef | None) -> ContentRef | None:
        return ref.but(hash=hash_for(ref)) if ref is not None else None

    prompt, contract = release.prompt, release.contract
    if prompt is not None:
        prompt = prompt.but(config_map_ref=named(prompt.config_map_ref))
    if contract is not None:
        contract = contract.but(input=named(contract.input), output=named(contract.output))
    return release.but(prompt=prompt, contract=contract)


def _faults(o: Observed, wanted: Release) -> list[Problem]:
    """What is wrong with the ConfigMaps of a release that is to take off."""
    if o.contents is None:
        return []
    found = [p for ref in wanted.refs if (p := o.contents.faults.get(ref.place)) is not None]
    pinned = [
        ref for ref in wanted.refs if ref.hash not in {None, o.contents.hashes.get(ref.place)}
    ]
    return found or [
        Problem(
            Reason.CONTENT_INVALID,
            f"{ref.where}: spec asks for the text {short(ref.hash or '')}, and it has another; put "
            "that text there, or take the hash out",
        )
        for ref in pinned
        if ref.place in o.contents.hashes
    ]


def _edited_in_flight(o: Observed, release: Release) -> list[Problem]:
    """What holds a flight: another text under its name. One that is gone contradicts nobody."""
    flown = o.feature.status.candidate
    if flown is None or not in_flight(o.feature.status) or flown.release != release:
        return []
    if edits := _edits(o, release):
        return [Problem(Reason.CANDIDATE_CHANGED, _told(edits, flown.digest)[:1024])]
    return [p for p in _faults(o, release) if p.reason is Reason.CONTENT_INVALID]


def _edits(o: Observed, release: Release) -> list[str]:
    known = _seen(o).hashes
    return [
        f"{ref.where} has the text {short(now)} instead of {short(ref.hash or '')}"
        for ref in release.refs
        if (now := known.get(ref.place)) is not None and now != ref.hash
    ]


def _told(edits: Iterable[str], digest: str) -> str:
    return (
        f"edited in place: {'; '.join(edits)}. Release {short(digest)} serves what its record "
        "holds. Put the text back, or give the new one a key of its own and name that in spec"
    )
