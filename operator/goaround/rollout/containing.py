"""Containment that people ask for in `spec.containment` of an open incident. It can lower only.

Decides what is asked, and takes the candidate down to it. It refuses to raise anything: an incident
that is over, or that asks no more, merely stops asking; what then goes up does so by evidence, and
by the gate. Neither freeze, brake nor suspension stands before it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from goaround.api.digest import short
from goaround.api.feature import Mode
from goaround.api.judgement import TO_FALLBACK, ContainmentAction, ContainmentRequest
from goaround.api.kinds import AIIncident
from goaround.api.reasons import EventReason, Reason, Stage
from goaround.api.restraints import MOST_RESTRAINTS, Restraint
from goaround.api.status import AIFeatureStatus, KillSource, LatchCause
from goaround.api.trigger import TriggerSource
from goaround.rollout.down import by_people
from goaround.rollout.flown import steps_of
from goaround.rollout.freeze import is_over
from goaround.rollout.moves import in_flight, move, never_back_to_it, split_at
from goaround.rollout.observed import Observed
from goaround.rollout.takeoff import step_at

INCIDENT = "AIIncident"
LIMITS = frozenset(
    {ContainmentAction.ROLLBACK, ContainmentAction.THROTTLE, ContainmentAction.THRESHOLD_ADJUST}
)
"""While one of these is asked, nothing climbs."""

Asked = tuple[AIIncident, ContainmentRequest]


def asked(o: Observed) -> list[Asked]:
    """What open incidents ask of this feature, oldest name first. A drill asks nothing."""
    found = (
        (i, i.spec.containment)
        for i in sorted(o.troubles, key=lambda i: i.metadata.name)
        if not is_over(i) and i.spec.trigger.source is not TriggerSource.DRILL
    )
    return [(i, c) for i, c in found if c is not None and c.is_asking]


def sources(o: Observed) -> list[KillSource]:
    """Incidents that want the fallback to serve everybody: they kill as long as they ask."""
    return [
        KillSource(kind=INCIDENT, name=i.metadata.name, reason=c.reason or i.spec.severity_reason)
        for i, c in asked(o)
        if c.action in TO_FALLBACK
    ]


def in_force(o: Observed, now: datetime) -> Iterator[Asked]:
    """What is asked and has not ended by itself."""
    for incident, wanted in asked(o):
        if wanted.expires_at is None or now < wanted.expires_at:
            yield incident, wanted


def limited(o: Observed, now: datetime) -> str | None:
    """Why nothing climbs; None where no incident limits a candidate."""
    found = [(i, c) for i, c in in_force(o, now) if c.action in LIMITS]
    if not found:
        return None
    named = ", ".join(f"AIIncident {i.metadata.name} asks for {_words(c)}" for i, c in found[:3])
    return (
        f"{Reason.CONTAINMENT}: {named}; nothing climbs until it is withdrawn (spec.containment, "
        "takes verb reenable), or the incident is over"
    )


def is_asked_back(o: Observed, status: AIFeatureStatus, now: datetime) -> bool:
    """Whether people want what flies off its users. What was adopted has nothing to go back to."""
    flown = status.candidate
    if flown is None or flown.adopted or not in_flight(status) or status.step is None:
        return False
    return _rolls_back(o, now) is not None


def asked_back(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """The candidate has nobody any more, as by an abort: nothing is proven, hence no quarantine; it
    stays down until a Retry. The latch joins the incident that asked."""
    found, flown = _rolls_back(o, now), status.candidate
    assert found is not None
    assert flown is not None
    name, why = found[0].metadata.name, found[1].reason or found[0].spec.severity_reason
    then = (
        f"To fly it again withdraw spec.containment of AIIncident {name}, and create an AISignOff "
        f"Retry for this digest, attempt {flown.attempt}."
    )
    told = f"AIIncident {name} asks for Rollback: {why}"
    kept = never_back_to_it(status)
    ended = by_people(o, kept, now, LatchCause.ABORTED, why=told, then=then)
    return joined(ended, name, now)


def joins(
    before: AIFeatureStatus, killed: AIFeatureStatus, found: list[KillSource], now: datetime
) -> AIFeatureStatus:
    """A kill that only incidents ask for opens no other one: its latch joins the first of them."""
    new = before.stage is not Stage.KILLED and all(s.kind == INCIDENT for s in found)
    return joined(killed, found[0].name, now) if new else killed


def joined(status: AIFeatureStatus, incident: str, now: datetime) -> AIFeatureStatus:
    """The newest latch belongs to an incident that exists already."""
    latch = status.latches[0].but(incident=incident, incident_opened_at=now)
    return status.but(latches=[latch, *status.latches[1:]])


def capped(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """No more than the lowest share that is asked; evidence for the way up begins anew there."""
    flown = status.candidate
    found = _lowest(o, now)
    if found is None or flown is None or flown.adopted or not in_flight(status):
        return status
    incident, percent = found
    if status.split.candidate <= percent:
        return status
    weights = [s.weight_percent for s in steps_of(o.feature.spec, flown)]
    index = max((i for i, weight in enumerate(weights) if weight <= percent), default=0)
    why = limited(o, now) or ""
    return move(
        status,
        now,
        EventReason.THROTTLED,
        f"Release {short(flown.digest)} goes from {status.split.candidate} % to {percent} % of "
        f"users: AIIncident {incident.metadata.name} asks for it.",
        warning=True,
        stage=Stage.HOLDING,
        split=split_at(status, percent),
        step=step_at(o, flown, index, now),
        clock_stopped_at=status.clock_stopped_at or now,
        hold=why[:512],
    )


def is_throttled(o: Observed, status: AIFeatureStatus) -> bool:
    """Whether it was taken below the weight of its step, and is to reach that first."""
    flown, step = status.candidate, status.step
    if flown is None or flown.adopted or step is None:
        return False
    steps = steps_of(o.feature.spec, flown)
    index = min(step.index, len(steps) - 1)
    held_back = o.feature.spec.ramp.holdback_percent if index == len(steps) - 1 else 0
    return status.split.candidate < steps[index].weight_percent - held_back


def restrained(o: Observed, status: AIFeatureStatus, now: datetime) -> AIFeatureStatus:
    """`status` with all that is obeyed: for people, for whoever judges, and for the flags."""
    if o.feature.spec.mode is Mode.OBSERVE:
        return status.but(restraints=[])  # it moves nothing
    known = {_about(r): r.since for r in status.restraints}
    found = [
        Restraint(
            incident=i.metadata.name,
            action=c.action,
            since=now,
            percent=c.percent,
            filter=c.filter,
            signal=c.signal,
            max=c.max,
            expires_at=c.expires_at,
        )
        for i, c in list(in_force(o, now))[:MOST_RESTRAINTS]
    ]
    return status.but(restraints=[r.but(since=known.get(_about(r), now)) for r in found])


def ends_at(status: AIFeatureStatus, now: datetime) -> list[datetime]:
    """When they end by themselves."""
    found = (r.expires_at for r in status.restraints)
    return [at for at in found if at is not None and at > now]


def filters(restraints: Iterable[Restraint]) -> list[str]:
    """Filters of the app that are on, each once."""
    return sorted({r.filter for r in restraints if r.filter is not None})


def _about(restraint: Restraint) -> Restraint:
    return restraint.but(since=None)


def _rolls_back(o: Observed, now: datetime) -> Asked | None:
    found = in_force(o, now)
    return next(((i, c) for i, c in found if c.action is ContainmentAction.ROLLBACK), None)


def _lowest(o: Observed, now: datetime) -> tuple[AIIncident, int] | None:
    """Several ask: the lowest wins."""
    found = [(i, c.percent) for i, c in in_force(o, now) if c.percent is not None]
    return min(found, key=lambda one: one[1], default=None)


def _words(wanted: ContainmentRequest) -> str:
    match wanted.action:
        case ContainmentAction.THROTTLE:
            return f"at most {wanted.percent} % of users on the candidate"
        case ContainmentAction.THRESHOLD_ADJUST:
            return f"signal {wanted.signal} to be held against {wanted.max}"
        case _:
            return str(wanted.action)
