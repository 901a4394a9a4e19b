"""Which messages there are, and when: in the house by themselves, for customers as drafts."""

from datetime import timedelta
from typing import Any

import pytest

from goaround.api.aftermath import Review
from goaround.api.contacts import ExternalFrom
from goaround.api.incident import RequestedPhase
from goaround.api.trigger import DrillKind, Trigger, TriggerSource
from tests.unit.incident.build import AT
from tests.unit.incident.comms_kit import BOARD, HOUR, KNOWN_HARM, MINUTE, OPS, PRACTICE, Told

RESOLVED: dict[str, Any] = {"requested_phase": RequestedPhase.RESOLVED}


def test_what_is_contained_is_told_at_once_in_the_house() -> None:
    told = Told("P2").looks()
    assert told.states == {
        "brief-1": "Sending",
        "leadership-1": "Sending",
        "clientTechnical-1": "Draft",
    }


def test_a_small_one_is_not_for_leadership() -> None:
    assert "leadership-1" not in Told("P3").looks().states


def test_nobody_is_told_of_a_p4() -> None:
    assert Told("P4", impact=KNOWN_HARM).looks().looks(2 * HOUR).states == {}


def test_there_is_no_brief_before_it_is_contained_and_leadership_hears_after_ten_minutes() -> None:
    told = Told("P1", latch={}).looks()
    assert told.states == {}
    assert told.plan.wake_at is not None
    assert told.plan.wake_at <= AT + 10 * MINUTE
    assert told.looks(10 * MINUTE).states.keys() == {"leadership-1", "clientTechnical-1"}


def test_people_in_the_house_hear_every_half_hour_until_it_is_over_and_once_more() -> None:
    told = Told("P2").looks().all_taken()
    assert (
        told.incident.status.comms.next_internal_due == told.messages["brief-1"].since + 30 * MINUTE
    )
    assert "internalUpdate-1" not in told.looks(28 * MINUTE).states
    assert told.looks(2 * MINUTE).states["internalUpdate-1"] == "Sending"
    assert told.all_taken().looks(30 * MINUTE).states["internalUpdate-2"] == "Sending"
    told.all_taken().says(**RESOLVED).looks().all_taken()
    assert told.states["internalUpdate-3"] == "Sent"
    assert "This is the last update" in told.reads("internalUpdate-3")
    assert told.looks(2 * HOUR).incident.status.comms.next_internal_due is None
    assert "internalUpdate-4" not in told.states


def test_leadership_hears_every_update_of_what_is_grave() -> None:
    told = Told("P2").looks().looks(31 * MINUTE)
    assert told.messages["internalUpdate-1"].to == [OPS.name, BOARD.name]
    told = Told("P3", requested_phase=RequestedPhase.RECOVERING).looks().looks(25 * HOUR)
    assert told.messages["internalUpdate-1"].to == [OPS.name]


def test_a_client_who_was_promised_an_update_gets_one() -> None:
    told = Told("P3", requested_phase=RequestedPhase.RECOVERING, impact=KNOWN_HARM).looks()
    told.approves("clientTechnical-1").looks().looks(2 * HOUR)
    assert told.states["externalUpdate-1"] == "Draft"
    assert "externalInitial-1" not in told.states


def test_a_p3_is_told_of_once_a_day() -> None:
    told = Told("P3").looks().all_taken()
    told.says(requested_phase=RequestedPhase.RECOVERING)  # else it ends by itself
    assert "internalUpdate-1" not in told.looks(23 * HOUR).states
    assert "internalUpdate-1" in told.looks(2 * HOUR).states


def test_a_channel_that_hangs_keeps_no_later_update_back() -> None:
    told = Told("P2").looks().looks(31 * MINUTE)
    assert told.states["brief-1"] == "Sending"
    assert told.states["internalUpdate-1"] == "Sending"
    assert "internalUpdate-2" in told.looks(31 * MINUTE).states


def test_an_update_that_nobody_sends_is_one_draft_and_stays_overdue() -> None:
    told = Told("P2", channels=()).looks().looks(31 * MINUTE)
    due = told.incident.status.comms.next_internal_due
    assert told.looks(3 * HOUR).states["internalUpdate-1"] == "Draft"
    assert "internalUpdate-2" not in told.states
    assert due == AT + 30 * MINUTE == told.incident.status.comms.next_internal_due


