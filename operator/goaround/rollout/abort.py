"""Abort: an annotation names one attempt of one release, and that attempt ends at once.

Decides whom an annotation is meant for, and what an aborted release may do afterwards: nothing,
until a Retry. It is dealt with once: what is meant for nobody who flies now is told and never acted
upon later, so that it cannot hit the next attempt.
"""

import re
from datetime import datetime

from goaround.api import names
from goaround.api.control import LONGEST_REMEMBERED
from goaround.api.digest import is_named, short
from goaround.api.feature import Mode
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, LatchCause
from goaround.rollout.down import by_people
from goaround.rollout.moves import in_flight, move, never_back_to_it
from goaround.rollout.observed import Observed
from goaround.rollout.takeoff import last_attempt

WORDS = re.compile(r"(?:sha256:)?([0-9a-f]{12}|[0-9a-f]{64})/([1-9][0-9]{0,8})")
SHOWN = 100
ABORTED = LatchCause.ABORTED


def heard(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status` that has taken note of the annotation: one that ends nothing is told once."""
    asked = _asked(o)
    if asked is None or asked == status.last_abort:
        return status if asked is not None else status.but(last_abort=None)
    if (why := _why_not(o, status)) is None:
        return status
    return move(
        status,
        now,
        EventReason.ABORT_IGNORED,
        f"Annotation {names.ABORT} {asked[:SHOWN]!r} ends nothing: {why}. It is not looked at "
        "again until it changes.",
        warning=True,
        last_abort=asked,
    )


def is_asked(o: Observed, status: AIFeatureStatus) -> bool:
    """Whether what flies, or flew until it was killed, is to come down by it."""
    asked = _asked(o)
    new = asked is not None and asked != status.last_abort
    return new and _why_not(o, status) is None


def abort(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """The candidate has no users any more; its release stays down until a Retry. No proof of harm,
    hence no quarantine; but people spoke against it, so that it is not gone back to either."""
    flown, status = status.candidate, never_back_to_it(status)
    assert flown is not None
    if status.stage is Stage.KILLED:
        # it flew until then, and would start again now
        status = status.but(stage=Stage.HOLDING, kill=None)
    why = (
        f"aborted by annotation {names.ABORT}; to fly it again a release manager creates an "
        f"AISignOff Retry for this digest, attempt {flown.attempt}"
    )
    then = "A new release in Git flies at once."
    ended = by_people(o, status, now, ABORTED, why=why, then=then)
    return ended.but(last_abort=_asked(o))


def aborted_at(o: Observed, status: AIFeatureStatus, digest: str) -> int:
    """The attempt in which people aborted this release; 0 if they did not, or it flew since.

    Read from its record and from the latches, because the mark on the record follows the latch.
    """
    record = o.record(digest)
    marked = record is not None and record.outcome == ABORTED.value
    found = [record.attempts] if record is not None and marked else []
    found += [x.attempt for x in status.latches if (x.cause, x.digest) == (ABORTED, digest)]
    newest = max(found, default=0)
    return newest if newest >= last_attempt(o, status, digest) else 0


def _asked(o: Observed) -> str | None:
    """The annotation, as it is remembered; whatever has a meaning is shorter."""
    found = o.feature.metadata.annotations.get(names.ABORT)
    return None if found is None else found.strip()[:LONGEST_REMEMBERED]


def _why_not(o: Observed, status: AIFeatureStatus) -> str | None:
    """Why the annotation ends nothing now; None where it does."""
    words, flown, good = WORDS.fullmatch(_asked(o) or ""), status.candidate, status.last_known_good
    killed = status.stage is Stage.KILLED
    if words is None:
        return f"it has to be <digest>/<attempt>, {_for_example(status)}"
    digest, attempt = words.groups()
    if o.feature.spec.mode is Mode.OBSERVE and not killed:
        return "mode Observe moves nothing"
    meant = flown is not None and is_named(flown.digest, digest) and int(attempt) == flown.attempt
    if flown is None or not meant:
        if good is not None and is_named(good.digest, digest):
            return f"{short(good.digest)} is last-known-good, and no candidate; {_INSTEAD}"
        return f"it names another release or attempt, {_for_example(status)}"
    if flown.adopted:
        return f"{short(flown.digest)} was adopted and serves already; {_INSTEAD}"
    if in_flight(status) or (killed and o.quarantined_at(flown.digest) < flown.attempt):
        return None
    return f"attempt {flown.attempt} of {short(flown.digest)} is down already ({status.stage})"


_INSTEAD = "create an AIKillSwitch to take it off users, or set spec.rollbackTo"


def _for_example(status: AIFeatureStatus) -> str:
    flown = status.candidate
    if flown is None or not in_flight(status):
        return "and no release is in flight now"
    return f"and what flies now is {short(flown.digest)}/{flown.attempt}"
