"""How far up an incident goes while what was missed is not done."""

from datetime import timedelta

from goaround.api.incident_status import Escalation
from tests.unit.incident.build import AT
from tests.unit.incident.life import DAY, MINUTE, Life

PATH = {
    "escalation": [
        {"afterSeconds": 600, "contact": "head of support"},
        {"afterSeconds": 0, "contact": "second on-call"},
        {"afterSeconds": 3600, "contact": "chief technology officer"},
    ]
}


def test_each_step_is_reached_in_its_time_after_the_miss() -> None:
    life = Life("P2").policy(**PATH).looks().at(14 * MINUTE)
    assert life.status.escalation == Escalation()
    seen = []
    for minute in (16, 24, 26, 74, 76):
        life.at(minute * MINUTE)
        seen.append((life.status.escalation.level, life.status.escalation.contact))
    assert seen == [
        (1, "second on-call"),
        (1, "second on-call"),
        (2, "head of support"),
        (2, "head of support"),
        (3, "chief technology officer"),
    ]


def test_it_says_since_when_and_why() -> None:
    found = Life("P2").policy(**PATH).looks().at(30 * MINUTE).status.escalation
    assert found.because == "missed: assign"
    assert found.since == (AT + 25 * MINUTE).replace(microsecond=0) + timedelta(seconds=1)


def test_it_comes_down_when_what_was_missed_was_done() -> None:
    life = Life("P2").policy(**PATH).looks().at(30 * MINUTE)
    assert life.says(roles={"commander": "ana"}).looks().status.escalation == Escalation()


def test_what_is_over_wakes_nobody() -> None:
    life = Life("P2").policy(**PATH).looks().at(30 * MINUTE)
    assert life.says(requestedPhase="Resolved").looks().status.escalation.level == 0


def test_a_missed_summary_wakes_nobody() -> None:
    life = Life("P3").policy(**PATH).looks().at(120 * MINUTE)
    assert (life.state("summary"), life.status.escalation.level) == ("Missed", 0)


def test_a_late_update_wakes_people_again() -> None:
    life = Life("P2").policy(**PATH).looks().says(roles={"commander": "ana"}).looks()
    life.at(20 * MINUTE).sends("internalUpdate").looks().at(52 * MINUTE)
    assert life.status.escalation.because == "missed: updateInternal"
    assert life.sends("internalUpdate").looks().status.escalation.level == 0


def test_all_hands_are_called_for_a_p1_and_for_nothing_less() -> None:
    life = Life("P2").policy(contacts={"allHands": "everybody"}).looks()
    assert life.status.escalation == Escalation()
    life.at(5 * MINUTE).says(severity="P1", severityReason="people are harmed").looks()
    assert life.status.escalation == Escalation(
        level=1,
        since=AT + 5 * MINUTE,
        contact="everybody",
        because="severity P1: all hands at once",
    )


def test_a_review_that_never_was_goes_to_the_executive() -> None:
    life = Life("P2").policy(contacts={"executive": "eve"}).looks()
    life.says(requestedPhase="Resolved").looks().at(8 * DAY)
    assert (life.state("review"), life.status.escalation.level) == ("Missed", 0)
    assert life.at(10 * DAY).status.escalation.contact == "eve"
    life.says(review={"heldAt": life.now.isoformat()}).looks()
    assert (life.state("reviewLimit"), life.status.escalation.level) == ("Late", 0)


def test_a_drill_calls_nobody() -> None:
    life = Life("P1", source="Drill").policy(**PATH, contacts={"allHands": "everybody"})
    assert life.looks().at(30 * MINUTE).status.escalation == Escalation()
