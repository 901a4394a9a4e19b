"""`goaround incident`: the timeline in words, its verdict, and notes as the operator reads them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from goaround.__main__ import main
from goaround.api.base import ObjectMeta
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import TimelineAnchor
from goaround.cli import incident
from goaround.cli.command import CommandError
from goaround.cli.incident_cluster import Read
from goaround.cli.incident_log import told, verdict
from goaround.cli.incident_note import annotation, checked, note, when
from goaround.incident import notes
from goaround.incident.entries import Fact, Kind, Source
from goaround.incident.log import Log, appended
from goaround.world.timelines import Parts
from tests.unit.incident.build import AT, NAME, an_incident

NOW = datetime(2026, 11, 21, 14, 10, 5, tzinfo=UTC)
FACTS = [
    Fact("phase", Kind.PHASE, "phase Contained"),
    Fact("note:note", Kind.NOTE, "it began here", at=AT - timedelta(minutes=8), by="tom"),
    Fact("spec.severity", Kind.CLASSIFY, "P1: harm", by="ana", source=Source.HUMAN),
]
LOG, LINES = appended(Log(), FACTS, AT)


def read(lines: list[str], missing: tuple[int, ...] = (), length: int = 3) -> Read:
    head = appended(Log(), FACTS[:length], AT)[0].head
    status = AIIncidentStatus(timeline_anchor=TimelineAnchor(length=length, head=head))
    meta = ObjectMeta(name=NAME, namespace="shop")
    return Read(an_incident(metadata=meta, status=status), Parts(tuple(lines), missing=missing))


def test_the_log_is_in_order_of_what_it_tells_and_says_what_was_learnt_later() -> None:
    assert list(told(read(LINES), "text", recorded=False)) == [
        "2026-11-21 09:40:08Z  tom  note  it began here [recorded 2026-11-21 09:48:08Z]",
        "2026-11-21 09:48:08Z  operator  phase  phase Contained",
        "2026-11-21 09:48:08Z  ana  classify  P1: harm",
    ]


def test_as_recorded_and_as_json_lines() -> None:
    found = list(told(read(LINES), "jsonl", recorded=True))
    assert [json.loads(line)["seq"] for line in found] == [1, 2, 3]


def test_a_line_that_is_no_entry_is_shown_without_moving_a_cursor() -> None:
    found = list(told(read([*LINES, "\x1b[2Jgone"]), "text", recorded=False))
    assert found[-1] == "no entry: ?[2Jgone"


@pytest.mark.parametrize(
    ("lines", "missing", "length", "code", "words"),
    [
        (LINES, (), 3, 0, "whole: entries 1 to 3, vouched for by status"),
        (LINES, (), 2, 0, "entries 1 to 2, vouched for by status; 1 newer ones are not vouched"),
        (LINES[1:], (), 3, 2, "NOT what was recorded: entry 1 is missing"),
        (LINES, (4,), 3, 2, "NOT what was recorded: sealed part 4 is missing"),
    ],
)
def test_the_verdict_is_a_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str],
    *,
    lines: list[str],
    missing: tuple[int, ...],
    length: int,
    code: int,
    words: str,
) -> None:
    assert verdict(read(lines, missing, length)) == code
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("13:52Z", NOW.replace(hour=13, minute=52, second=0)),
        ("23:10Z", NOW.replace(day=20, hour=23, minute=10, second=0)),
        ("15:00+02:00", NOW.replace(hour=13, minute=0, second=0)),
        ("2026-11-21T13:52:00Z", NOW.replace(hour=13, minute=52, second=0)),
    ],
)
def test_a_time_of_the_clock_is_the_last_one_that_was(text: str, at: datetime) -> None:
    assert when(text, NOW) == at


@pytest.mark.parametrize("text", ["", "now", "13:52", "25:00Z", "2026-11-21T23:00:00Z"])
def test_a_time_that_is_none_or_to_come_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="is no time of the past: write 13:52Z"):
        when(text, NOW)


@pytest.mark.parametrize(("text", "why"), [(" ", "says nothing"), ("x" * 7000, "has 7000")])
def test_a_note_that_would_be_cut_is_refused_before_it_is_sent(text: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        checked(text)


def test_the_operator_reads_a_note_as_the_command_wrote_it() -> None:
    value = note('odd "text"\n', NOW - timedelta(minutes=1), "ana@example.com")
    called = annotation(NOW, lambda n: "a" * 2 * n).removeprefix("goaround.dev/")
    (fact,) = notes.facts(called, value, NOW)
    assert (fact.text, fact.by, fact.at) == (
        'odd "text"\\n',
        "ana@example.com",
        NOW - timedelta(minutes=1),
    )


def test_names_of_notes_sort_by_time() -> None:
    first, later = (annotation(NOW + timedelta(seconds=n), lambda _: "x") for n in (0, 1))
    assert first < later


def test_every_verb_is_named_and_can_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in incident.VERBS:
        with pytest.raises(SystemExit) as left:
            main(["incident", verb, "--help"])
        assert left.value.code == 0
    assert main(["incident", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in incident.VERBS)


def test_a_verb_that_does_not_exist_is_told_with_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["incident", "delete"]) == 1
    assert "there is no verb 'delete'" in capsys.readouterr().err
