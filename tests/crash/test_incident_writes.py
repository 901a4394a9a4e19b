"""What an incident costs the API server: what follows closely upon one another is one write.

Counts calls of an undisturbed run; that nothing gets lost by it, the crash points say.
"""

import pytest

from tests.crash.faults import Fault, Injection
from tests.crash.points import CrashPoint, play, undisturbed

pytestmark = pytest.mark.crash


def told(name: str) -> list[str]:
    return [str(call) for call in undisturbed(name).calls]


def test_opened_frozen_delivered_entered_and_contained_are_five_writes_of_status() -> None:
    calls = [call for call in told("rollback-first-step") if call.startswith("patch aiincidents")]
    assert len(calls) <= 5


def test_its_timeline_is_written_once_when_it_opens_and_once_when_it_is_contained() -> None:
    calls = [call for call in told("rollback-first-step") if call.endswith("-timeline")]
    assert [call.split()[0] for call in calls] == ["get", "create", "patch"]


def test_a_written_decision_whose_answer_was_lost_is_contained_no_later() -> None:
    """What the operator wrote itself it does not hear of as news; the incident once waited for its
    next clock, ten minutes later."""
    name = "contained-on-request"
    first = told(name).index("create configmaps by-hand-note") + 1
    writes = [at for at, call in enumerate(told(name), 1) if call == "patch aifeatures/status chat"]
    soon = [at for at in writes if at > first][:2]
    points = [CrashPoint(name, (Injection(at, Fault.TIMEOUT),)) for at in soon]
    assert not [said for point in points for said in play(point)]
