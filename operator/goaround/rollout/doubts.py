"""What keeps a flight from being judged: detection goes on meanwhile, acceptance waits.

It says why in words; whether anything else holds or sends back is not its business.
"""

from datetime import timedelta

from goaround.api.base import rfc3339
from goaround.api.status import AIFeatureStatus
from goaround.rollout.observed import PAUSES, Judged, Observed


def cannot_judge(o: Observed, status: AIFeatureStatus) -> str | None:
    """Why this flight cannot be judged now; None where it can."""
    if o.problems:
        return o.problems[0].message
    judged = o.judged
    if judged is None:
        return None if status.hold is None else status.hold
    if judged.unreadable is not None:
        return judged.unreadable
    if judged.mismatch is not None:
        return judged.mismatch
    if judged.paused is not None and (judged.paused.begins or PAUSES in (status.hold or "")):
        return judged.paused.message
    if status.hold is not None and not judged.heard_all:
        return status.hold  # what held is over only when it was seen to be over
    return _deaf(o, status, judged)


def _deaf(o: Observed, status: AIFeatureStatus, judged: Judged) -> str | None:
    """Neither arm was heard for long; an adopted release is not held for that."""
    flown, limit = status.candidate, o.feature.spec.acceptance.max_blind_seconds
    if flown is None or flown.adopted or judged.deaf_since is None or judged.through is None:
        return None
    if judged.through - judged.deaf_since < timedelta(seconds=limit):
        return None
    # since when, not for how long: a text that counts would be written at every look
    since = rfc3339(judged.deaf_since)
    return f"no request of any arm was seen since {since} (limit {limit} s)"
