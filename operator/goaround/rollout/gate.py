"""The gate on the way up: what must be true before anything goes up again.

Pure rules whose verdicts stand in status. It never stands in the way down, and each closed rule
says which act of people opens it: `Resolved` on the incident opens all but the first.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from goaround.api.conditions import find
from goaround.api.digest import release_digest, short
from goaround.api.incident import RequestedPhase
from goaround.api.kinds import AIIncident
from goaround.api.preflight import PreflightVerdict
from goaround.api.reasons import ConditionType, Reason, Stage
from goaround.api.recovery import learnt
from goaround.api.signals import Layer
from goaround.api.status import AIFeatureStatus, GateRule, KillSource
from goaround.api.trigger import TriggerSource
from goaround.rollout.break_glass import lets_through
from goaround.rollout.containing import INCIDENT, limited
from goaround.rollout.freeze import freezing, held
from goaround.rollout.moves import in_flight
from goaround.rollout.observed import Observed
from goaround.rollout.signoffs import retried
from goaround.rollout.takeoff import last_attempt


def gate(o: Observed, status: AIFeatureStatus, sources: Sequence[KillSource]) -> list[GateRule]:
    """Every rule with its verdict and what would open it."""
    return [_no_kill_source(sources), *re_enable(o, status)]


def re_enable(o: Observed, status: AIFeatureStatus) -> list[GateRule]:
    """What a new release must show while grave incidents are open; nothing where none is, nor for a
    release that people let through by breaking the glass."""
    found = [i for i in freezing(o) if not lets_through(o, status, i)]
    return list(_rules(o, status, found)) if found else []


def waits_for(o: Observed, status: AIFeatureStatus, now: datetime) -> str | None:
    """What incidents keep a release from going up for; None where none does."""
    flown = status.candidate if in_flight(status) else None
    if (why := held(o, status, re_enable(o, status))) is not None:
        return why
    return None if flown is not None and flown.adopted else limited(o, now)


def comes_back(o: Observed, status: AIFeatureStatus) -> str | None:
    """What last-known-good waits for after a kill that an incident asked for: for people's word on
    that incident, not for what a new release must show. None where nothing closes the gate."""
    asked = status.kill is not None and any(s.kind == INCIDENT for s in status.kill.sources)
    closed = [r for r in re_enable(o, status) if not r.open and r.name not in OF_A_RELEASE]
    if not asked or not closed:
        return None
    return f"{Reason.CHANGE_FREEZE}: the fallback serves until the gate is open. {closed[0].reason}"


OF_A_RELEASE = frozenset({"fix-identified", "preflight-passed", "fallback-ready"})


def _rules(o: Observed, status: AIFeatureStatus, found: list[AIIncident]) -> Iterator[GateRule]:
    yield _recovering(found)
    yield _contained(status, found)
    yield from _learnt(o, found)
    yield _fix_identified(o, status, found)
    if o.feature.spec.preflight is not None:
        yield _preflight_passed(o, status)
    ready = find(o.feature.status.conditions, ConditionType.FALLBACK_READY)
    if ready is not None and ready.reason != Reason.NO_LAST_KNOWN_GOOD:  # else none could land
        yield _rule("fallback-ready", ready.status != "False", ready.message)


def _learnt(o: Observed, found: list[AIIncident]) -> Iterator[GateRule]:
    """What people must have said of all of them; the first that lacks it is named."""
    good = {s.name for s in o.feature.status.signals if s.verdict == "Good"}
    layers = {s.name: s.watches for s in o.feature.spec.acceptance.signals}
    green = {name for name in good if layers.get(name) is Layer.DATA_PIPELINE}
    by_name: dict[str, list[tuple[AIIncident, GateRule]]] = {}
    for incident in found:
        for rule in learnt(incident.spec, incident.status, green):
            by_name.setdefault(rule.name, []).append((incident, rule))
    for name, said in by_name.items():
        incident, rule = next(((i, r) for i, r in said if not r.open), said[0])
        told = rule.reason if rule.open else f"AIIncident {incident.metadata.name}: {rule.reason}"
        yield _rule(name, rule.open, told)


def _no_kill_source(sources: Sequence[KillSource]) -> GateRule:
    if not sources:
        return _rule("no-kill-source", True, "nothing says killed")
    asking = [s.name for s in sources if s.kind == INCIDENT]
    others = [f"{s.kind} {s.name}" for s in sources if s.kind != INCIDENT]
    told = [f"delete or disengage {', '.join(others)}"] if others else []
    told += [f"withdraw spec.containment of AIIncident {', '.join(asking)}"] if asking else []
    return _rule("no-kill-source", False, "; ".join(told))


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
