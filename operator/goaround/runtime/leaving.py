"""What a way down takes users off, and what flag replicas are asked when status is late with it.

Tells a candidate that comes back from a last-known-good that turned bad. Decides neither whether
anything goes down nor when replicas are told.
"""

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import (
    ALL_FALLBACK,
    ALL_STABLE,
    AIFeatureStatus,
    KnownRelease,
    LatchCause,
    Split,
)
from goaround.delivery.control import Lowering
from goaround.rollout.moves import ground, lands
from goaround.rollout.stated import DOWN


def goes_down(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether users are taken away from a release otherwise than by landing, or a kill or
    drill begins."""
    if after.stage is Stage.KILLED and before.stage is not Stage.KILLED:
        return True
    if _leaves_good(before, after) or (after.drill is not None and before.drill is None):
        return True
    return after.split.candidate < before.split.candidate and not lands(before, after)


def _leaves_good(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether last-known-good turned bad."""
    return after.stage in DOWN and after.last_known_good != before.last_known_good


def lowering(feature: AIFeature, after: AIFeatureStatus, *, sent: int = 0) -> Lowering | None:
    """What replicas are asked while `after` is not in status yet; None where nobody is on a release
    that is left: a kill of what is live reaches replicas by their own watch, or not at all.

    It holds until anything newer than what stands in status is heard. `sent` is the revision of a
    move up that was given up half-way: if that still arrives, it must not count as newer.
    """
    before = feature.status
    flown, next_one = before.candidate, after.candidate
    if before.last_known_good is not None and _leaves_good(before, after):
        left, back_to = before.last_known_good.digest, after.last_known_good
        return _leaving(feature, left, back_to, max(before.revision, sent))
    if flown is None or before.split.candidate == 0:
        return None
    same = next_one is not None and (next_one.digest, next_one.attempt) == (
        flown.digest,
        flown.attempt,
    )
    split = after.split if same or after.stage is Stage.KILLED else ground(before)
    return _lowering(feature, split, max(before.revision, sent))


def unheard(feature: AIFeature) -> Lowering | None:
    """What a replica is asked that did not hear of a decision that stands in status: it is to hold
    until it hears of that very decision."""
    status = feature.status
    if status.stage not in DOWN or not status.latches or status.latches[0].delivered_at is not None:
        return None
    latch, revision = status.latches[0], status.revision - 1
    if latch.cause is LatchCause.SIGNAL and latch.stage == Stage.LIVE and latch.digest is not None:
        return _leaving(feature, latch.digest, latch.back_to, revision)
    return _lowering(feature, status.split, revision)


def _leaving(
    feature: AIFeature, digest: str, back_to: KnownRelease | None, revision: int
) -> Lowering:
    """What was last-known-good is to be served to nobody."""
    return Lowering(
        uid=feature.metadata.uid,
        attempt=0,
        digest=digest,
        split=ALL_STABLE if back_to is not None else ALL_FALLBACK,
        revision=revision,
        back_to=back_to.digest if back_to is not None else None,
    )


def _lowering(feature: AIFeature, split: Split, revision: int) -> Lowering | None:
    flown = feature.status.candidate
    if flown is None:
        return None
    return Lowering(
        uid=feature.metadata.uid,
        attempt=flown.attempt,
        digest=flown.digest,
        split=split,
        revision=revision,
    )
