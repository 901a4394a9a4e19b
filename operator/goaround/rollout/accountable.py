"""What people still have to say or go through: contacts, runbooks, neighbours without a check.

It tells gaps; it moves nobody and holds nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from goaround.api.conditions import Wanted, condition, some
from goaround.api.feature import AIFeatureSpec, RiskTier
from goaround.api.neighbours import DependencyKind
from goaround.api.preflight import Neighbour
from goaround.api.reasons import ConditionType, Reason

REVIEWED_EVERY: Final = timedelta(days=92)

SEAMS: Final = {
    DependencyKind.TOOL: Neighbour.TOOL,
    DependencyKind.VECTOR_STORE: Neighbour.STORAGE,
    DependencyKind.DATA_SOURCE: Neighbour.INPUT,
}
"""Which kind of neighbour a declared dependency is; what has no seam of ours is in none."""


def stated(spec: AIFeatureSpec, now: datetime) -> Wanted | None:
    """`AccountabilityStated=False` with what is missing, where the tier is High, or a runbook or
    waivers are stated; absent where nothing is."""
    kind, high = ConditionType.ACCOUNTABILITY_STATED, spec.risk_tier is RiskTier.HIGH
    waivers = spec.preflight is not None and spec.preflight.waivers
    if not high and spec.runbook is None and not waivers:
        return None
    gaps = [*(_contact(spec) if high else ()), *_runbook(spec, now), *_seams(spec)]
    return condition(kind, "False", Reason.NOT_GIVEN, some(gaps, 2)) if gaps else None


def unchecked(spec: AIFeatureSpec) -> list[Neighbour]:
    """Neighbours that are declared, and have neither a contract check nor a waiver."""
    wanted = {SEAMS[d.kind] for d in spec.dependencies if d.kind in SEAMS}
    if (asked := spec.preflight) is not None:
        wanted -= {c.neighbour for c in asked.contracts} | {w.neighbour for w in asked.waivers}
    return sorted(wanted)


def _contact(spec: AIFeatureSpec) -> Iterator[str]:
    if spec.regulatory is None or spec.regulatory.contact is None:
        yield "riskTier High asks for regulatory.contact: say who talks to the regulator"


def _runbook(spec: AIFeatureSpec, now: datetime) -> Iterator[str]:
    book = spec.runbook
    if book is None:
        return
    if book.reviewed_at is None:
        yield "the runbook was never reviewed: go through it, and set runbook.reviewedAt"
    elif (age := now - book.reviewed_at) > REVIEWED_EVERY:
        limit = REVIEWED_EVERY.days
        yield f"the runbook was reviewed {age.days} days ago (limit {limit}): go through it again"


def _seams(spec: AIFeatureSpec) -> Iterator[str]:
    for neighbour in unchecked(spec):
        yield (
            f"{neighbour} has neither a contract check nor a waiver: state one in "
            "preflight.contracts or preflight.waivers"
        )
