"""Which conditions a settled status has: kstatus first, then those of this domain.

Says only what was decided elsewhere; decides nothing and keeps no times (`api/conditions.py` does).
"""

from datetime import datetime

from goaround.api.conditions import Wanted, condition
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.api.status import AIFeatureStatus, DeliveryStatus, SignalStatus
from goaround.rollout import breakers, changes, suspend, upstream
from goaround.rollout.accountable import stated
from goaround.rollout.assumptions import rests_on
from goaround.rollout.baseline_age import established
from goaround.rollout.contents import changed
from goaround.rollout.drifts import drifted
from goaround.rollout.frozen import frozen
from goaround.rollout.go_back import is_back
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Observed
from goaround.rollout.preflight import passed
from goaround.rollout.risk import said
from goaround.rollout.signoffs import hold_reason, is_waiting
from goaround.rollout.watched import shifted, watched
from goaround.rollout.wayback import fallback_ready

UP = {
    Stage.PREFLIGHT: Reason.PREFLIGHT,
    Stage.RAMPING: Reason.RAMPING,
    Stage.HOLDING: Reason.HOLDING,
    Stage.CRUISING: Reason.CRUISING,
}
DOWN = {
    Stage.ROLLED_BACK: Reason.ROLLED_BACK,
    Stage.INCONCLUSIVE: Reason.INCONCLUSIVE,
    Stage.REJECTED: Reason.REJECTED,
    Stage.KILLED: Reason.KILLED,
}


def conditions(o: Observed, after: AIFeatureStatus, now: datetime) -> list[Wanted]:
    """All that hold, in the order in which people read them."""
    found = [*_kstatus(o, after), shifted(o, after) or _healthy(after)]
    if after.stage is Stage.KILLED and after.kill is not None:
        by_switch = any(s.kind != "Spec" for s in after.kill.sources)
        reason = Reason.KILL_SWITCH_ENGAGED if by_switch else Reason.SPEC_KILL_SWITCH
        found.append(condition(ConditionType.KILLED, "True", reason, after.summary or ""))
    if in_flight(after) and (rests := rests_on(o, after)) is not None:
        found.append(rests)
    if (held := suspend.said(o)) is not None:
        found.append(held)
    if (asked := _awaiting(after)) is not None:
        found.append(asked)
    if (checked := passed(o, after)) is not None:
        found.append(checked)
    if after.delivery is not None:
        found.append(_delivered(o, after, after.delivery))
    if is_watched(after):
        found.append(watched(o, after))
    found.append(fallback_ready(o, after))
    if (drift := drifted(o, after)) is not None:
        found.append(drift)
    more = (
        changed(o, after),
        upstream.told(o),
        breakers.told(o),
        changes.told(o, after),
        frozen(o, after),
        established(o, after, now),
        stated(o.feature.spec, now),
        *said(o.feature.spec),
    )
    return [*found, *(one for one in more if one is not None)]


def _kstatus(o: Observed, after: AIFeatureStatus) -> list[Wanted]:
    """`Ready`, and one of the abnormal-true ones, never both."""
    told = after.summary or ""
    if o.problems:
        reason, told = o.problems[0].reason, o.problems[0].message
        return [
            condition(ConditionType.READY, "False", reason, told),
            condition(ConditionType.STALLED, "True", reason, told),
        ]
    stage = after.stage
    if after.drill is not None:
        return [
            condition(ConditionType.READY, "Unknown", Reason.DRILL, told),
            condition(ConditionType.RECONCILING, "True", Reason.DRILL, told),
        ]
    if stage in DOWN and not waits(after):
        return [
            condition(ConditionType.READY, "False", DOWN[stage], told),
            condition(ConditionType.STALLED, "True", DOWN[stage], told),
        ]
    if stage is Stage.LIVE and is_back(o, after):
        return [condition(ConditionType.READY, "True", Reason.ROLLED_BACK_TO, told)]
    if stage is Stage.LIVE and _serves_spec(after):
        return [condition(ConditionType.READY, "True", Reason.ROLLOUT_COMPLETE, told)]
    reason = UP.get(stage, Reason.PREFLIGHT) if stage is not None else Reason.PREFLIGHT
    if waits(after):
        reason = Reason.HOLDING
    if (after.hold or "").startswith(Reason.SAMPLE_RATIO_MISMATCH):
        reason = Reason.SAMPLE_RATIO_MISMATCH
    reason = hold_reason(after.hold) or reason
    return [
        condition(ConditionType.READY, "Unknown", reason, told),
        condition(ConditionType.RECONCILING, "True", reason, told),
    ]


def waits(after: AIFeatureStatus) -> bool:
    """Whether a release would take off now, if nothing stopped everything that goes up."""
    return after.hold is not None and after.step is None and after.stage is not Stage.KILLED


def _serves_spec(after: AIFeatureStatus) -> bool:
    """Live may still serve the release before the one in spec, for the pass in between."""
    good = after.last_known_good
    return good is not None and good.digest == after.release_digest


def _healthy(after: AIFeatureStatus) -> Wanted:
    kind = ConditionType.SIGNALS_HEALTHY
    verdicts = {s.verdict for s in after.signals}
    if "Bad" in verdicts:
        told = _named(after.signals, "Bad")
        return condition(kind, "False", Reason.LIMIT_EXCEEDED, told)
    if not verdicts:
        return condition(kind, "Unknown", Reason.NO_DATA, "no evidence yet")
    if "Unknown" in verdicts:
        return condition(kind, "Unknown", Reason.NO_DATA, _named(after.signals, "Unknown"))
    if "Undecided" in verdicts:
        return condition(kind, "Unknown", Reason.UNDECIDED, _named(after.signals, "Undecided"))
    return condition(kind, "True", Reason.WITHIN_LIMITS, "every signal is accepted")


def _named(signals: list[SignalStatus], verdict: str) -> str:
    return "; ".join(s.message for s in signals if s.verdict == verdict)


def _delivered(o: Observed, after: AIFeatureStatus, seen: DeliveryStatus) -> Wanted:
    kind, answers = ConditionType.DELIVERED, o.delivered
    if seen.replicas == 0 or (answers is not None and answers.replicas < answers.expected):
        return condition(kind, "Unknown", Reason.REPLICAS_UNREACHABLE, seen.message)
    if seen.revision < after.revision:
        told = f"revision {after.revision} is not streamed by every replica yet; {seen.message}"
        return condition(kind, "False", Reason.PENDING, told)
    if seen.streams == 0:
        return condition(kind, "True", Reason.DELIVERED_TO_NOBODY, f"to nobody: {seen.message}")
    return condition(kind, "True", Reason.DELIVERED, seen.message)


def _awaiting(after: AIFeatureStatus) -> Wanted | None:
    kind, said = ConditionType.AWAITING_SIGN_OFF, after.sign_off
    if said is not None and said.rejected_by is not None:
        return condition(kind, "True", Reason.REJECTED, f"rejected by {said.rejected_by}")
    if is_waiting(after.hold):
        return condition(kind, "True", Reason.PENDING, after.hold or "")
    return None
