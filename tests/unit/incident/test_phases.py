"""Phases follow from what was seen and said: none is skipped by wishing, none is taken back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from goaround.api.base import ObjectMeta
from goaround.api.incident import AIIncidentSpec, RequestedPhase, Severity
from goaround.api.incident_status import Phase
from goaround.api.judgement import Roles
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.reasons import Stage
from goaround.api.status import SignalStatus
from tests.unit.incident.build import AT, NAME, a_feature, a_latch, an_incident, decided

CONTAINED = {"delivered_at": AT, "contained_at": AT + timedelta(seconds=9)}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Run:
    """One incident under a clock."""

    def __init__(self, severity: str = "P2", **spec: Any) -> None:
        self.latch, self.now, self.bad = a_latch(), AT, False
        self.stage = Stage.LIVE
        self.incident = an_incident(self.latch)
        self.says(severity=Severity(severity), **spec)

    def says(self, **spec: Any) -> "Run":
        self.incident = self.incident.but(spec=self.incident.spec.but(**spec))
        return self

    def looks(self, after: timedelta = MINUTE) -> "Run":
        self.now += after
        plan = decided(self.incident, self.feature, at=self.now)
        self.incident, self.wake_at = self.incident.but(status=plan.status), plan.wake_at
        return self

    def contained(self) -> "Run":
        self.latch = a_latch(**CONTAINED)
        return self.looks()

    @property
    def feature(self) -> AIFeature:
        feature = a_feature(self.latch)
        signals = [SignalStatus(name="errors", verdict="Bad", message="4 %")] if self.bad else []
        return feature.but(status=feature.status.but(signals=signals, stage=self.stage))

    @property
    def phase(self) -> str:
        return str(self.incident.status.phase)


def by_hand(severity: str = "P2") -> AIIncident:
    spec = {
        "affects": [{"name": "chat"}],
        "trigger": {"source": "Manual", "key": "support heard of it"},
        "severity": severity,
        "severityReason": "customers wrote in",
    }
    meta = ObjectMeta(name=NAME, namespace="shop", uid="i", generation=1, creation_timestamp=AT)
    return AIIncident(metadata=meta, spec=AIIncidentSpec.model_validate(spec))


def test_it_is_detected_contained_and_diagnosed_once_somebody_commands() -> None:
    run = Run().looks()
    assert run.phase == Phase.DETECTED
    assert run.contained().phase == Phase.CONTAINED
    run.says(roles=Roles(commander="ana")).looks()
    assert run.phase == Phase.DIAGNOSING
    assert run.incident.status.milestones.assigned_at == run.now


def test_a_commander_alone_contains_nothing() -> None:
    assert Run(roles=Roles(commander="ana")).looks().phase == Phase.DETECTED


def test_recovery_waits_until_it_is_contained() -> None:
    run = Run(requested_phase=RequestedPhase.RECOVERING).looks()
    assert run.phase == Phase.DETECTED
    assert run.contained().phase == Phase.RECOVERING


@pytest.mark.parametrize("severity", ["P1", "P2"])
def test_a_grave_one_waits_for_a_persons_word_for_ever(severity: str) -> None:
    run = Run(severity).contained().looks(timedelta(days=30))
    assert run.phase == Phase.CONTAINED
    assert run.says(requested_phase=RequestedPhase.RESOLVED).looks().phase == Phase.RESOLVED


@pytest.mark.parametrize("severity", ["P3", "P4"])
def test_a_small_one_ends_by_itself_after_half_an_hour_of_calm(severity: str) -> None:
    run = Run(severity).contained()
    at = run.now + 30 * MINUTE
    assert run.wake_at is not None
    assert run.wake_at <= at
    assert run.looks(29 * MINUTE).phase == Phase.CONTAINED
    assert run.wake_at == at
    assert run.looks().phase == Phase.RESOLVED


def test_nothing_is_over_while_a_signal_is_bad() -> None:
    run = Run("P3").contained()
    run.bad = True
    run.says(requested_phase=RequestedPhase.RESOLVED).looks(HOUR)
    assert run.phase == Phase.CONTAINED
    run.bad = False
    assert run.looks().phase == Phase.RESOLVED


def test_calm_counts_from_the_last_bad_sight() -> None:
    run = Run("P3").contained()
    run.bad = True
    run.looks(20 * MINUTE)
    run.bad = False
    assert run.looks().looks(29 * MINUTE).phase == Phase.CONTAINED
    assert run.looks().phase == Phase.RESOLVED


@pytest.mark.parametrize(("after", "phase"), [(29, Phase.RECOVERING), (31, Phase.RESOLVED)])
def test_it_can_be_opened_again_for_half_an_hour(after: int, phase: Phase) -> None:
    run = Run(requested_phase=RequestedPhase.RESOLVED).contained()
    assert run.phase == Phase.RESOLVED
    run.says(requested_phase=RequestedPhase.RECOVERING).looks(after * MINUTE)
    assert run.phase == phase
    assert (run.incident.status.milestones.reopened_at is not None) is (phase is Phase.RECOVERING)


def test_a_word_that_is_taken_back_at_once_was_never_said() -> None:
    run = Run(requested_phase=RequestedPhase.RESOLVED).contained()
    assert run.says(requested_phase=None).looks().phase == Phase.CONTAINED


def test_cancelled_and_merged_are_said_and_not_seen() -> None:
    assert Run(requested_phase=RequestedPhase.CANCELLED).looks().phase == Phase.CANCELLED
    assert Run(duplicate_of="chat-other").looks().phase == Phase.MERGED


def test_what_a_person_opened_was_detected_then_and_is_classified() -> None:
    status = decided(by_hand(), a_feature(), at=AT + MINUTE).status
    assert status.phase == Phase.DETECTED
    at = status.milestones
    assert (at.detected_at, at.classified_at) == (AT, AT + MINUTE)


def test_a_person_says_when_what_they_saw_was_contained() -> None:
    incident = by_hand()
    said = incident.spec.milestones.but(contained_at=AT + 5 * MINUTE, started_at=AT - HOUR)
    incident = incident.but(spec=incident.spec.but(milestones=said))
    status = decided(incident, a_feature(), at=AT + HOUR).status
    assert (status.phase, status.milestones.started_at) == (Phase.CONTAINED, AT - HOUR)


def when(run: Run, name: str) -> datetime | None:
    found = getattr(run.incident.status.milestones, name)
    assert found is None or isinstance(found, datetime)
    return found


def test_it_is_classified_when_a_person_confirms_or_changes_its_severity() -> None:
    run = Run().looks().looks()
    assert when(run, "classified_at") is None
    run.says(severity=Severity.P1, severity_reason="people are harmed").looks()
    assert (when(run, "classified_at"), when(run, "raised_at")) == (run.now, run.now)


def test_a_second_look_at_the_same_changes_nothing() -> None:
    run = Run(roles=Roles(commander="ana")).contained()
    before = run.incident.status
    assert run.looks().incident.status == before


def test_what_a_release_that_came_back_did_does_not_keep_the_incident_open() -> None:
    """Git may go on asking for it, and its signals go on to tell why it came back."""
    run = Run("P3").contained()
    run.bad, run.stage = True, Stage.ROLLED_BACK
    assert run.looks(31 * MINUTE).phase == Phase.RESOLVED
