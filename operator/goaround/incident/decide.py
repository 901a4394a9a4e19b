"""What an AIIncident's status should say, derived from the latch of its feature and then frozen.

Milestones are set once and never rewritten; `Contained` is said only after the effect was seen.
"""

from datetime import datetime, timedelta

from goaround.api import names
from goaround.api.base import rfc3339
from goaround.api.conditions import Condition, condition, settled
from goaround.api.digest import short
from goaround.api.incident import AIIncidentStatus, Milestones, Phase, Severity, TriggerSource
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.reasons import ConditionType, EventReason, Reason
from goaround.api.status import Latch, LatchCause, Transition
from goaround.incident.words import changes

EVENTS_LIVE = timedelta(hours=1)
WHITEBOARD = 40
FREEZES = frozenset({Severity.P1, Severity.P2})


def decide(incident: AIIncident, feature: AIFeature | None, now: datetime) -> AIIncidentStatus:
    """The status of this pass; unchanged where nothing new is known."""
    before = incident.status
    latch = _latch(incident, feature)
    if latch is None:
        stands = _phase(incident, before.milestones) if incident.spec.requested_phase else None
        generation = incident.metadata.generation
        return before.but(observed_generation=generation, phase=stands or before.phase)
    milestones = _milestones(before.milestones, latch)
    after = before.but(
        observed_generation=incident.metadata.generation,
        feature=incident.spec.affects[0].name,
        phase=_phase(incident, milestones),
        milestones=milestones,
        exposed_requests=latch.exposed_requests,
        failed_release=_release(latch),
        serving_release=_serving(latch),
        changes=_changes(latch),
        signals=list(latch.signals) or before.signals,  # an old latch has none any more
        conditions=_conditions(incident, latch, milestones, now),
    )
    return after.but(whiteboard=_whiteboard(incident, after, latch))


def _phase(incident: AIIncident, milestones: Milestones) -> Phase:
    """What people say of it, else what was seen."""
    if (said := incident.spec.requested_phase) is not None:
        return Phase(said.value)
    return Phase.CONTAINED if milestones.contained_at is not None else Phase.DETECTED


def tellings(status: AIIncidentStatus, now: datetime) -> list[Transition]:
    """The events of this incident; none that is older than the events of a cluster live."""
    at = status.milestones
    told = [
        (at.detected_at, EventReason.INCIDENT_OPENED, "Warning", status.whiteboard[1:2]),
        (at.contained_at, EventReason.CONTAINED, "Normal", status.whiteboard[2:3]),
    ]
    return [
        Transition(at=when, reason=reason, type=kind, message="; ".join(lines))
        for when, reason, kind, lines in told
        if when is not None and now - when < EVENTS_LIVE
    ]


def event_name(incident: AIIncident, told: Transition) -> str:
    meta = incident.metadata
    return names.event_name(meta.name, meta.uid, told.at, told.reason)


def _latch(incident: AIIncident, feature: AIFeature | None) -> Latch | None:
    """The latch that it speaks of; None once that was shortened: nothing more is learnt of it."""
    if feature is None:
        return None
    named = (x for x in feature.status.latches if x.incident == incident.metadata.name)
    found = next(named, None)
    return None if found is not None and found.is_shortened else found


def _milestones(known: Milestones, latch: Latch) -> Milestones:
    """Each set once: what is known stays."""
    return Milestones(
        started_at=known.started_at or latch.started_at,
        proven_at=known.proven_at or latch.proven_at,
        detected_at=known.detected_at or latch.at,
        delivered_at=known.delivered_at or latch.delivered_at,
        contained_at=known.contained_at or latch.contained_at,
    )


def _release(latch: Latch) -> str:
    if latch.release is None or latch.digest is None:
        return "none was serving"
    return f"{latch.release.title} ({short(latch.digest)})"


def _serving(latch: Latch) -> str:
    if latch.back_to is None:
        return "the fallback"
    return f"{latch.back_to.release.title} ({short(latch.back_to.digest)})"


def _changes(latch: Latch) -> list[str]:
    if latch.release is None or latch.back_to is None:
        return []
    return changes(latch.release, latch.back_to.release)


