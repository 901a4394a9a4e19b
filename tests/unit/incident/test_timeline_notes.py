"""Notes: whatever people write on an incident is entered once, made safe, and taken off."""

import json
from datetime import timedelta

import pytest

from goaround.api.names import NOTE, NOTED
from goaround.incident.notes import is_note
from goaround.incident.planned import TakeOff
from goaround.incident.verifying import faults
from tests.unit.incident.build import AT, a_latch
from tests.unit.incident.diary import CONTAINED, Diary

MINUTE = timedelta(minutes=1)
ULID = ".01hf3zq8"


@pytest.fixture
def diary() -> Diary:
    return Diary(latch=a_latch(**CONTAINED)).settles(MINUTE)


def plugin(text: str, **more: str) -> str:
    return json.dumps({"text": text} | more)


def test_a_plain_note_is_entered_and_then_taken_off(diary: Diary) -> None:
    diary.notes("vendor status page is red").settles(MINUTE)
    assert diary.told("note") == ["vendor status page is red"]
    assert NOTE not in diary.incident.metadata.annotations
    assert diary.incident.status.timeline_anchor.inbox == {}
    assert diary.incident.status.timeline[-1].endswith("annotation note vendor status page is red")


def test_a_note_is_taken_off_only_after_status_vouches_for_it(diary: Diary) -> None:
    diary.notes("hot")
    for _ in range(5):
        vouched = diary.incident.status.timeline_anchor
        plan = diary.looks()
        if any(isinstance(e, TakeOff) for e in plan.then):
            assert vouched.inbox
            assert faults(diary.lines, vouched) == []
            return
    raise AssertionError("it was never taken off")


def test_the_same_words_later_are_another_note(diary: Diary) -> None:
    diary.notes("still red").settles(MINUTE)
    diary.notes("still red").settles(MINUTE)
    assert diary.told("note") == ["still red", "still red"]


def test_the_same_words_are_another_note_also_if_nobody_saw_that_the_first_was_taken_off(
    diary: Diary,
) -> None:
    diary.notes("still red")
    while NOTE in diary.incident.metadata.annotations:
        diary.looks()
    diary.notes("still red").reborn().settles(MINUTE)
    assert diary.told("note") == ["still red", "still red"]


@pytest.mark.parametrize("lie", ["999999", "-1", "x", "9" * 5000, "", "7"])
def test_a_lie_about_what_was_taken_off_doubles_no_note(diary: Diary, lie: str) -> None:
    diary.annotated(**{NOTED: lie}).notes("once").settles(MINUTE)
    assert diary.told("note") == ["once"]
    assert NOTE not in diary.incident.metadata.annotations


def test_a_note_that_is_overwritten_meanwhile_is_two_notes(diary: Diary) -> None:
    diary.notes("one").looks()
    diary.looks()
    diary.notes("two").settles()
    assert diary.told("note") == ["one", "two"]


@pytest.mark.parametrize("passes", range(6))
def test_whenever_it_dies_a_note_is_entered_once(diary: Diary, passes: int) -> None:
    diary.notes("once")
    for _ in range(passes):
        diary.looks()
    diary.reborn().settles()
    assert diary.told("note") == ["once"]
    assert NOTE not in diary.incident.metadata.annotations


def test_a_note_of_the_plugin_has_its_author_and_its_time(diary: Diary) -> None:
    diary.notes(plugin("it began here", by="tom", at="2026-11-21T09:40:00Z"), ULID)
    (entry,) = (e for e in diary.settles(MINUTE).entries if e.kind == "note")
    assert (entry.by, entry.at) == ("tom", AT.replace(minute=40, second=0, microsecond=0))
    assert entry.recorded_at > entry.at


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("half past nine", "here [no time: half past nine]"),
        ("2026-11-21T10:40:00", "here [no time: 2026-11-21T10:40:00]"),
        ("2031-01-01T00:00:00Z", "here [its time 2031-01-01T00:00:00Z is still to come]"),
        ("0001-01-01T00:00:00+14:00", "here [no time: 0001-01-01T00:00:00+14:00]"),
    ],
)
def test_a_bad_time_is_told_and_the_note_is_kept(diary: Diary, at: str, told: str) -> None:
    diary.notes(plugin("here", at=at), ULID).settles(MINUTE)
    assert diary.told("note") == [told]


@pytest.mark.parametrize(
    "value", ["{broken", "[1]", '{"text": 3}', "[" * 100_000, "12", "null"], ids=range(6)
)
def test_what_is_no_json_of_ours_is_a_text_as_it_stands(diary: Diary, value: str) -> None:
    diary.notes(value, ULID).settles(MINUTE)
    assert diary.told("note")[0].removeprefix("(1/16) ").startswith(value[:380])


def test_an_empty_note_is_still_a_note(diary: Diary) -> None:
    diary.notes("").settles(MINUTE)
    assert diary.told("note") == ["[empty]"]


def test_a_long_note_is_entered_in_parts(diary: Diary) -> None:
    text = "".join(f"{n:04d} " for n in range(400))
    diary.notes(text).settles(MINUTE)
    parts = diary.told("note")
    assert parts[0].startswith("(1/5) ")
    assert len(parts) == 5
    assert "".join(p.split(") ", 1)[1] for p in parts) == text


@pytest.mark.parametrize("char", ["x", "\x1b", "😀", '"'])
def test_the_longest_note_says_what_was_cut_and_no_line_is_over_a_kibibyte(
    diary: Diary, char: str
) -> None:
    diary.notes(char * 200_000).settles(MINUTE)
    assert "more characters]" in diary.told("note")[-1]
    assert len(diary.told("note")) == 16
    assert max(len(line.encode()) for line in diary.lines) <= 1024
    assert all("cut" not in part for part in diary.told("note")[:-1])


def test_nothing_of_a_note_moves_a_cursor(diary: Diary) -> None:
    hostile = "\x1b[2J\x9b1A\r\nok \u202etxt.exe\u2028\ud800"
    diary.notes(plugin(hostile, by="\x1b]0;ana\x07"), ULID).settles(MINUTE)
    shown = "".join(diary.incident.status.timeline) + "".join(diary.lines)
    assert shown.isprintable()
    assert "\\x1b[2J\\x9b1A\\r\\nok \\u202etxt.exe\\u2028\\ud800" in diary.told("note")[0]


@pytest.mark.parametrize("who", ["operator", "ana (verified)", "SPEC "])
def test_nobody_passes_for_the_operator_or_for_verified(diary: Diary, who: str) -> None:
    diary.notes(plugin("trust me", by=who), ULID).settles(MINUTE)
    (entry,) = (e for e in diary.entries if e.kind == "note")
    assert "(verified)" not in entry.by
    assert entry.by.lower() not in ("operator", "spec")


def test_many_notes_at_once_are_entered_a_few_at_a_time(diary: Diary) -> None:
    for number in range(30):
        diary.notes(plugin(f"note {number:02d}"), f".{number:02d}")
    for _ in range(40):
        diary.looks()
    assert diary.told("note") == [f"note {n:02d}" for n in range(30)]
    assert not any(is_note(k) for k in diary.incident.metadata.annotations)
