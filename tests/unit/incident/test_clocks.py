"""Clocks run from what happened, are due at one stored time, and are met, missed or waived."""

import json
from datetime import timedelta

import pytest

from goaround.api.clocks import ClockName
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import Deadline, DeadlineState
from goaround.api.reasons import ConditionType
from goaround.incident.calendar import BusinessDays
from goaround.incident.clocks import CLOCKS
from tests.unit.incident.build import AT
from tests.unit.incident.life import DAY, HOUR, MINUTE, WRITTEN_UP, Life

CONTAINED = {"containedAt": (AT + 3 * MINUTE).isoformat()}

UNTIL_TUESDAY = 3 * DAY - timedelta(minutes=48, seconds=8, milliseconds=123)
DUE = {
    "P1": {
        "contain": 5 * MINUTE,
        "channel": 10 * MINUTE,
        "assign": 15 * MINUTE,
        "engineer": 15 * MINUTE,
        "diagnosisStarted": 15 * MINUTE,
        "leadership": 30 * MINUTE,
        "internal": 30 * MINUTE,
        "clientTechnical": 30 * MINUTE,
        "summary": HOUR,
        "rootCauseBin": 12 * HOUR,
        "fix": 12 * HOUR,
    },
    "P2": {
        "contain": 2 * HOUR,
        "channel": 10 * MINUTE,
        "assign": 15 * MINUTE,
        "engineer": 2 * HOUR,
        "diagnosisStarted": 2 * HOUR,
        "leadership": HOUR,
        "internal": HOUR,
        "clientTechnical": 2 * HOUR,
        "summary": HOUR,
        "rootCauseBin": 12 * HOUR,
        "fix": 12 * HOUR,
    },
    "P3": {
        "assign": DAY,
        "engineer": DAY,
        "diagnosisStarted": DAY,
        "client": DAY,
        "summary": HOUR,
        # a Saturday: Monday's opening, and a day later
        "internal": UNTIL_TUESDAY,
        "rootCauseBin": UNTIL_TUESDAY,
        "fix": UNTIL_TUESDAY,
    },
    "P4": {"rootCauseBin": 14 * DAY, "fix": 14 * DAY},
}


def seconds(span: timedelta) -> int:
    return int(span.total_seconds())


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_has_the_documented_clocks(severity: Severity) -> None:
    life = Life(severity).looks()
    waiting = {n: seconds(life.due(n)) for n in life.status.deadlines if n != "classify"}
    assert waiting == {name: seconds(span) for name, span in DUE[severity].items()}
    assert life.state("classify") == "Met"  # by who opened it


def test_what_a_machine_opened_wants_a_person_within_fifteen_minutes() -> None:
    life = Life("P4", source="Rollback").looks()
    assert seconds(life.due("assign")) == seconds(life.due("classify")) == 900
    assert seconds(life.clock("classify").target - AT) == 600  # type: ignore[operator]
    assert life.clock("assign").basis == "not classified: 15 min after detected"


def test_once_classified_a_commander_may_come_as_late_as_the_severity_says() -> None:
    life = Life("P3", source="Rollback").looks()
    assert seconds(life.due("assign")) == 900
    life.at(10 * MINUTE).says(triage={"outcome": "KeepWatching"}).looks()
    assert (seconds(life.due("assign")), life.state("assign")) == (86_400, "Pending")
    life = Life("P4", source="Rollback").looks().says(triage={"outcome": "KeepWatching"}).looks()
    assert life.state("assign") == "Waived"


def test_a_clock_is_met_when_that_was_done_which_it_is_for() -> None:
    life = Life("P1").looks().at(4 * MINUTE).says(milestones=CONTAINED).looks()
    assert (life.state("contain"), life.clock("contain").met_at) == (
        "Met",
        (AT + 3 * MINUTE).replace(microsecond=0),
    )
    life.says(roles={"commander": "ana"}, channel={"provider": "chat", "id": "#inc"}).looks()
    assert (life.state("assign"), life.state("channel")) == ("Met", "Met")


