"""The whiteboard: plain lines, the worst first, what to do next always last."""

from datetime import timedelta

import pytest

from goaround.api.incident import AIIncidentStatus, RequestedPhase, Severity
from goaround.api.incident_status import Deadline, DeadlineState
from goaround.api.judgement import Roles
from goaround.api.status import Latch, LatchCause, SignalStatus
from goaround.incident.board import clock, fitted, span
from goaround.incident.seen import Seen
from goaround.incident.whiteboard import BYTES, LINES, whiteboard
from tests.unit.incident.build import (
    AT,
    a_feature,
    a_kill,
    a_latch,
    a_release,
    an_incident,
    decided,
)

CONTAINED = {"delivered_at": AT, "contained_at": AT + timedelta(seconds=20)}
SOON = AT + timedelta(seconds=25)


def board(latch: Latch, **spec: object) -> list[str]:
    incident = an_incident(latch)
    incident = incident.but(spec=incident.spec.but(**spec))
    status = decided(incident, a_feature(latch), at=SOON).status
    return AIIncidentStatus.model_validate(status.wire()).whiteboard


def labels(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(line[:7].strip() for line in lines if line[:7].strip()))


def test_the_header_says_how_bad_what_where_how_long_and_who() -> None:
    said = board(a_latch(**CONTAINED), severity=Severity.P2, roles=Roles(commander="ana"))
    assert said[0] == "P2  chat  DIAGNOSING  open 25s at 09:48:33Z  commander ana"


def test_the_worst_comes_first_and_what_to_do_last() -> None:
    said = board(a_latch(**CONTAINED), severity=Severity.P2)
    assert labels(said[1:]) == [
        "WHAT", "SAFE?", "SERVES", "FROZEN", "CHANGE", "PROOF", "TIMES", "IDEA",
        "DUE", "TODO", "GATE", "NEXT", "WORSE?",
    ]  # fmt: skip


def test_safe_is_said_when_it_was_seen() -> None:
    assert "SAFE?  YES contained 09:48Z in 20s by Rollback. 1,210 requests were exposed" in board(
        a_latch(**CONTAINED)
    )


@pytest.mark.parametrize("delivered", [None, AT])
def test_nobody_is_told_to_be_safe_before_it_was_seen(delivered: object) -> None:
    told = "\n".join(board(a_latch(delivered_at=delivered)))
    assert "SAFE?  NOT YET" in told
    assert "not seen to be contained yet" in told


def test_commands_are_those_that_are_still_to_do() -> None:
    fresh = board(a_latch(**CONTAINED), severity=Severity.P2)
    verbs = [line.split()[4] for line in fresh if "goaround incident" in line]
    assert verbs == ["assign", "classify", "rca", "recover", "resolve"]
    led = board(a_latch(**CONTAINED), roles=Roles(commander="ana"))
    assert not any("incident assign" in line for line in led)


def test_what_is_over_names_the_way_to_close_it() -> None:
    said = board(a_latch(**CONTAINED), requested_phase=RequestedPhase.RESOLVED)
    verbs = [line.split()[4] for line in said if "goaround incident" in line]
    assert (verbs, labels(said)[-1]) == (["review", "close"], "NEXT")


def test_nothing_is_to_do_for_what_was_none() -> None:
    said = board(a_latch(**CONTAINED), requested_phase=RequestedPhase.CANCELLED)
    assert {"NEXT", "TODO", "WORSE?"} & set(labels(said)) == set()


def test_what_went_back_to_the_fallback_is_not_to_be_put_into_git() -> None:
    told = "\n".join(board(a_latch(back_to=None)))
    assert "put the release that serves back" not in told
    assert "SERVES the fallback" in told


@pytest.mark.parametrize("cause", list(LatchCause))
def test_only_a_command_is_wider_than_a_terminal_shows(cause: LatchCause) -> None:
    long = {"name": "m" * 128, "version": "v" * 128}
    release = a_release("v1", model=long, index=long, parameters={"tools": "t" * 512})
    said = board(a_latch(cause=cause, release=release, message="x y " * 128))
    assert max(len(line) for line in said if "kubectl" not in line) <= 120


def test_what_to_do_next_is_never_crowded_out() -> None:
    release = a_release("v43", parameters={f"p{n:02d}": "x" for n in range(32)})
    signals = [SignalStatus(name=f"s{n}", verdict="Bad", message="bad " * 60) for n in range(20)]
    said = board(a_latch(release=release, signals=signals))
    assert len(said) <= LINES
    assert sum(len(line.encode()) + 1 for line in said) <= BYTES
    assert labels(said)[-2:] == ["NEXT", "WORSE?"]


def test_details_go_first_where_there_is_no_room() -> None:
    assert fitted(["a"], ["b", "c", "d"], ["e"], lines=4, size=99) == ["a", "b", "c", "e"]
    assert fitted(["a"], ["bb", "c"], ["e"], lines=9, size=7) == ["a", "bb", "e"]


def test_hostile_text_moves_no_cursor() -> None:
    said = board(a_latch(message="\x1b[2Jgone\u202e\n\tok"))
    assert all(c.isprintable() for line in said for c in line)


def test_an_outage_asks_nobody_to_fly_a_release_again() -> None:
    latch = a_latch(cause=LatchCause.OUTAGE, digest=None, release=None, signal=None)
    assert "AISignOff" not in "\n".join(board(latch))


def test_clocks_stand_in_the_order_in_which_they_run_out() -> None:
    latch = a_latch(**CONTAINED)
    incident = an_incident(latch)
    due = {
        "note": Deadline(due=AT + timedelta(days=3)),
        "brief": Deadline(due=AT + timedelta(minutes=15)),
        "assign": Deadline(due=AT, state=DeadlineState.MET),
    }
    status = decided(incident, a_feature(latch), at=SOON).status.but(deadlines=due)
    said = whiteboard(Seen(incident, (a_feature(latch),)), status, SOON)
    assert "DUE    10:03Z brief | 2026-11-24 09:48Z note" in said


def test_it_is_not_written_again_for_the_clocks_sake() -> None:
    latch = a_kill()
    incident = an_incident(latch)
    first = decided(incident, a_feature(latch), at=SOON).status
    later = SOON + timedelta(minutes=4)
    assert decided(incident.but(status=first), a_feature(latch), at=later).status == first


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(12, "12s"), (2300, "38m"), (7800, "2h 10m"), (273_600, "3d 4h"), (-1, "0s")],
)
def test_spans_are_short(seconds: int, said: str) -> None:
    assert span(AT, AT + timedelta(seconds=seconds)) == said


def test_another_day_has_its_date() -> None:
    assert clock(AT, AT) == "09:48Z"
    assert clock(AT + timedelta(days=1), AT) == "2026-11-22 09:48Z"
