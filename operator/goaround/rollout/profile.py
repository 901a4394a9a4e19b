"""Which ramp a flight takes: the normal one, or the slow one that leads back after harm.

Decided once, at take-off, and kept in `status.candidate.reEnables`. Refuses to say whether anything
may fly at all (`freeze.py`, `gate.py`).
"""

from goaround.api.gravity import freezes
from goaround.api.status import AIFeatureStatus
from goaround.rollout.freeze import is_cancelled
from goaround.rollout.observed import Observed
from goaround.rollout.signoffs import retried


def re_enables(o: Observed, status: AIFeatureStatus, digest: str, attempt: int) -> str | None:
    """What the flight that takes off now leads back from; None for the normal ramp. A grave
    incident counts until something has landed after it."""
    good = status.last_known_good
    landed = (
        good.since.replace(microsecond=0) if good is not None else None
    )  # as objects are stamped
    later = [
        i.metadata.name
        for i in o.troubles
        if freezes(i.spec)
        and not is_cancelled(i)
        and (landed is None or (i.metadata.creation_timestamp or landed) >= landed)
    ]
    if later:
        return max(later)
    again = o.quarantined_at(digest) or retried(o, digest, attempt - 1)
    return f"a retry of attempt {attempt - 1}" if again else None
