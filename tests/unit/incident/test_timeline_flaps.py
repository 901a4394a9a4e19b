"""What changes too often is counted, and status stays small however long an incident lasts."""

import json
from datetime import timedelta

from goaround.api.incident import Severity
from goaround.api.incident_status import TAIL, TimelineAnchor
from goaround.api.judgement import Roles
from goaround.incident.chronicle import enters_at
from goaround.incident.entries import Fact, Kind
from goaround.incident.log import Log, appended
from goaround.incident.verifying import faults
from tests.unit.incident.build import AT, a_latch
from tests.unit.incident.diary import CONTAINED, Diary

MINUTE, HOUR, MONTH = timedelta(minutes=1), timedelta(hours=1), timedelta(days=30)


def grave() -> Diary:
    diary = Diary(latch=a_latch(**CONTAINED))
    spec = diary.incident.spec.but(severity=Severity.P1, roles=Roles(commander="ana"))
    diary.incident = diary.incident.but(spec=spec)
    return diary.settles(MINUTE)


def flapped(diary: Diary, times: int, apart: timedelta) -> Diary:
    for _ in range(times):
        diary.bad = not diary.bad
        diary.looks(apart)
        diary.looks()
    return diary


def size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def test_the_first_few_changes_are_entered_as_they_come() -> None:
    assert len(flapped(grave(), 4, MINUTE).told("signal")) == 4


def test_more_of_them_become_one_entry_with_a_count() -> None:
    diary = flapped(grave(), 30, MINUTE)
    assert len(diary.told("signal")) == 4
    (counted,) = diary.incident.status.timeline_anchor.flapping.values()
    assert counted.changes == 26
    diary.settles(HOUR)
    assert diary.told("signal")[-1].endswith(
        "no signal is bad any more (changed 26 times since 2026-11-21T09:54:08.123Z)"
    )
    assert diary.incident.status.timeline_anchor.flapping == {}


def test_it_is_looked_at_again_when_what_was_held_may_be_entered() -> None:
    diary = flapped(grave(), 5, MINUTE)
    first = next(e for e in diary.entries if e.kind == "signal")
    again = enters_at(diary.seen(bad=True), diary.plan().status)
    assert again == first.recorded_at + HOUR


def test_the_count_survives_the_process() -> None:
    diary = flapped(grave(), 10, MINUTE).reborn()
    flapped(diary, 10, MINUTE).settles(HOUR)
    assert "(changed 16 times since" in diary.told("signal")[-1]


def test_the_operator_enters_at_most_120_entries_an_hour() -> None:
    diary = grave()
    many = [Fact(f"k{n}", Kind.DEADLINE, "x") for n in range(120)]
    assert diary.log is not None
    diary.log, lines = appended(diary.log, many, diary.now)
    diary.lines += lines
    diary.bad = True
    diary.says(roles={"commander": "bob"}).settles(MINUTE)
    assert diary.told("signal") == []
    assert "commander: bob" in diary.told("phase"), "people are never held back"
    diary.settles(HOUR)
    assert diary.told("signal") == ["still bad: chat: errors is Bad"]


def test_after_a_month_with_ten_thousand_flaps_status_is_small() -> None:
    """A pass at a time would be minutes of other steps: only this one is looked at."""
    diary = grave()
    sights = [diary.seen(bad=bad) for bad in (True, False)]
    for number in range(10_000):
        diary.now += MONTH / 10_000
        diary.enters(sights[number % 2])
    status = diary.incident.status
    assert diary.now - AT > MONTH
    assert len(diary.told("signal")) < 4 * 24 * 31
    assert faults(diary.lines, status.timeline_anchor) == []
    assert len(status.timeline) == TAIL
    assert size([status.timeline, status.timeline_anchor.wire()]) < 6 * 1024
    assert size(status.wire()) < 32 * 1024


def test_the_largest_tail_and_anchor_fit_their_budget() -> None:
    facts = [Fact(f"{n}" * 200, Kind.NOTE, "ö" * 900, by="ü" * 40) for n in range(99)]
    log, _ = appended(Log(), facts, AT)
    flapping = {
        "k" * 61 + f"{n:02d}": {"since": AT, "changes": 10_000, "value": "f" * 8} for n in range(3)
    }
    anchor = TimelineAnchor.model_validate(
        {
            "length": 99_999,
            "head": log.head,
            "segments": 999,
            "complete": "f" * 16,
            "generation": 9999,
            "inbox": {"n" * 61 + f"{n:02d}": "f" * 8 + "@9999999" for n in range(3)},
            "flapping": flapping,
        }
    )
    assert size([log.shown(), anchor.wire()]) <= 6 * 1024