def _conditions(
    incident: AIIncident, latch: Latch, milestones: Milestones, now: datetime
) -> list[Condition]:
    kind = ConditionType.CONTAINED
    if milestones.contained_at is not None:
        told = f"no request reached it any more, seen {rfc3339(milestones.contained_at)}"
        wanted = condition(kind, "True", Reason.CONTAINED, told)
    elif milestones.delivered_at is not None:
        told = "delivered to every flag replica; the effect has not been observed yet"
        wanted = condition(kind, "False", Reason.EFFECT_NOT_OBSERVED, told)
    else:
        told = f"decided {rfc3339(latch.at)}; not seen on every flag replica yet"
        wanted = condition(kind, "False", Reason.PENDING, told)
    generation = incident.metadata.generation
    return settled(incident.status.conditions, [wanted], generation=generation, now=now)


def _whiteboard(incident: AIIncident, after: AIIncidentStatus, latch: Latch) -> list[str]:
    """Plain lines for the person at 3 a.m.; `kubectl describe` prints them last."""
    feature = incident.spec.affects[0].name
    head = [
        f"{incident.spec.severity} {feature}: {incident.spec.severity_reason}",
        f"What broke: {latch.message}",
        f"State: {_state(after)}",
        f"Serving now: {after.serving_release}",
        f"Failed: {after.failed_release}, attempt {latch.attempt}, at {latch.weight} % of users",
    ]
    details = [
        *[f"Change: {c}" for c in after.changes],
        *[f"Signal {s.name} {s.verdict}: {s.message}" for s in after.signals],
    ]
    tail = [
        *_times(after.milestones),
        f"Exposed: {_exposed(after)}",
        *[f"Next: {n}" for n in _next_steps(feature, latch, after)],
        *[f"Next: {n}" for n in _thaw(incident)],
    ]
    room = WHITEBOARD - len(head) - len(tail)  # what to do next is never crowded out by details
    return [line[:160] for line in (*head, *details[:room], *tail)]


def _state(after: AIIncidentStatus) -> str:
    return after.conditions[0].message if after.conditions else "detected"


def _exposed(after: AIIncidentStatus) -> str:
    if after.exposed_requests is None:
        return "not known"
    return f"{after.exposed_requests:,} requests were served by the failed release"


def _times(at: Milestones) -> list[str]:
    known = [
        ("first bad window began", at.started_at),
        ("harm proven", at.proven_at),
        ("decided", at.detected_at),
        ("delivered", at.delivered_at),
        ("contained", at.contained_at),
    ]
    return [f"Time: {rfc3339(t)} {told}" for told, t in known if t is not None]


def _thaw(incident: AIIncident) -> list[str]:
    """New releases wait for people's word on a grave incident."""
    grave = incident.spec.severity in FREEZES or incident.spec.trigger.source is TriggerSource.KILL
    outage = incident.spec.trigger.source is TriggerSource.OUTAGE
    if not grave or outage or incident.spec.requested_phase is not None:
        return []
    patch = '{"spec":{"requestedPhase":"Resolved"}}'  # or Recovering
    return [
        "new releases wait for requestedPhase Recovering (a fix may fly) or Resolved (it is over):",
        f"  kubectl patch aii {incident.metadata.name} --type=merge -p '{patch}'",
    ]


def _next_steps(feature: str, latch: Latch, after: AIIncidentStatus) -> list[str]:
    if latch.cause is LatchCause.OUTAGE:
        return [
            "no release is to blame: look at what both arms share (data, network, a provider)",
            f"the flight goes on when stable is within its bounds: kubectl get aifeature {feature}",
        ]
    if latch.cause is LatchCause.KILL:
        return [
            "the fallback serves until every kill source is gone: kubectl get aikillswitches",
            f"watch it come back: kubectl get aifeature {feature} -w",
        ]
    digest, attempt = latch.digest or "", latch.attempt
    calm = "nothing is on fire: users are on what is named under 'Serving now'"
    watch = "not seen to be contained yet: watch State; if in doubt, create an AIKillSwitch"
    back = "put the release of 'Serving now' back into Git, or a fixed one with new versions"
    return [
        calm if after.milestones.contained_at is not None else watch,
        back if latch.back_to is not None else "put a fixed release with new versions into Git",
        f"to fly the same release again: an AISignOff Retry, attempt {attempt}, digest",
        f"  {digest}",
    ]
