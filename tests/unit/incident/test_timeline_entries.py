"""What is entered into the timeline: everything once, dated by when it was, by whoever said it."""

from datetime import timedelta

import pytest

from goaround.api.judgement import Roles
from goaround.incident.planned import Append, OpenLog
from goaround.incident.verifying import faults
from tests.unit.incident.build import AT, a_latch
from tests.unit.incident.diary import CONTAINED, Diary, by_hand

MINUTE = timedelta(minutes=1)


def contained() -> Diary:
    return Diary(latch=a_latch(**CONTAINED)).settles(MINUTE)


def test_a_rollback_is_told_from_its_first_bad_window_on() -> None:
    told = contained().incident.status.timeline
    assert [line.split(" ", 3)[:3] for line in told[:3]] == [
        ["09:47:27Z", "operator", "detect"],
        ["09:48:07Z", "operator", "detect"],
        ["09:48:08Z", "operator", "detect"],
    ]
    assert told[0].endswith("the first bad window began")
    assert any("opened: Rollback, Signal errors" in line for line in told)


def test_what_was_learnt_late_is_dated_by_when_it_was() -> None:
    (entry,) = (e for e in contained().entries if e.text == "contained")
    assert (entry.at, entry.recorded_at) == (AT + timedelta(seconds=9), AT + MINUTE)


def test_a_second_look_enters_nothing_and_writes_nothing() -> None:
    diary = contained()
    before = diary.lines, diary.incident.status
    plan = diary.looks(MINUTE)
    assert (diary.lines, diary.incident.status) == before
    assert not [e for e in plan.then if isinstance(e, Append | OpenLog)]


def test_a_process_that_knows_nothing_reads_no_log_while_nothing_is_new() -> None:
    diary = contained().reborn()
    assert not [e for e in diary.looks(MINUTE).then if isinstance(e, OpenLog)]


def test_a_process_that_died_after_it_wrote_enters_nothing_twice() -> None:
    diary = contained()
    stored = diary.incident
    diary.says(roles={"commander": "ana"}).looks(MINUTE)
    diary.looks()  # appended, and then it dies before status is written
    diary.incident = stored.but(spec=diary.incident.spec, metadata=diary.incident.metadata)
    diary.reborn().settles()
    assert diary.told("phase").count("commander: ana") == 1
    assert faults(diary.lines, diary.incident.status.timeline_anchor) == []


def test_who_commands_is_entered_each_time_it_changes_also_back() -> None:
    diary = contained()
    for who in ("ana", "bob", "ana"):
        diary.says(roles={"commander": who}).settles(MINUTE)
    told = [t for t in diary.told("phase") if t.startswith("commander")]
    assert told == ["commander: ana", "commander: bob", "commander: ana"]


def test_what_people_take_back_is_told() -> None:
    diary = contained().says(roles={"commander": "ana"}).settles(MINUTE)
    diary.says(roles={}).settles(MINUTE).settles(MINUTE)
    assert diary.told("change").count("taken back: roles.commander") == 1
    diary.says(roles={"commander": "ana"}).settles(MINUTE)
    assert diary.told("phase").count("commander: ana") == 2


def test_what_cannot_be_written_holds_nothing_up_and_stays_due() -> None:
    diary = Diary(latch=a_latch(**CONTAINED))
    diary.refuses = True
    diary.says(roles=Roles(commander="ana").wire()).settles(MINUTE)
    status = diary.incident.status
    assert (status.phase, status.timeline) == ("Diagnosing", [])
    (waits,) = (c.message for c in status.conditions if c.type == "TimelineWaiting")
    assert waits == "entries wait until the timeline can be written: disk full"
    diary.refuses = False
    status = diary.settles(MINUTE).incident.status
    assert "TimelineWaiting" not in {c.type for c in status.conditions}
    assert diary.at("contained") == AT + timedelta(seconds=9)
    assert "commander: ana" in diary.told("phase")


def test_what_the_operator_opened_is_said_by_the_operator() -> None:
    (severity,) = (e for e in contained().entries if e.ref.startswith("spec.severity#"))
    assert severity.by == "operator"


def test_whoever_makes_it_look_like_a_rollback_is_not_the_operator() -> None:
    trigger = {"source": "Rollback", "key": "errors"}
    diary = Diary(by_hand(trigger=trigger), a_latch(incident="chat-another")).settles(MINUTE)
    (severity,) = (e for e in diary.entries if e.ref.startswith("spec.severity#"))
    assert severity.by == "spec"


@pytest.mark.parametrize(
    ("changes", "by"), [(1, "ana"), (2, "spec")], ids=["one change", "two changes at once"]
)
def test_a_change_is_somebodys_only_where_it_is_the_only_one(changes: int, by: str) -> None:
    diary = contained().annotated(**{"goaround.dev/author": "ana"})
    for number in range(changes):
        diary.says(severity="P1", severityReason=f"harm {number}")
    diary.settles(MINUTE)
    found = [e for e in diary.entries if e.ref.startswith("spec.severity#")]
    assert (found[-1].by, found[-1].source) == (by, "human")


def test_whoever_opened_it_by_hand_said_it() -> None:
    diary = Diary(by_hand(), a_latch(incident="chat-another"))
    diary.annotated(**{"goaround.dev/author": "mia"}).settles(MINUTE)
    (opened,) = (e for e in diary.entries if e.ref.startswith("trigger#"))
    assert (opened.by, opened.source, opened.at) == ("mia", "human", AT)


def test_signals_that_were_never_bad_again_are_not_worth_a_word() -> None:
    diary = contained()
    assert diary.told("signal") == []
    diary.bad = True
    diary.settles(MINUTE)
    diary.bad = False
    diary.settles(MINUTE)
    assert diary.told("signal") == [
        "still bad: chat: errors is Bad",
        "no signal is bad any more",
    ]


def test_a_log_that_another_process_went_on_with_is_read_again_first() -> None:
    diary = contained()
    old = diary.log
    diary.says(roles={"commander": "ana"}).settles(MINUTE)
    diary.log = old
    diary.says(severity="P1", severityReason="harm").settles(MINUTE)
    assert faults(diary.lines, diary.incident.status.timeline_anchor) == []
    assert diary.told("phase").count("commander: ana") == 1
