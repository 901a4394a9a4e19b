"""`Resolved` and `Reconciling`: whether an incident is over, for whoever waits for it."""

import pytest

from goaround.api.incident_status import OVER, Phase
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.standing import ENDED
from tests.unit.incident.life import MINUTE, Life


def told(life: Life) -> list[str]:
    kinds = (ConditionType.RESOLVED, ConditionType.RECONCILING)
    return [life.message(kind).partition(":")[0] for kind in kinds]


def test_an_open_incident_is_not_resolved_and_in_progress() -> None:
    assert told(Life().looks()) == ["False Detected", "True Detected"]


def test_one_that_people_resolve_is_resolved_and_nothing_is_in_progress_any_more() -> None:
    life = Life().looks().says(requestedPhase="Resolved").looks()
    assert told(life) == ["True Resolved", "absent"]


def test_one_that_is_opened_again_is_in_progress_again() -> None:
    life = Life().looks().says(requestedPhase="Resolved").looks()
    life.now += MINUTE
    assert told(life.says(requestedPhase="Recovering").looks())[0].startswith("False")
    assert told(life)[1].startswith("True")


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_a_reason_and_every_end_has_its_words(phase: Phase) -> None:
    assert Reason(phase.value).value == phase.value
    assert (phase in ENDED) == (phase in OVER)
