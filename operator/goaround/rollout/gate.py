"""The gate on the way up: what must be true before anything goes up again.

Pure rules whose verdicts stand in status. It never stands in the way down, and each closed rule
says which act of people opens it: `Resolved` on the incident opens all but the first.
"""

from collections.abc import Iterator, Sequence

from goaround.api.conditions import find
from goaround.api.digest import release_digest, short
from goaround.api.incident import RequestedPhase, TriggerSource
from goaround.api.kinds import AIIncident
from goaround.api.preflight import PreflightVerdict
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.api.status import AIFeatureStatus, GateRule, KillSource
from goaround.rollout.freeze import freezing
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed
from goaround.rollout.signoffs import retried
from goaround.rollout.takeoff import last_attempt


def gate(o: Observed, status: AIFeatureStatus, sources: Sequence[KillSource]) -> list[GateRule]:
    """Every rule with its verdict and what would open it."""
    return [_no_kill_source(sources), *re_enable(o, status)]


def re_enable(o: Observed, status: AIFeatureStatus) -> list[GateRule]:
    """What a new release must show while grave incidents are open; nothing where none is."""
    found = freezing(o)
    return list(_rules(o, status, found)) if found else []


def _rules(o: Observed, status: AIFeatureStatus, found: list[AIIncident]) -> Iterator[GateRule]:
    yield _recovering(found)
    yield _contained(status, found)
    yield _fix_identified(o, status, found)
    if o.feature.spec.preflight is not None:
        yield _preflight_passed(o, status)
    ready = find(o.feature.status.conditions, ConditionType.FALLBACK_READY)
    if ready is not None and ready.reason != Reason.NO_LAST_KNOWN_GOOD:  # else none could land
        yield _rule("fallback-ready", ready.status != "False", ready.message)


def _no_kill_source(sources: Sequence[KillSource]) -> GateRule:
    if not sources:
        return _rule("no-kill-source", True, "nothing says killed")
    named = ", ".join(f"{s.kind} {s.name}" for s in sources)
    return _rule("no-kill-source", False, f"delete or disengage {named}")


def _recovering(found: list[AIIncident]) -> GateRule:
    waiting = [i for i in found if i.spec.requested_phase is not RequestedPhase.RECOVERING]
    if not waiting:
        return _rule("recovery-requested", True, "people asked for recovery")
    told = f"{_named(waiting)}: set spec.requestedPhase to Recovering when a fix is found, or to "
    return _rule("recovery-requested", False, told + "Resolved when it is over")


def _contained(status: AIFeatureStatus, found: list[AIIncident]) -> GateRule:
    waiting = [i for i in found if not _is_contained(status, i)]
    if not waiting:
        return _rule("contained", True, "what did harm serves nobody")
    told = f"{_named(waiting)}: not seen to be contained yet; wait for it, or set requestedPhase "
    return _rule("contained", False, told + "to Resolved")


def _is_contained(status: AIFeatureStatus, incident: AIIncident) -> bool:
    """A kill that is over has nothing left to contain, nor has what people opened by hand."""
    source = incident.spec.trigger.source
    over = source is TriggerSource.KILL and status.stage is not Stage.KILLED
    by_hand = source is TriggerSource.MANUAL
    return over or by_hand or incident.status.milestones.contained_at is not None


def _fix_identified(o: Observed, status: AIFeatureStatus, found: list[AIIncident]) -> GateRule:
    """Another release than those that failed, or one that people asked for again."""
    wanted = release_digest(o.feature.spec.release)
    failed = [i for i in found if i.spec.trigger.digest == wanted]
    flown = status.candidate if in_flight(status) else None
    mine = flown is not None and flown.digest == wanted
    attempt = flown.attempt - 1 if mine and flown else last_attempt(o, status, wanted)
    name = "fix-identified"
    if not failed:
        return _rule(name, True, f"release {short(wanted)} is not the one that failed")
    if retried(o, wanted, attempt):
        return _rule(name, True, f"people asked for release {short(wanted)} again")
    return _rule(
        name,
        False,
        f"release {short(wanted)} is the one of {_named(failed)}: ask for a fixed one, or create "
        f"an AISignOff Retry with digest {wanted}, attempt {attempt}",
    )


def _preflight_passed(o: Observed, status: AIFeatureStatus) -> GateRule:
    known, wanted = status.preflight, release_digest(o.feature.spec.release)
    passed = known is not None and known.verdict is PreflightVerdict.PASSED
    if known is not None and passed and known.digest == wanted:
        return _rule("preflight-passed", True, known.message or "passed")
    return _rule("preflight-passed", False, f"pre-flight of {short(wanted)} has not passed yet")


def _named(found: list[AIIncident]) -> str:
    return "AIIncident " + ", ".join(i.metadata.name for i in found[:3])


def _rule(name: str, is_open: bool, reason: str) -> GateRule:
    return GateRule(name=name, open=is_open, reason=reason[:512])
