"""An incident's status: derived from the latch, milestones set once, contained when it was seen."""

from datetime import datetime, timedelta

import pytest

from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import Phase
from goaround.api.kinds import AIIncident
from goaround.api.reasons import ConditionType
from goaround.api.status import Latch
from goaround.incident.planned import Plan, Tell
from tests.unit.incident.build import (
    AT,
    FAILED,
    NAME,
    SERVING,
    a_feature,
    a_kill,
    a_latch,
    an_incident,
    decided,
    known,
)

SOON = AT + timedelta(seconds=1)
DELIVERED = {"delivered_at": AT + timedelta(seconds=1)}
CONTAINED = DELIVERED | {"contained_at": AT + timedelta(seconds=21), "exposed_requests": 1300}


def looked_at(incident: AIIncident, latch: Latch | None = None) -> AIIncident:
    """The incident after a pass that saw this latch on its feature."""
    return incident.but(status=looked(incident, latch).status)


def looked(incident: AIIncident, latch: Latch | None = None, at: datetime = SOON) -> Plan:
    return decided(incident, a_feature(latch or a_latch()), at=at)


def contained(incident: AIIncident) -> tuple[str, str]:
    found = find(incident.status.conditions, ConditionType.CONTAINED)
    assert found is not None
    return found.status, found.reason


def test_it_says_what_failed_what_serves_and_what_differs() -> None:
    status = looked_at(an_incident()).status
    failed, serving = known(FAILED).digest[7:19], known(SERVING).digest[7:19]
    assert status.failed_release == f"chat-7b@2026-11-02 support@v43 ({failed})"
    assert status.serving_release == f"chat-7b@2026-11-02 support@v42 ({serving})"
    assert status.changes == ["prompt: support v43 (failed), support v42 (serves)"]


def test_it_keeps_the_signals_as_they_stood() -> None:
    assert looked_at(an_incident()).status.signals == a_latch().signals


def test_its_milestones_come_from_the_latch() -> None:
    at = looked_at(an_incident()).status.milestones
    latch = a_latch()
    assert (at.started_at, at.proven_at, at.detected_at) == (latch.started_at, latch.proven_at, AT)
    assert (at.delivered_at, at.contained_at) == (None, None)


def test_a_milestone_is_set_once() -> None:
    incident = looked_at(an_incident(), a_latch(**CONTAINED))
    later = {k: AT + timedelta(days=1) for k in ("delivered_at", "contained_at", "started_at")}
    again = looked_at(incident, a_latch(**later))
    assert again.status.milestones == incident.status.milestones


def test_decided_is_not_contained() -> None:
    incident = looked_at(an_incident())
    assert (incident.status.phase, contained(incident)) == (Phase.DETECTED, ("False", "Pending"))


def test_delivered_is_not_contained() -> None:
    incident = looked_at(an_incident(), a_latch(**DELIVERED))
    assert incident.status.phase is Phase.DETECTED
    assert contained(incident) == ("False", "EffectNotObserved")


def test_contained_is_said_after_the_effect_was_seen() -> None:
    incident = looked_at(an_incident(), a_latch(**CONTAINED))
    assert (incident.status.phase, contained(incident)) == (Phase.CONTAINED, ("True", "Contained"))
    assert incident.status.exposed_requests == 1300


def test_contained_once_is_contained_for_ever() -> None:
    incident = looked_at(looked_at(an_incident(), a_latch(**CONTAINED)))
    assert incident.status.phase is Phase.CONTAINED
    assert contained(incident) == ("True", "Contained")


def test_a_second_look_changes_nothing() -> None:
    incident = looked_at(an_incident())
    assert looked_at(incident).status == incident.status


def test_it_outlives_its_feature() -> None:
    incident = looked_at(an_incident())
    assert decided(incident, at=SOON).status == incident.status


def test_it_outlives_its_latch() -> None:
    incident = looked_at(an_incident())
    other = a_feature(a_latch(incident="chat-other"))
    assert decided(incident, other, at=SOON).status == incident.status


def test_the_latch_is_found_by_name_among_others() -> None:
    other = a_kill(incident="chat-other")
    status = decided(an_incident(), a_feature(other, a_latch()), at=SOON).status
    assert status.milestones.proven_at == a_latch().proven_at


def test_a_kill_goes_back_to_the_fallback_and_differs_from_nothing() -> None:
    latch = a_kill()
    status = looked_at(an_incident(latch), latch).status
    assert (status.serving_release, status.changes) == ("the fallback", [])


@pytest.mark.parametrize("latch", [a_latch(**CONTAINED), a_kill(), a_kill(release=None)])
def test_it_fits_the_schema_it_is_stored_under(latch: Latch) -> None:
    status = looked_at(an_incident(latch), latch).status
    assert AIIncidentStatus.model_validate(status.wire()) == status


def told(plan: Plan) -> list[Tell]:
    return [effect for effect in plan.then if isinstance(effect, Tell)]


def test_it_tells_that_it_was_opened_and_that_it_was_contained() -> None:
    plan = looked(an_incident(), a_latch(**CONTAINED))
    at, found = plan.status.milestones, [t.transition for t in told(plan)]
    assert [(t.reason, t.type) for t in found] == [
        ("IncidentOpened", "Warning"),
        ("Contained", "Normal"),
    ]
    assert [t.at for t in found] == [at.detected_at, at.contained_at]
    assert found[0].message.startswith("P3 chat: errors ratio 4.1%")


def test_it_tells_nothing_that_events_would_have_outlived() -> None:
    later = AT + timedelta(hours=1, seconds=30)
    assert told(looked(an_incident(), a_latch(**CONTAINED), later)) == []


def test_each_telling_has_a_name_of_its_own_that_stays() -> None:
    incident = looked_at(an_incident(), a_latch(**CONTAINED))
    names = [t.name for t in told(looked(incident, a_latch(**CONTAINED)))]
    assert len(set(names)) == 2
    assert all(n.startswith(f"{NAME}.") for n in names)
    assert names == [t.name for t in told(looked(an_incident(), a_latch(**CONTAINED)))]
