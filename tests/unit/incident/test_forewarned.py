"""The incident of an early sign: a P4 that says what is seen, and claims nothing else."""

import pytest

from goaround.api.base import ObjectMeta
from goaround.api.incident import AIIncidentSpec, Severity
from goaround.api.incident_status import Phase
from goaround.api.kinds import AIIncident
from goaround.api.trigger import TriggerSource
from goaround.incident.forewarned import WHY, forewarned
from tests.unit.incident.build import AT, NAME, a_feature, decided

LINE = "language: PSI 0.31 > limit 0.2 (noise 0.02): out of band"


def a_sign(source: TriggerSource = TriggerSource.DRIFT, line: str = LINE) -> AIIncidentSpec:
    return forewarned(
        a_feature(), source, "inputs language", line, since=AT, digest=None, earlier=None
    )


@pytest.mark.parametrize("source", list(WHY))
def test_it_is_a_p4_that_claims_no_harm(source: TriggerSource) -> None:
    spec = a_sign(source)
    assert (spec.severity, spec.trigger.source) == (Severity.P4, source)
    assert "no harm was proven" in spec.severity_reason


def test_its_summary_is_whole_and_bounded() -> None:
    summary = a_sign(line="x" * 5000).summary
    assert summary.what_broke == "x" * 1024
    assert summary.scope == "all users of chat: support questions in English"
    assert (summary.noticed_by, summary.first_seen) == ("GoAround", AT)


def test_a_first_look_says_that_nothing_was_taken_off_users() -> None:
    meta = ObjectMeta(
        name=NAME, namespace="shop", uid="incident-uid", generation=1, creation_timestamp=AT
    )
    status = decided(AIIncident(metadata=meta, spec=a_sign()), a_feature()).status
    assert status.phase is Phase.DETECTED
    assert status.milestones.started_at == AT
    contained = next(c for c in status.conditions if c.type == "Contained")
    assert contained.message.startswith("an early sign: nothing was taken off users")
    assert any(line.startswith("WHAT   language: PSI 0.31") for line in status.whiteboard)
