"""What status says of the change ledger: how much changed around a feature, and what last.

Only tells. A change of something else neither holds nor moves anybody.
"""

from goaround.api.conditions import Wanted, condition
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.observed import Observed

LONGEST_PROBLEM = 160


def with_changes(o: Observed, after: AIFeatureStatus) -> AIFeatureStatus:
    """`after` with what was found last; what is known stays until there is something newer."""
    if not o.feature.spec.watch.objects:
        return after.but(changes=None)
    known = o.changes.status if o.changes is not None else None
    return after if known is None else after.but(changes=known)


def told(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`ChangesWatched`: whether every object that spec names could be looked at."""
    found, kind = o.changes, ConditionType.CHANGES_WATCHED
    if found is None:
        return None
    if found.problems:
        first, more = found.problems[0], len(found.problems) - 1
        others = f"; and {more} more" if more else ""
        return condition(kind, "False", Reason.OBJECT_UNREADABLE, first[:LONGEST_PROBLEM] + others)
    if after.changes is None:
        return None
    counted = f"{after.changes.last_day} changes in 24 h, told in status.changes"
    return condition(kind, "True", Reason.WATCHED, counted)
