"""People keep a flight where it is: `spec.suspend` in Git, or an annotation of whoever is on call.

Both stop whatever goes up, and the clock of its deadlines. Neither stands before any way down, and
neither is a fault: what waits for them is not stalled.
"""

from goaround.api import names
from goaround.api.conditions import Wanted, condition
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.observed import Observed
from goaround.rollout.signoffs import hold_reason

LONGEST_REASON = 200


def suspended(o: Observed) -> str | None:
    """Who keeps it from going up, and what ends that; None where nobody does."""
    meta, found = o.feature.metadata, []
    if o.feature.spec.suspend:
        found.append("spec.suspend is true (take it out of Git)")
    if (reason := meta.annotations.get(names.HOLD)) is not None:
        why = " ".join(reason.split())[:LONGEST_REASON] or "no reason given"
        undo = f"kubectl annotate aif {meta.name} {names.HOLD}-"
        found.append(f"annotation {names.HOLD} says: {why} ({undo})")
    if not found:
        return None
    return f"{Reason.SUSPENDED}: {' and '.join(found)}; nothing goes up until then"


def is_suspended(status: AIFeatureStatus) -> bool:
    """Whether that is what it was last said to wait for."""
    return hold_reason(status.hold) is Reason.SUSPENDED


def said(o: Observed) -> Wanted | None:
    """`Suspended`, in every stage; absent where nobody holds it."""
    why = suspended(o)
    if why is None:
        return None
    return condition(ConditionType.SUSPENDED, "True", Reason.SUSPENDED, why)
