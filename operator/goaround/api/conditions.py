"""Conditions in the standard shape, and the one rule by which they change.

A condition keeps its `lastTransitionTime` as long as its status stays the same. `Reconciling` and
`Stalled` are abnormal-true: present only while true, and never together (kstatus ranks
`Reconciling` over `Stalled`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from goaround.api.base import Model, Timestamp
from goaround.api.reasons import ConditionType, Reason

ConditionStatus = Literal["True", "False", "Unknown"]
ABNORMAL_TRUE = frozenset(
    {
        ConditionType.RECONCILING,
        ConditionType.STALLED,
        ConditionType.KILLED,
        ConditionType.AWAITING_SIGN_OFF,
        ConditionType.UPSTREAM_INCIDENT,
        ConditionType.CANDIDATE_CHANGED,
        ConditionType.TIMELINE_WAITING,
        ConditionType.CHANGE_FROZEN,
    }
)


class Condition(Model):
    """One condition, as `metav1.Condition`."""

    type: str = Field(max_length=316, description="Type of the condition, in CamelCase.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    observed_generation: int = Field(
        ge=0, description="Generation of the spec that this condition speaks of."
    )
    last_transition_time: Timestamp = Field(description="When the status last changed.")
    reason: str = Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Z][A-Za-z0-9]*$",
        description="Why, as one CamelCase word of a published list.",
    )
    message: str = Field(
        max_length=1024, description="What, value against limit, since when, what happens next."
    )


def condition(
    kind: ConditionType, status: ConditionStatus, reason: Reason, message: str
) -> tuple[ConditionType, ConditionStatus, Reason, str]:
    """One wanted condition; `settled` gives it its times."""
    return (kind, status, reason, message[:1024])


Wanted = tuple[ConditionType, ConditionStatus, Reason, str]


def settled(
    before: Sequence[Condition], wanted: Iterable[Wanted], *, generation: int, now: datetime
) -> list[Condition]:
    """The wanted conditions with their times; abnormal-true ones only while true."""
    times = {(c.type, c.status): c.last_transition_time for c in before}
    return [
        Condition(
            type=kind,
            status=status,
            observed_generation=generation,
            last_transition_time=times.get((kind, status), now),
            reason=reason,
            message=message,
        )
        for kind, status, reason, message in wanted
        if status == "True" or kind not in ABNORMAL_TRUE
    ]


def find(conditions: Sequence[Condition], kind: ConditionType) -> Condition | None:
    return next((c for c in conditions if c.type == kind), None)


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of a list, and how many more there are: a message has to be readable."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