def test_a_clock_that_ran_out_is_missed_and_late_when_it_was_done() -> None:
    life = Life("P1").looks().at(14 * MINUTE)
    assert (life.state("contain"), life.state("channel"), life.state("assign")) == (
        *("Missed", "Missed", "Pending"),
    )
    assert life.status.missed == "contain, channel"
    life.says(channel={"provider": "chat"}).looks()
    assert life.state("channel") == "Late"
    assert life.status.missed == "contain, channel (late)"
    assert life.message(ConditionType.DEADLINES_MET).startswith(
        "False DeadlineMissed: missed: contain was due 2026-11-21T09:53:09Z, channel was due "
        "2026-11-21T09:58:09Z, done 2026-11-21T10:02:08"
    )


def test_it_wakes_when_the_next_clock_runs_out() -> None:
    life = Life("P1").looks()
    assert life.wake_at == life.clock("contain").due
    life.now = life.wake_at
    assert life.looks().state("contain") == "Missed"


def test_what_is_due_next_is_told_in_words_with_the_day_where_it_is_another() -> None:
    life = Life("P2").looks()
    assert life.status.next_due == "channel 09:58Z"
    life.at(11 * HOUR)
    assert life.status.next_due == "fix 21:48Z"
    assert Life("P3").looks().at(2 * HOUR).status.next_due == "assign 2026-11-22 09:48Z"


def test_the_brief_is_due_from_when_it_was_contained() -> None:
    life = Life("P1").looks()
    assert life.state("brief") == "none"
    life.at(4 * MINUTE).says(milestones=CONTAINED).looks()
    assert seconds(life.due("brief")) == 18 * 60
    assert life.at(10 * MINUTE).sends("brief").looks().state("brief") == "Met"
    assert life.state("internal") == "Met"


def test_an_update_is_due_half_an_hour_after_the_last_message() -> None:
    life = Life("P2").looks().at(20 * MINUTE).sends("brief").looks()
    assert seconds(life.due("updateInternal")) == 50 * 60
    assert life.at(30 * MINUTE).sends("internalUpdate").looks().state("updateInternal") == "Pending"
    assert seconds(life.due("updateInternal")) == 60 * 60
    life.sends("leadership").says(summary=WRITTEN_UP["summary"]).looks()
    assert life.status.next_due == "update 10:48Z"


def test_a_late_update_stays_told_and_the_next_one_is_due_again() -> None:
    life = Life("P2").looks().at(20 * MINUTE).sends("brief").looks().at(51 * MINUTE)
    assert life.state("updateInternal") == "Missed"
    life.at(55 * MINUTE).sends("internalUpdate").looks()
    assert (life.state("updateInternal"), life.state("updateInternalLate")) == ("Pending", "Late")
    assert seconds(life.due("updateInternal")) == 85 * 60
    life.at(120 * MINUTE).sends("internalUpdate").looks()
    assert seconds(life.due("updateInternalLate")) == 50 * 60  # the first miss stays


def test_people_outside_are_told_every_two_hours_once_they_were_told_at_all() -> None:
    life = Life("P1").looks()
    assert life.state("updateExternal") == "none"
    life.at(20 * MINUTE).sends("externalInitial").looks()
    assert seconds(life.due("updateExternal")) == 140 * 60


def test_nobody_outside_is_waited_for_where_none_is_ever_told() -> None:
    life = Life("P1").policy(externalFrom="Never").looks()
    assert life.state("clientTechnical") == "none"
    assert life.at(MINUTE).sends("externalInitial").looks().state("updateExternal") == "none"


def test_a_raise_counts_from_the_raise() -> None:
    life = Life("P3").looks().at(HOUR + 30 * MINUTE)
    life.says(severity="P1", severityReason="people are harmed").looks()
    assert seconds(life.due("contain")) == 95 * 60
    assert seconds(life.due("engineer")) == 105 * 60
    assert life.clock("engineer").basis == "P1: 15 min after detected"


