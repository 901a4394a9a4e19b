"""The whiteboard: the incident in plain lines, for the person who runs it at 3 a.m.

Decides wording and order only. `kubectl describe` prints it last, above the events.
"""

from datetime import datetime

from goaround.api.base import rfc3339
from goaround.api.incident import AIIncidentStatus, TriggerSource
from goaround.api.incident_status import Milestones
from goaround.api.status import Latch, LatchCause
from goaround.incident.seen import Seen

WHITEBOARD = 40


def with_whiteboard(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The last step of a pass: what all the others found, in words."""
    latch = seen.latch
    return after if latch is None else after.but(whiteboard=_whiteboard(seen, after, latch))


def _whiteboard(seen: Seen, after: AIIncidentStatus, latch: Latch) -> list[str]:
    """The worst first, what to do next last."""
    feature = seen.subject
    head = [
        f"{seen.spec.severity} {feature}: {seen.spec.severity_reason}",
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
        *[f"Next: {n}" for n in _thaw(seen)],
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


def _thaw(seen: Seen) -> list[str]:
    """New releases wait for people's word on a grave incident."""
    outage = seen.spec.trigger.source is TriggerSource.OUTAGE
    if not seen.is_grave or outage or seen.spec.requested_phase is not None:
        return []
    patch = '{"spec":{"requestedPhase":"Resolved"}}'  # or Recovering
    return [
        "new releases wait for requestedPhase Recovering (a fix may fly) or Resolved (it is over):",
        f"  kubectl patch aii {seen.incident.metadata.name} --type=merge -p '{patch}'",
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