def test_customers_get_a_draft_only_once_people_said_what_it_does_to_them() -> None:
    told = Told("P2").looks()
    assert "externalInitial-1" not in told.states
    (proposal,) = (p for p in told.incident.status.proposals if p.startswith("message"))
    assert "say in spec.impact.business" in proposal
    told.says(impact=KNOWN_HARM).looks()
    assert told.states["externalInitial-1"] == "Draft"
    assert not any(p.startswith("message") for p in told.incident.status.proposals)


@pytest.mark.parametrize(
    ("severity", "least", "drafted"),
    [
        ("P1", ExternalFrom.P1, True),
        ("P2", ExternalFrom.P1, False),
        ("P2", ExternalFrom.P2, True),
        ("P3", ExternalFrom.P2, False),
        ("P3", ExternalFrom.P3, True),
        ("P1", ExternalFrom.NEVER, False),
    ],
)
def test_from_which_severity_customers_hear_is_said_by_the_feature(
    severity: str, least: ExternalFrom, drafted: bool
) -> None:
    told = Told(severity, impact=KNOWN_HARM)
    told.policy = {"external_from": least}
    assert ("externalInitial-1" in told.looks().states) is drafted


def test_what_customers_do_not_see_they_are_not_told() -> None:
    unseen = KNOWN_HARM.but(customer_facing=False)
    assert Told("P1", impact=unseen).looks().states.keys() == {"brief-1", "leadership-1"}


def test_customers_who_heard_hear_again_after_two_hours_and_when_it_is_over() -> None:
    told = Told("P2", impact=KNOWN_HARM).looks().approves("externalInitial-1").looks().all_taken()
    heard = told.messages["externalInitial-1"].since
    assert told.incident.status.comms.next_external_due == heard + 2 * HOUR
    assert told.looks(2 * HOUR).states["externalUpdate-1"] == "Draft"
    told.says(**RESOLVED).looks()
    assert told.states["resolution-1"] == "Draft"


def test_a_review_is_called_for_when_a_grave_one_is_over() -> None:
    assert Told("P2", **RESOLVED).looks().looks().states["pirInvite-1"] == "Sending"
    assert "pirInvite-1" not in Told("P3", **RESOLVED).looks().looks().states


def test_findings_are_drafted_for_clients_who_were_promised_them() -> None:
    told = Told("P2", impact=KNOWN_HARM, **RESOLVED).looks()
    told.says(review=Review(findings="No test covered long questions")).looks()
    assert "clientFindings-1" not in told.states
    told.approves("resolution-1").looks().all_taken().looks()
    assert told.states["clientFindings-1"] == "Draft"
    assert "No test covered long questions" in told.reads("clientFindings-1")


def test_one_that_is_opened_again_ends_with_messages_of_its_own() -> None:
    told = Told("P2", impact=KNOWN_HARM, **RESOLVED).looks().approves("resolution-1").looks()
    told.all_taken().says(requested_phase=RequestedPhase.RECOVERING).looks()
    assert "resolution-2" not in told.states
    assert told.says(**RESOLVED).looks().states["resolution-2"] == "Draft"


def test_nobody_is_told_days_later_of_what_was_before() -> None:
    assert "brief-1" not in Told("P2").looks(timedelta(days=4)).states


@pytest.mark.parametrize(
    "change", [{"requested_phase": RequestedPhase.CANCELLED}, {"duplicate_of": "x"}]
)
def test_of_what_was_none_or_is_another_nothing_more_is_told(change: dict[str, Any]) -> None:
    told = Told("P2", channels=()).looks().says(**change).looks(3 * HOUR)
    assert "internalUpdate-1" not in told.states


def test_a_drill_has_one_message_for_those_who_practise() -> None:
    trigger = Trigger(source=TriggerSource.DRILL, key="monthly")
    told = Told("P1", impact=KNOWN_HARM, drill=DrillKind.PRACTICE, trigger=trigger)
    told.looks().looks(3 * HOUR).approves("drillDraft-1", "externalInitial-1").looks()
    assert told.states == {"drillDraft-1": "Sending"}
    assert told.messages["drillDraft-1"].to == [PRACTICE.name]
    assert told.reads("drillDraft-1").startswith("DRILL, nothing is broken")
    assert told.incident.status.comms.next_internal_due is None