def test_a_raise_puts_nothing_off() -> None:
    life = Life("P2").looks().at(119 * MINUTE)
    life.says(severity="P1", severityReason="people are harmed").looks()
    assert seconds(life.due("contain")) == 120 * 60


def test_a_miss_stays_a_miss_when_severity_is_lowered() -> None:
    life = Life("P1").looks().at(6 * MINUTE)
    life.says(severity="P3", severityReason="fewer than it seemed").looks()
    assert (life.state("contain"), life.state("channel")) == ("Missed", "Waived")
    assert seconds(life.due("engineer")) == 86_400
    life.at(10 * MINUTE).says(severity="P2", severityReason="more again").looks()
    assert (life.state("contain"), life.state("channel")) == ("Missed", "Pending")
    assert seconds(life.due("channel")) == 20 * 60


def test_a_p2_wants_a_senior_engineer_where_another_was_enough() -> None:
    life = Life("P3").looks().says(roles={"responders": [{"who": "tom"}]}).looks()
    assert life.state("engineer") == "Met"
    life.at(30 * MINUTE).says(severity="P2", severityReason="it spreads").looks()
    assert (life.state("engineer"), seconds(life.due("engineer"))) == ("Pending", 150 * 60)
    life.says(roles={"responders": [{"who": "tom"}, {"who": "ana", "level": "Senior"}]}).looks()
    assert life.state("engineer") == "Met"


def test_what_is_pointless_after_the_end_is_waived_and_the_rest_goes_on() -> None:
    life = Life("P1").looks().at(4 * MINUTE).says(milestones=CONTAINED)
    life.says(requestedPhase="Resolved").looks()
    assert {life.state(n) for n in ("assign", "channel", "engineer")} == {"Waived"}
    assert {life.state(n) for n in ("summary", "leadership", "fix", "note", "review")} == {
        "Pending"
    }
    assert seconds(life.due("note") - 4 * MINUTE) == 72 * 3600
    assert seconds(life.clock("note").target - AT) == 240 + 48 * 3600  # type: ignore[operator]
    # five days of work after a Saturday: from Monday's opening
    assert life.clock("reviewLimit").due.isoformat() == "2026-11-30T09:00:00+00:00"


def test_opened_again_clocks_run_from_then() -> None:
    life = Life("P2").looks().at(4 * MINUTE).says(milestones=CONTAINED)
    life.says(requestedPhase="Resolved").looks().at(20 * MINUTE)
    life.says(requestedPhase="Recovering").looks()
    assert (life.state("note"), life.state("engineer")) == ("Waived", "Pending")
    assert seconds(life.due("engineer")) == 140 * 60
    life.says(requestedPhase="Resolved").looks()
    assert seconds(life.due("note")) == 20 * 60 + 72 * 3600


def test_the_review_is_met_by_people_who_met_after_the_end() -> None:
    life = Life("P2").looks().says(requestedPhase="Resolved").looks().at(2 * DAY)
    before, after = (AT - HOUR).isoformat(), (AT + DAY).isoformat()
    assert life.says(review={"heldAt": before}).looks().state("review") == "Pending"
    assert life.says(review={"heldAt": after}).looks().state("review") == "Met"
    assert life.state("reviewLimit") == "Met"


def test_the_client_gets_findings_where_it_was_told_of_it() -> None:
    life = Life("P2").looks().sends("clientTechnical").says(requestedPhase="Resolved").looks()
    assert life.state("clientFindings") == "Pending"
    quiet = Life("P2").looks().says(requestedPhase="Resolved").looks()
    assert quiet.state("clientFindings") == "none"


