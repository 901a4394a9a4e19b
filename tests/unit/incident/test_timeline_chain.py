"""A timeline is a chain: whatever was altered, left out or slipped in is named."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from goaround.api.canonical import sha256_of
from goaround.api.incident_status import TimelineAnchor
from goaround.incident.entries import Entry, Fact, Kind
from goaround.incident.log import Log, appended, read
from goaround.incident.verifying import faults
from tests.unit.incident.build import AT

Lines = list[str]


def facts(number: int) -> list[Fact]:
    return [Fact(f"k{n}", Kind.NOTE, f"told {n}") for n in range(1, number + 1)]


def a_log(number: int) -> tuple[Log, Lines]:
    return appended(Log(), facts(number), AT)


def anchored(lines: Lines) -> TimelineAnchor:
    return TimelineAnchor(length=len(lines), head=sha256_of(lines[-1]))


LOG, LINES = a_log(6)
ANCHOR = anchored(LINES)


def rewritten(lines: Lines, number: int) -> Lines:
    """Somebody who knows how: one text is another, and all hashes after it are made to fit."""
    told = [json.loads(line)["text"] for line in lines]
    told[number - 1] = "nothing happened"
    found = [Fact(f"k{n}", Kind.NOTE, text) for n, text in enumerate(told, 1)]
    return appended(Log(), found, AT)[1]


def edited(lines: Lines, number: int) -> Lines:
    return [
        line.replace(f"told {number}", "nothing") if n == number else line
        for n, line in enumerate(lines, 1)
    ]


def test_what_was_written_is_whole() -> None:
    assert faults(LINES, ANCHOR) == []
    assert faults([], TimelineAnchor()) == []


def test_entries_that_status_does_not_know_yet_are_no_fault() -> None:
    assert faults(LINES, anchored(LINES[:4])) == []


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (lambda x: edited(x, 3), "entry 3 is not what was recorded: entry 4 vouches for another"),
        (lambda x: edited(x, 6), "entry 6 is not what was recorded: status.timelineAnchor"),
        (lambda x: x[:2] + x[3:], "entry 3 is missing: entry 4 vouches for another"),
        (lambda x: x[:5], "entry 6 is missing: status.timelineAnchor vouches"),
        (lambda x: x[2:], "entry 2 is missing: entry 3 vouches"),
        (lambda _: [], "entry 6 is missing"),
        (lambda x: rewritten(x, 2), "entry 6 is not what was recorded: status.timelineAnchor"),
        (lambda x: [*x, x[2]], ""),
        (lambda x: [*x[:3], '{"seq": 4}', *x[3:]], "line 4 is no entry of a timeline"),
        (lambda x: [*x, a_log(9)[1][8]], "a line that says it is entry 9 was put in"),
        (lambda x: [*x[:3], edited(x, 3)[2], *x[3:]], "a line that says it is entry 3 was put in"),
    ],
    ids=[
        "edited", "newest edited", "deleted", "newest deleted", "beginning deleted",
        "all deleted", "rewritten whole", "doubled", "garbage", "beyond", "slipped in",
    ],
)  # fmt: skip
def test_tampering_is_named(tampered: Callable[[Lines], Lines], told: str) -> None:
    found = faults(tampered(LINES), ANCHOR)
    assert found[0].startswith(told) if told else found == []


def test_without_a_head_in_status_nothing_vouches_for_it() -> None:
    assert faults(LINES, TimelineAnchor()) == [
        "status.timelineAnchor has no head, so that nothing vouches for the timeline"
    ]


def test_a_log_that_is_read_back_goes_on_where_it_ended() -> None:
    found = read(LINES, ANCHOR, 0)
    assert found == LOG
    assert faults(LINES + appended(found, facts(1), AT)[1], ANCHOR) == []


def test_it_goes_on_from_what_status_vouches_for_so_that_a_gap_stays_to_be_seen() -> None:
    kept = LINES[:4]
    found = read(kept, ANCHOR, 0)
    assert found.is_broken
    log, lines = appended(found, facts(1), AT)
    anchor = TimelineAnchor(length=log.length, head=log.head)
    assert faults(kept + lines, anchor)[0].startswith("entry 6 is missing")
    assert not read(kept + lines, anchor, 0).is_broken


def test_after_a_restore_without_status_it_goes_on_from_its_last_line() -> None:
    log, lines = appended(read(LINES, TimelineAnchor(), 0), facts(1), AT)
    assert faults(LINES + lines, TimelineAnchor(length=log.length, head=log.head)) == []


def test_lines_that_do_not_fit_are_never_taken_for_the_end() -> None:
    garbage = [*LINES, "garbage", a_log(9)[1][8]]
    assert (read(garbage, ANCHOR, 0).length, read(garbage, ANCHOR, 0).head) == (6, ANCHOR.head)


def test_an_entry_is_one_line_of_json_in_its_order() -> None:
    late = Fact("milestones.started_at", Kind.DETECT, "bad", at=AT - timedelta(seconds=41))
    (line,) = appended(Log(), [late], AT)[1]
    assert list(json.loads(line)) == [
        "seq", "id", "at", "recordedAt", "by", "source", "kind", "text", "ref", "prev",
    ]  # fmt: skip
    assert "\n" not in line


def test_the_same_fact_has_the_same_id_on_every_retry() -> None:
    ids = [Entry.read(appended(Log(), facts(1), AT + timedelta(hours=n))[1][0]) for n in (0, 1)]
    assert len({e.id for e in ids if e is not None}) == 1


def test_no_line_is_over_a_kibibyte_and_no_shown_one_over_200_bytes() -> None:
    longest = Fact("k" * 500, Kind.CHANGE, 'é"\\\n' * 2000, by="ö" * 80)
    log, (line,) = appended(Log(), [longest], AT)
    assert len(line.encode()) <= 1024
    assert "more characters]" in line
    assert all(len(told.encode()) <= 200 for told in log.shown())
