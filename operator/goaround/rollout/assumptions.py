"""What is said of the assumptions under the evidence of a flight: `EvidenceAssumptions`.

It says whether users were measured, declared independent, or neither, and what follows then.
Whether that holds a flight is not its business.
"""

from goaround.api.conditions import Condition, Wanted, condition, find
from goaround.api.reasons import ConditionType, Reason
from goaround.api.status import AIFeatureStatus
from goaround.rollout.observed import Observed


def rests_on(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """The condition of what flies; what was said before, while nothing is heard of it."""
    kind, judged, flown = ConditionType.EVIDENCE_ASSUMPTIONS, o.judged, after.candidate
    same = judged is not None and flown is not None and judged.digest == flown.digest
    if judged is None or not same:
        return _said(o, after)
    found = judged.assumed
    if found is None:
        return condition(kind, "Unknown", Reason.NO_DATA, "no requests yet")
    return condition(kind, "True" if found.sound else "False", found.reason, found.message)


def is_reading(said: Condition) -> bool:
    """Whether it can wait for the next checkpoint: that all is well, or that nothing is known."""
    return said.type == ConditionType.EVIDENCE_ASSUMPTIONS and said.status != "False"


def _said(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    before, flown = o.feature.status, after.candidate
    flew = before.candidate
    said = find(before.conditions, ConditionType.EVIDENCE_ASSUMPTIONS)
    reason = next((r for r in Reason if said is not None and r == said.reason), None)
    if said is None or reason is None or flown is None or flew is None:
        return None
    if flew.digest != flown.digest:
        return None
    return ConditionType.EVIDENCE_ASSUMPTIONS, said.status, reason, said.message
