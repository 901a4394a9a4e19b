"""What the operator knows of people's questions: facts with their source, and nothing invented."""

import json
from datetime import timedelta
from typing import Any

from goaround.api.feature import AIFeatureSpec
from goaround.api.incident import AIIncidentStatus, RequestedPhase, Severity
from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason
from goaround.api.status import GateRule, SignalStatus, Transition
from goaround.incident.facts import worst_slice
from tests.unit.incident.build import AT, a_feature, a_latch, an_incident, decided

EIGHT = {
    "whichAlert",
    "predicting",
    "inRange",
    "inputsChanged",
    "recentlyUpdated",
    "upstreamHealthy",
    "businessImpact",
    "trend",
}
"""The names of spec.triage.answers."""


def signal(name: str, verdict: str, message: str = "") -> SignalStatus:
    return SignalStatus(name=name, verdict=verdict, message=message or f"{name} {verdict}")


def seen(*signals: SignalStatus, **spec: Any) -> AIFeature:
    feature = a_feature(a_latch())
    wire = feature.spec.wire() | spec
    status = feature.status.but(signals=list(signals))
    return feature.but(spec=AIFeatureSpec.model_validate(wire), status=status)


def facts(feature: AIFeature, severity: Severity = Severity.P2) -> AIIncidentStatus:
    incident = an_incident()
    incident = incident.but(spec=incident.spec.but(severity=severity))
    return decided(incident, feature, at=AT + timedelta(minutes=1)).status


def test_all_triage_questions_but_that_of_the_business_are_answered() -> None:
    told = facts(seen(signal("errors", "Bad"), signal("toxic", "Good"))).triage_facts
    assert EIGHT - told.keys() == {"businessImpact"}
    assert told["inRange"] == "Bad: errors; Good: toxic"
    assert told["inputsChanged"] == "not watched: set spec.drift of the feature"


def test_the_deployment_is_the_first_path_and_names_what_changed() -> None:
    told = facts(seen())
    assert next(iter(told.diagnosis_facts)) == "deployment"
    assert told.diagnosis_facts["deployment"].startswith("prompt: support v43 (failed)")
    assert told.diagnosis_facts["model"] == "model unchanged"


def test_dependencies_are_named_for_whoever_looks_at_status_pages() -> None:
    rests = [{"name": "acme", "kind": "ModelProvider"}]
    told = facts(seen(dependencies=rests)).diagnosis_facts["provider"]
    assert told == "rests on acme (ModelProvider), look at their status pages"


def test_without_a_signal_of_the_pipeline_nobody_calls_it_healthy() -> None:
    told = facts(seen(signal("errors", "Good"))).triage_facts["upstreamHealthy"]
    assert told == "not watched: no signal of layer DataPipeline"


def test_the_worst_slice_proposes_that_a_subset_is_affected() -> None:
    worst = "errors/de 12.1% > max 5% (n=113): e-value 215 >= 100 -> breach; errors 1% within"
    assert worst_slice([signal("toxic", "Good"), signal("errors", "Bad", worst)]) == "errors/de"
    feature = a_feature(a_latch(signals=[signal("errors", "Bad", worst)]))
    told = facts(feature)
    assert told.exposure.worst_slice == "errors/de"
    assert told.proposals == ["spec.triage.scope Subset: errors/de is worst"]


def test_consumers_stand_with_whom_to_tell() -> None:
    consumers = [{"name": "refunds", "owner": "claims"}]
    assert facts(seen(consumers=consumers)).exposure.consumers == ["refunds (tell claims)"]


def test_a_p3_that_gets_worse_proposes_p2_and_a_p2_proposes_nothing() -> None:
    worse = seen(signal("errors", "Bad"), signal("toxic", "Bad"))
    told = facts(worse, Severity.P3)
    assert told.triage_facts["trend"].startswith("worse")
    assert "spec.severity P2: it gets worse, errors and toxic Bad since the detection" in [
        p.replace(", toxic", " and toxic") for p in told.proposals
    ]
    assert not any("spec.severity" in p for p in facts(worse).proposals)


def test_what_changed_in_the_day_before_is_found_once_newest_first() -> None:
    def step(hours: int, reason: EventReason) -> Transition:
        at = AT - timedelta(hours=hours)
        return Transition(at=at, reason=reason, type="Normal", message=f"{hours} h before")

    history = [
        step(30, EventReason.PROMOTED),
        step(20, EventReason.ROLLOUT_STARTED),
        step(3, EventReason.HOLDING),
        step(2, EventReason.STEP_STARTED),
    ]
    feature = seen()
    feature = feature.but(status=feature.status.but(history=history))
    found = facts(feature).recent_changes
    assert [line.partition(": ")[2] for line in found] == ["2 h before", "20 h before"]


def test_facts_of_what_is_over_stay_as_they_are() -> None:
    incident, feature = an_incident(), seen(signal("errors", "Good"))
    said = incident.spec.but(requested_phase=RequestedPhase.RESOLVED)
    first = decided(incident.but(spec=said), feature, at=AT + timedelta(minutes=1)).status
    again = incident.but(spec=said, status=first)
    later = decided(again, seen(signal("errors", "Unknown")), at=AT + timedelta(hours=1)).status
    assert later.triage_facts == first.triage_facts


def test_what_is_said_of_gate_facts_and_exposure_stays_below_eleven_kibibytes() -> None:
    owner = "o" * 128
    many = [{"name": f"process-{n}", "owner": owner} for n in range(32)]
    rests = [{"name": f"{n}" * 64, "kind": "ModelProvider"} for n in range(10, 26)]
    long = [signal("errors", "Bad", f"errors/{'x' * 400} 9% > max"), signal("toxic", "Bad")]
    feature = seen(*long, consumers=many, dependencies=rests)
    gate = [GateRule(name=f"rule-{n}", open=False, reason="r" * 512) for n in range(16)]
    feature = feature.but(status=feature.status.but(gate=gate))
    wire = facts(feature, Severity.P3).wire()
    mine = ("gate", "triageFacts", "diagnosisFacts", "proposals", "exposure", "containment")
    assert len(json.dumps({k: wire.get(k) for k in mine}).encode()) < 11 * 1024
