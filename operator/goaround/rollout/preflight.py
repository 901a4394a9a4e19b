"""Before the first step: what pre-flight found, what it means, and what it waits for.

Decides by verdicts that were reached elsewhere. Refuses to raise anybody: all of it happens at 0 %
of users, and no missing endpoint turns into proof of harm.
"""

from datetime import datetime, timedelta

from goaround.api import names
from goaround.api.conditions import ConditionStatus, Wanted, condition
from goaround.api.digest import plan_digest, short
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from goaround.api.status import AIFeatureStatus, Candidate
from goaround.rollout.moves import move
from goaround.rollout.observed import Checked, Observed

REASONS = {
    PreflightVerdict.PASSED: Reason.PASSED,
    PreflightVerdict.FAILED: Reason.FAILED,
    PreflightVerdict.TOO_FEW: Reason.TOO_FEW,
}


def begun(
    o: Observed, status: AIFeatureStatus, flown: Candidate, now: datetime
) -> PreflightStatus | None:
    """The pre-flight of a candidate that takes off now; without one, what is known of a pin that
    may still exist."""
    wanted, left = o.feature.spec.preflight, status.preflight
    if wanted is None or flown.adopted:
        return left if left is not None and left.pin is not None else None
    name = o.feature.metadata.name
    return PreflightStatus(
        digest=flown.digest,
        attempt=flown.attempt,
        started_at=now,
        deadline_at=now + timedelta(seconds=wanted.deadline_seconds),
        pin=names.pin_name(name),
    )


def planned(o: Observed, status: AIFeatureStatus) -> str:
    """Digest of the plan as it is now, with the golden set as it was last read."""
    spec, known, checked = o.feature.spec, status.preflight, _mine(o, status)
    if spec.preflight is None or spec.preflight.golden_set is None:
        return plan_digest(spec)
    if checked is not None and checked.golden is not None:
        return plan_digest(spec, checked.golden)
    mine = known is not None and _is_of(known, status.candidate)
    return plan_digest(spec, known.golden_hash if known is not None and mine else None)


def heard(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status` with what pre-flight has found since: the hash of its golden set, its verdict, and
    whether its pin is gone."""
    return _without_pin(o, _noted(o, status, now))


def _noted(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    flown, known, checked = status.candidate, status.preflight, _mine(o, status)
    if checked is None or known is None or flown is None or not is_awaited(status):
        return status
    if known.golden_hash is None and checked.golden is not None:
        known = known.but(golden_hash=checked.golden)
        status = status.but(preflight=known)
        status = status.but(candidate=flown.but(plan_digest=planned(o, status)))
    found = checked.found
    if found is None or planned(o, status) != (status.candidate or flown).plan_digest:
        return status
    known = known.but(
        verdict=found.verdict,
        passed=found.passed,
        total=found.total,
        by_tag=list(found.by_tag),
        regressions=list(found.regressions),
        report=checked.report,
        finished_at=now,
        message=found.message,
    )
    if found.verdict is not PreflightVerdict.PASSED:
        return status.but(preflight=known)
    told = f"Release {short(flown.digest)} passed its pre-flight at 0 % of users: {found.message}"
    return move(status, now, EventReason.PREFLIGHT_PASSED, told, preflight=known, hold=None)


def verdict(status: AIFeatureStatus) -> PreflightVerdict | None:
    """What stands against or for the candidate before its first step; None: nothing yet, or
    nothing is asked."""
    known = status.preflight
    if status.stage is not Stage.PREFLIGHT or not _is_of(known, status.candidate):
        return None
    return known.verdict if known is not None and not known.is_running else None


def is_awaited(status: AIFeatureStatus) -> bool:
    """Whether the candidate waits for its verdict."""
    known = status.preflight
    running = known is not None and known.is_running and _is_of(known, status.candidate)
    return status.stage is Stage.PREFLIGHT and running


def ended(status: AIFeatureStatus, now: datetime) -> str | None:
    """Why it ended without proof; `now` stands still where people stopped the flight."""
    known = status.preflight
    if verdict(status) is PreflightVerdict.TOO_FEW and known is not None:
        return f"pre-flight proves nothing: {known.message}"
    if not is_awaited(status) or known is None or known.deadline_at is None:
        return None
    if now < known.deadline_at:
        return None
    waiting = f" ({status.hold})" if status.hold else ""
    return f"pre-flight reached its deadline without a verdict{waiting}"


def waits(o: Observed, status: AIFeatureStatus) -> AIFeatureStatus:
    """`status` that waits for its verdict, and says what keeps pre-flight from one."""
    checked = _mine(o, status)
    problem = checked.problem if checked is not None else None
    return status.but(hold=problem.message[:512] if problem is not None else None)


def later(known: PreflightStatus | None, by: timedelta) -> PreflightStatus | None:
    """The deadline moves by the time for which people stopped the flight."""
    if known is None or known.deadline_at is None:
        return known
    return known.but(deadline_at=known.deadline_at + by)


def due(o: Observed, status: AIFeatureStatus, now: datetime) -> datetime | None:
    """When to look again although no news came."""
    known, checked = status.preflight, _mine(o, status)
    ends = known.deadline_at if known is not None else None
    soon = checked.next_at if checked is not None else None
    return min((at for at in (ends, soon) if at is not None and at > now), default=None)


def passed(o: Observed, after: AIFeatureStatus) -> Wanted | None:
    """`PreflightPassed` of what flies, or of what landed; absent where none was asked."""
    kind, known, good = ConditionType.PREFLIGHT_PASSED, after.preflight, after.last_known_good
    if known is None or known.digest is None:
        return None
    landed = after.candidate is None and good is not None and known.digest == good.digest
    if not landed and not _is_of(known, after.candidate):
        return None
    if (reason := REASONS.get(known.verdict)) is not None:
        said: ConditionStatus = "True" if reason is Reason.PASSED else "False"
        return condition(kind, said, reason, known.message or "")
    checked = _mine(o, after)
    if is_awaited(after) and checked is not None and checked.problem is not None:
        return condition(kind, "Unknown", checked.problem.reason, checked.problem.message)
    told = "runs at 0 % of users" if is_awaited(after) else "ended without a verdict"
    return condition(kind, "Unknown", Reason.RUNNING if is_awaited(after) else Reason.NO_DATA, told)


def _mine(o: Observed, status: AIFeatureStatus) -> Checked | None:
    """What was checked of this very attempt."""
    checked, flown = o.checked, status.candidate
    if checked is None or flown is None:
        return None
    return checked if (checked.digest, checked.attempt) == (flown.digest, flown.attempt) else None


def _is_of(known: PreflightStatus | None, flown: Candidate | None) -> bool:
    if known is None or flown is None:
        return False
    return (known.digest, known.attempt) == (flown.digest, flown.attempt)


def _without_pin(o: Observed, status: AIFeatureStatus) -> AIFeatureStatus:
    """As long as a verdict is waited for, another run may make the pin again."""
    known, checked = status.preflight, o.checked
    if known is None or known.pin is None or checked is None or is_awaited(status):
        return status
    mine = names.pin_of(o.feature.metadata.uid, known.digest or "", known.attempt)
    return status.but(preflight=known.but(pin=None)) if checked.pin_gone == mine else status