@pytest.mark.parametrize("ended", [{"duplicateOf": "chat-other"}, {"requestedPhase": "Cancelled"}])
def test_what_ended_waits_for_nothing(ended: dict[str, str]) -> None:
    life = Life("P1").looks().at(6 * MINUTE).says(**ended).looks()
    states = {str(d.state) for d in life.status.deadlines.values()}
    assert states == {"Met", "Missed", "Waived"}
    assert life.status.next_due is None


def test_a_drill_waits_for_no_messages_that_never_leave_the_house() -> None:
    life = Life("P1", source="Drill").looks()
    assert {life.state(n) for n in ("internal", "leadership", "clientTechnical")} == {"none"}
    assert life.state("assign") == "Pending"


def test_a_feature_says_another_time_and_it_counts_before_the_administrators() -> None:
    clocks = {
        (ClockName.CONTAIN, Severity.P2): timedelta(hours=1),
        (ClockName.CHANNEL, Severity.P2): None,
        (ClockName.FIX, Severity.P2): BusinessDays(2),
    }
    life = Life("P2", clocks=clocks)
    life.policy(clocks=[{"name": "contain", "severity": "P2", "dueSeconds": 600}]).looks()
    assert seconds(life.due("contain")) == 600
    assert life.clock("contain").basis == "P2: 10 min after detected (feature)"
    assert life.state("channel") == "none"
    assert life.clock("fix").basis == "P2: 2 business days after detected (administrator)"


def test_a_due_time_is_stored_and_no_setting_moves_it() -> None:
    life = Life("P2").looks()
    life.policy(clocks=[{"name": "contain", "severity": "P2", "dueSeconds": 60}]).looks()
    assert seconds(life.due("contain")) == 7200


def test_clocks_outlive_the_feature() -> None:
    life = Life("P2").policy(externalFrom="Never").looks()
    before = life.status
    life.feature = None
    assert life.looks().status.deadlines.keys() >= before.deadlines.keys()
    assert life.due("contain") == before.deadlines["contain"].due - AT


def test_a_second_pass_on_the_same_facts_changes_nothing() -> None:
    life = Life("P1").looks().sends("brief").says(**WRITTEN_UP).looks()
    for _ in range(40):
        life.now = life.wake_at
        before = life.looks().status
        life.now += timedelta(milliseconds=1)
        assert life.looks().status == before


def test_recovery_takes_a_day_and_at_most_two() -> None:
    life = Life("P2").looks().says(milestones=CONTAINED, requestedPhase="Recovering").looks()
    assert seconds(life.due("reenable")) == 48 * 3600
    life.at(30 * HOUR).says(requestedPhase="Resolved").looks()
    assert life.state("reenable") == "Met"


def test_every_clock_has_a_row_and_every_state_a_name() -> None:
    assert set(CLOCKS) == set(ClockName)
    assert {str(s) for s in DeadlineState} == {"Pending", "Met", "Late", "Missed", "Waived"}


def test_the_ledger_stays_within_its_part_of_status() -> None:
    regimes = ["cps-230", "eu-ai-act-widespread", "gdpr", "ndb"]
    life = Life("P1").policy(regimes=regimes).looks()
    life.at(40 * MINUTE).sends("brief").sends("externalInitial").sends("clientTechnical").looks()
    life.at(80 * MINUTE).sends("internalUpdate").looks()
    life.says(milestones=CONTAINED, requestedPhase="Recovering").looks()
    life.at(3 * DAY).says(**WRITTEN_UP, requestedPhase="Resolved").looks().at(20 * DAY)
    status = life.status
    assert len(status.deadlines) >= 24
    late = {n: d.but(state=DeadlineState.LATE, met_at=d.due) for n, d in status.deadlines.items()}
    assert bytes_of(late) < 3300
    assert bytes_of({n: d for n, d in late.items() if not n.startswith("regulatory")}) < 3072


def bytes_of(deadlines: dict[str, Deadline]) -> int:
    wire = AIIncidentStatus(deadlines=deadlines).wire()["deadlines"]
    return len(json.dumps(wire, separators=(",", ":")))
