"""Incidents that people open by hand around a world, and what they ask in them."""

from datetime import datetime
from typing import Any

from goaround.api.base import Json, ObjectMeta
from goaround.api.incident import AIIncidentSpec
from goaround.api.judgement import ContainmentRequest
from goaround.api.kinds import AIIncident
from tests.unit.rollout.build import NAME, NAMESPACE
from tests.unit.rollout.world import World


def by_hand(name: str, at: datetime, *, severity: str = "P3", **spec: Any) -> AIIncident:
    """As `kubectl create` makes it; the API server stamps whole seconds."""
    whole: Json = {
        "affects": [{"name": NAME}],
        "trigger": {"source": "Manual", "key": "support heard of it"},
        "severity": severity,
        "severityReason": "customers wrote in",
    }
    stamp = at.replace(microsecond=0)
    meta = ObjectMeta(name=name, namespace=NAMESPACE, generation=1, creation_timestamp=stamp)
    return AIIncident(metadata=meta, spec=AIIncidentSpec.model_validate(whole | spec))


def asks(
    world: World, action: str, *, incident: str = "by-hand", severity: str = "P3", **parts: Any
) -> World:
    """People ask for containment in an incident, which they open where there is none."""
    found = world.troubles.get(incident) or by_hand(incident, world.now, severity=severity)
    wanted = ContainmentRequest.model_validate({"action": action, **parts})
    world.troubles[incident] = found.but(spec=found.spec.but(containment=wanted))
    return world


def withdraws(world: World, incident: str = "by-hand") -> World:
    found = world.troubles[incident]
    world.troubles[incident] = found.but(spec=found.spec.but(containment=None))
    return world


def says(world: World, incident: str = "by-hand", **spec: Any) -> World:
    found = world.troubles[incident]
    world.troubles[incident] = found.but(spec=found.spec.but(**spec))
    return world
